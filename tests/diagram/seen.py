"""A drawing as lines to read: `tail -> head: label`, `~>` where it leads back; and the project's five, drawn."""

from functools import cache

from teachserve.diagram.drawing import Drawing
from teachserve.diagram.locate import locate
from teachserve.topology.topology import Topology

ALIENS = [
    f"tests.topology.aliens:{name}" for name in ("Desk", "PoliteDesk", "WithHelpers", "Alias", "TwoQueues", "Forgetful")
]


@cache
def architecture(name: str) -> Topology:
    """One of the project's, or `module:Class`."""
    return Topology.read(*locate(name))


def edges(drawing: Drawing, kind: str = "") -> list[str]:
    """A line an edge, of this kind alone if one is given."""
    return [
        f"{edge.tail} {'~>' if edge.back else '->'} {edge.head}: {' / '.join(edge.label.split(chr(10)))}".rstrip(": ")
        for edge in drawing.edges
        if kind in ("", edge.kind)
    ]


def nodes(drawing: Drawing, kind: str = "") -> dict[str, str]:
    """Key -> what stands in it, of this kind alone if one is given."""
    return {
        node.key: " / ".join([*node.label, *filter(None, [node.count])])
        for node in drawing.nodes
        if kind in ("", node.kind)
    }
