"""A drawing as Mermaid, for pages that draw it themselves (GitHub, GitLab, many wikis). They lay it out in their own way."""

from collections.abc import Iterable

from teachserve.diagram import style
from teachserve.diagram.drawing import Drawing, Edge, Node, edge_lines, node_lines, printable

SHAPES = {
    "role": ("(", ")"),
    "verb": ("(", ")"),
    "queue": ("[(", ")]"),
    "socket": ("[[", "]]"),
    "kernel": ("[", "]"),
    "lock": ("{{", "}}"),
    "client": ("([", "])"),
    "state": ("(", ")"),
    "begin": ("((", "))"),
    "end": ("(((", ")))"),
    "note": (">", "]"),
}
ARROWS = {"solid": "-->", "bold": "==>", "dashed": "-.->", "dotted": "-.->"}
NO_ARROW = "-.-"
_KEPT = frozenset(" .,:!?()'+-*/=_")
"""What stands for itself in a label; of letters and digits all do."""


def render(drawing: Drawing) -> str:
    """A flowchart, described for screen readers by the drawing's title and sentence."""
    names = {node.key: f"n{number}" for number, node in enumerate(drawing.nodes)}
    lines = [
        f"flowchart {drawing.direction}",
        f"  accTitle: {_said(drawing.title)}",
        f"  accDescr: {_said(drawing.sentence)}",
    ]
    lines += [f"  {_node(node, names)}" for node in drawing.nodes if not node.group]
    for number, group in enumerate(drawing.groups):
        lines.append(f'  subgraph g{number}["{_label([printable(group.label)])}"]')
        lines += [f"    {_node(node, names)}" for node in drawing.nodes if node.group == group.key]
        lines.append("  end")
    lines += [f"  {_edge(edge, names)}" for edge in drawing.edges]
    hues = sorted({style.hue(node) for node in drawing.nodes})
    lines += [
        f"  classDef {hue} fill:{style.light_tint(hue)},stroke:{style.light(hue)},stroke-width:2px" for hue in hues
    ]
    for hue in hues:
        keys = ",".join(names[node.key] for node in drawing.nodes if style.hue(node) == hue)
        lines.append(f"  class {keys} {hue}")
    return "\n".join([*lines, ""])


def _node(node: Node, names: dict[str, str]) -> str:
    before, after = SHAPES[node.kind]
    return f'{names[node.key]}{before}"{_label(node_lines(node))}"{after}'


def _edge(edge: Edge, names: dict[str, str]) -> str:
    look = style.EDGES[edge.kind]
    arrow = NO_ARROW if look.arrow == "none" else ARROWS[look.style]
    lines = edge_lines(edge)
    label = f'|"{_label(lines)}"|' if lines else ""
    return f"{names[edge.tail]} {arrow}{label} {names[edge.head]}"


def _label(lines: Iterable[str]) -> str:
    return "<br/>".join("".join(map(_character, line)) for line in lines) or " "


def _character(character: str) -> str:
    kept = character.isalnum() or character in _KEPT
    return character if kept else f"#{ord(character)};"


def _said(text: str) -> str:
    """For the line of a title: it ends at the line's end, and a semicolon or a hash would end it before."""
    return printable(text).replace(";", ",").replace("#", "number ").strip()
