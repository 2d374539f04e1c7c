"""What the server has counted, and how much of it in the last second: the difference of two tables over their time."""

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from teachserve.events import STATES, State
from teachserve.observe.snapshot import COUNTERS, QueueRate, QueueView

WINDOW_US = 1_000_000
"""Rates look back to the newest table that is at least this old."""

RATES = ("requests", "connections", "made", "recycled", "ended")
"""The counters that are told per second as well."""

Move = tuple[int, int]
"""The codes of the states left and entered."""


class Sums(NamedTuple):
    """The absolute counts of one table."""

    at: int
    counters: Mapping[str, int]
    flows: Mapping[Move, int]
    queues: Mapping[str, QueueView]


NOTHING_COUNTED = Sums(0, dict.fromkeys(COUNTERS, 0), {}, {})


class LastSecond:
    """The sums of the last tables, the oldest of them as old as WINDOW_US asks."""

    def __init__(self) -> None:
        self._sums: deque[Sums] = deque()

    def add(self, sums: Sums) -> None:
        """A newer table's."""
        self._sums.append(sums)
        while len(self._sums) > 2 and self._sums[1].at <= sums.at - WINDOW_US:
            self._sums.popleft()

    def end(self) -> None:
        """Nothing moves any more: the counts stay, and no rate is told."""
        while len(self._sums) > 1:
            self._sums.popleft()

    def as_fields(self) -> dict[str, Any]:
        """The counts and rates of a Snapshot by the names of its fields; rates are 0 or left out before the second table."""
        now = self._sums[-1] if self._sums else NOTHING_COUNTED
        then = self._sums[0] if self._sums else now
        window_s = (now.at - then.at) / 1e6
        counted = {
            "counters": now.counters,
            "flows": {_states(move): count for move, count in now.flows.items()},
            "window_s": window_s,
        }
        if not window_s:
            return counted
        made = {move: count - then.flows.get(move, 0) for move, count in now.flows.items()}
        return {
            **counted,
            "flow_rates": {_states(move): more / window_s for move, more in made.items() if more},
            "queue_rates": {
                name: _queue_rate(queue, then.queues[name], window_s)
                for name, queue in now.queues.items()
                if name in then.queues
            },
            **{f"{name}_per_s": (now.counters[name] - then.counters[name]) / window_s for name in RATES},
        }


def _queue_rate(now: QueueView, then: QueueView, window_s: float) -> QueueRate:
    put, more = now.handed_over - then.handed_over, now.length - then.length
    return QueueRate(put / window_s, (put - more) / window_s)


def _states(move: Move) -> tuple[State, State]:
    return STATES[move[0]], STATES[move[1]]
