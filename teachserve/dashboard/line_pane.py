"""A pane of text lines, drawn by Textual's Line API: only the lines that changed since the last frame are drawn again.

A full `Static` or `DataTable` costs 2 to 10 times as much a frame (28 ms for a table of 40 rows against 4).
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from teachserve.dashboard.glyphs import FILLED_STYLES, css_name
from teachserve.demo.picture import Picture
from teachserve.events import State

Piece = tuple[str, str]
"""A text and the name of its component class; "" for the pane's own style."""
Line = list[Piece]


def length(line: Line) -> int:
    """Cells that it takes."""
    return sum(len(text) for text, _ in line)


WORDS = {
    "label", "strong", "quiet", "alarm", "banner", "heading", "spark", "fresh", "bar", "cursor", "key",
    *map(css_name, State), *FILLED_STYLES.values(),
}  # fmt: skip
"""The component classes of whatever is drawn. The app declares them, once: on each of thirty panes Textual would look up
all of their rules at the start and with each change of view, which took most of a second."""


class Styled:
    """Turns lines of pieces into strips: the app's words on the widget's own ground, whatever the theme.

    No widget itself: of several bases Textual takes the style sheet of the first widget only.
    """

    about: ClassVar[str] = ""
    """What the pane shows and what to look for, in one or two sentences: `?` begins with it."""
    words: ClassVar[tuple[str, ...]] = ()
    """The words on it, each of which the glossary explains; a State where a state is meant."""

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._styles_by_name: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """The theme or the style sheet changed."""
        self._styles_by_name = {}
        super().notify_style_update()

    def piece_style(self, name: str) -> Style:
        """The Rich style of one of the app's component classes here; "": the widget's own."""
        style = self._styles_by_name.get(name)
        if style is None:
            style = self.rich_style
            if name:
                style += self.app.get_component_styles(name).partial_rich_style
            self._styles_by_name[name] = style
        return style

    def strip(self, line: Line, width: int) -> Strip:
        """The line as a strip of exactly `width` cells, the widget's background behind all of it."""
        taken = sum([len(text) if text.isascii() else cell_len(text) for text, _ in line])
        # Filled up before it is made: to adjust a strip makes another, with caches of its own.
        filled = [*line, (" " * (width - taken), "")] if taken < width else line
        strip = Strip([Segment(text, self.piece_style(name)) for text, name in filled], max(taken, width))
        return strip.adjust_cell_length(width) if taken > width else strip


class LinePane(Styled, Widget, can_focus=True):
    """A pane whose content is a function of the picture and the pane's size."""

    picture: reactive[Picture | None] = reactive(None, repaint=False, init=False, always_update=True)
    """Always another one: to have each pane compare it with the one before takes longer than most panes need to draw."""

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._drawn: list[Line] = []

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The pane's content: at most `height` lines are shown."""
        raise NotImplementedError

    def watch_picture(self) -> None:
        """A newer picture: draw what is different in it."""
        width, height = self.size
        if self.picture is None or not width:
            return
        before, self._drawn = self._drawn, self.lines(self.picture, width, height)[:height]
        lines = max(len(before), len(self._drawn))
        changed = [Region(0, y, width, 1) for y in range(lines) if before[y : y + 1] != self._drawn[y : y + 1]]
        if changed:
            self.refresh(*changed)

    def on_resize(self) -> None:
        """Another size, another content. The old one has been drawn in the new size meanwhile, with all its rows."""
        self._drawn = []
        self.refresh()
        self.watch_picture()

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line."""
        return self.strip(self._drawn[y] if y < len(self._drawn) else [], self.size.width)


def whole(parts: Sequence[Line], width: int) -> Line:
    """One line of as many of the parts as have room, from the first on: half a word may be another, half a number is."""
    line: Line = []
    for part in parts:
        width -= length(part)
        if width < 0:
            break
        line += part
    return line


def spread(left: Line, right: Line, width: int) -> Line:
    """One line with `right` at its right end; without it where there is no room."""
    gap = width - length(left + right)
    return [*left, (" " * gap, ""), *right] if gap > 1 else left
