"""Several architectures side by side on one sheet: each one's threads, from the listening socket on."""

import textwrap
from collections.abc import Mapping
from dataclasses import replace

from teachserve.diagram import threads
from teachserve.diagram.drawing import Drawing, Edge, Group, Node
from teachserve.diagram.keys import SOCKET
from teachserve.diagram.wording import in_words
from teachserve.topology.topology import Topology

LEFT_OUT = ("client", "lock")
"""Kinds of nodes that each of them has, or that only the picture of one alone has room for."""
LINE = 16
"""Characters that a line of an edge's label has at most: Graphviz lets a wide one run over the border of its panel."""


def draw(topologies: Mapping[str, Topology]) -> Drawing:
    """The sheet, in the order of the mapping: name -> architecture. A node's key is the name, a slash, its key in `threads`."""
    nodes, edges, groups, told = [], [], [], []
    for name, topology in topologies.items():
        one = threads.draw(topology, name)
        kept = [node for node in one.nodes if node.kind not in LEFT_OUT]
        keys = {node.key for node in kept}
        groups.append(Group(name, name, "part"))
        nodes += [replace(_brief(node), key=f"{name}/{node.key}", group=name) for node in kept]
        edges += [
            replace(_narrow(edge), tail=f"{name}/{edge.tail}", head=f"{name}/{edge.head}")
            for edge in one.edges
            if {edge.tail, edge.head} <= keys
        ]
        told.append(f"{name}: {one.sentence}")
    return Drawing(
        "sheet", "The architectures side by side", f"{in_words(topologies)}, side by side. {' '.join(told)}",
        tuple(nodes), tuple(edges), tuple(groups),
    )  # fmt: skip


def _brief(node: Node) -> Node:
    return replace(node, label=("listening socket",)) if node.key == SOCKET else node


def _narrow(edge: Edge) -> Edge:
    whole = edge.label.replace("if ", "if\N{NO-BREAK SPACE}").splitlines()
    parts = [part for line in whole for part in textwrap.wrap(line, LINE, break_long_words=False)]
    return replace(edge, label="\n".join(parts).replace("\N{NO-BREAK SPACE}", " "))
