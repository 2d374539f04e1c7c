"""Threads held at the gate: led, a step at a time, until somebody stands at the place that a check is about."""

import contextlib
import threading
from collections.abc import Iterable

from teachserve.gate import Divergence, Gate, Ready
from teachserve.server import Server


class BreakingGate(Gate):
    """A gate at which one thread can be made to break: the next that goes through the verb `break_at`."""

    break_at: str | None = None

    def hold(self, verb: str, ready: Ready | None = None) -> None:
        super().hold(verb, ready)
        if verb == self.break_at:
            self.break_at = None
            raise RuntimeError("broken on purpose")


def step(gate: Gate, names: Iterable[str] | None = None) -> str | None:
    """Let the first of these actors (any but `stop`) that can move make one step; its name, None where nobody can."""
    for name, verb in gate.standing().items():
        if (name != "stop") if names is None else (name in names):
            with contextlib.suppress(Divergence):
                gate.play(f"{name}:{verb}")
                return name
    return None


def hold_at(gate: Gate, verb: str) -> str | None:
    """Go on until somebody stands at this gate; its name, None where nobody gets there. `stop` stays where it is."""
    while True:
        for name, at in gate.standing().items():
            if at == verb:
                return name
        if step(gate) is None:
            return None


def stop_as_far_as_it_goes(gate: Gate, server: Server) -> threading.Thread:
    """Start a soft stop and let it, and nobody else, go on until it waits for somebody."""
    stopper = gate.thread("stop", server.stop)
    while step(gate, ["stop"]):
        pass
    return stopper
