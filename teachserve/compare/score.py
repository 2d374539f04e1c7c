"""Who answered each request first: pure counting, whatever order the two sides' outcomes come in.

Both sides have the same plan on one clock, so that their latencies from the plan can be compared number by number: the
lower one is the earlier answer. An answer is a 200. What is told again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from teachserve.load.histogram import Buckets
from teachserve.load.outcomes import ABORTED, FAILED

NOT_SENT, UNTOLD = -2, -3
"""Outcomes that no generator tells: no client was free to the end; the outcome was lost on its way to us."""
ANSWERED, REFUSED = 200, 503
CELLS = 120
"""Into so many equal parts the plan's time is cut for the chart of latency."""
COLUMNS = (20, 30, 40, 60, 120)
"""How many columns the chart may have."""

FIRST = "AB"
ALONE = "ab"
TIED, NEITHER, UNKNOWN, OPEN = "=", "-", "?", "."
"""What became of a request, a mark for each: one side was first (its letter), it alone answered (small letter), both
at once, neither, nobody knows, or it is not decided yet."""
KEPT_MARKS = 240


class Percentiles(NamedTuple):
    """Seconds. How many there were, and what so many per cent of them do not exceed."""

    count: int
    p50: float
    p99: float
    most: float


class Times:
    """Durations in us, to three digits; the longest exactly."""

    def __init__(self) -> None:
        self._buckets = Buckets()
        self._most = 0

    def add(self, us: int) -> None:
        self._buckets.add({us: 1})
        self._most = max(self._most, us)

    @classmethod
    def together(cls, several: Iterable["Times"]) -> "Times":
        """All of them in one."""
        both = cls()
        for one in several:
            both._buckets.add(dict(one._buckets.recorded()))
            both._most = max(both._most, one._most)
        return both

    @property
    def count(self) -> int:
        """How many there are."""
        return self._buckets.count

    @property
    def percentiles(self) -> Percentiles | None:
        """None where there are none."""
        if not self.count:
            return None
        p50, p99 = (min(us, self._most) / 1e6 for us in self._buckets.percentiles((50, 99)))
        return Percentiles(self.count, p50, p99, self._most / 1e6)


@dataclass(frozen=True, slots=True)
class SideScore:
    """One side's part. `first` requests that both answered and this side earlier, by `lead`; `alone` that only it did.

    The others are what became of its requests; they and `answered` are all that were told or, at the end, planned.
    """

    first: int = 0
    alone: int = 0
    lead: Percentiles | None = None
    answered: int = 0
    in_time: int = 0
    """Of those: what came before the plan's end."""
    refused: int = 0
    other_statuses: int = 0
    failed: int = 0
    given_up: int = 0
    not_sent: int = 0
    untold: int = 0
    latency: Percentiles | None = None


@dataclass(frozen=True, slots=True)
class ScoreView:
    """The score at one moment. `decided` requests of which both sides' outcomes are known.

    `marks` of the last requests by number, OPEN for those of which one side's outcome is not known yet. `chart` by number
    of columns, for each side: seconds (p50, p99) of what was due in that part of the plan, None without any.
    """

    decided: int = 0
    tied: int = 0
    neither: int = 0
    unknown: int = 0
    sides: tuple[SideScore, SideScore] = (SideScore(), SideScore())
    marks: str = ""
    chart: Mapping[int, tuple[tuple, tuple]] = field(default_factory=dict)

    @property
    def chance_will_do(self) -> bool:
        """Whether two sides that are alike would be as far apart in 1 of 20 comparisons or more.

        The sign test, which takes the requests for independent of each other; they are not quite, so that a difference
        has to be larger than it says.
        """
        first, second = (side.first + side.alone for side in self.sides)
        return (first - second) ** 2 <= 4 * (first + second)

    def share(self, count: int) -> float | None:
        """Of the decided; None while there are none."""
        return count / self.decided if self.decided else None


class Score:
    """Counts with `add`, shows with `view`. One thread at a time may use it.

    `planned` requests of the plan in all, `rate` of them are due a second; `tie_us` answers that are not further apart
    than this came at once.
    """

    def __init__(self, planned: int, rate: float, tie_us: int) -> None:
        self._planned = planned
        self._tie_us = tie_us
        self._period_us = 1e6 / rate
        self._in_time = [0, 0]
        self._told = bytearray(planned), bytearray(planned)
        self._marks = bytearray(OPEN.encode()) * planned
        # Number -> us of an answer, UNTOLD, or None for anything else: what waits for the other side's.
        self._waiting: tuple[dict[int, int | None], ...] = {}, {}
        self._outcomes: tuple[Counter[int], ...] = Counter(), Counter()
        self._latency = Times(), Times()
        self._cells = tuple([Times() for _ in range(CELLS)] for _ in range(2))
        self._leads = Times(), Times()
        self._sums: Counter[str] = Counter()
        self._newest = -1
        self._drawn: dict[tuple[int, int, int], tuple[int, tuple[float, float] | None]] = {}

    def add(self, side: int, outcomes: Sequence[int]) -> None:
        """Number, outcome and us from the plan, and so on, as the load generator of side 0 or 1 tells them."""
        for number, outcome, us in zip(outcomes[::3], outcomes[1::3], outcomes[2::3], strict=True):
            if number < self._planned and not self._told[side][number]:
                self._note(side, number, outcome, us)

    def end(self, begun: tuple[int, int]) -> None:
        """The plan is over. What a side has not told of by now it did not send, if it is of those from `begun` on, or
        else it was lost on the way."""
        for side in range(2):
            for number in range(self._planned):
                if not self._told[side][number]:
                    self._note(side, number, NOT_SENT if number >= begun[side] else UNTOLD, 0)

    def _note(self, side: int, number: int, outcome: int, us: int) -> None:
        self._told[side][number] = 1
        self._outcomes[side][outcome] += 1
        answer = us if outcome == ANSWERED else None
        if answer is not None:
            self._in_time[side] += number * self._period_us + us <= self._planned * self._period_us
            self._latency[side].add(us)
            self._cells[side][number * CELLS // self._planned].add(us)
        told = UNTOLD if outcome == UNTOLD else answer
        other = self._waiting[1 - side]
        if number in other:
            pair = told, other.pop(number)
            self._decide(number, *(pair if side == 0 else pair[::-1]))
        else:
            self._waiting[side][number] = told

    def _decide(self, number: int, first: int | None, second: int | None) -> None:
        if UNTOLD in (first, second):
            mark = UNKNOWN
        elif first is None and second is None:
            mark = NEITHER
        elif first is None or second is None:
            mark = ALONE[first is None]
        elif abs(first - second) <= self._tie_us:
            mark = TIED
        else:
            winner = int(second < first)
            mark = FIRST[winner]
            self._leads[winner].add(abs(first - second))
        self._sums[mark] += 1
        self._marks[number] = ord(mark)
        self._newest = max(self._newest, number)

    def view(self) -> ScoreView:
        """The score now."""
        sums, newest = self._sums, self._newest
        return ScoreView(
            decided=sums.total(),
            tied=sums[TIED],
            neither=sums[NEITHER],
            unknown=sums[UNKNOWN],
            sides=(self._side(0), self._side(1)),
            marks=self._marks[max(0, newest + 1 - KEPT_MARKS) : newest + 1].decode(),
            chart={columns: (self._chart(0, columns), self._chart(1, columns)) for columns in COLUMNS},
        )

    def _side(self, side: int) -> SideScore:
        outcomes = self._outcomes[side]
        named = (ANSWERED, REFUSED, FAILED, ABORTED, NOT_SENT, UNTOLD)
        return SideScore(
            first=self._sums[FIRST[side]],
            alone=self._sums[ALONE[side]],
            lead=self._leads[side].percentiles,
            answered=outcomes[ANSWERED],
            in_time=self._in_time[side],
            refused=outcomes[REFUSED],
            other_statuses=outcomes.total() - sum(outcomes[outcome] for outcome in named),
            failed=outcomes[FAILED],
            given_up=outcomes[ABORTED],
            not_sent=outcomes[NOT_SENT],
            untold=outcomes[UNTOLD],
            latency=self._latency[side].percentiles,
        )

    def _chart(self, side: int, columns: int) -> tuple[tuple[float, float] | None, ...]:
        return tuple(self._column(side, columns, at) for at in range(columns))

    def _column(self, side: int, columns: int, at: int) -> tuple[float, float] | None:
        each = CELLS // columns
        cells = self._cells[side][at * each : (at + 1) * each]
        count = sum(cell.count for cell in cells)
        known = self._drawn.get((side, columns, at))
        if known is None or known[0] != count:
            found = Times.together(cells).percentiles
            known = self._drawn[side, columns, at] = count, found and (found.p50, found.p99)
        return known[1]
