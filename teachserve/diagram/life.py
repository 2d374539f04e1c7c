"""The life of a connection: from the client's SYN through the kernel's queue to the close, and who holds it at each step.

Only roles that hold connections or requests are drawn. What happens once the server stops, when accept, take and select
give nothing, is left to the view of the stop.
"""

from collections.abc import Iterable

from teachserve.diagram.drawing import Drawing, Edge, Group, Node
from teachserve.diagram.folded import folded
from teachserve.diagram.keys import (
    BACKLOG,
    CLIENTS,
    Place,
    queue_key,
    step_keys,
    step_places,
    unknown_key,
)
from teachserve.diagram.moves import NOTHING_CAME
from teachserve.diagram.wording import (
    arguments,
    briefly,
    first_argument,
    in_words,
    project_file,
    shortened,
    unknown_notes,
)
from teachserve.events import State
from teachserve.topology.topology import BEGIN, END, START, RoleLife, Step, Topology
from teachserve.topology.topology import Edge as Way
from teachserve.topology.verbs_source import tells

ENTERS: dict[str, State] = {
    "accept": State.ACCEPTING, "select": State.SELECTING, "spawn": State.CREATING, "hand_over": State.HANDING_OVER,
    "take": State.WAITING, "wait_for_place": State.WAITING_FOR_PLACE, "recycle": State.RECYCLING,
    "read": State.READING, "handle": State.HANDLING, "write": State.WRITING,
}  # fmt: skip
"""Verb -> the state that a thread enters first in it; the others leave it in the state that it is in."""
WAITING_FOR_WORK = ("accept", "select", "take")
_HOLDS = frozenset({"accept", "admit", "read", "handle", "write"})


def draw(topology: Topology, name: str = "") -> Drawing:
    """The picture. `name`: the architecture's, where it has one beside its class."""
    name = name or topology.name
    topology = folded(topology)
    holders = in_order(filter(holds, topology.roles))
    taken = list(dict.fromkeys(step.queue for role in holders for step in role.steps if step.verb == "take"))
    nodes = [
        Node(CLIENTS, ("client",), "client", "It sends SYN, and the kernel answers without asking the server."),
        Node(
            BACKLOG, ("accept queue", "the backlog, in the kernel"), "kernel", "Connected, and accepted by nobody yet."
        ),
    ]
    edges = [Edge(CLIENTS, BACKLOG, "SYN, ACK")]
    inner: list[Edge] = []
    for role in holders:
        own = _Life(role, taken)
        nodes += own.nodes()
        inner += own.edges()
        edges += _from_outside(role, taken, holders)
    nodes += _queues(topology, taken)
    unsure = {one.role for one in topology.unknown}
    others = [role.name for role in topology.roles if role not in holders and role.name not in unsure]
    legend = (f"{in_words(others)}: holds no connection, see the threads",) if others else ()
    if any(role.loops for role in holders):
        legend += ("in a loop, read and write close the connection once it is over",)
    notes = unknown_notes(topology, (START, *(role.name for role in topology.roles)))
    drawn = {node.key for node in (*nodes, *notes)}
    doubts = [Edge(step_keys(role)[1], unknown_key(role.name), kind="unknown") for role in holders]
    doubts = [doubt for doubt in doubts if {doubt.tail, doubt.head} <= drawn]
    return Drawing(
        f"{name}-life", f"{name}: the life of a connection", sentence(topology), (*nodes, *notes),
        (*edges, *inner, *doubts), tuple(Group(role.name, role.name) for role in holders), legend,
    )  # fmt: skip


def holds(role: RoleLife) -> bool:
    """Whether its threads hold connections: they accept, serve, or pass on what they take.

    A role that takes and only spawns, as a thread-maker, is handed wishes.
    """
    verbs = {step.verb for step in role.steps}
    return bool(verbs & _HOLDS) or {"take", "hand_over"} <= verbs


def in_order(roles: Iterable[RoleLife]) -> list[RoleLife]:
    """The roles in the order in which a connection, or what comes of it, gets to them: the one that accepts first."""
    rest = list(roles)
    found = [role for role in rest if role.accepts]
    for role in found:
        rest = [one for one in rest if one not in found]
        given = {step.queue for step in role.steps if step.verb == "hand_over"}
        spawned = {step.spawns for step in role.steps if step.spawns}
        found += [one for one in rest if one.name in spawned or given & _taken_by(one)]
    return found + [one for one in rest if one not in found]


def given_before(order: list[RoleLife], role: RoleLife) -> set[str]:
    """The queues to which the roles before it hand over: from the others something comes back."""
    return {step.queue for one in order[: order.index(role)] for step in one.steps if step.verb == "hand_over"}


def _taken_by(role: RoleLife) -> set[str]:
    return {step.queue for step in role.steps if step.verb == "take"}


def places(topology: Topology) -> dict[str, Place]:
    """What each node stands for, by its key: a verb at one place of a role's life, or a queue."""
    found = {CLIENTS: Place(), BACKLOG: Place(verb="accept")}
    for role in filter(holds, folded(topology).roles):
        found |= dict(step_places(role))
        found |= {key: Place(role.name, "close") for key in closes(role).values()}
    return found | {queue_key(queue): Place(queue=queue) for queue in topology.queues}


def sentence(topology: Topology) -> str:
    """The picture in words: who holds the connection, and through which verbs it goes."""
    told = ["The client connects and waits in the kernel's accept queue."]
    for role in filter(holds, topology.roles):
        told.append(f"{role.name}: {_told(role) or 'nothing that is known'}.")
    return " ".join(told)


def _told(role: RoleLife) -> str:
    """Its steps as they are written; "then" stands where the one may follow the other at once."""
    steps = {_in_words(step): step for step in reversed(role.steps) if step.verb not in (BEGIN, END)}
    follows = {(way.before, way.after) for way in role.edges}
    told, before = "", 0
    for words, step in reversed(steps.items()):
        joint = ", then " if (before, step.index) in follows else "; "
        told, before = f"{told}{joint}{words}" if told else words, step.index
    return told


def _in_words(step: Step) -> str:
    queue = {"take": f" from {step.queue}", "hand_over": f" to {step.queue}"}.get(step.verb, "") if step.queue else ""
    return f"{step.verb}{queue}"


def closes(role: RoleLife) -> dict[int, str]:
    """The read of each serve -> the key of the close with which that serve ends."""
    taken = set(step_keys(role))
    found: dict[int, str] = {}
    for step in role.steps:
        if step.verb == "read" and step.within:
            number = len(found) + 1
            while (key := f"{role.name}.close" + (f" {number}" if number > 1 else "")) in taken:
                number += 1
            found[step.index] = key
            taken.add(key)
    return found


class _Life:
    """One role's steps as nodes, and the ways between them as edges."""

    def __init__(self, role: RoleLife, taken: list[str]) -> None:
        self.role = role
        self.taken = taken
        self.keys = step_keys(role)
        self.closes = closes(role)
        self.ways = [way for way in role.edges if way.before and not self._at_the_stop(way)]

    def _at_the_stop(self, way: Way) -> bool:
        before, after = self.role.steps[way.before], self.role.steps[way.after]
        return after.verb == END and before.verb in WAITING_FOR_WORK and bool(NOTHING_CAME.fullmatch(way.condition))

    def nodes(self) -> Iterable[Node]:
        """The steps that a connection can come by, in the source's order; the end, if threads end on the way."""
        reached = {way.after for way in self.ways} | {way.before for way in self.ways}
        reached |= {way.after for way in self.role.edges if not way.before}
        for step, key in zip(self.role.steps, self.keys, strict=True):
            if step.index not in reached or step.verb == BEGIN:
                continue
            if step.verb == END:
                yield Node(key, ("the thread ends",), "end", "Its method returns.", group=self.role.name)
                continue
            state = ENTERS[step.verb].value if step.verb in ENTERS else ""
            yield Node(key, _label(step, self.taken), "verb", f"{step.tells} {step.shown}", project_file(step.file), step.line,
                       self.role.name, state=state)  # fmt: skip
            if step.index in self.closes:
                yield Node(self.closes[step.index], ("close",), "verb", f"serve ends with it. {tells('close')}",
                           project_file(step.file), step.line, self.role.name)  # fmt: skip

    def edges(self) -> Iterable[Edge]:
        """The ways, those that leave a serve through its close."""
        said: set[int] = set()
        # The way on within a serve first: what is named first stands to the left, so the way out crosses nothing.
        inside_first = sorted(
            self.ways, key=lambda way: (way.before, way.before in self.closes and not self._inside(way))
        )
        for way in inside_first:
            before = self.role.steps[way.before]
            if way.before not in self.closes or self._inside(way):
                yield self._edge(self.keys[way.before], self.keys[way.after], self._label(way), before, way)
                continue
            close = self.closes[way.before]
            leaving = {one.tests[:1] for one in self.ways if one.before == way.before and not self._inside(one)}
            shared = way.tests[:1] if len(leaving) == 1 else ()
            if way.before not in said:
                said.add(way.before)
                yield self._edge(self.keys[way.before], close, "".join(shared), before)
            yield self._edge(close, self.keys[way.after], " and ".join(way.tests[len(shared) :]), before, way)

    def _inside(self, way: Way) -> bool:
        """Whether it leads from a serve's read to the same serve's handle."""
        before, after = self.role.steps[way.before], self.role.steps[way.after]
        return (after.within, after.file, after.line, after.index) == (
            before.within, before.file, before.line, before.index + 1,
        )  # fmt: skip

    def _label(self, way: Way) -> str:
        siblings = [one for one in self.role.edges if one.before == way.before and one != way]
        return briefly(way.tests, [one.tests for one in siblings])

    def _edge(self, tail: str, head: str, words: str, before: Step, way: Way | None = None) -> Edge:
        label = shortened(words)
        if before.verb == "admit" and words.startswith("not admit"):
            label += "\nanswered 503"
        told = way.condition if way else words
        return Edge(tail, head, label, "next", told and f"if {told}", project_file(before.file), before.line,
                    bool(way and way.back))  # fmt: skip


def _label(step: Step, taken: list[str]) -> tuple[str, ...]:
    if step.verb == "hand_over":
        item = shortened(first_argument(step), lines=1)
        return ("hand_over", item if step.queue in taken else f"{item} to {step.queue}")
    return (step.verb, step.spawns) if step.spawns else (step.verb,)


def _from_outside(role: RoleLife, taken: list[str], holders: list[RoleLife]) -> Iterable[Edge]:
    """From the kernel, through a queue, and to the thread that is spawned with the connection."""
    before = given_before(holders, role)
    for step, key in zip(role.steps, step_keys(role), strict=True):
        where = step.tells, project_file(step.file), step.line
        if step.verb == "accept":
            yield Edge(BACKLOG, key, "accept(2)", "accept", *where)
        elif step.verb == "take":
            yield Edge(queue_key(step.queue), key, "", "take", *where, back=step.queue not in before)
        elif step.verb == "hand_over" and step.queue in taken:
            yield Edge(key, queue_key(step.queue), "", "hand over", *where)
        elif step.verb == "spawn" and len(arguments(step)) > 1:
            for other in holders:
                for way in other.edges if other.name == step.spawns else ():
                    if not way.before and other.steps[way.after].verb != END:
                        label = shortened(" ".join(["with", *arguments(step)[1:]]))
                        yield Edge(key, step_keys(other)[way.after], label, "spawn", *where)


def _queues(topology: Topology, taken: Iterable[str]) -> Iterable[Node]:
    for queue in taken:
        file, line = topology.queue_place(queue)
        told = "No thread holds what waits here; what is handed over first is taken first."
        yield Node(queue_key(queue), (queue or "a queue", "queue" if queue else "not said which"), "queue", told,
                   project_file(file), line, faint=not queue)  # fmt: skip
