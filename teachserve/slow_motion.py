"""Slow motion: every thread pauses at each verb, so that a person can follow it.

A pause is a wait on an event: to the kernel a futex, like any lock, so the witness is silent about a thread that pauses,
and never contradicts it. The time-outs run on: after its time a request is still read as far as it has arrived, and no
further, so a client whose request takes many reads may be told 408.
"""

import threading

from teachserve.errors import OptionError
from teachserve.gate import Ready
from teachserve.options import parse_duration

MOST_PAUSE_S = 60.0

_PASSED = frozenset({"taken"})
"""No pause here: what was taken is off its queue, and the thread would be shown as waiting for it."""


class SlowMotion:
    """Holds whoever comes to a verb for `pause_s` seconds, until it is opened. The threads hold it as they do a gate."""

    def __init__(self, pause_s: float):
        self.pause_s = pause_s
        self._over = threading.Event()

    def hold(self, verb: str, ready: Ready | None = None) -> None:
        """Pause before this verb, whether or not it would block."""
        if verb not in _PASSED:
            self._over.wait(self.pause_s)

    def pause(self, at_most_s: float) -> None:
        """Pause for whoever drives the threads, from outside."""
        self._over.wait(min(self.pause_s, at_most_s))

    def open(self) -> None:
        """Let everybody go on, for good."""
        self._over.set()


def parse_pause(value: object) -> float:
    """The pause in seconds, 0 for none. Raises: OptionError."""
    try:
        pause_s = parse_duration(value)
    except (ValueError, TypeError):
        pause_s = -1.0
    if not 0 <= pause_s <= MOST_PAUSE_S:
        raise OptionError(f"the pause of slow motion must be 0 or a duration such as 500ms, up to 1m: pause_s={value}")
    return pause_s
