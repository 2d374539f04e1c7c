"""What threads did over the last minute: a fold of frames into lanes, a run for each stay in a state.

A thread has a lane for its life; one that is made later goes on in the lane of one of its role that has ended, so that
there are as many lanes as there were threads at a time, however many come and go.

Where events are streamed a lane is exact. A table tells of each thread where it is and since when; where it moved more
than once since the table before, what lay between is not known, and the lane says so: UNSEEN.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from teachserve.events import CODES, FIRST_MARK, MARK_CODES, Mark, State
from teachserve.observe.model import ENDS

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
KNOWN_ENDED = 4096
"""Threads that are remembered as ended, should a frame come late that tells of them."""

STARTING, SPAWNED, ENDED = CODES[State.STARTING], MARK_CODES[Mark.SPAWNED], CODES[State.ENDED]
LOST = -(1 << 40)
"""Moves of a thread of which some were lost: whatever a table tells next, it is more than one more."""


class Lane(NamedTuple):
    """A lane as of one moment: `runs[:length]` holds `microseconds << CODE_BITS | code` of each run's begin, in order.

    `begins[:threads]` and `numbers[:threads]` say which thread's it was from when on. The arrays may grow while this is
    shown; what is in them already never changes. `ended_us` is None while the last thread lives.
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


class _Lane:
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
        if self.runs and self.runs[-1] & CODE == code == UNSEEN:
            return
        at = max(at, self.last_us + 1)
        self.runs.append(at << CODE_BITS | code)
        if code in ENDS:
            self.ended_us = at
        if len(self.runs) >= MOST_RUNS:
            self.runs = thinned(self.runs)
        elif self.runs[0] >> CODE_BITS < at - KEEP_US - OVERDUE_US:
            first = bisect_right(self.runs, at - KEEP_US << CODE_BITS) - 1
            self.runs = self.runs[max(0, first) :]

    def lane(self, roles: Sequence[str]) -> Lane:
        """The lane as it is now."""
        shown = self.shown
        if shown is None or shown.length != len(self.runs) or shown.runs is not self.runs:
            role = roles[self.role] if 0 <= self.role < len(roles) else "thread"
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


class _Thread:
    """A living thread: its lane, and how much is known of it up to now."""

    __slots__ = ("exact", "lane", "moves")

    def __init__(self, lane: _Lane, moves: int, exact: bool) -> None:
        self.lane, self.moves, self.exact = lane, moves, exact


class LaneLog:
    """Folds frames with `apply`, shows the result with `lanes`. No clock; the same frames give the same lanes."""

    def __init__(self) -> None:
        self._begin([])

    def _begin(self, roles: Iterable[str]) -> None:
        self._roles = list(roles)
        self._lanes: list[_Lane] = []
        self._living: dict[int, _Thread] = {}
        self._ended: dict[int, None] = {}
        self._born: dict[int, int] = {}
        """Thread -> role, as the stream tells once, maybe long before its first event."""
        self._at = self._table_at = 0
        self._serial: int | None = None
        self._streaming = False
        self._unseen = 0

    def apply(self, frame: Mapping[str, Any]) -> None:
        """Fold one frame in."""
        self._follow_serial(frame.get("serial"))
        match frame["frame"]:
            case "header":
                self._begin(frame["roles"])
                self._serial = frame.get("serial")
            case "roles":
                self._roles = list(frame["roles"])
            case "table":
                self._apply_table(frame)
            case "events":
                self._apply_events(frame)
            case "lost":
                self._lose_track()
            case "reply" if "level" in frame:
                self._streaming = frame["level"] == "stream"
                for thread in self._living.values():
                    thread.exact = False

    def lanes(self) -> Lanes:
        """What is known now."""
        return Lanes(self._at, tuple([lane.lane(self._roles) for lane in self._lanes]), self._streaming, self._unseen)

    # ---- births and ends -------------------------------------------------------------------------------------------

    def _meet(self, number: int, role: int, moves: int, at: int, code: int, exact: bool) -> _Thread:
        """A thread that was not known: the first lane of its role that is free by then."""
        for lane in self._lanes:
            if lane.role == role and lane.ended_us is not None and lane.ended_us < at:
                break
        else:
            lane = _Lane(role, number)
            insort(self._lanes, lane, key=lambda lane: lane.first)
        lane.begin(number, at, code)
        thread = self._living[number] = _Thread(lane, moves, exact)
        return thread

    def _end(self, number: int) -> None:
        self._living.pop(number, None)
        self._born.pop(number, None)
        self._ended[number] = None
        if len(self._ended) > KNOWN_ENDED:
            del self._ended[next(iter(self._ended))]

    # ---- samples ---------------------------------------------------------------------------------------------------

    def _apply_table(self, frame: Mapping[str, Any]) -> None:
        at, rows = frame["at"], frame["threads"]
        self._apply_ends([row for row in rows if row[3] in ENDS], {row[0] for row in rows}, at)
        for number, role, _, code, moves, since, *_ in rows:
            if code in ENDS:
                continue
            thread = self._living.get(number)
            if thread is None and number not in self._ended:
                self._meet(number, role, moves, at if since < 0 else since, code, self._streaming)
            elif thread is not None and not thread.exact:
                self._sample(thread, code, moves, since)
        self._at = self._table_at = max(self._at, at)
        self._lanes = [lane for lane in self._lanes if lane.ended_us is None or lane.ended_us > at - KEEP_US]

    def _apply_ends(self, ends: list, numbers: set[int], at: int) -> None:
        """First of all, for those who come next go on in their lanes."""
        for number, _, _, code, moves, since, *_ in ends:
            thread = self._living.get(number)
            if thread is None:
                self._unseen += number not in self._ended
                self._end(number)
            elif not thread.exact:  # else the stream tells, what came before as well
                self._sample(thread, code, moves, since)
                self._end(number)
        for number in [number for number in self._living if number not in numbers]:  # a lost table told its end
            lane = self._living[number].lane
            if lane.ended_us is None:
                lane.enter(self._table_at + 1, UNSEEN)
                lane.enter(at, ENDED)
            self._end(number)

    def _sample(self, thread: _Thread, code: int, moves: int, since: int) -> None:
        made, thread.moves = moves - thread.moves, moves
        if made:
            if made > 1:
                thread.lane.enter(self._table_at + 1, UNSEEN)
            thread.lane.enter(since if since >= 0 else self._table_at, code)
        thread.exact = self._streaming  # from here on the stream tells

    # ---- events ----------------------------------------------------------------------------------------------------

    def _apply_events(self, frame: Mapping[str, Any]) -> None:
        self._streaming = True
        self._born |= {number: role for number, role, _ in frame["threads"]}
        for number, lost, words in frame["batches"]:
            thread = self._living.get(number)
            if lost and thread is not None:
                thread.lane.enter(self._at, UNSEEN)
                thread.moves = LOST
            for at, code, about in zip(words[::3], words[1::3], words[2::3], strict=True):
                if code == SPAWNED and about in self._born and about not in self._living and about not in self._ended:
                    self._meet(about, self._born[about], 0, at, STARTING, True)
                elif code >= FIRST_MARK or number in self._ended:
                    continue
                elif thread is None:
                    thread = self._meet(number, self._born.get(number, -1), 1, at, code, True)
                elif at > thread.lane.last_us:  # else a table has told it
                    self._follow(thread, at, code, bool(lost))
            if thread is not None and thread.lane.ended_us is not None:
                self._end(number)
        self._at = max(self._at, frame["at"])

    def _follow(self, thread: _Thread, at: int, code: int, doubtful: bool) -> None:
        if not thread.exact:
            thread.lane.enter(self._table_at + 1, UNSEEN)
            thread.exact = True
        thread.lane.enter(at, code)
        thread.moves += 1
        if doubtful and code not in ENDS:  # some event of this batch is missing, and nobody knows after which
            thread.lane.enter(at + 1, UNSEEN)

    # ---- losses ----------------------------------------------------------------------------------------------------

    def _follow_serial(self, serial: int | None) -> None:
        if serial is not None:
            if self._serial is not None and serial > self._serial + 1:
                self._lose_track()
            self._serial = serial

    def _lose_track(self) -> None:
        """What was streamed did not come: until the next frame tells, nothing is known."""
        if self._streaming:
            for thread in self._living.values():
                if thread.exact:
                    thread.lane.enter(self._at, UNSEEN)
                    thread.exact = False
