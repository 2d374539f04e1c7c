"""A drawing as PNG or PDF: the one thing that needs an installed Graphviz, for the pinned one has no fonts."""

import subprocess

import graphviz

from teachserve.diagram import dot
from teachserve.diagram.drawing import Drawing
from teachserve.diagram.layout import DrawingError

FORMATS = ("png", "pdf")
DOTS_PER_INCH = 192


def render(drawing: Drawing, form: str, links: dot.Links = dot.line_link) -> bytes:
    """What the installed `dot` makes of the drawing, on a light ground. `form`: one of FORMATS.

    Raises: layout.DrawingError, in one line, where there is no `dot` or it fails.
    """
    source = dot.source(drawing, links)
    if form == "png":
        source = source.replace("\tgraph [", f"\tgraph [dpi={DOTS_PER_INCH}, ", 1)
    try:
        return graphviz.pipe("dot", form, source.encode(), quiet=True)
    except graphviz.ExecutableNotFound as error:
        raise DrawingError(
            f"{form} needs Graphviz's own `dot`, which is not installed: install graphviz, or take svg, which needs nothing"
        ) from error
    except subprocess.CalledProcessError as error:
        told = " ".join((error.stderr or b"").decode(errors="replace").split()) or f"exit status {error.returncode}"
        raise DrawingError(f"the installed `dot` cannot make {form}: {told}; take svg, which needs no `dot`") from error
