"""A picture completed with what a trace observed and the source could not tell: dashed, with the places that were missing."""

from collections.abc import Iterator
from dataclasses import replace

from teachserve.diagram.drawing import Drawing, Edge, Group, Node
from teachserve.diagram.explained import OWN_AFFAIR, Moved, courses
from teachserve.diagram.folded import folded
from teachserve.diagram.keys import BACKLOG, CLIENTS, SOCKET, queue_key, role_key, step_keys
from teachserve.diagram.life import ENTERS, closes
from teachserve.diagram.moves import BLOCKING
from teachserve.diagram.recorded import LOWER, Recorded
from teachserve.events import MEANING, State
from teachserve.topology.topology import Topology
from teachserve.topology.verbs_source import tells

S = State
SENT_HOME_FROM = frozenset({S.ACCEPTING, S.SELECTING, S.WAITING})
"""A thread that ends in one of these was sent home by a stop, which is another picture."""

WITHIN: frozenset[Moved] = frozenset().union(*(verb.within for verb in BLOCKING.values()))
"""Moves inside one verb."""


def completed(drawing: Drawing, view: str, topology: Topology, recorded: Recorded) -> Drawing:
    """The drawing of a view ("threads", "life" or "states") with an edge of the kind "observed" for each thing missing.

    Raises: ValueError for another view.
    """
    add = {"threads": _threads, "life": _life, "states": _states}.get(view)
    if add is None:
        raise ValueError(f"a trace does not complete the view {view}: it tells of threads, life and states")
    nodes, edges = add(drawing, topology, recorded)
    groups = {node.group: Group(node.group, node.group) for node in nodes if node.group}
    for group in drawing.groups:
        groups.pop(group.key, None)
    told = f"dashed: observed, not derived; recorded {recorded.when[:16].replace('T', ' ')} UTC"
    how = ["moves between two tables were not seen: single events were not recorded"] if recorded.sampled else []
    legend = [told, *how] if edges else [f"what was recorded {recorded.when[:10]} is all derived", *how]
    return replace(
        drawing, nodes=(*drawing.nodes, *nodes), edges=(*drawing.edges, *edges),
        groups=(*drawing.groups, *groups.values()), legend=(*drawing.legend, *legend),
    )  # fmt: skip


def underived(topology: Topology, recorded: Recorded) -> dict[str, list[tuple[Moved, int]]]:
    """Role -> moves that no way through its derived verbs explains, and how often each was seen.

    What a handler does by itself, and what breaks a thread, is no verb's order; in a role that could not be derived in full
    the handler is not told from a verb.
    """
    lives = {role.name: role for role in topology.roles}
    unsure = {one.role for one in topology.unknown}
    explained = {
        name: courses(role).keys() | (frozenset() if name in unsure else OWN_AFFAIR) for name, role in lives.items()
    }
    found: dict[str, list[tuple[Moved, int]]] = {}
    for (role, before, after), times in sorted(recorded.moves.items()):
        move = before, after
        if role in LOWER - lives.keys():
            continue
        if after is not S.BROKEN and move not in WITHIN and move not in explained.get(role, ()):
            found.setdefault(role, []).append((move, times))
    return found


# ---- the states ----------------------------------------------------------------------------------------------------


def _states(drawing: Drawing, topology: Topology, recorded: Recorded) -> tuple[list[Node], list[Edge]]:
    moved = {move for its in underived(topology, recorded).values() for move, _ in its}
    moved |= WITHIN & {(before, after) for _, before, after in recorded.moves}
    drawn = {(edge.tail, edge.head) for edge in drawing.edges}
    edges = [
        Edge(one.value, other.value, kind="observed", tooltip=f"Observed: from {one.value} to {other.value}.")
        for one, other in sorted(moved)
        if (one.value, other.value) not in drawn
    ]
    there = {node.key for node in drawing.nodes}
    missing = dict.fromkeys(key for edge in edges for key in (edge.tail, edge.head) if key not in there)
    nodes = [Node(key, (key,), "state", MEANING[State(key)], state=key, faint=True) for key in missing]
    return nodes, edges


# ---- the life ------------------------------------------------------------------------------------------------------


def _life(drawing: Drawing, topology: Topology, recorded: Recorded) -> tuple[list[Node], list[Edge]]:
    topology = folded(topology)  # as it is drawn
    places = _Places(drawing, topology)
    drawn = {(edge.tail, edge.head) for edge in drawing.edges}
    edges: dict[tuple[str, str], Edge] = {}
    for role, its in underived(topology, recorded).items():
        for (before, after), _ in its:
            if after is S.ENDED and before in SENT_HOME_FROM:
                continue
            ends = places.leaving(role, before), places.entered(role, after)
            if None not in ends and ends not in drawn:
                edges[ends] = Edge(
                    *ends, kind="observed", tooltip=f"Observed: a {role} went on from {before} to {after}."
                )
    used = {key for ends in edges for key in ends}
    nodes = [node for node in places.added.values() if node.key in used]
    accepts = [node for node in nodes if node.label == ("accept",)]
    first = [Edge(BACKLOG, node.key, "accept(2)", "observed", node.tooltip) for node in accepts]
    return nodes, [*first, *edges.values()]


class _Places:
    """The nodes at which a thread is in a state; one that is missing is added."""

    def __init__(self, drawing: Drawing, topology: Topology) -> None:
        self._roles = {role.name: role for role in topology.roles}
        self._drawn = {node.key: node for node in drawing.nodes}
        self._closes = {
            step_keys(role)[read]: close
            for role in topology.roles
            for read, close in closes(role).items()
            if close in self._drawn
        }
        self.added: dict[str, Node] = {}

    def entered(self, role: str, state: State) -> str | None:
        """Where it comes to in this state; None for what the picture leaves out."""
        if state is S.ENDED:
            return self._end(role)
        return self._at(role, state)

    def leaving(self, role: str, state: State) -> str | None:
        """Where it leaves from in this state: a read at the end of a serve through its close."""
        if state is S.STARTING:
            return None
        key = self._at(role, state)
        return self._closes.get(key, key)

    def _at(self, role: str, state: State) -> str | None:
        life = self._roles.get(role)
        verb = next((verb for verb, one in BLOCKING.items() if state in one.entered | one.returns), "")
        if state is S.BACKING_OFF:
            verb = "accept"
        if life is not None:
            keys = [key for key, step in zip(step_keys(life), life.steps, strict=True) if step.verb == verb]
            for key in keys:
                if key in self._drawn:
                    return key
        if not verb:
            return None
        key = f"{role}.{verb}"
        told = f"Observed, not derived. {tells(verb)}"
        shown = ENTERS[verb].value
        self.added.setdefault(key, Node(key, (verb,), "verb", told, group=role, faint=True, state=shown))
        return key

    def _end(self, role: str) -> str | None:
        life = self._roles.get(role)
        key = step_keys(life)[-1] if life is not None else ""
        return key if key in self._drawn else None


# ---- the threads ---------------------------------------------------------------------------------------------------


def _threads(drawing: Drawing, topology: Topology, recorded: Recorded) -> tuple[list[Node], list[Edge]]:
    drawn = {(edge.tail, edge.head) for edge in drawing.edges}
    there = {node.key for node in drawing.nodes}
    edges: dict[tuple[str, str], Edge] = {}
    below = {role_key(role) for role in LOWER - {role.name for role in topology.roles}}
    for edge in _deeds(recorded):
        if not below & {edge.tail, edge.head} and (edge.tail, edge.head) not in drawn:
            edges.setdefault((edge.tail, edge.head), edge)
    missing = dict.fromkeys(key for ends in edges for key in ends if key not in there)
    nodes = [_part(key) for key in missing]
    return nodes, list(edges.values())


def _part(key: str) -> Node:
    kind, _, name = key.partition(" ")
    if kind == "role":
        return Node(key, (name, "not derived"), "role", "Observed, not derived.", faint=True)
    return Node(key, (name, "queue"), "queue", "Observed, not derived.", faint=True)


def _deeds(recorded: Recorded) -> Iterator[Edge]:
    """What each role was seen to do with what it shares."""
    for role, states in _entered(recorded).items():
        if S.ACCEPTING in states:
            yield _seen(SOCKET, role_key(role), "accept", f"a {role} accepts")
        if S.WRITING in states:
            yield _seen(role_key(role), CLIENTS, "answer", f"a {role} answers", back=True)
    for role, queue in sorted(recorded.takes):
        yield _seen(queue_key(queue), role_key(role), "take", f"a {role} takes from {queue}")
    for role, queue in sorted(recorded.hands):
        yield _seen(role_key(role), queue_key(queue), "hand over", f"a {role} hands over to {queue}")
    for role, made in sorted(recorded.spawns):
        yield _seen(role_key(role), role_key(made), "spawn", f"a {role} spawns a {made}")


def _seen(tail: str, head: str, label: str, told: str, back: bool = False) -> Edge:
    return Edge(tail, head, label, "observed", f"Observed: {told}.", back=back)


def _entered(recorded: Recorded) -> dict[str, set[State]]:
    found: dict[str, set[State]] = {}
    for role, _, state in sorted(recorded.moves):
        found.setdefault(role, set()).add(state)
    return found
