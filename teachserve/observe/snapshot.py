"""What a watcher knows at one moment: frozen values that a pane can keep, compare and draw.

Times ending in `_s` are seconds. A moment is on the server's clock, counted from the server's start; two snapshots of
one server can be compared, the wall clock plays no part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from teachserve.events import SERVING, Mark, State, event_name, mark_name

COUNTED_NOW = (
    "accepting", "serving", "waiting_for_place", "threads", "admitted", "placed", "watched", "watched_in_progress",
    "lingering",
)  # fmt: skip
"""The counters that tell how many there are at this moment.

`admitted` are the connections that count towards max_accepts, `placed` the threads that hold one of max_threads places,
`watched` the connections of an event loop, `watched_in_progress` those with a request begun or an answer unsent.
"""
COUNTED_EVER = (
    "made", "recycled", "ended", "surplus", "broken", "refused_threads", "connections", "requests", "refused",
    "lost_events",
)  # fmt: skip
"""The counters that tell how often something has happened since the server began."""
COUNTERS = COUNTED_NOW + COUNTED_EVER
"""The names in `Snapshot.counters`, each always there."""

PHASES = ("connecting", "serving", "stopping", "stopped", "abandoned", "lost")
ALIVE = ("serving", "stopping")
"""The phases in which there is a server to ask about."""


@dataclass(frozen=True, slots=True)
class Header:
    """The server as it introduced itself: true for as long as the process lives.

    `process` is its pid, `started` an ISO 8601 moment in UTC, `epoch_ns` the CLOCK_MONOTONIC reading at the start,
    `queues` the named queues in the order of declaration. `words_descriptor` is the shared table's descriptor in the
    server's process, None where it shares none; `listener_descriptor` the listening socket's. `sources` has a
    digest of each file of the architecture's, as it was run.
    """

    process: int
    architecture: str
    accepting_role: str
    host: str
    port: int
    options: Mapping[str, object]
    python: str
    gil: bool
    started: str
    epoch_ns: int
    machine: str
    queues: tuple[str, ...]
    words_descriptor: int | None
    rows: int
    row_words: int
    listener_descriptor: int
    source_file: str
    source_class: str
    sources: Mapping[str, str]
    format: int

    @classmethod
    def of(cls, frame: Mapping[str, Any]) -> "Header":
        """The header told by a header frame; what a frame of another format leaves out is empty."""
        empty: dict[str, Any] = {
            "process": 0, "architecture": "", "accepting_role": "", "host": "", "port": 0, "options": {}, "python": "",
            "gil": True, "started": "", "epoch_ns": 0, "machine": "", "queues": (), "words_descriptor": None, "rows": 0,
            "row_words": 0, "listener_descriptor": -1, "source_file": "", "source_class": "", "sources": {},
            "format": 0,
        }  # fmt: skip
        told = {name: frame.get(name, default) for name, default in empty.items()}
        return cls(**told | {"queues": tuple(told["queues"])})


class ThreadView(NamedTuple):
    """One thread, as the newest frame told of it."""

    number: int
    """Serial in its process, from 1, never used again (native ids are, within milliseconds)."""
    role: str
    native: int
    """The kernel's id (TID); 0 while the thread is not running yet."""
    state: State
    since_s: float | None
    """The moment at which it entered `state`; None: before watching began."""
    moves: int
    """States entered since it was made."""
    connection: int
    """Number of the connection that it holds; 0: none."""
    requests: int
    """Requests answered since it was made."""
    connections: int
    """Connections taken since it was made."""
    recycled: int
    """Times that it went back to accept instead of ending."""
    queue: str = ""
    """The named queue that it waits on; "": none."""
    ended_at: float | None = None
    """The moment at which it ended or broke; None: alive."""

    @property
    def name(self) -> str:
        """Role and number, unique in the process: `worker-3`."""
        return f"{self.role}-{self.number}"

    @property
    def serving(self) -> bool:
        """Whether a connection holds it: reading, idle, handling or writing."""
        return self.state in SERVING


class QueueView(NamedTuple):
    """One named queue."""

    length: int
    """Items in it now."""
    handed_over: int
    """Items ever put on it."""
    takers: int
    """Threads that wait for an item."""
    connections: int
    """Of the items those for which a client waits: a connection, a request or an answer."""


class QueueRate(NamedTuple):
    """What goes on a named queue and what is taken from it, per second over `window_s`."""

    put: float
    taken: float


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened: a thread entered a state, or a connection was marked (exactly one of the two)."""

    at_s: float
    thread: int
    thread_name: str
    before: State | None
    """The state left; None where it is not known: some moves of this thread before this one were not seen."""
    state: State | None
    """The state entered; None for a mark."""
    mark: Mark | None
    connection: int
    """Number of the connection concerned; 0: none."""
    sampled: bool
    """True: from a table frame, which shows the latest move of each thread only. False: streamed, every event is."""

    @property
    def name(self) -> str:
        """In the past tense: `Accepted`, `EnteredHandling`, `Refused`."""
        if self.state is None:
            return mark_name(self.mark) if self.mark else ""
        return event_name(self.before or State.STARTING, self.state)


class FrameView(NamedTuple):
    """One frame of a Python stack: the file, the line in it that runs, the function, and that line's text."""

    file: str
    line: int
    function: str
    source: str


NO_STACK = "without the GIL nobody can read the stack of a thread that runs"
"""Why an inspection has none where the header says so."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the server answered when it was asked about one thread."""

    thread: int
    at_s: float
    """The moment of the answer, on the server's clock."""
    stack: tuple[FrameView, ...]
    """The Python stack, the outermost frame first: the thread stands at the last one's line. Empty without the GIL."""
    peer: str
    """The client's address and port; "": no connection holds it."""
    connection: int
    """Number of the connection that it held at that moment; 0: none."""
    times_s: Mapping[State, float]
    """State -> seconds spent in it while watched; a stay counts when it is over."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that the server thinks a person should know."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything shown, at one moment. It never changes; the model makes a new one after the next frame.

    What is counted by the server is absolute: since the server began, ended threads included. A rate is the difference
    of two such counts over the time between their two table frames: `window_s`.
    """

    header: Header | None = None
    at_s: float = 0.0
    """The server's clock in the newest frame that told the time."""
    phase: str = "connecting"
    """One of PHASES. `connecting`: no table frame yet. `lost`: the link is gone and the server did not say goodbye."""
    threads: tuple[ThreadView, ...] = ()
    """Threads alive, by number."""
    ended: tuple[ThreadView, ...] = ()
    """Threads that ended or broke in the last 6 s, the latest last, at most 256: enough to let them fade."""
    states: Mapping[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    """Threads alive by state, every state named: the sum is len(threads)."""
    queues: Mapping[str, QueueView] = field(default_factory=dict)
    """The named queues by name, in the order of declaration."""
    counters: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    """The server's own counters by name (COUNTERS)."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """HTTP status -> answers with it since the server began."""
    flows: Mapping[tuple[State, State], int] = field(default_factory=dict)
    """(before, after) -> how often any thread made this move since the server began. Exact, not sampled."""
    times_s: Mapping[State, float] = field(default_factory=dict)
    """State -> thread-seconds spent in it while watched, all threads; a stay counts when it is over."""
    window_s: float = 0.0
    """The span of every rate below: 1.0 to 1.1 s as a rule, less in the first second, more after lost frames."""
    flow_rates: Mapping[tuple[State, State], float] = field(default_factory=dict)
    """(before, after) -> moves per second over `window_s`; a move that was not made in it is left out."""
    queue_rates: Mapping[str, QueueRate] = field(default_factory=dict)
    """Named queue -> what goes through it. From the counts, so exact."""
    requests_per_s: float = 0.0
    """Requests answered per second over `window_s`."""
    connections_per_s: float = 0.0
    """Connections accepted per second over `window_s`."""
    made_per_s: float = 0.0
    """Threads made per second over `window_s`."""
    recycled_per_s: float = 0.0
    """Threads that went back to accept, per second over `window_s`."""
    ended_per_s: float = 0.0
    """Threads that ended, surplus and broken ones included, per second over `window_s`."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Every option's value: as in the header, then as the newest table frame told those that can change."""
    slow_s: float = 0.0
    """Slow motion: how long each verb of each thread is held; 0: it runs at its own speed."""
    log: tuple[LogLine, ...] = ()
    """The last 50 lines, the newest last."""
    events: tuple[EventView, ...] = ()
    """The last 50 events by time, the newest last; a sample unless streaming (`EventView.sampled`)."""
    inspected: Mapping[int, Inspection] = field(default_factory=dict)
    """Thread -> the newest answer about it; the last 8 threads that were asked about."""
    focus: int | None = None
    """The thread of which this watcher is sent every event, whatever its level."""
    focused: tuple[EventView, ...] = ()
    """The last 200 events of that thread, all of them, the newest last."""
    focus_lost: int = 0
    """Events of that thread that were lost, since the focus is on it."""
    streaming: bool = False
    """Whether every event is sent, or only tables."""
    lost_frames: int = 0
    """Frames that this watcher was not sent because it was too slow, since it attached."""
    lost_events: int = 0
    """Events that this watcher was not sent, or that a thread's full buffer dropped, since it attached."""
    illegal_moves: int = 0
    """Moves that TRANSITIONS does not allow, since the server began. Not 0: the server, or the table, is wrong."""

    @property
    def alive(self) -> bool:
        """Whether there is a server to ask about."""
        return self.phase in ALIVE

    @property
    def accepting(self) -> int:
        """Threads counted as accepting by the server: from being made on, so it may lead `states`."""
        return self.counters["accepting"]

    @property
    def serving(self) -> int:
        """Threads alive that a connection holds: reading, idle, handling or writing."""
        return sum(self.states[state] for state in SERVING)

    def thread(self, number: int) -> ThreadView | None:
        """The thread of this number, alive or lately ended."""
        return next((view for view in (*self.threads, *self.ended) if view.number == number), None)


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as plain values for a headless run's output; only what happened is listed, in a stable order."""
    header = snapshot.header
    return {
        "architecture": header.architecture if header else None,
        "process": header.process if header else None,
        "at_s": round(snapshot.at_s, 6),
        "phase": snapshot.phase,
        "threads": len(snapshot.threads),
        "states": {state.value: count for state, count in snapshot.states.items() if count},
        "queues": {name: queue._asdict() for name, queue in snapshot.queues.items()},
        "counters": dict(snapshot.counters),
        "statuses": dict(sorted(snapshot.statuses.items())),
        "made": snapshot.counters["made"],
        "recycled": snapshot.counters["recycled"],
        "ended": snapshot.counters["ended"],
        "rates": {
            "window_s": round(snapshot.window_s, 6),
            "requests_per_s": round(snapshot.requests_per_s, 3),
            "connections_per_s": round(snapshot.connections_per_s, 3),
            "made_per_s": round(snapshot.made_per_s, 3),
            "recycled_per_s": round(snapshot.recycled_per_s, 3),
            "ended_per_s": round(snapshot.ended_per_s, 3),
        },
        "flows": {
            f"{before.value} -> {after.value}": count
            for (before, after), count in sorted(snapshot.flows.items(), key=_by_code)
        },
        "times_s": {state.value: round(spent, 6) for state, spent in snapshot.times_s.items() if spent},
        "options": dict(snapshot.options),
        "lost_frames": snapshot.lost_frames,
        "lost_events": snapshot.lost_events,
        "illegal_moves": snapshot.illegal_moves,
        "log": [{"at_s": round(line.at_s, 6), "text": line.text} for line in snapshot.log],
    }


def _by_code(flow: tuple[tuple[State, State], int]) -> tuple[int, int]:
    (before, after), _count = flow
    return before.code, after.code
