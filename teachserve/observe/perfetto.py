"""A trace as Trace Event JSON, which Perfetto's trace processor and its UI read.

Threads are tracks of slices, a slice a stay in a state. Where every event was recorded the slices are exact, and flows lead
along each connection from thread to thread. From tables alone they are sampled: a stay that began and ended between two
tables is not there, and one whose end nobody saw ends at the last table that told it. Either is said in `otherData`.
Source: Trace Event Format (Google), "JSON Object Format", "Complete Events", "Flow Events", "Counter Events".
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from teachserve import __version__
from teachserve.events import FIRST_MARK, STATES, State
from teachserve.observe.trace import Trace

Event = dict[str, Any]

ENDS = frozenset({State.ENDED.code, State.BROKEN.code})
EXACT = "exact: every event was recorded"
SAMPLED = "sampled: from ten tables a second; shorter stays are missing"
COUNTED = ("accepting", "serving", "threads")
"""Of the server's counters, those that are a track."""
KEPT_CONNECTIONS = 20_000


def trace_events(trace: Trace) -> Iterator[Event]:
    """The events of the file, in no order of time, then one {"otherData": ...}. Raises: TraceError."""
    export = _Export(trace)
    for number, frame in enumerate(trace.frames()):
        yield from export.take(frame, trace.moments_us[number])
    yield from export.end()
    yield {"otherData": export.about()}


@dataclass(slots=True)
class _Thread:
    """Where a thread is: `moves` as a table told it last."""

    state: int
    began: int
    connection: int
    moves: int = -1


class _Export:
    """Folds frames into events; times are moments of the trace, in us."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._process = 0
        self._shift = 0
        """What makes the server's times moments."""
        self._header: Mapping[str, Any] = {}
        self._roles: list[str] = []
        self._streaming = False
        self._tables_alone = False
        self._threads: dict[int, _Thread] = {}
        self._named: set[int] = set()
        self._pending: list[tuple[int, int, int, int]] = []
        self._table_at = self._at = 0
        self._requests: tuple[int, int] | None = None
        self._held: dict[int, tuple[int, int]] = {}
        """Connection -> the thread that had it last, and when that slice began."""
        self._hops = 0
        self._lost = 0

    def take(self, frame: Mapping[str, Any], moment: int) -> Iterator[Event]:
        """One frame."""
        self._at = max(self._at, moment)
        match frame["frame"]:
            case "header":
                yield from self._begin(frame)
            case "roles":
                self._roles = frame["roles"]
            case "reply" if frame.get("level") == "table":
                yield from self._follow(self._pending_until(None))
                self._streaming = False
            case "events":
                yield from self._stream(frame)
            case "lost":
                self._lost += frame["events"]
                for number in list(self._threads):
                    yield from self._leave(number, self._table_at)
            case "table":
                yield from self._tell(frame, moment)
            case "observed" if not frame["accept_queue"]["unavailable"]:
                yield self._counter("accept queue", moment, frame["accept_queue"]["length"])
            case "mark":
                yield self._event("i", frame["text"], moment, s="g", cat=f"mark,{frame['kind']}")

    def end(self) -> Iterator[Event]:
        """What is still open ends with the trace."""
        yield from self._follow(self._pending_until(None))
        for number in list(self._threads):
            yield from self._leave(number, self._at)
        self._held.clear()

    def about(self) -> dict[str, Any]:
        """What the file says of itself."""
        names = ("architecture", "python", "gil", "machine", "started")
        return {
            "teachserve": __version__,
            "recorded": self._trace.about.get("recorded"),
            **{name: self._header.get(name) for name in names},
            "slices": SAMPLED if self._tables_alone else EXACT,
            "lost_events": self._lost,
            "clock": "us since the first table",
        }

    # ---- servers and threads -----------------------------------------------------------------------------------

    def _begin(self, header: Mapping[str, Any]) -> Iterator[Event]:
        yield from self.end()
        self._header, self._process, self._roles = header, header["process"], header["roles"]
        self._threads, self._named, self._pending = {}, set(), []
        self._streaming, self._requests = False, None
        self._shift = header["epoch_ns"] // 1000 - self._trace.zero_us
        name = f"{header['architecture']} on {header['host']}:{header['port']}"
        yield self._event("M", "process_name", 0, args={"name": name})

    def _name(self, number: int, role: int) -> Iterator[Event]:
        if number not in self._named:
            self._named.add(number)
            name = f"{self._roles[role] if role < len(self._roles) else 'thread'}-{number}"
            yield self._event("M", "thread_name", 0, number, args={"name": name})
            yield self._event("M", "thread_sort_index", 0, number, args={"sort_index": number})

    def _enter(self, number: int, state: int, at: int, connection: int) -> Iterator[Event]:
        yield from self._leave(number, at)
        if state not in ENDS:
            self._threads[number] = _Thread(state, at, connection)
            if connection and self._streaming:
                yield from self._flow(connection, number, at)

    def _leave(self, number: int, at: int) -> Iterator[Event]:
        thread = self._threads.pop(number, None)
        if thread is not None and at > 0:  # else it was over before the first table
            args = {"connection": thread.connection} if thread.connection else {}
            cat = "state" if self._streaming else "state,sampled"
            spent = max(0, at - thread.began)
            yield self._event("X", STATES[thread.state].value, thread.began, number, dur=spent, cat=cat, args=args)

    def _flow(self, connection: int, number: int, at: int) -> Iterator[Event]:
        """An arrow from the last slice that another thread had of this connection to the one that begins here."""
        before = self._held.pop(connection, None)
        self._held[connection] = number, at
        if len(self._held) > KEPT_CONNECTIONS:
            del self._held[next(iter(self._held))]
        if before is not None and before[0] != number and before[1] > 0:
            self._hops += 1
            told = {"id": self._hops, "cat": "connection", "args": {"connection": connection}}
            yield self._event("s", "connection", before[1], before[0], **told)
            yield self._event("f", "connection", at, number, bp="e", **told)

    # ---- every event -------------------------------------------------------------------------------------------

    def _stream(self, frame: Mapping[str, Any]) -> Iterator[Event]:
        self._streaming = True
        for number, role, _native in frame["threads"]:
            yield from self._name(number, role)
        for number, lost, words in frame["batches"]:
            if lost:
                self._lost += lost
                yield from self._leave(number, self._table_at)
            for at, code, about in zip(*[iter(words)] * 3, strict=True):
                if code < FIRST_MARK:
                    self._pending.append((max(0, at + self._shift), number, code, about))

    def _pending_until(self, at: int | None) -> list[tuple[int, int, int, int]]:
        """By time: threads are asked one after the other, so that what is newer than the last table may have gaps."""
        self._pending.sort(key=lambda one: one[0])
        count = len(self._pending) if at is None else bisect_right(self._pending, at, key=lambda one: one[0])
        ready, self._pending = self._pending[:count], self._pending[count:]
        return ready

    def _follow(self, events: list[tuple[int, int, int, int]]) -> Iterator[Event]:
        for at, number, code, connection in events:
            known = self._threads.get(number)
            if known is None or at >= known.began:
                yield from self._enter(number, code, at, connection)

    # ---- tables ------------------------------------------------------------------------------------------------

    def _tell(self, frame: Mapping[str, Any], moment: int) -> Iterator[Event]:
        if self._streaming:
            yield from self._follow(self._pending_until(self._table_at))
        else:
            self._tables_alone = True
        moving = {number for _, number, _, _ in self._pending}
        for row in frame["threads"]:
            yield from self._name(row[0], row[1])
            if not self._streaming:
                yield from self._sample(row, moment)
            elif row[0] not in moving and row[0] not in self._threads:
                since = row[5] + self._shift if row[5] >= 0 else moment
                yield from self._enter(row[0], row[3], max(0, since), row[6])
        self._table_at = moment
        for name in COUNTED:
            yield self._counter(name, moment, frame["counters"].get(name, 0))
        for name, told in zip(self._header.get("queues", ()), frame["queues"], strict=False):
            yield self._counter(f"queue {name}", moment, told[0])
        requests = frame["counters"]["requests"]
        if self._requests is not None and moment > self._requests[0]:
            per_s = (requests - self._requests[1]) / (moment - self._requests[0]) * 1e6
            yield self._counter("requests/s", moment, round(per_s, 1))
        self._requests = moment, requests

    def _sample(self, row: list[int], moment: int) -> Iterator[Event]:
        number, _role, _native, state, moves, since, connection = row[:7]
        known = self._threads.get(number)
        if known is not None and known.moves == moves:
            return
        began = max(0, since + self._shift) if since >= 0 else moment
        if known is not None:
            # One move apart it left the state when it entered this one; more apart nobody saw when.
            left = began if moves == known.moves + 1 else max(known.began, min(self._table_at, began))
            yield from self._leave(number, left)
        yield from self._enter(number, state, began, connection)
        if number in self._threads:
            self._threads[number].moves = moves

    # ---- the format --------------------------------------------------------------------------------------------

    def _counter(self, name: str, at: int, value: float) -> Event:
        return self._event("C", name, at, args={"value": value})

    def _event(self, kind: str, name: str, at: int, thread: int = 0, **more: object) -> Event:
        return {"ph": kind, "name": name, "ts": at, "pid": self._process, "tid": thread, **more}
