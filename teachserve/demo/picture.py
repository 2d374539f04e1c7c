"""One picture: everything that one frame of the screen, or the report at the end, is drawn from.

All of it is frozen: the thread that reads makes it, the thread that draws shows it, and neither can change it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.connection_view import Connections
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.lane import Lanes
from teachserve.observe.lints import Clients, Finding
from teachserve.observe.snapshot import Snapshot
from teachserve.observe.stays import Stay

NOT_ASKED = AcceptQueue(unavailable="not asked yet")
HISTORY_STEPS = 120
"""Values in a full history: a minute of them."""
KEPT_MARKS = 100
NO_LANES = Lanes()
NOTHING_KNOWN = Connections()


@dataclass(frozen=True, slots=True)
class LoadView:
    """What the load generator says: its plan, its last second, and its sums since it began.

    Latencies in seconds, over the last second, from the plan where there is a rate and from the send where not.
    `p50` and `p99` are None while nothing was answered. `refused` are answers with status 503, `not_connected` connects
    that nobody accepted; their requests are tried again. `core` is the share of one core that the generator uses.
    `silent_s`: so long it has said nothing, for it was stopped or starves; 0: it speaks.
    """

    connections: int = 0
    keep_alive: bool = True
    rate: float | None = None
    answered_per_s: float = 0.0
    p50: float | None = None
    p99: float | None = None
    answered: int = 0
    refused: int = 0
    errors: int = 0
    never_served: int = 0
    core: float = 0.0
    client_bound: bool = False
    not_connected: int = 0
    silent_s: float = 0.0

    @property
    def clients(self) -> Clients:
        """What the lints ask about the clients."""
        return Clients(
            self.connections, self.answered, self.never_served, self.client_bound, self.keep_alive, self.rate
        )

    def as_json(self) -> dict[str, Any]:
        """Its fields by name; `LoadView(**told)` makes it one again."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Mark:
    """A change that a person made, to be seen beside what came of it: at this moment of the server's clock, in words.

    `kind` is one of load, option, architecture, stop, slow.
    """

    at_s: float
    text: str
    kind: str


class Step(NamedTuple):
    """One moment of the history: rates per second over the second before, the rest as it was then. A None: not known.

    `at_s` is on the clock of the server that serves now, whoever served then. `states` counts threads by state code;
    `core` is the share of one core that the server's process used since the step before.
    """

    at_s: float
    requests: float
    p50: float | None
    p99: float | None
    connections: float
    made: float
    ended: float
    queued: int | None
    core: float | None
    states: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The last minute for the charts, oldest first, one step each half second. A None in it is a gap, drawn as a gap.

    `first` is the number of the oldest step, counted since the watching began.
    """

    steps: tuple[Step, ...] = ()
    first: int = 0

    @property
    def requests(self) -> tuple[float, ...]:
        """Requests answered per second."""
        return tuple([step.requests for step in self.steps])

    @property
    def p50(self) -> tuple[float | None, ...]:
        """The median of the latencies, in seconds."""
        return tuple([step.p50 for step in self.steps])

    @property
    def p99(self) -> tuple[float | None, ...]:
        """Their 99th percentile."""
        return tuple([step.p99 for step in self.steps])


@dataclass(frozen=True, slots=True)
class Picture:
    """The server's own account, the kernel's, and the clients', as of one frame.

    `witness` is the kernel's latest round, None before the first; `sightings` is that round by thread number.
    """

    snapshot: Snapshot
    accept_queue: AcceptQueue = NOT_ASKED
    witness: Look | None = None
    sightings: Mapping[int, Sighting] = field(default_factory=dict)
    gil_waiters: float | None = None
    """Threads that wait for the GIL, on average of the rounds of the last two seconds; None: unknown, or there is no GIL."""
    load: LoadView | None = None
    history: History = History()
    marks: tuple[Mark, ...] = ()
    """The last KEPT_MARKS, the newest last."""
    waiting_at: str = ""
    """The server has ended, and the next one at this address will be shown; "": none is waited for."""
    connections: Connections = NOTHING_KNOWN
    """Every connection, as long as events are streamed."""
    stays: Mapping[Stay, float] = field(default_factory=dict)
    """Thread-seconds in each second by role, state and queue, over the last two seconds: sampled, a table a sample."""
    findings: tuple[Finding, ...] = ()
    """The lints whose rule is broken now."""
    over: tuple[Finding, ...] = ()
    """Of each lint whose rule was broken before and is kept now, the last case."""
    lanes: Lanes = NO_LANES
    """What each thread did over the last minute."""

    @property
    def queued(self) -> int | None:
        """Connections in the kernel's accept queue. None: the kernel cannot be asked."""
        return None if self.accept_queue.unavailable else self.accept_queue.length

    def of_server(self, other: "Picture") -> bool:
        """Whether both are of one server. Another numbers its threads and connections from one again."""
        mine, its = self.snapshot.header, other.snapshot.header
        return mine is None or its is None or (mine.process, mine.epoch_ns) == (its.process, its.epoch_ns)

    @property
    def moves(self) -> int:
        """Every move of every thread since the server began: what `events since` is counted from, exactly."""
        return sum(self.snapshot.flows.values())
