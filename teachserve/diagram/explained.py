"""Which way through its verbs a thread has gone when it moved from one state to another.

Verbs that return without a word lie between two states, so a move may be several edges; where several ways explain it,
only what they have in common is certain.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from teachserve.diagram.moves import BLOCKING, COUNTED, LOOPING, NOTHING_CAME, Verb, passes
from teachserve.events import State
from teachserve.topology.topology import BEGIN, END, Edge, RoleLife, Step
from teachserve.topology.verbs import QUIET

Moved = tuple[State, State]
Course = tuple[Edge, ...]

OWN_AFFAIR = frozenset(
    {
        (State.HANDLING, State.READING), (State.READING, State.HANDLING), (State.HANDLING, State.WRITING),
        (State.WRITING, State.HANDLING), (State.HANDLING, State.IDLE), (State.IDLE, State.HANDLING),
    }
)  # fmt: skip
"""Moves that a handler makes which itself receives the rest of its request, or sends its answer in pieces."""


def verbs_in(role: RoleLife) -> Mapping[str, Verb]:
    """The states of each verb in this role."""
    return LOOPING if role.loops else BLOCKING


def inside(role: RoleLife) -> frozenset[Moved]:
    """The moves that lie within one of the role's verbs."""
    verbs = verbs_in(role)
    return frozenset().union(*(verbs[step.verb].within for step in role.steps if step.verb in verbs))


def courses(role: RoleLife) -> dict[Moved, list[Course]]:
    """Each move between the role's verbs -> the ways that explain it, in the source's order."""
    found: defaultdict[Moved, list[Course]] = defaultdict(list)
    for move, course in _Walk(role).all():
        if course not in found[move]:
            found[move].append(course)
    return dict(found)


class _Walk:
    """Goes from each step that announces itself to whatever announces itself next."""

    def __init__(self, role: RoleLife) -> None:
        self.role = role
        self.verbs = verbs_in(role)
        self.ways: defaultdict[int, list[Edge]] = defaultdict(list)
        for edge in role.edges:
            self.ways[edge.before].append(edge)

    def all(self) -> Iterator[tuple[Moved, Course]]:
        """Every move with every way."""
        for step in self.role.steps:
            if step.verb == BEGIN:
                yield from self._on(step, State.STARTING, ())
            elif step.verb in self.verbs:
                for state in sorted(
                    self.verbs[step.verb].returns | ({State.ACCEPTING} if step.verb == "accept" else set())
                ):
                    yield from self._on(step, state, ())

    def _on(self, step: Step, state: State, course: Course) -> Iterator[tuple[Moved, Course]]:
        for edge in self.ways[step.index]:
            if any(edge.after == one.after for one in course) or not self._leaves(step, state, course, edge):
                continue
            then, further = self.role.steps[edge.after], (*course, edge)
            if then.verb == END:
                yield (state, State.ENDED), further
            elif then.verb in QUIET:
                yield from self._on(then, state, further)
            elif then.verb in self.verbs:
                for entered in sorted(self.verbs[then.verb].entered):
                    yield (state, entered), further
                if passes(then, state, self.role.loops, queued=True) or self._sent_away(then, state):
                    yield from self._on(then, state, further)

    def _leaves(self, step: Step, state: State, course: Course, edge: Edge) -> bool:
        """Whether a thread in this state can leave the step by this edge: an accept that got nothing has got no further."""
        if step.verb != "accept" or self.role.loops:
            return True
        nothing = bool(NOTHING_CAME.fullmatch(edge.condition))
        return nothing if course else nothing == (state is State.ACCEPTING)

    def _sent_away(self, step: Step, state: State) -> bool:
        """Once the server stops, accept is not entered any more."""
        return step.verb == "accept" and not self.role.loops and state not in COUNTED
