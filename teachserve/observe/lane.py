"""A lane: what the threads that had it did, a run for each stay in a state, begin after begin in one array."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from teachserve.events import State
from teachserve.observe.model import ENDS
from teachserve.observe.rows import role_name

CODE_BITS = 5
CODE = (1 << CODE_BITS) - 1
UNSEEN = CODE
"""The code of a stretch of which nothing is known."""
assert len(State) < UNSEEN

KEEP_US = 60_000_000
OVERDUE_US = 10_000_000
"""Old runs go only when so much has become too old: it is another array each time."""
MOST_RUNS = 4096
FINE_RUNS = 2048
COARSE_US = 200_000
"""A lane with MOST_RUNS, which are 32 KB, keeps the newest FINE_RUNS, and of the others one each COARSE_US."""
MOST_NAMES = 1024


class Lane(NamedTuple):
    """A lane as of one moment: `runs[:length]` holds `microseconds << CODE_BITS | code` of each run's begin, in order.

    `begins[:threads]` and `numbers[:threads]` say which thread's it was from when on. The arrays may grow while this is
    shown; what is in them already never changes. `ended_us` is None while the last thread lives; where nobody saw how it ended,
    its last run is UNSEEN.
    """

    role: str
    runs: "array[int]"
    length: int
    begins: "array[int]"
    numbers: "array[int]"
    threads: int
    ended_us: int | None

    def __eq__(self, other: object) -> bool:
        """The same was so: what the arrays hold beyond it came later."""
        return isinstance(other, Lane) and self._told() == other._told()

    __hash__ = None

    def _told(self) -> tuple:
        begins, numbers = self.begins[: self.threads], self.numbers[: self.threads]
        return self.role, self.runs[: self.length], begins, numbers, self.ended_us

    @property
    def number(self) -> int:
        """The last thread's."""
        return self.numbers[self.threads - 1]

    @property
    def name(self) -> str:
        """The last thread's role and number: `worker-3`."""
        return f"{self.role}-{self.number}"

    def thread_at(self, at_us: int) -> int:
        """The number of the thread whose lane it was then; 0: nobody's yet."""
        place = bisect_right(self.begins, at_us, 0, self.threads) - 1
        return self.numbers[place] if place >= 0 else 0

    def holds(self, number: int) -> bool:
        """Whether it was this thread's."""
        return number in self.numbers[: self.threads]


class Lanes(NamedTuple):
    """Every lane, by the number of its first thread, as of `at_us`.

    `exact`: every event is streamed now. `unseen` counts threads that came and went between two tables.
    """

    at_us: int = 0
    lanes: tuple[Lane, ...] = ()
    exact: bool = False
    unseen: int = 0

    def within(self, begin_us: int, end_us: int) -> list[Lane]:
        """Those in which a thread lived at any moment of this span."""
        return [
            lane
            for lane in self.lanes
            if lane.runs[0] >> CODE_BITS < end_us and (lane.ended_us is None or lane.ended_us >= begin_us)
        ]


class GrowingLane:
    """A lane that grows."""

    __slots__ = ("begins", "ended_us", "first", "numbers", "role", "runs", "shown")

    def __init__(self, role: int, first: int) -> None:
        self.role = role
        self.first = first
        self.runs = array("q")
        self.begins, self.numbers = array("q"), array("q")
        self.ended_us: int | None = None
        self.shown: Lane | None = None

    @property
    def last_us(self) -> int:
        return self.runs[-1] >> CODE_BITS if self.runs else -1

    def begin(self, number: int, at: int, code: int) -> None:
        """From `at` on it is this thread's."""
        if len(self.numbers) >= MOST_NAMES:
            self.begins, self.numbers = self.begins[-MOST_NAMES // 2 :], self.numbers[-MOST_NAMES // 2 :]
        self.ended_us = None
        self.enter(at, code)
        self.begins.append(self.last_us)
        self.numbers.append(number)

    def enter(self, at: int, code: int) -> None:
        """From `at` on its thread is in this state; never before what is known already."""
        self.follow(((at, code),))

    def follow(self, moves: Iterable[tuple[int, int]]) -> None:
        """The same for several moves, each when and whereto, the oldest first."""
        enter = self.runs.append
        at, code = divmod(self.runs[-1], CODE + 1) if self.runs else (-1, -1)
        for moved, entered in moves:
            if entered == code == UNSEEN:
                continue
            at, code = moved if moved > at else at + 1, entered
            enter(at << CODE_BITS | code)
        if code in ENDS:
            self.ended_us = at
        if len(self.runs) >= MOST_RUNS:
            self.runs = thinned(self.runs)
        elif self.runs[0] >> CODE_BITS < at - KEEP_US - OVERDUE_US:
            first = bisect_right(self.runs, at - KEEP_US << CODE_BITS) - 1
            self.runs = self.runs[max(0, first) :]

    def lose(self, since: int, at: int) -> None:
        """Its thread is gone at `at`, and nobody saw how, nor where it was from `since` on."""
        self.enter(since, UNSEEN)
        self.ended_us = max(at, self.last_us)

    def lane(self, roles: Sequence[str]) -> Lane:
        """The lane as it is now."""
        shown = self.shown
        if (
            shown is None
            or shown.length != len(self.runs)
            or shown.runs is not self.runs
            or shown.ended_us != self.ended_us
        ):
            role = role_name(roles, self.role)
            shown = self.shown = Lane(
                role, self.runs, len(self.runs), self.begins, self.numbers, len(self.numbers), self.ended_us
            )
        return shown


def thinned(runs: "array[int]") -> "array[int]":
    """The newest runs, and of the older ones the last in each stretch of COARSE_US; what is left out is UNSEEN."""
    older, kept = runs[:-FINE_RUNS], array("q")
    for this, after in zip(older, [*older[1:], runs[-FINE_RUNS]], strict=True):
        begin, end = this >> CODE_BITS, after >> CODE_BITS
        if begin // COARSE_US != end // COARSE_US and this & CODE != UNSEEN:
            if kept and kept[-1] >> CODE_BITS == begin:
                kept.pop()  # it follows at once
            kept.append(this)
            kept.append(end << CODE_BITS | UNSEEN)
    if kept and kept[-1] >> CODE_BITS == runs[-FINE_RUNS] >> CODE_BITS:
        kept.pop()
    return kept + runs[-FINE_RUNS:]
