"""What a lint is: a rule about a running server, with its threshold, its sentences and its remedy."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look
from teachserve.observe.snapshot import Snapshot, ThreadView


class Clients(NamedTuple):
    """What the load generator says of its clients. `never_served`: how many have asked, and have not one answer yet.

    `rate` is what they plan to ask per second, None: as soon as they are answered.
    """

    connections: int
    answered: int
    never_served: int
    client_bound: bool
    keep_alive: bool = True
    rate: float | None = None

    @property
    def asked(self) -> tuple[int, bool, float | None]:
        """The load: as long as it is the same, so is what the server could answer."""
        return self.connections, self.keep_alive, self.rate


@dataclass(frozen=True, slots=True)
class Moment:
    """All that the lints look at, as of one table. `clients` is None where no load was started from here."""

    snapshot: Snapshot
    accept_queue: AcceptQueue = field(default_factory=AcceptQueue)
    witness: Look | None = None
    """The newest look; the same object for as long as there is no newer one."""
    clients: Clients | None = None
    doubtful: frozenset[int] = frozenset()
    """Threads that were read in the middle of a move: the state is the new one, `since_s` the old one's."""

    @property
    def at_s(self) -> float:
        """The server's clock."""
        return self.snapshot.at_s

    def lasting(self, thread: ThreadView) -> float:
        """Seconds that the thread has been in its state; 0 where that is not known."""
        if thread.since_s is None or thread.number in self.doubtful:
            return 0.0
        return self.since(thread.since_s)

    def since(self, moment_s: float) -> float:
        """Seconds since that moment, to the us, in which the server's clock is told."""
        return round(self.snapshot.at_s - moment_s, 6)

    @property
    def queued(self) -> int:
        """Connections in the kernel's accept queue; 0 where the kernel cannot be asked."""
        return 0 if self.accept_queue.unavailable else self.accept_queue.length

    @property
    def waiting(self) -> int:
        """Connections that wait for a thread: in the accept queue, on a named queue, or without a place."""
        snapshot = self.snapshot
        on_queues = sum(queue.connections for queue in snapshot.queues.values())
        return self.queued + on_queues + snapshot.counters["waiting_for_place"]


class Case(NamedTuple):
    """A lint's rule is broken: since when, by how many things, which the sentence is about; `facts` fill the sentence."""

    since_s: float
    count: int
    facts: dict[str, object]
    threads: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule, in words. A time ending in `_s` is on the server's clock."""

    lint: str
    text: str
    since_s: float
    threads: tuple[int, ...] = ()
    """Numbers of the threads that it is about; empty: of none in particular."""
    until_s: float | None = None
    """The last moment at which it was so; None: it is so now."""


class Lint(ABC):
    """One rule. An object of it follows one server: `look` is called at each moment, in order.

    `one` and `many` are the sentences for one thing and for several, filled by `count` and the case's facts. `lesson` is a
    command that provokes it.
    """

    name: ClassVar[str]
    rule: ClassVar[str]
    one: ClassVar[str]
    many: ClassVar[str]
    remedy: ClassVar[str]
    lesson: ClassVar[str]
    timing: ClassVar[bool] = True
    """Whether slow motion breaks the rule by itself."""

    @abstractmethod
    def look(self, moment: Moment) -> Case | None:
        """The case at this moment, None: the rule is kept."""

    def finding(self, case: Case) -> Finding:
        """The case in words."""
        text = (self.one if case.count == 1 else self.many).format(count=case.count, **case.facts)
        return Finding(self.name, text, case.since_s, case.threads)


class Since:
    """Since when something has been so, in every table."""

    def __init__(self) -> None:
        self._since: float | None = None

    def so(self, holds: object, at_s: float) -> float | None:
        """The first moment of this run; None: it is not so now."""
        if not holds:
            self._since = None
        elif self._since is None:
            self._since = at_s
        return self._since


class Lately:
    """Keeps a case that lasted for less than a table's time in view for a while."""

    def __init__(self, kept_s: float):
        self._kept_s = kept_s
        self._case: Case | None = None
        self._seen_s = 0.0

    def keep(self, case: Case | None, at_s: float) -> Case | None:
        """This case, or the last one for so long; the first moment of either."""
        if case is not None:
            self._case = case if self._case is None else case._replace(since_s=min(case.since_s, self._case.since_s))
            self._seen_s = at_s
        elif self._case is not None and at_s - self._seen_s > self._kept_s:
            self._case = None
        return self._case


def loops(snapshot: Snapshot) -> tuple[int, ...]:
    """The threads that are event loops: where anybody selects, those that accept."""
    if not any(entered is State.SELECTING for _, entered in snapshot.flows):
        return ()
    return numbers(thread for thread in snapshot.threads if thread.role == snapshot.header.accepting_role)


def numbers(threads: Iterable[ThreadView]) -> tuple[int, ...]:
    """The threads' numbers."""
    return tuple(thread.number for thread in threads)
