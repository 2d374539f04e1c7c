"""How each kind looks: shapes and strokes for Graphviz, and the style sheet that colours the SVG on either ground.

Graphviz turns `currentColor` into black without a word, so nothing leans on it: each part carries classes, which the
style sheet colours, and beside them the light ground's colours, for readers of SVG and dot that know no style sheet.
"""

from typing import NamedTuple

from teachserve.colours import (
    DARK_BACKGROUND,
    DARK_FOREGROUND,
    LIGHT_BACKGROUND,
    LIGHT_FOREGROUND,
    PALETTE,
    STATE_COLOURS,
)
from teachserve.diagram.drawing import Edge, Node
from teachserve.events import State

FONT = "Helvetica"
"""What Graphviz measures; of a list of names it knows none and measures Times, with which a label is wider than its node."""
FONTS = f'{FONT}, Arial, "Liberation Sans", sans-serif'
"""What is shown: each as wide as the one measured, but for the last resort."""
FONT_SIZE = 18
SMALL_FONT_SIZE = 16
TITLE_SIZE = 24

_LIGHT, _DARK = 1, 0
_TINT = 0.14
_TINT_HEX = f"{round(255 * _TINT):02X}"


class NodeLook(NamedTuple):
    """Graphviz's shape, its style, and the hue where no state gives one ("ink": the text's colour)."""

    shape: str
    style: str
    hue: str


NODES: dict[str, NodeLook] = {
    "role": NodeLook("box", "rounded,filled,bold", "ink"),
    "verb": NodeLook("box", "rounded,filled", "ink"),
    "queue": NodeLook("cylinder", "filled", "waiting"),
    "socket": NodeLook("box", "filled,diagonals", "accepting"),
    "kernel": NodeLook("box", "filled", "quiet"),
    "lock": NodeLook("octagon", "filled", "alarm"),
    "client": NodeLook("ellipse", "filled", "talking"),
    "state": NodeLook("box", "rounded,filled", "ink"),
    "begin": NodeLook("ellipse", "filled", "quiet"),
    "end": NodeLook("ellipse", "filled", "quiet"),
    "note": NodeLook("note", "filled", "quiet"),
}


class EdgeLook(NamedTuple):
    """Graphviz's line style, its arrow head, its width in points, and its hue."""

    style: str
    arrow: str
    width: float
    hue: str


EDGES: dict[str, EdgeLook] = {
    "next": EdgeLook("solid", "normal", 1.6, "ink"),
    "spawn": EdgeLook("solid", "empty", 1.6, "handling"),
    "hand over": EdgeLook("solid", "normal", 2.2, "talking"),
    "take": EdgeLook("solid", "normal", 2.2, "waiting"),
    "accept": EdgeLook("solid", "normal", 2.2, "accepting"),
    "wake": EdgeLook("dashed", "vee", 1.8, "alarm"),
    "guard": EdgeLook("dotted", "none", 2.0, "alarm"),
    "answer": EdgeLook("solid", "normal", 2.2, "talking"),
    "observed": EdgeLook("dashed", "normal", 1.6, "quiet"),
    "added": EdgeLook("bold", "normal", 2.6, "handling"),
    "removed": EdgeLook("dashed", "normal", 2.0, "alarm"),
    "unknown": EdgeLook("dotted", "vee", 1.8, "quiet"),
}
THICKEST = 6.0
"""Points that the heaviest edge is drawn wider."""


def hue(node: Node) -> str:
    """The name of the node's colour: its state's, or else its kind's."""
    return STATE_COLOURS[State(node.state)] if node.state else NODES[node.kind].hue


def node_classes(node: Node) -> str:
    """The node's classes in the SVG, behind Graphviz's own `node`."""
    state = [f"state-{node.state.replace(' ', '-')}"] if node.state else []
    faint = ["faint"] if node.faint else []
    return " ".join([node.kind, f"hue-{hue(node)}", *state, *faint])


def edge_classes(edge: Edge) -> str:
    """The edge's classes in the SVG, behind Graphviz's own `edge`."""
    return " ".join([edge.kind.replace(" ", "-"), f"hue-{EDGES[edge.kind].hue}", *(["back"] if edge.back else [])])


def light(name: str) -> str:
    """A hue's colour on a light ground, `#RRGGBB`."""
    return LIGHT_FOREGROUND if name == "ink" else PALETTE[name][_LIGHT]


def light_tint(name: str) -> str:
    """The same as a ground to write on, `#RRGGBBAA`."""
    return light(name) + _TINT_HEX


def style_sheet(scope: str) -> str:
    """The rules for every element of class `scope`; on a dark ground the colours alone change."""
    rules = [
        f".{scope} {{ {_colours(_LIGHT)} max-width: 100%; height: auto; }}",
        f"@media (prefers-color-scheme: dark) {{ .{scope} {{ {_colours(_DARK)} }} }}",
        f".{scope} .ground {{ fill: var(--ground); }}",
        f".{scope} text {{ fill: var(--ink); font-family: {FONTS}; }}",
        f".{scope} .title, .{scope} .role .first, .{scope} .group-name {{ font-weight: bold; }}",
        # A halo, so that a text which Graphviz lays over a line or a box's border is read all the same.
        f".{scope} .edge text, .{scope} .group-name {{ paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }}",
        f".{scope} .legend {{ fill: var(--quiet); }}",
        f".{scope} .line {{ fill: none; }}",
        f".{scope} .cluster .shape {{ fill: var(--quiet); fill-opacity: 0.06; stroke: var(--quiet); }}",
    ]
    for name in ("ink", *PALETTE):
        hued = f".{scope} .hue-{name}"
        rules.append(f"{hued} .shape, {hued} .line, {hued} .arrow {{ stroke: var(--{name}); }}")
        rules.append(f"{hued} .shape {{ fill: var(--{name}); fill-opacity: {_TINT}; }}")
        rules.append(f"{hued} .arrow {{ fill: var(--{name}); }}")
    rules += [
        f".{scope} .spawn .arrow {{ fill: var(--ground); }}",
        f".{scope} .faint {{ opacity: 0.6; }}",
        f".{scope} .faint .shape {{ stroke-dasharray: 5,4; }}",
        f".{scope} a:hover .shape, .{scope} a:focus .shape {{ fill-opacity: 0.3; }}",
        f".{scope} a:hover text, .{scope} a:focus text {{ text-decoration: underline; }}",
    ]
    return "\n".join(rules)


def _colours(ground: int) -> str:
    pairs = {
        "ground": (DARK_BACKGROUND, LIGHT_BACKGROUND),
        "ink": (DARK_FOREGROUND, LIGHT_FOREGROUND),
        **PALETTE,
    }
    return " ".join(f"--{name}: {pair[ground]};" for name, pair in pairs.items())
