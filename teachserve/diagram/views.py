"""The views by name, and every format as one call."""

from collections.abc import Callable

from teachserve.diagram import dot, life, mermaid, plain, raster, states, stop, svg, text, threads
from teachserve.diagram.drawing import Drawing
from teachserve.diagram.locate import locate
from teachserve.errors import UnknownArchitecture
from teachserve.topology.topology import Topology

VIEWS: dict[str, Callable[[Topology, str], Drawing]] = {
    "threads": threads.draw,
    "life": life.draw,
    "states": states.draw,
    "stop": stop.draw,
}
"""Name -> (architecture, its name) -> the picture."""
FORMATS: dict[str, Callable[[Drawing], str]] = {
    "svg": svg.render,
    "dot": dot.source,
    "plain": plain.render,
    "mermaid": mermaid.render,
}
"""Name -> what makes the drawing text of that kind; `text` depends on the columns, and raster.FORMATS are bytes."""


def read(architecture: str) -> Topology:
    """What the source of an architecture says, given by name or as `module:Class`. Raises: UnknownArchitecture."""
    file, class_name = locate(architecture)
    try:
        return Topology.read(file, class_name)
    except (OSError, SyntaxError, LookupError, ValueError, RecursionError) as error:
        raise UnknownArchitecture(f"cannot read {class_name} in {file}: {error}") from error


def render(drawing: Drawing, form: str, columns: int, ascii: bool = False) -> bytes:
    """The drawing in a format: a name in FORMATS or raster.FORMATS, or `text`. Raises: layout.DrawingError."""
    if form in raster.FORMATS:
        return raster.render(drawing, form)
    shown = text.render(drawing, columns, ascii) if form == "text" else FORMATS[form](drawing)
    return shown.encode()
