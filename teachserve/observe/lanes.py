"""What threads did over the last minute: a fold of frames into lanes, a run for each stay in a state.

A thread has a lane for its life; one that is made later goes on in the lane of one of its role that has ended, so that
there are as many lanes as there were threads at a time, however many come and go.

Where events are streamed a lane is exact. A table tells of each thread where it is and since when; where it moved more
than once since the table before, what lay between is not known, and the lane says so: UNSEEN.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from typing import Any

from teachserve.events import CODES, FIRST_MARK, MARK_CODES, Mark, State
from teachserve.observe.lane import KEEP_US, UNSEEN, GrowingLane, Lanes
from teachserve.observe.model import ENDS

KNOWN_ENDED = 4096
"""Threads that are remembered as ended, should a frame come late that tells of them."""

STARTING, SPAWNED = CODES[State.STARTING], MARK_CODES[Mark.SPAWNED]
LOST = -(1 << 40)
"""Moves of a thread of which some were lost: whatever a table tells next, it is more than one more."""


class _Thread:
    """A living thread: its lane, and how much is known of it up to now."""

    __slots__ = ("exact", "lane", "moves")

    def __init__(self, lane: GrowingLane, moves: int, exact: bool) -> None:
        self.lane, self.moves, self.exact = lane, moves, exact


class LaneLog:
    """Folds frames with `apply`, shows the result with `lanes`. No clock; the same frames give the same lanes."""

    def __init__(self) -> None:
        self._begin([])

    def _begin(self, roles: Iterable[str]) -> None:
        self._roles = list(roles)
        self._lanes: list[GrowingLane] = []
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
            lane = GrowingLane(role, number)
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
                lane.lose(self._table_at + 1, at)
            self._end(number)

    def _sample(self, thread: _Thread, code: int, moves: int, since: int) -> None:
        made, thread.moves = moves - thread.moves, moves
        if made:
            unseen = ((self._table_at + 1, UNSEEN),) if made > 1 else ()
            thread.lane.follow((*unseen, (since if since >= 0 else self._table_at, code)))
        thread.exact = self._streaming  # from here on the stream tells

    # ---- events ----------------------------------------------------------------------------------------------------

    def _apply_events(self, frame: Mapping[str, Any]) -> None:
        self._streaming = True
        self._born |= {number: role for number, role, _ in frame["threads"]}
        for number, lost, words in frame["batches"]:
            codes = words[1::3]
            if SPAWNED in codes:
                self._meet_spawned(words)
            if number not in self._ended:
                moves = [move for move in zip(words[::3], codes, strict=True) if move[1] < FIRST_MARK]
                self._follow(number, moves, bool(lost))
        self._at = max(self._at, frame["at"])

    def _meet_spawned(self, words: list[int]) -> None:
        for at, code, about in zip(words[::3], words[1::3], words[2::3], strict=True):
            if code == SPAWNED and about in self._born and about not in self._living and about not in self._ended:
                self._meet(about, self._born[about], 0, at, STARTING, True)

    def _follow(self, number: int, moves: list[tuple[int, int]], lost: bool) -> None:
        """Take one thread's moves, each when and whereto. `lost`: some are missing, and nobody knows after which."""
        thread = self._living.get(number)
        if thread is None:
            if not moves:
                return
            (at, code), *moves = moves
            thread = self._meet(number, self._born.get(number, -1), 1, at, code, True)
        else:
            if lost:
                thread.lane.enter(self._at, UNSEEN)
                thread.moves = LOST
            known = thread.lane.last_us  # up to here a table has told it
            moves = [move for move in moves if move[0] > known]
            if moves and not thread.exact:
                thread.lane.enter(self._table_at + 1, UNSEEN)
                thread.exact = True
        thread.moves += len(moves)
        if lost:
            doubts = ((at + 1, UNSEEN) for at, code in moves if code not in ENDS)
            moves = sorted((*moves, *doubts))
        thread.lane.follow(moves)
        if thread.lane.ended_us is not None:
            self._end(number)

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
