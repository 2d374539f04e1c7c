"""Where each connection is, where it has been and for how long: a deterministic fold of the stream's events.

A thread speaks of the connection that it holds, in each of its moves; what lies between two threads (a queue, a thread
that is still being born, the loop's select) follows from who spoke last and what he did. Known only while events are
streamed. Threads are drained one after the other, so that a frame may hold one thread's events and not yet those of
another from before: what is told is folded by time, and only up to the table before the last, when all of it has come.
So this picture is a tenth of a second older than that of the threads.
"""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import repeat
from operator import itemgetter
from typing import Any

from teachserve.events import FIRST_MARK, FIRST_QUEUE, MARK_CODES, Mark, State
from teachserve.observe.connection_entry import Entry
from teachserve.observe.connection_view import IN_ACCEPT_QUEUE, IN_SELECT, NOT_KNOWN, Connections, word
from teachserve.observe.rows import role_name
from teachserve.observe.timeline import ENDS, Recorder, Stand

KEPT_ENDED = 500
MOST_LIVING = 20_000
"""Connections followed at once; beyond them the one that is known for longest is forgotten, and counted."""
FORGET_US = 10_000_000
"""How long a connection is kept of which nobody knows where it is."""
KEPT_NAMES = 8192

_CLOSED, _REFUSED, _ARRIVED = (MARK_CODES[mark] for mark in (Mark.CLOSED, Mark.REFUSED, Mark.ARRIVED))
_STARTING, _CREATING, _ACCEPTED, _SELECTING, _HANDING_OVER, _READING, _IDLE, _HANDLING, _WRITING = (
    state.code for state in (State.STARTING, State.CREATING, State.ACCEPTED, State.SELECTING, State.HANDING_OVER,
                             State.READING, State.IDLE, State.HANDLING, State.WRITING)
)  # fmt: skip
_by_time = itemgetter(0)


class ConnectionLog:
    """Folds frames with `apply`, shows the result with `connections`. One thread at a time may use it."""

    def __init__(self) -> None:
        self._known = False
        self._at = 0
        self._table_at = 0
        self._serial = 0
        self._queues: tuple[str, ...] = ()
        self._role_names: tuple[str, ...] = ()
        self._accepting_role = ""
        self._roles: dict[int, str] = {}
        self._pending: list[tuple[int, int, int, int]] = []
        self._gappy: dict[int, int] = {}
        """Thread -> the time up to which what is told of it may have a hole, -1: up to the next table; 0: any thread."""
        self._stands: dict[int, int] = {}
        self._newest: int | None = None
        """The highest number in the table before: no thread above it was alive then. None: there was no table."""
        self._holds: dict[int, Entry] = {}
        self._loops: set[int] = set()
        self._takers: dict[str, frozenset[str]] = {}
        self._living: dict[int, Entry] = {}
        self._lost_sight: dict[int, Entry] = {}
        self._ended: dict[int, Entry] = {}
        self._forgotten = 0
        self._recorder = Recorder()

    def apply(self, frame: Mapping[str, Any]) -> None:
        """Fold one frame in. A kind of frame that is not known here is passed over."""
        self._follow_serial(frame)
        match frame["frame"]:
            case "header":
                self._queues = tuple(frame["queues"])
                self._accepting_role = frame["accepting_role"]
                self._role_names = tuple(frame["roles"])
            case "roles":
                self._role_names = tuple(frame["roles"])
            case "events":
                self._take(frame)
            case "table":
                self._tell(frame)
            case "lost":
                self._lose()
            case "reply" if frame.get("level") == "table":
                self._leave()
            case "reply" if frame.get("level") == "stream":
                self._begin()
            case "end" | "gone":
                self._fold_all(self._table_at)
                self._end_all()

    def connections(self) -> Connections:
        """What is known now, and does not change any more."""
        queues = self._queues
        return Connections(
            known=self._known,
            at_s=self._at / 1e6,
            living=tuple(self._living[number].draw(queues) for number in sorted(self._living)),
            ended=tuple(entry.view or entry.draw(queues) for entry in self._ended.values()),
            forgotten=self._forgotten,
            timeline=self._recorder.capture(),
            accepting_role=self._accepting_role,
            takers=dict(self._takers),
            loops=frozenset(self._loops),
            _roles=self._roles,
        )

    # ---- frames --------------------------------------------------------------------------------------------------

    def _follow_serial(self, frame: Mapping[str, Any]) -> None:
        serial = frame.get("serial")
        if serial is not None:
            if serial > self._serial + 1 and self._serial:
                self._lose()
            self._serial = max(self._serial, serial)

    def _take(self, frame: Mapping[str, Any]) -> None:
        self._begin()
        for number, role, _native in frame["threads"]:
            self._name(number, role)
        for number, lost, words in frame["batches"]:
            if lost:
                self._gappy[number] = -1
            self._pending += zip(words[::3], repeat(number), words[1::3], words[2::3])

    def _tell(self, frame: Mapping[str, Any]) -> None:
        """A table follows upon the events of all threads: whatever happened before the last one has come by now."""
        complete, self._table_at = self._table_at, frame["at"]
        newest, self._newest = self._newest, max((row[0] for row in frame["threads"]), default=0)
        if not self._known:
            return
        # Where anybody selects, who accepts is a loop.
        if any(entered == _SELECTING for _, entered, _ in frame["flows"]):
            self._loops |= {
                row[0] for row in frame["threads"] if role_name(self._role_names, row[1]) == self._accepting_role
            }
        self._gappy = {thread: frame["at"] if until < 0 else until for thread, until in self._gappy.items()}
        self._pending.sort(key=_by_time)  # by time alone: what a thread says in one us stays in its order
        self._fold(bisect_left(self._pending, complete, key=_by_time), complete)
        self._read_rows(frame["threads"], complete)
        if not (self._recorder.whole or self._gappy or newest is None):
            alive = {row[0] for row in frame["threads"] if row[0] <= newest and row[3] not in ENDS}
            if alive <= self._stands.keys():
                self._recorder.complete(complete)
        for number, entry in list(self._lost_sight.items()):
            if entry.place != NOT_KNOWN:
                del self._lost_sight[number]
            elif entry.since < self._at - FORGET_US:
                self._forget(number)
        self._gappy = {thread: until for thread, until in self._gappy.items() if until >= complete}

    def _read_rows(self, rows: list, complete: int) -> None:
        """What a table says of threads that have not moved since the watching began, or since a loss."""
        fresh = []
        for number, role, _native, state, _moves, since, connection, *_ in rows:
            if number not in self._roles:
                self._name(number, role)
            if number in self._stands or since > complete or state in ENDS:
                continue
            since = since if since >= 0 else complete  # it has not moved since the watching began
            self._stands[number] = state
            fresh.append((number, Stand(state, connection, since)))
            # Who hands over may have put it on the queue already.
            if connection and state != _HANDING_OVER and connection not in self._ended:
                self._holds[number] = self._meet(connection, since, state, number)
        self._recorder.stood(fresh)

    def _name(self, number: int, role: int) -> None:
        self._roles[number] = role_name(self._role_names, role)
        if len(self._roles) > KEPT_NAMES:  # a capture may be reading the old one
            self._roles = dict(list(self._roles.items())[KEPT_NAMES // 2 :])

    # ---- events --------------------------------------------------------------------------------------------------

    def _fold_all(self, complete: int) -> None:
        """Fold what is pending, although more may come that was before."""
        self._pending.sort(key=_by_time)
        self._fold(len(self._pending), complete)

    def _fold(self, count: int, complete: int) -> None:
        """Fold the first so many of the pending events, which are in order."""
        events, self._pending = self._pending[:count], self._pending[count:]
        self._at = max(self._at, complete)
        self._recorder.add(events, complete)
        stands, holds, living, gappy = self._stands, self._holds, self._living, self._gappy
        for at, thread, code, about in events:
            if code >= FIRST_MARK:
                self._mark(at, thread, code, about)
                continue
            held = holds.get(thread)
            if held is not None and held.number != about:
                del holds[thread]
                if held.thread == thread and held.ended < 0:
                    self._left(held, at, thread, code)
            if about:
                entry = living.get(about)
                if entry is None:
                    entry = self._appear(about, at, code, thread)
                    if entry is None:
                        stands[thread] = code
                        continue
                else:
                    if entry.place >= FIRST_QUEUE:
                        self._taken(entry, thread)
                    # A request is the server's from its handling on, or from where a loop hands it to a worker, until
                    # something else than handling, queueing and writing it begins.
                    if code == _HANDLING or (code == _HANDING_OVER and entry.place == _READING):
                        if entry.began < 0:
                            entry.requests += 1
                            entry.began = at
                    elif entry.began >= 0 and (code == _IDLE or (code == _READING and entry.place == _WRITING)):
                        entry.answered(at)
                    entry.move(at, code, thread)
                if code == _ACCEPTED:
                    entry.accepted, entry.accepted_by = at, thread
                if gappy:  # what was missed may have happened to it between two threads that told everything
                    entry.incomplete = True
                holds[thread] = entry
            elif code == _SELECTING:
                self._loops.add(thread)
            if code in ENDS:
                stands.pop(thread, None)
                self._loops.discard(thread)
            else:
                stands[thread] = code
        if gappy:
            self._doubt()

    def _mark(self, at: int, thread: int, code: int, about: int) -> None:
        entry = self._living.get(about)
        if code == _ARRIVED:
            if entry is None and about not in self._ended:
                entry = self._meet(about, at, IN_ACCEPT_QUEUE, 0, incomplete=False)
                entry.arrived = at
        elif entry is None or (code not in (_CLOSED, _REFUSED) and code < FIRST_QUEUE):
            return
        elif code >= FIRST_QUEUE:
            if entry.thread == thread:  # else whoever took it was faster than the clock
                entry.move(at, code, 0)
        else:
            if entry.began >= 0:
                entry.answered(at)
            entry.move(at, code, thread)
            self._end(entry)

    def _appear(self, number: int, at: int, code: int, thread: int) -> Entry | None:
        """A state of a connection that was not known. None: it has ended, and its thread only says so."""
        if number in self._ended:
            return None
        entry = self._meet(number, at, code, thread, incomplete=code != _ACCEPTED)
        if code == _HANDLING:
            entry.requests, entry.began = 1, at
        return entry

    def _meet(self, number: int, at: int, place: int, thread: int, incomplete: bool = True) -> Entry:
        entry = self._living.get(number)
        if entry is None:
            entry = self._living[number] = Entry(number, at, place, thread, incomplete)
            if len(self._living) > MOST_LIVING:
                self._forget(next(iter(self._living)))
        elif entry.place == NOT_KNOWN:
            entry.move(at, place, thread)
        self._lost_sight.pop(number, None)
        return entry

    def _left(self, entry: Entry, at: int, thread: int, code: int) -> None:
        """Its thread speaks of something else now, and neither ended it nor put it on a queue."""
        if thread in self._loops or code == _SELECTING:
            if entry.began >= 0 and entry.place == _WRITING:
                entry.answered(at)
            entry.move(at, IN_SELECT, thread)
        elif entry.place == _CREATING:
            entry.move(at, _STARTING, 0)
        else:
            self._lose_sight(entry, at)

    def _taken(self, entry: Entry, thread: int) -> None:
        queue, role = word(entry.place, self._queues), self._roles.get(thread, "")
        known = self._takers.get(queue, frozenset())
        if role and role not in known:
            self._takers[queue] = known | {role}

    def _end(self, entry: Entry) -> None:
        entry.ended = entry.since
        del self._living[entry.number]
        self._lost_sight.pop(entry.number, None)
        self._ended[entry.number] = entry
        if len(self._ended) > KEPT_ENDED:
            del self._ended[next(iter(self._ended))]

    def _begin(self) -> None:
        if not self._known:
            self._known = True
            self._recorder.forget()

    # ---- losses --------------------------------------------------------------------------------------------------

    def _doubt(self) -> None:
        """Some events are missing: what their threads hold, and what any thread may have taken, may be anywhere."""
        for entry in self._living.values():
            if entry.thread in self._gappy or not entry.thread:
                self._lose_sight(entry, self._at)
        for thread in self._gappy:
            self._stands.pop(thread, None)
            self._holds.pop(thread, None)
        self._recorder.forget()

    def _lose(self) -> None:
        """Frames are missing."""
        self._gappy[0] = -1
        self._fold_all(self._at)
        for entry in self._living.values():
            self._lose_sight(entry, self._at)
        self._stands.clear()
        self._holds.clear()
        self._recorder.forget()

    def _lose_sight(self, entry: Entry, at: int) -> None:
        entry.incomplete = True
        entry.view = None
        entry.began = -1
        if entry.place != NOT_KNOWN:
            entry.move(at, NOT_KNOWN, 0)
            self._lost_sight[entry.number] = entry

    def _forget(self, number: int) -> None:
        self._forgotten += 1
        entry = self._living.pop(number)
        entry.ended = entry.since  # a thread that still holds it must not move it
        self._lost_sight.pop(number, None)

    def _leave(self) -> None:
        """No more events are streamed."""
        self._known = False
        self._pending.clear()
        self._stands.clear()
        self._holds.clear()
        self._living.clear()
        self._lost_sight.clear()
        self._gappy.clear()
        self._recorder.forget()

    def _end_all(self) -> None:
        for entry in list(self._living.values()):
            self._lose_sight(entry, self._at)
            self._end(entry)
