"""Which row and column each node's box has on terminal cells: Graphviz's ranks and order, in the columns that there are."""

import json
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from teachserve.diagram import dot, layout
from teachserve.diagram.drawing import Drawing, edge_lines, node_lines

SIDE = 4
"""Columns kept free at either side, for the ways back."""
GAP, NARROW_GAP = 8, 4
"""Columns between two boxes of a row, and where there are few columns."""
FRAME_SIDE, FRAME_END = 4, 2
"""Columns and rows from a box to the border of its group."""
_PADDING = 2

_COLUMN, _ROW = 0.1, 0.2
"""Inches for Graphviz, in a terminal's proportion."""


@dataclass(frozen=True)
class Box:
    """A node's box with its border, in cells from the picture's left upper corner, and the lines in it."""

    key: str
    row: int
    column: int
    width: int
    height: int
    lines: tuple[str, ...]

    @property
    def bottom(self) -> int:
        """Its last row."""
        return self.row + self.height - 1

    @property
    def right(self) -> int:
        """Its last column."""
        return self.column + self.width - 1

    @property
    def written(self) -> Iterator[tuple[int, int, str]]:
        """Row, column and text of each of its lines, all of them in its middle."""
        first = self.row + 1 + (self.height - 2 - len(self.lines)) // 2
        for row, line in enumerate(self.lines, first):
            yield row, self.column + (self.width - text_width(line)) // 2, line


def text_width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def place(drawing: Drawing, columns: int, rows_between: int) -> list[list[Box]]:
    """The boxes, a list a row, from the top; at least `rows_between` free rows between two rows of boxes.

    A rank that is too wide becomes several rows. Raises: layout.DrawingError, where one box is.
    """
    boxes = _boxes(drawing, columns)
    room = columns - 2 * SIDE
    rows = [row for rank in _narrowed(_ranks(drawing, boxes), room) for row in _fitted(rank, room)]
    placed, top = [], 2 if drawing.groups else 0
    for row in rows:
        height = max(box.height for box in row)
        placed.append([replace(box, row=top + (height - box.height) // 2, column=box.column + SIDE) for box in row])
        top += height + rows_between
    return placed


def _boxes(drawing: Drawing, columns: int) -> list[Box]:
    """Each node's box, as wide as its words and as its lines' ends need, its place still open."""
    room = columns - 2 * SIDE - 2 * _PADDING
    lines = [
        [part for line in node_lines(node) for part in textwrap.wrap(line, max(room, 1), break_long_words=False)]
        for node in drawing.nodes
    ]
    widths = [max(map(text_width, shown), default=0) for shown in lines]
    if (widest := max(widths, default=0)) > room:
        needed = columns + widest - room
        raise layout.DrawingError(
            f"{drawing.name} needs at least {needed} columns, and there are {columns}: widen the terminal, or take svg"
        )
    ends = Counter(key for edge in drawing.edges for key in (edge.tail, edge.head))
    return [
        Box(node.key, 0, 0, max(width, min(ends[node.key], room)) + 2 * _PADDING, max(len(shown), 1) + 2, tuple(shown))
        for node, width, shown in zip(drawing.nodes, widths, lines, strict=True)
    ]


def _ranks(drawing: Drawing, boxes: Sequence[Box]) -> list[list[Box]]:
    """The boxes of each rank from the left, `column` being where Graphviz would begin them."""
    drawn = json.loads(layout.run(_source(drawing, boxes), "json"))
    ranks: dict[float, list[Box]] = {}
    for thing in drawn.get("objects", ()):
        if not thing.get("id", "").startswith("node-"):
            continue
        box = boxes[int(thing["id"].removeprefix("node-"))]
        x, y = map(float, thing["pos"].split(","))
        column = round(x / 72 / _COLUMN - box.width / 2)
        ranks.setdefault(round(-y), []).append(replace(box, column=column))
    return [sorted(ranks[height], key=lambda box: box.column) for height in sorted(ranks)]


def _source(drawing: Drawing, boxes: Sequence[Box]) -> str:
    """The drawing in boxes of cells, labels as wide as they will be.

    In 12 points of Courier a letter is a cell wide.
    """
    lines = [
        "digraph {",
        f"\tgraph [nodesep={GAP * _COLUMN}, ranksep={4 * _ROW}]",
        '\tnode [shape=box, fixedsize=true, label=""]',
        "\tedge [fontname=Courier, fontsize=12]",
    ]
    stated = {}
    for number, (node, box) in enumerate(zip(drawing.nodes, boxes, strict=True)):
        size = f"width={box.width * _COLUMN:.2f}, height={box.height * _ROW:.2f}"
        stated[node.key] = f'{dot.name_of(node.key)} [id="node-{number}", {size}]'
    for group in ("", *(group.key for group in drawing.groups)):
        inside = [f"\t{stated[node.key]}" for node in drawing.nodes if node.group == group]
        frame = f"\tgraph [margin={FRAME_SIDE * _COLUMN * 72:.1f}]"
        lines += [f"\tsubgraph {dot.name_of('cluster_' + group)} {{", frame, *inside, "\t}"] if group else inside
    for edge in drawing.edges:
        label = "\\n".join("x" * text_width(line) for line in edge_lines(edge))
        ranks = "constraint=false" if edge.back else f"weight={1 if label else 3}"
        lines.append(f'\t{dot.name_of(edge.tail)} -> {dot.name_of(edge.head)} [label="{label}", {ranks}]')
    return "\n".join([*lines, "}"])


def _narrowed(ranks: list[list[Box]], room: int) -> list[list[Box]]:
    """All ranks from column 0 on; nearer to each other, in proportion, where they would take more than the room."""
    left = min((box.column for rank in ranks for box in rank), default=0)
    width = max((box.right + 1 - left for rank in ranks for box in rank), default=0)
    share = min(1.0, room / max(width, 1))
    return [
        [replace(box, column=round((box.column - left + box.width / 2) * share - box.width / 2)) for box in rank]
        for rank in ranks
    ]


def _fitted(rank: list[Box], room: int) -> list[list[Box]]:
    """The rank in rows of at most `room` columns, each box as near as can be to where Graphviz has it."""
    for gap in (GAP, NARROW_GAP):
        if sum(box.width for box in rank) + gap * (len(rank) - 1) <= room:
            return [_spread(rank, room, gap)]
    half = (len(rank) + 1) // 2
    return [row for part in (rank[:half], rank[half:]) for row in _fitted(part, room)]


def _spread(row: list[Box], room: int, gap: int) -> list[Box]:
    """Pushed to the right where two would overlap, then to the left where the last would not fit."""
    columns, least = [], 0
    for box in row:
        columns.append(max(box.column, least))
        least = columns[-1] + box.width + gap
    most = room
    for number in reversed(range(len(row))):
        columns[number] = min(columns[number], most - row[number].width)
        most = columns[number] - gap
    return [replace(box, column=column) for box, column in zip(row, columns, strict=True)]
