"""The verbs that a role calls, where, and in what order: for lines to stand at, and for arrows to draw."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from teachserve.events import State

S = State
ANNOUNCES: dict[str, frozenset[State]] = {
    "accept": frozenset({S.ACCEPTING, S.BACKING_OFF, S.ACCEPTED}),
    "select": frozenset({S.SELECTING}),
    "spawn": frozenset({S.CREATING}),
    "hand_over": frozenset({S.HANDING_OVER}),
    "take": frozenset({S.WAITING}),
    "wait_for_place": frozenset({S.WAITING_FOR_PLACE}),
    "recycle": frozenset({S.RECYCLING}),
    "serve": frozenset({S.READING, S.IDLE, S.HANDLING, S.WRITING}),
    "read": frozenset({S.READING, S.IDLE}),
    # A handler may read the rest of its request and send the first of its answer; what writes asks it for the rest.
    "handle": frozenset({S.HANDLING, S.READING, S.WRITING}),
    "write": frozenset({S.WRITING, S.HANDLING}),
}
"""Verb -> the states that a thread may enter in it."""
IN_A_LOOP: dict[str, frozenset[State]] = {
    "accept": frozenset({S.ACCEPTING, S.ACCEPTED}),
    "read": frozenset({S.READING}),
    "handle": frozenset({S.HANDLING}),
    "write": frozenset({S.WRITING}),
}
"""The same for a thread that calls `select`: it waits nowhere else."""
MAY_PASS = frozenset({"wait_for_place", "select", "read"})
"""Verbs that return without a word where there is nothing to wait for."""
QUIET = frozenset({"admit", "short_of_acceptors", "refuse", "close"})
"""Verbs in which a thread stays in the state that it is in."""


@dataclass(frozen=True, slots=True)
class VerbCall:
    """A verb called in a role's life. `queue` is the named queue of a take or a hand_over, "" where none can be read."""

    role: str
    method: str
    verb: str
    line: int
    file: str
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Spawn:
    """A spawn: which method it starts, in which role; "" for what is not written there in plain words."""

    method: str
    role: str
    line: int
    file: str


@dataclass(eq=False, slots=True)
class Step:
    """A place that a thread comes past, the verb that is called there if one is, and where it may come next."""

    file: str = ""
    line: int = 0
    call: VerbCall | None = None
    next: list["Step"] = field(default_factory=list)


@dataclass
class Role:
    """A role's life as it is written. `unread` says why it cannot be told in full; then no line of it is certain."""

    name: str
    begin: list[Step] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        """Every place that can be reached, each once."""
        return reachable(self.begin)

    @property
    def calls(self) -> list[VerbCall]:
        """Every verb that it calls, in the order of the text."""
        found = {step.call for step in self.steps() if step.call}
        return sorted(found, key=lambda call: (call.file, call.line, call.verb))

    @property
    def loops(self) -> bool:
        """Whether it watches many connections with `select`."""
        return any(call.verb == "select" for call in self.calls)

    def announces(self, call: VerbCall) -> frozenset[State]:
        """The states that its threads may enter in this call."""
        states = ANNOUNCES.get(call.verb, frozenset())
        return IN_A_LOOP.get(call.verb, states) if self.loops else states


def reachable(begin: Iterable[Step], until_announced: bool = False) -> Iterator[Step]:
    """The places that follow, each once; all of them, or up to the verb that announces a state next, that included."""
    seen: set[Step] = set()
    todo = list(begin)
    while todo:
        step = todo.pop()
        if step in seen:
            continue
        seen.add(step)
        yield step
        if not until_announced or step.call is None or step.call.verb in MAY_PASS:
            todo += step.next
