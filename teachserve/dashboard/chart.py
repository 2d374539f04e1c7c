"""Charts in block characters: columns of eight levels a cell on a ground of zero, or states on top of each other."""

from collections.abc import Callable, Sequence

from teachserve.dashboard.line_pane import Line, Piece
from teachserve.dashboard.sparkline import BARS, Values

MARK = "│"
SHADE = "░"
Column = list[Piece | None]
"""A column's cells from the ground up; None: nothing is drawn there."""


def binned(values: Sequence, cells: int, span: int, first: int, cell: Callable) -> list:
    """At most `span` values in `cells` columns, the newest at the right; each is what `cell` makes of its values, or None.

    `first` is the number of the oldest: a value stays in one column with its neighbours while they move left.
    """
    each = max(1, -(-span // cells))
    found: dict[int, list] = {}
    for number, value in enumerate(values, first):
        found.setdefault(number // each, []).extend([] if value is None else [value])
    shown = [cell(found[key]) if found[key] else None for key in sorted(found)][-cells:]
    return [None] * (cells - len(shown)) + shown


def bar_columns(values: Values, height: int, top: float, style: str) -> list[Column]:
    """A bar for each value, `top` as high as the chart. A None is a gap; what is more than nothing is seen."""
    columns: list[Column] = []
    for value in values:
        eighths = 0
        if value and top:
            eighths = max(1, min(height * len(BARS), round(value / top * height * len(BARS))))
        full, rest = divmod(eighths, len(BARS))
        column: Column = [(BARS[-1], style)] * full
        if rest:
            column.append((BARS[rest - 1], style))
        columns.append(column + [None] * (height - len(column)))
    return columns


def shaded_columns(values: Values, height: int, top: float, style: str) -> list[Column]:
    """The same in whole cells of shade, to stand behind bars and be told from them without colour."""
    bars = bar_columns(values, height, top, style)
    return [
        [(SHADE, style) if cell and cell[0] in BARS[len(BARS) // 2 - 1 :] else None for cell in bar] for bar in bars
    ]


def over(front: Sequence[Column], back: Sequence[Column]) -> list[Column]:
    """The one chart before the other."""
    return [[one or other for one, other in zip(*columns, strict=True)] for columns in zip(front, back, strict=True)]


def stacked_columns(
    values: Sequence[Sequence[float] | None], height: int, top: float, looks: Sequence[Piece]
) -> list[Column]:
    """Amounts on top of each other, each cell with the look of the amount that its middle lies in."""
    columns: list[Column] = []
    for amounts in values:
        column: Column = [None] * height
        reached = 0.0
        for amount, look in zip(amounts or (), looks, strict=False):
            begin, reached = reached, reached + amount
            for row in range(height):
                middle = (row + 0.5) / height * top
                if begin <= middle < reached or (row == 0 and not column[0] and amount and begin < middle):
                    column[row] = look
        columns.append(column)
    return columns


def rows(columns: Sequence[Column], height: int, marks: Sequence[int]) -> list[Line]:
    """The columns as lines from the top down, equal neighbours in one piece; an upright line where something was changed."""
    lines: list[Line] = []
    for row in reversed(range(height)):
        line: Line = []
        for number, column in enumerate(columns):
            text, style = column[row] or ((MARK, "quiet") if number in marks else (" ", ""))
            if line and line[-1][1] == style:
                line[-1] = (line[-1][0] + text, style)
            else:
                line.append((text, style))
        lines.append(line)
    return lines
