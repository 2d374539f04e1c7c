"""The threads of an architecture: each role once, what the roles share, who hands what to whom, and who makes whom."""

from collections.abc import Iterable

from teachserve.diagram.drawing import Drawing, Edge, Node
from teachserve.diagram.keys import CLIENTS, COUNTERS, SOCKET, Place, queue_key, role_key, unknown_key
from teachserve.diagram.life import given_before, in_order
from teachserve.diagram.wording import (
    arguments,
    condition_of,
    first_argument,
    in_words,
    many,
    project_file,
    short,
    shortened,
    unknown_notes,
    verbs_of,
)
from teachserve.events import State
from teachserve.topology.topology import START, RoleLife, Step, Topology

WAITS_IN = {"select": State.SELECTING, "accept": State.ACCEPTING, "take": State.WAITING}
"""The verb in which a role waits for work, the first that it has, and its state there; a role without one is made for work."""

DECIDED_BY = {
    "short_of_acceptors": "accepting", "recycle": "accepting", "admit": "admitted", "wait_for_place": "placed",
}  # fmt: skip
"""Verb -> the counter on which it decides."""
COUNTED_BY: dict[str, frozenset[str]] = {
    "accept": frozenset({"accepting"}),
    "recycle": frozenset({"accepting"}),
    "admit": frozenset({"admitted"}),
    "wait_for_place": frozenset({"placed"}),
    "serve": frozenset({"admitted", "placed"}),
    "close": frozenset({"admitted"}),
    "spawn": frozenset({"accepting"}),
}
"""Verb -> the counters that it writes, of those on which a verb decides."""


def draw(topology: Topology, name: str = "") -> Drawing:
    """The picture. `name`: the architecture's, where it has one beside its class."""
    name = name or topology.name
    ways = _Ways()
    ways.add(Edge(CLIENTS, SOCKET, "connect"))
    order = in_order(topology.roles)
    for role in topology.roles:
        _handed(role, given_before(order, role), ways)
    for role in topology.roles:
        _spawned(role, [one.name for one in order], ways)
        _answered(role, ways)
    nodes = [
        Node(CLIENTS, ("clients",), "client", "Each has a connection of its own."),
        Node(SOCKET, ("listening socket",), "socket", "The kernel queues here whoever has connected."),
        *_queues(topology, ways),
        *map(_role, topology.roles),
    ]
    counters, guards = _counters(topology)
    notes = unknown_notes(topology, (START, *(role.name for role in topology.roles)))
    noted = {note.key for note in notes}
    doubts = [
        Edge(role_key(role.name), unknown_key(role.name), kind="unknown")
        for role in topology.roles
        if unknown_key(role.name) in noted
    ]
    return Drawing(
        f"{name}-threads", f"{name}: the threads", sentence(topology), (*nodes, *counters, *notes),
        (*ways.edges(), *guards, *doubts),
    )  # fmt: skip


def places(topology: Topology) -> dict[str, Place]:
    """What each node stands for, by its key: a role, or a queue; the socket is where `accept` is called."""
    return {
        CLIENTS: Place(),
        SOCKET: Place(verb="accept"),
        **{queue_key(queue): Place(queue=queue) for queue in topology.queues},
        **{role_key(role.name): Place(role.name) for role in topology.roles},
    }


def sentence(topology: Topology) -> str:
    """The picture in words: each role, how many, and its verbs."""
    told = [topology.sentence or f"{topology.name}."]
    for role in topology.roles:
        made = "; ".join(f"{one.many} spawned by {one.by}" for one in role.made) or "spawned nowhere"
        told.append(f"{role.name} ({made}): {in_words(map(_deed, _deeds(role)))}.")
    return " ".join(told)


def _deeds(role: RoleLife) -> Iterable[Step]:
    """The steps that are told: each verb once, with its queue, serve as one."""
    found = {(step.within or step.verb, step.queue, step.spawns): step for step in reversed(role.steps[1:-1])}
    return reversed(found.values())


def _deed(step: Step) -> str:
    if step.verb == "hand_over":
        return f"hand over {first_argument(step)} to {step.queue or 'a queue'}"
    if step.verb == "take":
        return f"take from {step.queue or 'a queue'}"
    if step.verb == "spawn":
        return f"spawn {step.spawns}" if step.spawns else "spawn"
    return step.within or step.verb


class _Ways:
    """The edges by their ends: several between the same two are one, with a line a verb."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Edge] = {}

    def add(self, edge: Edge) -> None:
        """Keep it, or what it says that an edge between the same nodes does not say yet."""
        ends = edge.tail, edge.head
        known = self._found.get(ends)
        if known is None:
            self._found[ends] = edge
        elif edge.label not in known.label.split("\n"):
            label = f"{known.label}\n{edge.label}"
            tooltip = " ".join(dict.fromkeys([known.tooltip, edge.tooltip]))
            self._found[ends] = Edge(*ends, label, known.kind, tooltip, known.file, known.line, known.back)

    def edges(self) -> tuple[Edge, ...]:
        """All of them, in the order in which their ends were first named."""
        return tuple(self._found.values())

    def queues(self) -> list[str]:
        """The keys of the queues that something goes to or comes from."""
        return [key for ends in self._found for key in ends if key.startswith("queue ")]


def _handed(role: RoleLife, before: set[str], ways: _Ways) -> None:
    """From the socket and the queues, and to them."""
    for step in role.steps:
        where = step.tells, project_file(step.file), step.line
        if step.verb == "accept":
            ways.add(Edge(SOCKET, role_key(role.name), "select, accept" if role.loops else "accept", "accept", *where))
        elif step.verb == "take":
            label = "select, take" if role.loops else "take"
            back = step.queue not in before
            ways.add(Edge(queue_key(step.queue), role_key(role.name), label, "take", *where, back=back))
        elif step.verb == "hand_over":
            condition = condition_of(role, step)
            item = shortened(f"hand over {first_argument(step)}".strip())
            label = item + (f"\n{shortened(f'if {condition}')}" if condition else "")
            tooltip = f"{step.tells} {step.shown}" + (f", if {condition}" if condition else "")
            ways.add(Edge(role_key(role.name), queue_key(step.queue), label, "hand over", tooltip, *where[1:]))


def _spawned(role: RoleLife, order: list[str], ways: _Ways) -> None:
    for made in role.made:
        if made.by == START:
            continue
        label = shortened(many(made.many))
        tooltip = f"{made.many}" + (f", if {made.condition}" if made.condition else "")
        back = order.index(role.name) < order.index(made.by)
        ways.add(Edge(role_key(made.by), role_key(role.name), f"spawn\n{label}", "spawn", tooltip,
                      project_file(made.file), made.line, back))  # fmt: skip


def _answered(role: RoleLife, ways: _Ways) -> None:
    for step in role.steps:
        where = step.tells, project_file(step.file), step.line
        if step.verb == "write":
            ways.add(Edge(role_key(role.name), CLIENTS, "answer", "answer", *where, back=True))
        elif step.verb == "admit":
            ways.add(Edge(role_key(role.name), CLIENTS, "503 if not admit", "answer", *where, back=True))
        elif step.verb == "recycle":
            ways.add(Edge(role_key(role.name), role_key(role.name), "recycle", "next", *where, back=True))


def _queues(topology: Topology, ways: _Ways) -> list[Node]:
    known = {queue_key(queue): queue for queue in topology.queues}
    found = dict.fromkeys([*known, *ways.queues()])
    told = "A named queue: what is handed over first is taken first."
    nodes = []
    for key in found:
        if key in known:
            file, line = topology.queue_place(known[key])
            nodes.append(Node(key, (known[key], "queue"), "queue", told, project_file(file), line))
        else:
            why = "The source does not say which queue it is."
            nodes.append(Node(key, ("a queue", "not said which"), "queue", why, faint=True))
    return nodes


def _role(role: RoleLife) -> Node:
    verbs = verbs_of(role)
    state = next((state for verb, state in WAITS_IN.items() if verb in verbs), State.HANDLING)
    counts = [many(one.many) for one in role.made if one.by == START]
    tooltip = role.sentence or f"{role.name}: {in_words(verbs)}."
    return Node(
        role_key(role.name), (role.name, *short(", ".join(verbs))), "role", tooltip, project_file(role.file), role.line,
        state=state, count=f"{' + '.join(counts)} from start" if counts else "" if role.made else "spawned nowhere",
    )  # fmt: skip


def _counters(topology: Topology) -> tuple[list[Node], list[Edge]]:
    """The counters on which a verb of this architecture decides, and who writes them; nothing where none does."""
    steps = [step for role in topology.roles for step in role.steps]
    decided = list(dict.fromkeys(DECIDED_BY[step.verb] for step in steps if step.verb in DECIDED_BY))
    if not decided:
        return [], []
    told = "One lock guards every counter: deciding and acting on it is one critical section."
    node = Node(COUNTERS, ("counters, one lock", ", ".join(decided)), "lock", told)
    guards = []
    for role in topology.roles:
        written = [one for one in decided if any(one in _counted(topology, step) for step in role.steps)]
        if written:
            label = "" if written == decided else f"counts {', '.join(written)}"
            guards.append(
                Edge(role_key(role.name), COUNTERS, label, "guard", f"{role.name} counts {in_words(written)}.")
            )
    return [node], guards


def _counted(topology: Topology, step: Step) -> frozenset[str]:
    if step.verb == "spawn" and (step.spawns != topology.accepting_role or len(arguments(step)) > 1):
        return frozenset()  # it counts in whoever will accept
    return COUNTED_BY.get(step.within or step.verb, frozenset())
