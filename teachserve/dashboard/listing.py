"""A list without a screen: its columns are data, and what it shows is a function of rows, order, filter and width."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from teachserve.dashboard.line_pane import Line, Piece
from teachserve.demo.picture import Picture

Row = TypeVar("Row")
UP, DOWN = "▲", "▼"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. `width` in cells, 0 where this picture has nothing for it; figures stand at the right.

    `key` is what it sorts by; None comes last whichever way. Where room is short the highest `gives_way` goes first,
    0 never does. One column may stretch over what is left, up to so many cells as `stretches` says.
    """

    title: str
    width: Callable[[Picture], int]
    cell: Callable[[Picture, Row, int], Piece]
    key: Callable[[Picture, Row], Any]
    right: bool = False
    gives_way: int = 0
    stretches: int = 0

    def heading(self, width: int, arrow: str) -> str:
        """The title in its column. The arrow stands where there is room: a figure's heading has a space before it."""
        return f"{arrow}{self.title}".rjust(width) if self.right else f"{self.title}{arrow}".ljust(width)

    def text(self, picture: Picture, row: Row, width: int) -> Piece:
        """The cell, exactly `width` wide."""
        text, style = self.cell(picture, row, width)
        return f"{text:>{width}.{width}}" if self.right else f"{text:<{width}.{width}}", style


def named(name: str, width: int) -> str:
    """A thread's name in at most so many cells: its role gives way, for cut numbers all look the same: `work-68086`."""
    role, dash, number = name.rpartition("-")
    return role[: max(1, width - len(dash + number))] + dash + number


Layout = list[tuple[Column, int]]
"""The columns that there is room for, each with its width."""


def fit(columns: Sequence[Column], picture: Picture, room: int) -> Layout:
    """As many columns as `room` cells hold with a space between; what gives way first is left out first."""
    layout = [(column, width) for column in columns if (width := column.width(picture))]
    while sum(width + 1 for _, width in layout) - 1 > room:
        first = max(layout, key=lambda one: one[0].gives_way)
        if not first[0].gives_way:
            break
        layout.remove(first)
    left = room - sum(width + 1 for _, width in layout) + 1
    return [(column, max(width, min(column.stretches, width + left))) for column, width in layout]


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted and filtered: by a column's title ("": by number), and by words that all have to match."""

    title: str = ""
    inverted: bool = False
    words: str = ""

    def turned(self, layout: Layout, step: int) -> "Order":
        """Sorted by the next column of those in view, or by the one before."""
        titles = [column.title for column, _ in layout]
        at = titles.index(self.title) if self.title in titles else 0
        return self.by(titles[(at + step) % len(titles)])

    def by(self, title: str) -> "Order":
        """Sorted by this column; the other way round where it is sorted by it already."""
        return replace(self, title=title, inverted=title == self.title and not self.inverted)


def arrange(
    rows: Sequence[Row], picture: Picture, order: Order, layout: Layout, words_of: Callable[[Picture, Row], str],
) -> list[Row]:  # fmt: skip
    """The rows that the filter lets through, in order; `rows` come by number, and equal ones stay so.

    The first column counts upwards, figures begin with the greatest. A column that is not in view sorts nothing.
    """
    wanted = order.words.lower().split()
    shown = [row for row in rows if not wanted or matches(wanted, words_of(picture, row))]
    column = next((column for column, _ in layout if column.title == order.title), None)
    if column is None:
        return shown[::-1] if order.inverted and not order.title else shown
    keys = [(column.key(picture, row), row) for row in shown]
    known = [one for one in keys if one[0] is not None]
    known.sort(key=lambda one: one[0], reverse=falls(column) != order.inverted)
    return [row for _, row in known] + [row for key, row in keys if key is None]


def falls(column: Column) -> bool:
    """Whether a column begins with the greatest: what one looks for in figures."""
    return column.right


def matches(wanted: Sequence[str], text: str) -> bool:
    """Whether every word stands somewhere in the text. A number has to match as a whole: 12 is not 120."""
    text = text.lower()
    return all(
        re.search(rf"(?<!\d){word}(?!\d)", text) is not None if word.isascii() and word.isdigit() else word in text
        for word in wanted
    )


def heading(layout: Layout, order: Order, extent: str) -> str:
    """The titles, an arrow at the one that sorts; in the first column also which rows are in view, if they fit."""
    sorts = order.title or layout[0][0].title
    texts = []
    for place, (column, width) in enumerate(layout):
        arrow = (DOWN if falls(column) != order.inverted else UP) if column.title == sorts else ""
        text = column.heading(width, arrow)
        if not place:
            both = f"{column.title}{arrow} {extent}"
            text = (both if len(both) <= width else f"{extent}{arrow}").ljust(width)[:width]
        texts.append(text)
    # A figure's arrow may stand in the space before its column.
    line = ""
    for text, (_, width) in zip(texts, layout, strict=True):
        gap = 1 if line else 0
        line += " " * (gap + width - len(text)) + text if len(text) <= width + gap else text[:width]
    return line


def row_line(layout: Layout, picture: Picture, row: Any, style: str = "") -> Line:
    """The row's cells with a space between; `style` for all of them where the row as a whole has one.

    Neighbours of one style are one piece: each costs as much to draw as all of its letters.
    """
    line: Line = []
    for column, width in layout:
        text, own = column.text(picture, row, width)
        own = style or own
        if line and line[-1][1] == own:
            line[-1] = (f"{line[-1][0]} {text}", own)
        else:
            line.append((f" {text}" if line else text, own))
    return line
