"""A picture before it has a format: nodes, edges and groups, in the order in which they are to be read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from teachserve.events import State

NODE_KINDS = ("role", "verb", "queue", "socket", "kernel", "lock", "client", "state", "begin", "end", "note")
EDGE_KINDS = (
    "next", "spawn", "hand over", "take", "accept", "wake", "guard", "answer", "observed", "added", "removed", "unknown",
)  # fmt: skip
GROUP_KINDS = ("thread", "role", "process", "kernel", "part")
DIRECTIONS = ("TB", "LR")
SIGNS = {"added": "+", "removed": "-", "unknown": "?"}
"""Stands before such an edge's label, so that it is not told by colour alone."""

_STATES = frozenset(state.value for state in State)


@dataclass(frozen=True)
class Node:
    """A thing in the picture. `label`: its lines. `count`: how many of it, in the source's words, a line of its own.

    `tooltip` is one sentence; `file` (relative to the project) and `line` (from 1; 0: none) are where it stands in the
    source; `group` is a group's key or ""; `faint` for what is there but not meant; `state` is a State's value, whose
    colour the node has, or "".
    """

    key: str
    label: tuple[str, ...]
    kind: str
    tooltip: str = ""
    file: str = ""
    line: int = 0
    group: str = ""
    faint: bool = False
    state: str = ""
    count: str = ""


@dataclass(frozen=True)
class Edge:
    """An arrow from the node `tail` to the node `head`, which may be the same. `back`: a loop's way back, up the picture.

    `weight` (0 to 1) is how much goes along it beside the edge along which most does: drawn as thickness.
    """

    tail: str
    head: str
    label: str = ""
    kind: str = "next"
    tooltip: str = ""
    file: str = ""
    line: int = 0
    back: bool = False
    weight: float = 0.0


@dataclass(frozen=True)
class Group:
    """A box around the nodes that name it, as a thread's steps."""

    key: str
    label: str
    kind: str = "thread"


@dataclass(frozen=True)
class Drawing:
    """The whole picture. `sentence` describes it for whoever does not see it; `legend`: lines below the picture.

    Raises: ValueError, where two nodes or two groups have one key, an edge or a node names one that there is not, or a
    kind, a state, a direction or a weight is none.
    """

    name: str
    title: str
    sentence: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()
    legend: tuple[str, ...] = ()
    direction: str = "TB"

    def __post_init__(self) -> None:
        nodes, groups = [node.key for node in self.nodes], [group.key for group in self.groups]
        self._once(nodes, "node")
        self._once(groups, "group")
        for node in self.nodes:
            self._known(node.kind, NODE_KINDS, f"kind of node {node.key!r}")
            self._known(node.group, ("", *groups), f"group of node {node.key!r}")
            self._known(node.state, ("", *sorted(_STATES)), f"state of node {node.key!r}")
        for edge in self.edges:
            where = f"edge {edge.tail!r} -> {edge.head!r}"
            self._known(edge.tail, nodes, f"tail of {where}")
            self._known(edge.head, nodes, f"head of {where}")
            self._known(edge.kind, EDGE_KINDS, f"kind of {where}")
            if not 0 <= edge.weight <= 1:
                raise ValueError(f"{self.name}: the weight of {where} must be 0 to 1: {edge.weight}")
        for group in self.groups:
            self._known(group.kind, GROUP_KINDS, f"kind of group {group.key!r}")
        self._known(self.direction, DIRECTIONS, "direction")

    def _once(self, keys: Iterable[str], what: str) -> None:
        twice = [key for key, times in Counter(keys).items() if times > 1]
        if twice:
            raise ValueError(f"{self.name}: two {what}s have the key {twice[0]!r}")

    def _known(self, value: str, known: Iterable[str], what: str) -> None:
        if value not in known:
            raise ValueError(f"{self.name}: {what}: {value!r} is none of {', '.join(filter(None, known))}")


def printable(text: str) -> str:
    """The text without what breaks a line or a file: other blanks become blanks, control characters their escapes."""
    return "".join(
        " " if character.isspace() else character if character.isprintable() else ascii(character)[1:-1]
        for character in text
    )


def node_lines(node: Node) -> tuple[str, ...]:
    """What stands in the node, line by line: the label, then how many."""
    lines = [part for line in (*node.label, node.count) for part in line.splitlines()]
    return tuple(printable(line) for line in lines if line)


def edge_lines(edge: Edge) -> tuple[str, ...]:
    """What stands at the edge, line by line, behind its sign if it has one."""
    signed = f"{SIGNS[edge.kind]} {edge.label}".strip() if edge.kind in SIGNS else edge.label
    return tuple(printable(line) for line in signed.splitlines() if line)
