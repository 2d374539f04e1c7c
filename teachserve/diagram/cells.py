"""A drawing placed on terminal cells: boxes by Graphviz's ranks and order, from the top down, and edges at right angles.

Graphviz says who stands in which row and in which order; the ways between are found here, for a terminal has no curves.
What has no place for its words gets a number, and the words stand below.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from teachserve.diagram import labelling, placing
from teachserve.diagram.drawing import Drawing, Edge, edge_lines, printable
from teachserve.diagram.labelling import Label
from teachserve.diagram.placing import FRAME_END, FRAME_SIDE, Box, text_width
from teachserve.diagram.routing import Grid, Place, side_of
from teachserve.diagram.strokes import ARROWS, EAST, GLYPHS, LEAVING, NORTH, SOUTH, WEST

_GAPS = (2, 5, 9)
"""Free rows between two rows of boxes, beside those that many edges need; tried until every edge has a way."""


@dataclass(frozen=True)
class Path:
    """An edge's way: `edge` is its position in the drawing; `cells` row, column and glyph, from tail to head.

    The first cell is in the tail's border, the last is the arrow's head, right before the head's border. `label`: row,
    column and text of each of its lines. `note`: the number that stands for its words, which `Cells.notes` has, or 0.
    """

    edge: int
    cells: tuple[tuple[int, int, str], ...]
    label: Label = ()
    note: int = 0


@dataclass(frozen=True)
class Cells:
    """The picture in `rows` x `columns` cells. Boxes and groups in the drawing's order, paths in its edges' order."""

    rows: int
    columns: int
    boxes: tuple[Box, ...]
    groups: tuple[Box, ...]
    paths: tuple[Path, ...]
    notes: tuple[str, ...]
    """The words that had no place, each behind its number, and the edges that found no way."""
    ungrouped: tuple[str, ...] = ()
    """For each group that has no box, for another's node stands within: who belongs to it."""


def layout(drawing: Drawing, columns: int) -> Cells:
    """Place the drawing on so many columns. Raises: DrawingError, in one line, where that cannot be."""
    for gap in _GAPS[:-1]:
        if (cells := _laid(drawing, columns, gap, whole=True)) is not None:
            return _compact(cells)
    return _compact(_laid(drawing, columns, _GAPS[-1], whole=False))


def _laid(drawing: Drawing, columns: int, gap: int, *, whole: bool) -> Cells | None:
    """With so many rows between two rows of boxes; None if the drawing is to be whole and an edge finds no way."""
    rows = placing.place(drawing, columns, FRAME_END * 2 * bool(drawing.groups) + gap + len(drawing.edges) // 5)
    boxes = {box.key: box for row in rows for box in row}
    groups = _frames(drawing, boxes, columns)
    height = max((box.bottom for box in (*boxes.values(), *groups)), default=0) + 2 + gap
    grid = Grid(height, columns)
    for box in boxes.values():
        grid.block(box.row, box.column, box.width, box.height)
    for group in groups:
        grid.frame(group, sum(map(text_width, group.lines)) + 4)
    ways: dict[int, list[Place]] = {}
    labels: dict[int, tuple[Label, int]] = {}
    notes: list[str] = []
    for number in _order(drawing, boxes):
        edge = drawing.edges[number]
        way = _way(grid, edge, boxes)
        if way is None and whole:
            return None
        if way is None:
            notes.append(_told(drawing, edge))
            continue
        grid.draw(way)
        ways[number] = way
        labels[number] = label, _ = _words(grid, way, edge_lines(edge), notes)
        for row, column, text in label:
            grid.block(row, column - 1, text_width(text) + 2)
    return Cells(
        height,
        columns,
        tuple(boxes[node.key] for node in drawing.nodes),
        tuple(groups),
        tuple(Path(number, _glyphs(grid, ways[number]), *labels[number]) for number in sorted(ways)),
        tuple(notes),
        _ungrouped(drawing, groups),
    )


def _way(grid: Grid, edge: Edge, boxes: dict[str, Box]) -> list[Place] | None:
    """The best way that leaves room for the edge's words, or else the best."""
    tail, head, lines = boxes[edge.tail], boxes[edge.head], edge_lines(edge)
    best = grid.route(tail, head, edge.back)
    if best is None or not lines:
        return best
    for by in (0, EAST, WEST):
        way = grid.route(tail, head, edge.back, by) if by else best
        if way is None:
            continue
        with grid.undoing():
            grid.draw(way)
            if labelling.find(grid, way, lines) is not None:
                return way
    return best


def _told(drawing: Drawing, edge: Edge) -> str:
    """An edge for which there is no way, in words: nothing is left out in silence."""
    labels = {node.key: " ".join(node.label) for node in drawing.nodes}
    return printable(f"not drawn: {labels[edge.tail]} -> {labels[edge.head]} {' '.join(edge_lines(edge))}".strip())


def _order(drawing: Drawing, boxes: dict[str, Box]) -> list[int]:
    """Short ways first, which have the fewest choices; the ways back last, around all that is there."""

    def rank(number: int) -> tuple[bool, bool, int, int, int]:
        edge = drawing.edges[number]
        tail, head = boxes[edge.tail], boxes[edge.head]
        aside = abs(tail.column + tail.right - head.column - head.right)
        return edge.tail != edge.head and edge.back, edge.tail == edge.head, abs(tail.row - head.row), aside, number

    return sorted(range(len(drawing.edges)), key=rank)


def _frames(drawing: Drawing, boxes: dict[str, Box], columns: int) -> list[Box]:
    """A box around each group whose members stand together."""
    frames: list[Box] = []
    for group in drawing.groups:
        members = [boxes[node.key] for node in drawing.nodes if node.group == group.key]
        if not members:
            continue
        top, bottom = min(box.row for box in members) - FRAME_END, max(box.bottom for box in members) + FRAME_END
        label = printable(group.label)
        left = max(min(box.column for box in members) - FRAME_SIDE, 0)
        right = min(max(box.right for box in members) + FRAME_SIDE, columns - 1)
        right = max(right, min(left + text_width(label) + 5, columns - 1))
        frame = Box(group.key, top, left, right - left + 1, bottom - top + 1, (label,) if label else ())
        strangers = [box for key, box in boxes.items() if box not in members] + frames
        if not any(_overlap(frame, box) for box in strangers) and text_width(label) + 4 < frame.width:
            frames.append(frame)
    return frames


def _overlap(one: Box, other: Box) -> bool:
    apart = one.bottom < other.row or other.bottom < one.row or one.right < other.column or other.right < one.column
    return not apart


def _ungrouped(drawing: Drawing, framed: Iterable[Box]) -> tuple[str, ...]:
    keys = {box.key for box in framed}
    told = []
    for group in drawing.groups:
        members = [" ".join(node.label) for node in drawing.nodes if node.group == group.key]
        if members and group.key not in keys:
            told.append(printable(f"{group.label}: {', '.join(members)}"))
    return tuple(told)


def _words(grid: Grid, way: list[Place], lines: tuple[str, ...], notes: list[str]) -> tuple[Label, int]:
    if not lines:
        return (), 0
    if (label := labelling.find(grid, way, lines)) is not None:
        return label, 0
    number = len(notes) + 1
    label = labelling.find(grid, way, (f"({number})",))
    notes.append(f"({number}) {' '.join(lines)}")
    return label or (), number


def _glyphs(grid: Grid, way: list[Place]) -> tuple[tuple[int, int, str], ...]:
    cells = [(*way[0], LEAVING[side_of(way[0], way[1])])]
    cells += [(*place, GLYPHS[grid.line(place)]) for place in way[1:-2]]
    cells.append((*way[-2], ARROWS[side_of(way[-2], way[-1])]))
    return tuple(cells)


def _compact(cells: Cells) -> Cells:
    """Without the rows in which lines only go on downwards, where none is needed, and without what is blank around it."""
    upright = {GLYPHS[NORTH | SOUTH]}
    held: dict[int, bool] = dict.fromkeys(range(cells.rows), False)
    used: set[int] = set()
    for box in cells.boxes:
        held.update(dict.fromkeys(range(box.row, box.bottom + 1), True))
    for box in cells.groups:
        held.update({box.row: True, box.bottom: True})
    for path in cells.paths:
        for row, _, glyph in path.cells:
            used.add(row)
            held[row] = held[row] or glyph not in upright
        held.update({row: True for row, _, _ in path.label})
    kept = [row for row in held if held[row] or (row in used and _needed(cells, row, held))]
    number = {row: position for position, row in enumerate(kept)}
    left = min([column for _, column in _corners(cells)], default=0)
    width = max((column for _, column in _corners(cells)), default=0) - left + 1

    def moved(box: Box) -> Box:
        return replace(
            box, row=number[box.row], column=box.column - left, height=number[box.bottom] - number[box.row] + 1
        )

    return replace(
        cells,
        rows=len(kept),
        columns=width,
        boxes=tuple(map(moved, cells.boxes)),
        groups=tuple(map(moved, cells.groups)),
        paths=tuple(
            replace(
                path,
                cells=tuple((number[row], column - left, glyph) for row, column, glyph in path.cells if row in number),
                label=tuple((number[row], column - left, text) for row, column, text in path.label),
            )
            for path in cells.paths
        ),
    )


def _needed(cells: Cells, row: int, held: dict[int, bool]) -> bool:
    """Whether without this row an arrow's head would be the whole of its line: right below a box, and a head comes next."""
    following = next(later for later in range(row, cells.rows) if held[later])
    below = any(box.bottom == row - 1 for box in cells.boxes)
    heads = any(
        glyph in ARROWS.values() and there == following for path in cells.paths for there, _, glyph in path.cells
    )
    return below and heads


def _corners(cells: Cells) -> list[Place]:
    found = [place for box in (*cells.boxes, *cells.groups) for place in ((box.row, box.column), (box.row, box.right))]
    for path in cells.paths:
        found += [(row, column) for row, column, _ in path.cells]
        found += [
            place for row, column, text in path.label for place in ((row, column), (row, column + text_width(text) - 1))
        ]
    return found
