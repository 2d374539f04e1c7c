"""The states that an architecture's threads can be in, and the moves between them."""

from collections.abc import Iterable

from teachserve.diagram.drawing import Drawing, Edge, Group, Node
from teachserve.diagram.moves import BLOCKING, LEFT_OUT, LEFT_OUT_OF_A_LOOP, LOOPING, Move, moves
from teachserve.diagram.wording import in_words, unknown_notes
from teachserve.events import EVENT_NAMES, MEANING, State
from teachserve.topology.topology import START, RoleLife, Topology

FILE = "teachserve/events.py"


def draw(topology: Topology, name: str = "") -> Drawing:
    """The picture. `name`: the architecture's, where it has one beside its class."""
    name = name or topology.name
    made = {role.name: moves(topology, role, queued=False) for role in topology.roles}
    found = frozenset().union(*made.values())
    order = _order(topology, found)
    owners = {state: [role for role, its in made.items() if any(state in move for move in its)] for state in order}
    nodes = [
        Node(state.value, (state.value,), _kind(state), MEANING[state], FILE,
             group=owners[state][0] if len(owners[state]) == 1 and len(made) > 1 else "", state=state.value)
        for state in order
    ]  # fmt: skip
    edges = [
        Edge(one.value, other.value, EVENT_NAMES.get((one, other), ""), "next",
             f"{in_words(role for role, its in made.items() if (one, other) in its)}: from {one.value} to {other.value}",
             back=order.index(other) < order.index(one))
        for one in order for other in order if (one, other) in found
    ]  # fmt: skip
    groups = [Group(role, role) for role in made if any(node.group == role for node in nodes)]
    notes = unknown_notes(topology, (START, *made))
    return Drawing(
        f"{name}-states", f"{name}: the states of its threads", sentence(topology), (*nodes, *notes), tuple(edges),
        tuple(groups), (LEFT_OUT, *([LEFT_OUT_OF_A_LOOP] if any(role.loops for role in topology.roles) else [])),
    )  # fmt: skip


def sentence(topology: Topology) -> str:
    """The picture in words: each role's states, in the order of its verbs."""
    told = []
    for role in topology.roles:
        order = _order(topology, moves(topology, role, queued=False))
        told.append(f"{role.name}: {in_words(state.value for state in order)}.")
    return " ".join(told)


def _kind(state: State) -> str:
    return {State.STARTING: "begin", State.ENDED: "end"}.get(state, "state")


def _order(topology: Topology, found: Iterable[Move]) -> list[State]:
    """The states in the order in which threads come to them, role by role; idle after the answer before it."""
    ordered = [State.STARTING]
    for role in topology.roles:
        ordered += [state for state, _ in sorted(_positions(role).items(), key=lambda pair: pair[1])]
    ordered.append(State.ENDED)
    inside = {state for move in found for state in move}
    return [state for state in dict.fromkeys(ordered) if state in inside]


def _positions(role: RoleLife) -> dict[State, tuple[int, int]]:
    """Each state -> the step that first announces it, and its position among that step's."""
    verbs = LOOPING if role.loops else BLOCKING
    found: dict[State, tuple[int, int]] = {}
    for step in role.steps:
        if (verb := verbs.get(step.verb)) is None:
            continue
        within = [state for move in sorted(verb.within) for state in move]
        for position, state in enumerate([*sorted(verb.entered), *within, *sorted(verb.returns)]):
            found.setdefault(state, (step.index, position))
    if State.IDLE in found and State.WRITING in found:
        found[State.IDLE] = found[State.WRITING][0], 1
    return found
