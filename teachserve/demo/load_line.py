"""The load generator as the demo sees it: commands to its stdin, progress from its stdout, a result at its end."""

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from teachserve.demo.child import Child
from teachserve.demo.picture import LoadView

MOVE_S = 5.0
"""How long the server that the load leaves may take to answer what is in hand with it."""

SILENT_S = 2.0
"""Progress comes ten times as often: what was told so long ago is no figure of now."""

OF_NOW = frozenset({"per_s", "p50", "p99", "client_cpu", "client_bound"})


class NoMoreOrders(Exception):
    """The load generator takes no more orders: it has ended, or is about to."""

    def __init__(self) -> None:
        super().__init__("the load generator takes no more orders")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The load as it was last asked for; the progress says the same a moment later."""

    connections: int
    keep_alive: bool
    rate: float | None


class LoadLine:
    """Reads the progress in a thread of its own, so that nobody ever waits for the load generator."""

    def __init__(self, child: Child, plan: dict[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._child = child
        self._clock = clock
        self._heard = math.inf  # nothing yet, so nothing is missing
        self.wanted = Wanted(plan["connections"], plan["keep_alive"], plan["rate"])
        self._told = threading.Condition()
        self._latest: dict[str, Any] = {}
        self._result: dict[str, Any] | None = None
        self._over = False
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="load-line", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._child.process.stdout:
            with contextlib.suppress(ValueError):  # half a line: the generator was killed
                told = json.loads(line)
                if told.pop("frame", None) == "result":
                    self._result = told
                else:
                    self._heard = self._clock()
                    self._note(told)
        self._note(self._latest, over=True)

    def _note(self, told: dict[str, Any], over: bool = False) -> None:
        with self._told:
            self._latest, self._over = told, over
            self._told.notify_all()

    def wait_for_result(self, timeout: float) -> dict[str, Any] | None:
        """The result, once the generator has ended. None: it ended without one, or not in time."""
        self._reader.join(timeout)
        return self._result

    def view(self) -> LoadView:
        """What the newest progress says; before the first, what is planned. A stopped process has no figures of now."""
        told, wanted = self._latest, self.wanted
        silent_s = self._clock() - self._heard
        if silent_s < SILENT_S:
            silent_s = 0.0
        else:
            told = {name: value for name, value in told.items() if name not in OF_NOW}
        connections = told.get("connections", wanted.connections)
        return LoadView(
            connections=connections,
            keep_alive=told.get("keep_alive", wanted.keep_alive),
            rate=told.get("rate", wanted.rate),
            answered_per_s=told.get("per_s", 0.0),
            p50=told.get("p50"),
            p99=told.get("p99"),
            answered=told.get("requests", 0),
            refused=told.get("unavailable_503", 0),
            errors=sum(told.get("errors", {}).values()),
            never_served=told.get("never_served", connections),
            core=told.get("client_cpu", 0.0),
            client_bound=bool(told.get("client_bound")),
            not_connected=told.get("refused", 0),
            silent_s=silent_s,
        )

    def begin(self) -> None:
        """Let a load begin that was started held; one that has begun goes on. Raises: NoMoreOrders."""
        self._order(begin=True)

    def change(self, **values: Any) -> None:
        """Go on with other `connections`, `keep_alive` or `rate` (None: a closed loop). Raises: NoMoreOrders."""
        wanted = replace(self.wanted, **values)
        self._order(**values)
        self.wanted = wanted

    def move(self, host: str, port: int) -> bool:
        """Go on at another address. Waits until no request is in hand at the one before; whether it came to that.

        Raises: NoMoreOrders.
        """
        self._order(host=host, port=port)

        def has_moved() -> bool:
            told = self._latest
            return (told.get("host"), told.get("port"), told.get("moving")) == (host, port, 0)

        with self._told:
            self._told.wait_for(lambda: has_moved() or self._over, MOVE_S)
            return has_moved()

    def _order(self, **command: object) -> None:
        try:
            with self._writing:
                self._child.process.stdin.write(json.dumps(command).encode() + b"\n")
                self._child.process.stdin.flush()
        except (OSError, ValueError):  # ValueError: it was closed here, the demo is ending
            raise NoMoreOrders from None
