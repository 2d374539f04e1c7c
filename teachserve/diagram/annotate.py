"""What a trace recorded, on a picture: how often and how long at its nodes, how much along its edges."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from teachserve.diagram import life
from teachserve.diagram.drawing import Drawing, Edge, Node
from teachserve.diagram.folded import folded
from teachserve.diagram.keys import CLIENTS, SOCKET, queue_key, role_key, step_keys
from teachserve.diagram.recorded import Recorded
from teachserve.diagram.traffic import Count, Traffic
from teachserve.observe.times import span
from teachserve.topology.topology import BEGIN, END, RoleLife, Step, Topology

_REFUSED = re.compile(r"not admit\b")


def annotate(drawing: Drawing, topology: Topology, recorded: Recorded) -> Drawing:
    """The threads or the life of a topology with the counts and times of a trace; the most used edge is the thickest."""
    traffic = Traffic.of(folded(topology), recorded)  # as it is drawn
    counts = _Counts(drawing, traffic)
    counted = [counts.edge(edge) for edge in drawing.edges]
    most = max((count.times for count in counted if count), default=0)
    edges = tuple(
        edge if count is None else _edge(edge, count, most) for edge, count in zip(drawing.edges, counted, strict=True)
    )
    nodes = tuple(counts.node(node) for node in drawing.nodes)
    return replace(drawing, nodes=nodes, edges=edges, legend=(*drawing.legend, *_legend(traffic)))


def _edge(edge: Edge, count: Count, most: int) -> Edge:
    label = "\n".join(filter(None, (edge.label, str(count))))
    return replace(edge, label=label, weight=count.times / most if most else 0.0)


def _legend(traffic: Traffic) -> Iterable[str]:
    recorded = traffic.recorded
    yield f"recorded {recorded.when[:16].replace('T', ' ')} UTC: {recorded.architecture}"
    if recorded.sampled:
        yield "counts are exact, times are means: from tables, single events were not recorded"
    else:
        yield "counts are exact, from tables; times are medians, from every event"
    yield "+: or more, for what a trace cannot tell apart is left out"
    if unexplained := traffic.unexplained.total():
        yield f"{unexplained:,} moves fit nothing that is derived: --from draws them"
    if recorded.lost:
        yield f"{recorded.lost:,} events were lost"


def _sum(counts: Iterable[Count]) -> Count:
    every = [*counts]
    return Count(sum(one.times for one in every), all(one.certain for one in every))


class _Counts:
    """What the parts of a drawing stand for, in numbers."""

    def __init__(self, drawing: Drawing, traffic: Traffic) -> None:
        self._traffic = traffic
        self._steps = {
            key: (role, step)
            for role in traffic.topology.roles
            for key, step in zip(step_keys(role), role.steps, strict=True)
        }
        self._roles = {role_key(role.name): role for role in traffic.topology.roles}
        closes = [key for role in traffic.topology.roles for key in life.closes(role).values()]
        ways = [edge for edge in drawing.edges if edge.kind == "next"]
        self._into = {key: [way.tail for way in ways if way.head == key] for key in closes}
        self._from = {key: [way.head for way in ways if way.tail == key] for key in closes}

    def node(self, node: Node) -> Node:
        """With how often, and how long; a role with how many threads were seen."""
        if node.key in self._roles:
            seen = f"{self._traffic.recorded.threads[self._roles[node.key].name]:,} seen"
            return replace(node, count=", ".join(filter(None, (node.count, seen))))
        if node.key in self._into:
            return replace(node, count=self._times(_sum(self._way(tail, node.key) for tail in self._into[node.key])))
        if node.key not in self._steps:
            return node
        role, step = self._steps[node.key]
        spent = self._traffic.typical_us(role, step) if step.verb not in (BEGIN, END) else None
        told = [self._times(self._traffic.step(role.name, step)), "" if spent is None else span(round(spent))]
        return replace(node, count=", ".join(filter(None, told)))

    def edge(self, edge: Edge) -> Count | None:
        """How much went along it; None where that is not counted."""
        if edge.kind == "observed":
            return None
        if edge.tail in self._steps or edge.tail in self._into:
            if edge.head in self._steps or edge.head in self._into:
                return self._way(edge.tail, edge.head) if edge.kind == "next" else self._called(edge.tail)
            return self._called(edge.tail) if edge.kind == "hand over" else None
        if edge.head in self._steps and edge.kind in ("accept", "take"):
            return self._got(*self._steps[edge.head])
        return self._between(edge)

    @staticmethod
    def _times(count: Count) -> str:
        return f"{count} time{'' if count.times == 1 else 's'}" if str(count) else ""

    def _called(self, key: str) -> Count | None:
        return self._traffic.step(self._steps[key][0].name, self._steps[key][1]) if key in self._steps else None

    def _way(self, tail: str, head: str) -> Count:
        """Along one way, or along all that leave a serve through its close."""
        tails, heads = self._into.get(tail, [tail]), self._from.get(head, [head])
        return _sum(
            self._traffic.edge(role.name, edge)
            for role, before in (self._steps[one] for one in tails)
            for edge in role.edges
            if edge.before == before.index and step_keys(role)[edge.after] in heads
        )

    def _between(self, edge: Edge) -> Count | None:
        """In the picture of the threads: all calls of the verbs that the edge stands for."""
        tail, head = self._roles.get(edge.tail), self._roles.get(edge.head)
        match edge.kind:
            case "accept" if edge.tail == SOCKET and head:
                return _sum(self._got(head, step) for step in head.steps if step.verb == "accept")
            case "take" if head:
                took = (step for step in head.steps if step.verb == "take" and queue_key(step.queue) == edge.tail)
                return _sum(self._got(head, step) for step in took)
            case "hand over" if tail:
                return self._calls(tail, lambda step: step.verb == "hand_over" and queue_key(step.queue) == edge.head)
            case "spawn" if tail and head:
                return self._calls(tail, lambda step: step.verb == "spawn" and step.spawns == head.name)
            case "answer" if tail and edge.head == CLIENTS:
                return _sum((self._calls(tail, lambda step: step.verb == "write"), self._turned_away(tail)))
            case "next" if tail and tail is head:
                return self._calls(tail, lambda step: step.verb == "recycle")
        return None

    def _got(self, role: RoleLife, step: Step) -> Count:
        """How often accept or take gave something: after the others the thread ends, and a loop goes on."""
        if step.verb == "accept" and (exactly := self._traffic.accepted(role)) is not None:
            return exactly
        ways = (edge for edge in role.edges if edge.before == step.index)
        return _sum(self._traffic.edge(role.name, way) for way in ways if role.steps[way.after].verb != END)

    def _turned_away(self, role: RoleLife) -> Count:
        """How often the role answered 503."""
        asked = {step.index for step in role.steps if step.verb == "admit"}
        ways = (
            edge for edge in role.edges if edge.before in asked and any(_REFUSED.match(test) for test in edge.tests)
        )
        return _sum(self._traffic.edge(role.name, way) for way in ways)

    def _calls(self, role: RoleLife, meant: Callable[[Step], bool]) -> Count:
        return _sum(self._traffic.step(role.name, step) for step in role.steps if meant(step))
