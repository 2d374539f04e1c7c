"""A canvas of character cells: texts in component styles, and lines whose crossings become junction glyphs."""

from teachserve.dashboard.line_pane import Line
from teachserve.diagram.strokes import EAST, GLYPHS, NORTH, SOUTH, WEST


class Canvas:
    """`width` x `height` cells, all empty at first. What lies outside is not drawn; a text covers a line."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._texts: dict[tuple[int, int], tuple[str, str]] = {}
        self._lines: dict[tuple[int, int], int] = {}

    def text(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write from this cell to the right."""
        for column, character in enumerate(text, x):
            if 0 <= column < self.width and 0 <= y < self.height:
                self._texts[column, y] = character, style

    def across(self, y: int, x: int, other: int) -> None:
        """A line in row `y` from column `x` to column `other`."""
        left, right = sorted((x, other))
        for column in range(left, right + 1):
            self._join(column, y, (EAST if column < right else 0) | (WEST if column > left else 0))

    def down(self, x: int, y: int, other: int) -> None:
        """A line in column `x` from row `y` to row `other`."""
        top, bottom = sorted((y, other))
        for row in range(top, bottom + 1):
            self._join(x, row, (SOUTH if row < bottom else 0) | (NORTH if row > top else 0))

    def free(self, x: int, y: int, length: int) -> bool:
        """Whether so many cells from this one on hold nothing."""
        cells = {(column, y) for column in range(x, x + length)}
        return x + length <= self.width and not cells & (self._texts.keys() | self._lines.keys())

    def lines(self, style: str) -> list[Line]:
        """All rows, the lines in this style; equal neighbours are one piece."""
        rows: list[Line] = []
        for y in range(self.height):
            row: list[tuple[str, str]] = []
            for x in range(self.width):
                cell = self._texts.get((x, y))
                if cell is None:
                    joined = self._lines.get((x, y), 0)
                    cell = (GLYPHS[joined], style) if joined else (" ", "")
                if row and row[-1][1] == cell[1]:
                    row[-1] = row[-1][0] + cell[0], cell[1]
                else:
                    row.append(cell)
            rows.append(row)
        return rows

    def _join(self, x: int, y: int, sides: int) -> None:
        self._lines[x, y] = self._lines.get((x, y), 0) | sides
