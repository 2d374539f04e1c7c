"""A drawing as Graphviz's `plain` text: each node's place and size and each edge's curve, in inches, for programs."""

from teachserve.diagram import dot, layout
from teachserve.diagram.drawing import Drawing


def render(drawing: Drawing) -> str:
    """Lines `graph`, `node`, `edge` and `stop`, as `dot -Tplain` describes them. Raises: layout.DrawingError."""
    return layout.run(dot.source(drawing), "plain")
