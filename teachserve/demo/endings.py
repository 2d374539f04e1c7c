"""How a demo ends: the first reason counts, whoever gives it: a key, a signal, the clock, a process that died."""

import math
import queue
import signal
import time
from typing import NamedTuple

# Signals that end a demo. Ctrl-C is how one leaves a program, so it is no failure: exit status 0, as for `q`.
SIGNALS = {signal.SIGINT: 0, signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGHUP: 128 + signal.SIGHUP}
LOOK_S = 0.2
"""A signal that comes just before a wait begins is handled when the wait is over: so no wait is longer."""
USAGE = 2
BROKEN = 3


class Ending(NamedTuple):
    """The exit status, and one line for stderr; empty where there is nothing to say."""

    status: int
    text: str = ""


DONE = Ending(0)


class Endings:
    """Takes reasons to end from any thread and any signal handler, and gives the first of them to whoever waits."""

    def __init__(self) -> None:
        # A SimpleQueue, because a signal handler may interrupt its own thread within `put`: an Event could deadlock.
        self._reasons: queue.SimpleQueue[Ending] = queue.SimpleQueue()
        self._first: Ending | None = None

    def end(self, ending: Ending = DONE) -> None:
        """Give a reason. Those after the first change nothing."""
        self._reasons.put(ending)

    def wait(self, timeout: float | None = None) -> Ending | None:
        """The first reason; None when none came in time. One thread at a time may wait."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while self._first is None:
            left = deadline - time.monotonic()
            try:
                self._first = self._reasons.get(timeout=min(LOOK_S, left)) if left > 0 else self._reasons.get_nowait()
            except queue.Empty:
                if left <= 0:
                    return None
        return self._first

    def take_signals(self) -> None:
        """From now on a signal is a reason to end. Call it in the main thread."""
        for number in SIGNALS:
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: object) -> None:
        status = SIGNALS[number]
        self.end(Ending(status, f"ended by {signal.Signals(number).name}" if status else ""))
