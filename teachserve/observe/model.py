"""The model: a deterministic fold of frames into what a person is shown. No clock, no I/O.

Live, from a trace, in a lesson or in a test: the same frames give the same snapshots. A table frame carries absolute
values, so one alone gives a legal model, and the next one repairs whatever was lost before it. Events move threads
between two table frames and fill the list of events; they never touch what the server counts.
"""

import heapq
from collections import deque
from collections.abc import Mapping
from itertools import chain
from typing import Any

from teachserve.events import CODES, FIRST_MARK, STATES, TRANSITIONS, State
from teachserve.observe.closeup import CloseUp
from teachserve.observe.rows import Happening, Names, Row
from teachserve.observe.snapshot import (
    ALIVE,
    COUNTERS,
    EventView,
    Header,
    LogLine,
    QueueView,
    Snapshot,
    ThreadView,
    to_json,
)
from teachserve.observe.sums import LastSecond, Sums

__all__ = ["EventView", "Header", "IllegalMove", "LogLine", "Model", "Snapshot", "ThreadView", "to_json"]

KEPT = 50
"""Log lines and events that are kept."""
KEEP_ENDED_US = 6_000_000
KEPT_ENDED = 256

ALLOWED = tuple(frozenset(CODES[after] for after in TRANSITIONS[before]) for before in STATES)
ENDS = frozenset({State.ENDED.code, State.BROKEN.code})


class IllegalMove(Exception):
    """A thread made a move that TRANSITIONS does not allow; raised by a strict model only."""


class Model:
    """Folds frames with `apply`, shows the result with `snapshot`. One thread at a time may use it.

    `strict` raises IllegalMove at a move that is not allowed, as tests want; else such moves are counted.
    """

    def __init__(self, strict: bool = False):
        self._strict = strict
        self._header: Header | None = None
        self._phase = "connecting"
        self._at = 0
        self._names = Names()
        self._threads: dict[int, Row] = {}
        self._ended: dict[int, tuple[Row, int]] = {}
        self._queues: dict[str, QueueView] = {}
        self._statuses: dict[str, int] = {}
        self._times: list[int] = []
        self._options: dict[str, object] = {}
        self._slow_s = 0.0
        self._last_second = LastSecond()
        self._log: deque[LogLine] = deque(maxlen=KEPT)
        self._events: tuple[EventView, ...] = ()
        self._close_up = CloseUp(self._draw_focused)
        self._streaming = self._stream_began = False
        self._chain: dict[int, int] = {}
        """Thread -> the code that the stream last told of it: what the next streamed move has to follow from."""
        self._newest = 0
        """The highest number that any frame named: numbers are serial, so a higher one is a thread just made."""
        self._serial = 0
        self._gaps = self._told_lost_frames = self._lost_events = 0
        self._illegal_in_table = self._illegal_in_stream = 0
        self._snapshot: Snapshot | None = None

    def apply(self, frame: Mapping[str, Any]) -> None:
        """Fold one frame in. A kind of frame that is not known here is passed over.

        Raises: IllegalMove, in a strict model only.
        """
        self._snapshot = None
        self._follow_serial(frame)
        match frame["frame"]:
            case "header":
                self._header = Header.of(frame)
                self._names = Names(tuple(frame["roles"]), self._header.queues)
                self._options = dict(frame["options"])
            case "roles":
                self._names.roles = tuple(frame["roles"])
            case "table":
                self._apply_table(frame)
            case "events":
                self._apply_events(frame)
            case "lost":
                self._told_lost_frames += frame["frames"]
                self._lost_events += frame["events"]
                self._close_up.lose(frame["events"])
                self._chain.clear()
            case "reply":
                if "level" in frame:
                    self._streaming = frame["level"] == "stream"
                    self._stream_began = self._stream_began and self._streaming
                    self._chain.clear()
                self._close_up.reply(frame)
            case "focused":
                self._at = max(self._at, frame["at"])
                self._lost_events += frame["lost"]
                self._close_up.events(frame)
            case "log":
                self._at = max(self._at, frame["at"])
                self._log.append(LogLine(frame["at"] / 1e6, frame["text"]))
            case "end":
                self._phase = frame["reason"]
                self._last_second.end()
                self._log.extend(LogLine(self._at / 1e6, line) for line in frame.get("report", ()))
            case "gone":  # made by the link, on this side: the server did not say goodbye
                self._phase = "lost"
                self._log.append(LogLine(self._at / 1e6, frame["text"]))

    def snapshot(self) -> Snapshot:
        """What is known now. The same object until the next frame."""
        if self._snapshot is None:
            self._snapshot = self._draw()
        return self._snapshot

    def _follow_serial(self, frame: Mapping[str, Any]) -> None:
        serial = frame.get("serial")
        if serial is None:
            return
        missing = serial - self._serial - 1
        if missing > 0:
            self._gaps += missing
            self._chain.clear()
        self._serial = max(self._serial, serial)

    def _apply_table(self, frame: Mapping[str, Any]) -> None:
        at = frame["at"]
        self._at = max(self._at, at)
        if self._phase not in ("stopped", "abandoned", "lost"):
            # The last table knows that it is over; what has come with it is whole once the end frame is there.
            self._phase = frame["phase"] if frame["phase"] in ALIVE else "stopping"
        rows = [Row._make(row) for row in frame["threads"]]
        self._newest = max(self._newest, *(row.number for row in rows), 0)
        before = self._threads
        self._threads = {row.number: row for row in rows if row.state not in ENDS}
        for row in rows:
            if row.state in ENDS:
                self._end(row, row.since if row.since >= 0 else at)
        while self._ended and next(iter(self._ended.values()))[1] < self._at - KEEP_ENDED_US:
            self._ended.pop(next(iter(self._ended)))
        if not self._streaming:
            self._sample(before, rows)
        names = self._header.queues if self._header else tuple(f"queue {n + 1}" for n in range(len(frame["queues"])))
        self._queues = {name: QueueView._make(told) for name, told in zip(names, frame["queues"], strict=False)}
        self._statuses = dict(frame["statuses"])
        self._times = list(frame["times"])
        self._options |= frame["options"]
        self._slow_s = frame["slow_s"]
        flows = {(left, entered): count for left, entered, count in frame["flows"] if count}
        self._last_second.add(Sums(at, dict.fromkeys(COUNTERS, 0) | frame["counters"], flows, self._queues))
        illegal = {move: count for move, count in flows.items() if move[1] not in ALLOWED[move[0]]}
        self._illegal_in_table = sum(illegal.values())
        for left, entered in illegal:
            self._refuse(left, entered, "some thread")

    def _sample(self, before: Mapping[int, Row], rows: list[Row]) -> None:
        def has_moved(row: Row) -> bool:
            known = before.get(row.number)
            return row.since >= 0 and (known is None or row.moves > known.moves)

        moved = []
        for row in heapq.nlargest(KEPT, filter(has_moved, rows), key=lambda row: row.since):
            known = before.get(row.number)
            # One move apart, the state left is the one known; more apart, it was not seen.
            left = known.state if known is not None and row.moves == known.moves + 1 else -1
            moved.append(Happening(row.since, row.number, row.role, left, row.state, row.connection))
        self._remember(moved, sampled=True)

    def _apply_events(self, frame: Mapping[str, Any]) -> None:
        self._at = max(self._at, frame["at"])
        roles = {}
        for number, role, native in frame["threads"]:
            roles[number] = role
            # A stream begins with the threads that live already, wherever each of them stands: the table tells.
            if self._stream_began and number > self._newest:
                self._chain[number] = State.STARTING.code
                self._threads[number] = Row(number, role, native, State.STARTING.code, 0, -1, 0, 0, 0, 0)
        self._newest = max(self._newest, *roles, 0)
        times = sorted(chain.from_iterable(words[::3] for _, _, words in frame["batches"]))
        kept_from = times[-KEPT] if len(times) > KEPT else 0
        happened: list[Happening] = []
        for number, lost, words in frame["batches"]:
            if lost:
                self._lost_events += lost
                self._chain.pop(number, None)
            happened += self._follow(number, roles.get(number, -1), words, kept_from)
            self._close_up.follow(number, roles.get(number, -1), lost, words)
        if times and not self._stream_began:
            # The samples that reach into the stream's time come again as events.
            self._events = tuple(event for event in self._events if event.at_s < times[0] / 1e6)
        self._streaming = self._stream_began = True
        self._remember(happened, sampled=False)

    def _follow(self, number: int, role: int, words: list[int], kept_from: int) -> list[Happening]:
        """One thread's events in their order: check each move, then move the thread once, to where it is last.

        Gives those from the moment `kept_from` on, in us.
        """
        row = self._threads.get(number)
        seen = row or self._ended.get(number, (None, 0))[0]
        role, since = (seen.role, seen.since) if seen else (role, 0)
        before = self._chain.get(number, -1)
        fresh = 0
        latest = []
        for at, code, connection in zip(words[::3], words[1::3], words[2::3], strict=True):
            if at >= kept_from:
                left = before if code < FIRST_MARK else -1
                latest.append(Happening(at, number, role, left, code, connection))
            if code >= FIRST_MARK:
                continue
            if before >= 0 and code not in ALLOWED[before]:
                self._illegal_in_stream += 1
                self._refuse(before, code, f"thread {number}")
            before = code
            if at > since:  # else a table that was sent first has it already
                fresh += 1
                entered, holds = at, connection
        if before in ENDS:
            self._chain.pop(number, None)
        elif before >= 0:
            self._chain[number] = before
        if row and fresh:
            row = row._replace(state=before, since=entered, moves=row.moves + fresh, connection=holds, queue=-1)
            if before in ENDS:
                self._end(row, entered)
            else:
                self._threads[number] = row
        return latest

    def _end(self, row: Row, at: int) -> None:
        self._threads.pop(row.number, None)
        self._chain.pop(row.number, None)
        self._ended[row.number] = (row, at)
        if len(self._ended) > KEPT_ENDED:
            self._ended.pop(next(iter(self._ended)))

    def _remember(self, happened: list[Happening], sampled: bool) -> None:
        # By time, so that the batches of many threads read as one story. Only what is kept is drawn.
        newest = sorted(heapq.nlargest(KEPT, happened, key=lambda one: one.at), key=lambda one: one.at)
        drawn = [self._names.event(one, sampled) for one in newest]
        self._events = tuple(sorted((*self._events, *drawn), key=lambda event: event.at_s)[-KEPT:])

    def _refuse(self, before: int, after: int, who: str) -> None:
        if self._strict:
            raise IllegalMove(
                f"{who} went from {STATES[before]!s} to {STATES[after]!s}, which TRANSITIONS does not allow"
            )

    def _draw_focused(self, number: int, role: int, before: int, event: tuple[int, int, int]) -> EventView:
        at, code, connection = event
        row = self._threads.get(number) or self._ended.get(number, (None, 0))[0]
        return self._names.event(
            Happening(at, number, row.role if row and role < 0 else role, before, code, connection), sampled=False
        )

    def _draw(self) -> Snapshot:
        threads = tuple(self._names.thread(self._threads[number]) for number in sorted(self._threads))
        states = dict.fromkeys(STATES, 0)
        for view in threads:
            states[view.state] += 1
        return Snapshot(
            header=self._header,
            at_s=self._at / 1e6,
            phase=self._phase,
            threads=threads,
            ended=tuple(self._names.thread(row, at) for row, at in self._ended.values()),
            states=states,
            queues=self._queues,
            statuses=self._statuses,
            times_s={state: spent / 1e6 for state, spent in zip(STATES, self._times, strict=False)},
            **self._last_second.as_fields(),
            options=dict(self._options),
            slow_s=self._slow_s,
            log=tuple(self._log),
            events=self._events,
            inspected=dict(self._close_up.inspected),
            focus=self._close_up.focus,
            focused=tuple(self._close_up.focused),
            focus_lost=self._close_up.lost,
            streaming=self._streaming,
            # A loss shows twice, as a gap in the serials and then in a lost frame: counted once.
            lost_frames=max(self._gaps, self._told_lost_frames),
            lost_events=self._lost_events,
            # The stream tells of a move before the table counts it, and a lossy stream tells of fewer.
            illegal_moves=max(self._illegal_in_table, self._illegal_in_stream),
        )
