"""A role's life as points that a thread comes past, and the ways between them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from teachserve.events import State
from teachserve.topology.verbs import ANNOUNCES, IN_A_LOOP, MAY_PASS, QUIET


@dataclass(frozen=True, slots=True)
class VerbCall:
    """A verb called in a role's life.

    `line` is where a thread stands in it, `ends` the line and column behind the call, which no other call of the method
    shares. `queue` is the named queue of a take, a hand_over or a select, "" where none can be read. `within` is the verb
    that is opened up into this one, "" for one that the architecture calls itself.
    """

    role: str
    method: str
    verb: str
    line: int
    file: str
    queue: str = ""
    ends: tuple[int, int] = (0, 0)
    shown: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Spawn:
    """A spawn: which method it starts, in which role; "" for what is not written there in plain words.

    `many` says in the source's own words how many. `given` is what is known of the method's arguments, by name.
    """

    line: int
    file: str
    method: str
    role: str
    many: str = "1"
    given: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """A condition at a place of the text, and whether it holds. `counts`: it is a for loop's, true so many times."""

    words: str
    place: tuple[str, int, int, int, int]
    holds: bool
    counts: bool = False

    def denies(self, other: "Test") -> bool:
        """Whether one of the two is always true."""
        return self.place == other.place and self.holds is not other.holds


@dataclass(eq=False, slots=True)
class Way:
    """Where a thread may come next, and on what condition; None: in any case. `back`: to where a loop begins."""

    point: "Point"
    test: Test | None = None
    back: bool = False


@dataclass(eq=False, slots=True)
class Point:
    """A place that a thread comes past, the verb that is called there if one is, and the ways on.

    `order` sorts points as they are written, with what a helper does at the place of its call.
    """

    file: str = ""
    line: int = 0
    call: VerbCall | None = None
    spawn: Spawn | None = None
    order: tuple[tuple[int, int], ...] = ()
    ways: list[Way] = field(default_factory=list)

    @property
    def next(self) -> list["Point"]:
        """The points that may come next."""
        return [way.point for way in self.ways]

    def lead(self, point: "Point", test: Test | None = None, back: bool = False) -> "Point":
        """Add a way. Returns this point."""
        self.ways.append(Way(point, test, back))
        return self


@dataclass(frozen=True, slots=True)
class Exits:
    """Where `return`, `raise`, `continue` and `break` lead. A call that is a test goes on at one of two places."""

    yes: Point
    no: Point
    raised: Point
    head: Point | None = None
    after: Point | None = None

    def each(self, through: Callable[[Point], Point]) -> "Exits":
        """The same, by way of what has to be done first."""
        yes = through(self.yes)
        return Exits(
            yes,
            yes if self.no is self.yes else through(self.no),
            through(self.raised),
            self.head and through(self.head),
            self.after and through(self.after),
        )


@dataclass(frozen=True, slots=True, order=True)
class Unread:
    """A line that cannot be followed, and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}" if self.line else self.why


@dataclass
class Role:
    """A role's life as it is written.

    `unread` says what may hide a verb; then no line of the role is certain. `unordered` says where every verb is found
    and only their order, or the queue that is meant, is not certain.
    """

    name: str
    methods: list[str] = field(default_factory=list)
    begin: list[Point] = field(default_factory=list)
    end: Point = field(default_factory=Point)
    unread: list[Unread] = field(default_factory=list)
    unordered: list[Unread] = field(default_factory=list)

    def points(self) -> Iterator[Point]:
        """Every point that can be reached, each once."""
        return reachable(self.begin)

    @property
    def calls(self) -> list[VerbCall]:
        """Every verb that announces itself, in the order of the text."""
        found = {point.call for point in self.points() if point.call and point.call.verb not in QUIET}
        return sorted(found, key=lambda call: (call.file, call.line, call.verb, call.ends, call.queue))

    @property
    def loops(self) -> bool:
        """Whether it watches many connections with `select`."""
        return any(call.verb == "select" for call in self.calls)

    def announces(self, call: VerbCall) -> frozenset[State]:
        """The states that its threads may enter in this call."""
        states = ANNOUNCES.get(call.verb, frozenset())
        return IN_A_LOOP.get(call.verb, states) if self.loops else states


def reachable(begin: Iterable[Point], until_announced: bool = False) -> Iterator[Point]:
    """The points that follow, each once; all of them, or up to the verb that announces a state next, that included."""
    seen: set[Point] = set()
    todo = list(begin)
    while todo:
        point = todo.pop()
        if point in seen:
            continue
        seen.add(point)
        yield point
        if not until_announced or point.call is None or point.call.verb in MAY_PASS | QUIET:
            todo += point.next
