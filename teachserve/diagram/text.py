"""A drawing in the terminal: boxes, arrows and words in so many columns, in box-drawing glyphs or in ASCII alone."""

import textwrap

from teachserve.diagram import cells
from teachserve.diagram.drawing import Drawing, Edge, printable
from teachserve.diagram.placing import Box, text_width
from teachserve.diagram.strokes import ASCII, DASHED, HEADLESS, HEAVY

LIGHT, DOUBLE, ROUND, FAINT, FRAME = "┌─┐│└┘", "╔═╗║╚╝", "╭─╮│╰╯", "┌╌┐╎└┘", "╭╌╮╎╰╯"
BORDERS = {"role": DOUBLE, "client": ROUND, "begin": ROUND, "end": ROUND, "state": ROUND, "queue": ROUND}
"""A box's corners and sides by the node's kind; LIGHT for the others, FAINT for what is faint, FRAME for a group."""
HOT = 0.5
"""The weight from which on an edge is drawn thick."""
_IN_DOUBLE = str.maketrans("┬┴├┤", "╤╧╟╢")
_DASHED_KINDS = ("observed", "removed", "guard", "wake", "unknown")


def render(drawing: Drawing, columns: int, ascii: bool = False) -> str:
    """Title, picture, the words that had no place in it, legend; no line is wider than `columns`.

    Raises: layout.DrawingError, in one line, where the picture needs more.
    """
    laid = cells.layout(drawing, columns)
    rows = ["".join(row).rstrip() for row in picture(drawing, laid)]
    below = [*laid.ungrouped, *laid.notes, *map(printable, drawing.legend)]
    lines = [*_wrapped(drawing.title, columns), "", *rows]
    if below:
        lines += ["", *(part for line in below for part in _wrapped(line, columns))]
    text = "\n".join([*lines, ""])
    return _in_ascii(text) if ascii else text


def edge_glyph(edge: Edge, glyph: str) -> str:
    """The glyph of a cell in the edge's own weight: dashed by its kind, or thick by what goes along it."""
    if edge.kind == "guard":
        glyph = glyph.translate(HEADLESS)
    if edge.kind in _DASHED_KINDS:
        return glyph.translate(DASHED)
    return glyph.translate(HEAVY) if edge.weight >= HOT else glyph


def _in_ascii(text: str) -> str:
    shown = text.translate(ASCII)
    return "".join(character if character.isascii() else "?" * text_width(character) for character in shown)


def picture(drawing: Drawing, laid: cells.Cells) -> list[list[str]]:
    """What is in each cell, row by row; behind a character that takes two the cell is empty."""
    rows = [[" "] * laid.columns for _ in range(laid.rows)]
    for group in laid.groups:
        _border(rows, group, FRAME)
        for label in group.lines:
            _write(rows, group.row, group.column + 2, f" {label} ")
    kinds = {node.key: FAINT if node.faint else BORDERS.get(node.kind, LIGHT) for node in drawing.nodes}
    for box in laid.boxes:
        _border(rows, box, kinds[box.key])
        for row, column, line in box.written:
            _write(rows, row, column, line)
    for path in laid.paths:
        edge = drawing.edges[path.edge]
        doubled = kinds[edge.tail] is DOUBLE
        for number, (row, column, glyph) in enumerate(path.cells):
            if not number and doubled:
                glyph = glyph.translate(_IN_DOUBLE)
            rows[row][column] = edge_glyph(edge, glyph)
    for path in laid.paths:
        for row, column, text in path.label:
            _write(rows, row, column, text)
    return rows


def _border(rows: list[list[str]], box: Box, glyphs: str) -> None:
    left_top, across, right_top, down, left_bottom, right_bottom = glyphs
    inner = box.width - 2
    _write(rows, box.row, box.column, left_top + across * inner + right_top)
    _write(rows, box.bottom, box.column, left_bottom + across * inner + right_bottom)
    for row in range(box.row + 1, box.bottom):
        rows[row][box.column] = rows[row][box.right] = down


def _write(rows: list[list[str]], row: int, column: int, text: str) -> None:
    """Each character in its cell; after a wide one its second cell is empty, and what combines joins the cell before."""
    for character in text:
        width = text_width(character)
        if not width:
            rows[row][column - 1] += character
            continue
        rows[row][column] = character
        for extra in range(1, width):
            rows[row][column + extra] = ""
        column += width


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(printable(text), columns)
