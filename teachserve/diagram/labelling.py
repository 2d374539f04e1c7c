"""Where an edge's words stand on terminal cells: beside the line, on it or above it, where nothing else is."""

import textwrap
from collections.abc import Iterator

from teachserve.diagram.placing import text_width
from teachserve.diagram.routing import Grid, Place

WIDTHS = (None, 22, 15, 11)
"""Columns to which a label is broken, one after the other, until there is room for it; None: as it is."""

Label = tuple[tuple[int, int, str], ...]
"""Row, column and text of each line of it."""


def find(grid: Grid, way: list[Place], lines: tuple[str, ...]) -> Label | None:
    """A place for the label of the edge that goes this way, which is drawn already; None where there is none."""
    inner = way[1:-1]
    for width in WIDTHS:
        shown = (
            [part for line in lines for part in textwrap.wrap(line, width, break_long_words=False)]
            if width
            else list(lines)
        )
        found = min(_places(grid, inner, shown), default=None, key=lambda place: place[0])
        if found is not None:
            return found[1]
    return None


def _places(grid: Grid, inner: list[Place], shown: list[str]) -> Iterator[tuple[float, Label]]:
    """Every place that is free, with how far it is from where one looks: right of the middle of the line."""
    taken = set(inner)
    widest, middle = max(map(text_width, shown)), (len(inner) - 1) / 2
    for number, (row, column) in enumerate(inner):
        away = abs(number - middle)
        top = row - (len(shown) - 1) // 2
        bent = 0.0 if _upright(inner, number) else 1.0
        if top <= inner[-1][0] < top + len(shown):  # beside the arrow's head, which is read with the box
            away += 1.5
        if (row, column + 1) not in taken and _clear(grid, top, column + 1, widest + 2, len(shown)):
            yield away + bent, _block(top, column + 2, shown)
        if (row, column - 1) not in taken and _clear(grid, top, column - widest - 2, widest + 2, len(shown)):
            left = tuple((top + line, column - 1 - text_width(text), text) for line, text in enumerate(shown))
            yield away + bent + 0.5, left
        if not bent:
            continue
        if len(shown) == 1 and grid.straight_across(row, column - widest // 2 - 2, widest + 4):
            yield away + 1.5, ((row, column - widest // 2 - 1, f" {shown[0]} "),)
        elif _clear(grid, row - len(shown), column - widest // 2 - 1, widest + 2, len(shown)):
            yield away + 3.0, _block(row - len(shown), column - widest // 2, shown)


def _upright(inner: list[Place], number: int) -> bool:
    neighbours = inner[max(number - 1, 0) : number + 2]
    return len({column for _, column in neighbours}) == 1


def _clear(grid: Grid, top: int, column: int, width: int, height: int) -> bool:
    # A blank at either end, which may be the picture's edge, and the line itself may pass above and below.
    begin, end = max(column, 0), min(column + width, grid.columns)
    if end - begin < width - 1:
        return False
    return all(grid.free(row, begin, end - begin) for row in range(top, top + height))


def _block(top: int, column: int, shown: list[str]) -> Label:
    return tuple((top + line, column, text) for line, text in enumerate(shown))
