"""What a trace tells of the threads of an architecture: coarser than a run in which every verb is noted.

A trace knows states, not lines. Which of several calls of one verb it was cannot be told, nor what returns without a word
(admit, a free place, a request that has arrived with the one before). Tables count every move, but not by role; by role
moves are known from events, where they were recorded, else from threads that two tables saw one move apart: a sample.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from teachserve.events import FIRST_MARK, FIRST_QUEUE, MARK_CODES, STATES, Mark, State
from teachserve.observe.rows import role_name
from teachserve.observe.trace import Trace, TraceError

ENDS = frozenset({State.ENDED.code, State.BROKEN.code})
LOWER = frozenset({"closer"})
"""Threads of the rooms below: no part of an architecture that has no role of this name."""
_SPAWNED = MARK_CODES[Mark.SPAWNED]
_STARTING = State.STARTING.code


@dataclass
class Recorded:
    """A trace, summed up.

    `flows` counts the moves of all threads, exactly, from each server's start on. `moves` are those of each role that
    were seen one by one: every one since events were recorded, or `sampled`. `stays_us` holds the length of each stay
    that was seen from its beginning to its end, by role and state; `spent_us` sums up all stays in a state while it was
    watched, `entered` how many there were. `threads` are the threads seen of each role. `takes`, `hands` and `spawns`
    count, by role, the queue or the role that is spawned; a take is counted where a table saw a thread waiting.
    """

    architecture: str = ""
    source_class: str = ""
    when: str = ""
    sampled: bool = True
    lost: int = 0
    flows: Counter[tuple[State, State]] = field(default_factory=Counter)
    moves: Counter[tuple[str, State, State]] = field(default_factory=Counter)
    stays_us: dict[tuple[str, State], list[int]] = field(default_factory=lambda: defaultdict(list))
    spent_us: Counter[State] = field(default_factory=Counter)
    entered: Counter[State] = field(default_factory=Counter)
    threads: Counter[str] = field(default_factory=Counter)
    takes: Counter[tuple[str, str]] = field(default_factory=Counter)
    hands: Counter[tuple[str, str]] = field(default_factory=Counter)
    spawns: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def read(cls, trace: Trace) -> "Recorded":
        """Sum up a trace. Raises: TraceError, where it holds several architectures or something that is no frame."""
        reading = _Reading(trace)
        try:
            for frame in trace.frames():
                reading.take(frame)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise TraceError(f"the trace {trace.path} holds a line that is no frame: record it anew") from None
        return reading.end()

    def median_us(self, role: str, states: frozenset[State]) -> float | None:
        """The median stay of a role's threads in these states; None where none was seen from beginning to end."""
        stays = [stay for state in states for stay in self.stays_us.get((role, state), ())]
        return median(stays) if stays else None

    def mean_us(self, states: frozenset[State]) -> float | None:
        """The mean stay of all threads in these states; None where nobody entered them."""
        entered = sum(self.entered[state] for state in states)
        return sum(self.spent_us[state] for state in states) / entered if entered else None


class _Reading:
    """Folds the frames of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._found = Recorded(when=trace.about.get("recorded", ""))
        self._roles: list[str] = []
        self._queues: list[str] = []
        self._begin()

    def _begin(self) -> None:
        self._role: dict[int, str] = {}
        self._at: dict[int, tuple[int, int]] = {}
        """Thread -> its state and since when, as events tell; -1: since before they began."""
        self._rows: dict[int, tuple[int, int]] = {}
        """Thread -> its state and how many moves it had made, in the last table."""
        self._newest = 0
        self._streaming = False
        self._first: Mapping[str, Any] | None = None
        self._last: Mapping[str, Any] | None = None

    def take(self, frame: Mapping[str, Any]) -> None:
        """One frame."""
        match frame["frame"]:
            case "header":
                self._header(frame)
            case "roles":
                self._roles = frame["roles"]
            case "events":
                self._events(frame)
            case "lost":
                self._found.lost += frame["events"]
                self._at.clear()
            case "reply" if frame.get("level") == "table":
                self._streaming = False
                self._at.clear()
            case "table":
                self._table(frame)

    def end(self) -> Recorded:
        """All of it."""
        self._sum_up()
        return self._found

    def _header(self, header: Mapping[str, Any]) -> None:
        found, name = self._found, header["architecture"]
        if found.architecture and found.architecture != name:
            raise TraceError(
                f"the trace {self._trace.path} holds {found.architecture} and {name}: record one architecture alone"
            )
        self._sum_up()
        self._begin()
        found.architecture, found.source_class = name, header["source_class"]
        self._roles, self._queues = header["roles"], header["queues"]

    def _sum_up(self) -> None:
        """A server's sums, from its last table; its times began with the watch, so that its first table has to be taken off."""
        if self._first is None or self._last is None:
            return
        before = {(left, entered): count for left, entered, count in self._first["flows"]}
        for left, entered, count in self._last["flows"]:
            if count:
                self._found.flows[STATES[left], STATES[entered]] += count
                self._found.entered[STATES[entered]] += count - before.get((left, entered), 0)
        for state, began, ended in zip(STATES, self._first["times"], self._last["times"], strict=False):
            self._found.spent_us[state] += ended - began

    def _know(self, number: int, role: int) -> str:
        if number not in self._role:
            self._role[number] = role_name(self._roles, role)
            self._found.threads[self._role[number]] += 1
        return self._role[number]

    def _events(self, frame: Mapping[str, Any]) -> None:
        numbers = [number for number, _role, _native in frame["threads"]]
        for number, role, _native in frame["threads"]:
            self._know(number, role)
            if self._streaming and number > self._newest:  # born since: else it stands anywhere
                self._at[number] = _STARTING, -1
        self._newest = max(self._newest, *numbers, 0)
        self._streaming, self._found.sampled = True, False
        for number, lost, words in frame["batches"]:
            if lost:
                self._found.lost += lost
                self._at.pop(number, None)
            for at, code, about in zip(*[iter(words)] * 3, strict=True):
                if code < FIRST_MARK:
                    self._follow(number, at, code)
                else:
                    self._mark(number, code, about)

    def _follow(self, number: int, at: int, code: int) -> None:
        role = self._know(number, -1)
        if number in self._at:
            before, since = self._at[number]
            self._found.moves[role, STATES[before], STATES[code]] += 1
            if since >= 0:
                self._found.stays_us[role, STATES[before]].append(at - since)
        self._at[number] = code, at
        if code in ENDS:
            del self._at[number]

    def _mark(self, number: int, code: int, about: int) -> None:
        role = self._know(number, -1)
        if code == _SPAWNED and about in self._role:
            self._found.spawns[role, self._role[about]] += 1
        elif code >= FIRST_QUEUE and code - FIRST_QUEUE < len(self._queues):
            self._found.hands[role, self._queues[code - FIRST_QUEUE]] += 1

    def _table(self, frame: Mapping[str, Any]) -> None:
        self._first, self._last = self._first or frame, frame
        rows = {}
        for number, role, _native, state, moves, _since, _connection, *_, queue in frame["threads"]:
            name = self._know(number, role)
            self._newest = max(self._newest, number)
            rows[number] = state, moves
            if STATES[state] is State.WAITING and 0 <= queue < len(self._queues):
                self._found.takes[name, self._queues[queue]] += 1
            known = self._rows.get(number)
            if not self._streaming and known is not None and moves == known[1] + 1:
                self._found.moves[name, STATES[known[0]], STATES[state]] += 1
        self._rows = rows
