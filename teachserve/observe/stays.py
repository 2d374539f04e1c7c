"""How long threads stay where: thread-seconds by role and state over the last seconds, from samples."""

from collections import Counter, deque
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from teachserve.events import STATES, State

WINDOW_US = 2_000_000
PLACE = itemgetter(1, 3, 10)
"""Of a row: role, state and queue."""


class Stay(NamedTuple):
    """What a thread was seen in; `queue` names what it waited on, "" for none."""

    role: str
    state: State
    queue: str


class Stays:
    """Folds frames with `apply`. A table tells where each thread is at one moment: each is a sample."""

    def __init__(self) -> None:
        self._roles: list[str] = []
        self._queues: list[str] = []
        self._samples: deque[tuple[int, Counter[tuple[int, int, int]]]] = deque()
        self._sum: Counter[tuple[int, int, int]] = Counter()

    def apply(self, frame: Mapping[str, Any]) -> None:
        """Fold one frame in."""
        match frame["frame"]:
            case "header":
                self._samples.clear()
                self._sum.clear()
                self._roles, self._queues = list(frame["roles"]), list(frame["queues"])
            case "roles":
                self._roles = list(frame["roles"])
            case "table":
                self._sample(frame["at"], Counter(map(PLACE, frame["threads"])))

    def _sample(self, at: int, seen: Counter[tuple[int, int, int]]) -> None:
        self._samples.append((at, seen))
        self._sum += seen
        while self._samples[0][0] <= at - WINDOW_US:
            self._sum -= self._samples.popleft()[1]

    def per_second(self) -> dict[Stay, float]:
        """Thread-seconds in each second: how many threads were there, on average over the window."""
        count = len(self._samples)
        return {
            Stay(self._roles[role], STATES[state], self._queues[queue] if queue >= 0 else ""): seen / count
            for (role, state, queue), seen in self._sum.items()
            if role < len(self._roles) and queue < len(self._queues)
        }
