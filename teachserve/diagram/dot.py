"""A drawing as Graphviz's own text: the same lines for the same drawing, in its order, so that a diff of two is read."""

from collections.abc import Callable, Iterable, Mapping

from graphviz import escape, nohtml
from graphviz.quoting import quote

from teachserve.diagram import style
from teachserve.diagram.drawing import Drawing, Edge, Group, Node, edge_lines, node_lines, printable

Links = Callable[[str, int], str]
"""The address of a line of a file: (file relative to the project, line from 1; 0: the file)."""


def line_link(file: str, line: int) -> str:
    """As GitHub and the project's own pages have it, from the project's root: `teachserve/taskmaster.py#L34`."""
    return f"{file}#L{line}" if line else file


def source(drawing: Drawing, links: Links = line_link, *, numbered: bool = False) -> str:
    """The picture for Graphviz: laid out for a wall, with the light ground's colours and the SVG's classes.

    `numbered`: each node and edge has its position in the drawing as its id, `node-0`; without, a diff shows what changed.
    """
    nodes, edges = _statements(drawing, links, numbered)
    lines = [f"digraph {name_of(drawing.name)} {{"]
    lines += [f"\t{kind} {_attributes(given)}" for kind, given in _defaults(drawing).items()]
    lines += ["\tsubgraph cluster_drawing {", f"\t\tgraph {_attributes(_heading(drawing))}"]
    lines += [f"\t\t{line}" for group, line in nodes if not group]
    for group in drawing.groups:
        lines += [f"\t\tsubgraph {name_of('cluster_' + group.key)} {{", f"\t\t\tgraph {_attributes(_group(group))}"]
        lines += [f"\t\t\t{line}" for key, line in nodes + edges if key == group.key]
        lines += ["\t\t}"]
    lines += ["\t}"]
    lines += [f"\t{line}" for group, line in edges if not group]
    return "\n".join([*lines, "}", ""])


def _statements(drawing: Drawing, links: Links, numbered: bool) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Each node's and each edge's line, with its group; an edge whose ends share one is routed within the group's box.

    The last node stands first: where Graphviz begins at the end of a way, fewer of ours cross.
    """
    groups = {node.key: node.group for node in drawing.nodes}
    nodes = [
        (node.group, _node(node, links, f"node-{number}" if numbered else ""))
        for number, node in enumerate(drawing.nodes)
    ]
    edges = [
        (groups[edge.tail] if groups[edge.tail] == groups[edge.head] else "",
         _edge(edge, links, f"edge-{number}" if numbered else ""))
        for number, edge in enumerate(drawing.edges)
    ]  # fmt: skip
    return nodes[::-1], edges


def name_of(key: str) -> str:
    """A key as a name in Graphviz's text."""
    return quote(nohtml(escape(key)))


def literal(text: str) -> str:
    """The text with nothing in it that Graphviz would replace: neither its own escapes nor an entity of HTML's."""
    return escape(text.replace("&", "&amp;"))


def text_of(lines: Iterable[str], end: str = "\\n") -> str:
    """Lines as a label that Graphviz takes as they are; `end`: `\\n` centred, `\\l` to the left."""
    shown = [literal(line) for line in lines]
    return nohtml(end.join(shown) + (end if end == "\\l" and shown else ""))


def _defaults(drawing: Drawing) -> dict[str, dict[str, object]]:
    font = {"fontname": style.FONT, "fontcolor": style.light("ink")}
    return {
        "graph": {
            "rankdir": drawing.direction,
            "nodesep": 0.6,
            "ranksep": 0.2,
            "pad": 0.15,
            "splines": "spline",
            "bgcolor": style.LIGHT_BACKGROUND,
            "labelloc": "b",
            "labeljust": "l",
            "label": text_of(map(printable, drawing.legend), "\\l"),
            "fontsize": style.SMALL_FONT_SIZE,
            **font,
        },
        "node": {"fontsize": style.FONT_SIZE, "margin": "0.2,0.08", "height": 0.5, "penwidth": 1.8, **font},
        "edge": {"fontsize": style.SMALL_FONT_SIZE, "arrowsize": 1.1, **font},
    }


def _heading(drawing: Drawing) -> dict[str, object]:
    title = printable(drawing.title)
    return {
        "class": "drawing",
        "label": text_of([title] if title else []),
        "fontsize": style.TITLE_SIZE,
        "labelloc": "t",
        "labeljust": "c",
        "peripheries": 0,
        "margin": 12,
    }


def _group(group: Group) -> dict[str, object]:
    return {
        "class": f"group {group.kind}",
        "label": text_of([f" {printable(group.label)} "]),  # the blanks keep it off the border
        "fontsize": style.FONT_SIZE,
        "labeljust": "l",
        "style": "rounded,filled",
        "color": style.light("quiet"),
        "fillcolor": style.light("quiet") + "10",
        "peripheries": 1,
        "margin": 20,
    }


def _node(node: Node, links: Links, key: str) -> str:
    look, hue = style.NODES[node.kind], style.hue(node)
    return f"{name_of(node.key)} " + _attributes({
        "label": text_of(node_lines(node)),
        "class": style.node_classes(node),
        "shape": look.shape,
        "style": look.style + (",dashed" if node.faint else ""),
        "color": style.light(hue),
        "fillcolor": style.light_tint(hue),
        **_reference(node, links),
        **({"id": key} if key else {}),
    })  # fmt: skip


def _edge(edge: Edge, links: Links, key: str) -> str:
    look = style.EDGES[edge.kind]
    label = edge_lines(edge)
    # A way back is written from where it leads to, with its arrow at the tail: so Graphviz ranks it like a way on and finds a
    # lane for it. With constraint=false it lays all of them to the right, across whatever stands there.
    turned = edge.back and edge.tail != edge.head
    first, second = (edge.head, edge.tail) if turned else (edge.tail, edge.head)
    return f"{name_of(first)} -> {name_of(second)} " + _attributes({
        **({"label": text_of(f"  {line}  " for line in label)} if label else {}),
        "class": style.edge_classes(edge),
        "style": look.style,
        **({"dir": "back", "arrowtail": look.arrow} if turned else {"arrowhead": look.arrow}),
        "penwidth": round(look.width + style.THICKEST * edge.weight, 2),
        "color": style.light(look.hue),
        "weight": 1 if label or edge.back else 3,
        **_reference(edge, links),
        **({"id": key} if key else {}),
    })  # fmt: skip


def _reference(one: Node | Edge, links: Links) -> dict[str, object]:
    # Graphviz shows a label as the tooltip of what has none; a blank keeps it from that.
    tooltip = {"tooltip": nohtml(literal(printable(one.tooltip) or " "))}
    if not one.file:
        return tooltip if one.tooltip else {}
    return {"URL": nohtml(literal(links(one.file, one.line))), "target": "_top", **tooltip}


def _attributes(given: Mapping[str, object]) -> str:
    return "[" + ", ".join(f"{name}={quote(nohtml(str(value)))}" for name, value in given.items()) + "]"
