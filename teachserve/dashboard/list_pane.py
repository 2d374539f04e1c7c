"""A list of rows under a heading that stays: sorted, filtered, with a row that is chosen. Only what is in view is drawn."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from teachserve.dashboard.chosen import Choose, Chosen
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Line, Styled
from teachserve.dashboard.list_filter import filter_line, typed
from teachserve.dashboard.listing import Column, Layout, Order, arrange, fit, heading, row_line
from teachserve.demo.picture import Picture
from teachserve.demo.wording import printable

STEADY = 10
"""Frames for which the list stays as long as it was: another length lays the whole screen out anew, which costs double,
and where a thread is made for each connection the length changes with every frame."""
MARK = ">"
"""Stands before the row that is chosen, so that it is not told by colour alone."""
FOCUSED = "▌"


class ListPane(Styled, ScrollView, can_focus=True):
    """Rows that come with each picture. The chosen one is kept by its number, wherever the order puts it.

    The view does not follow it there: it moves for a key and for nothing else.
    """

    picture: reactive[Picture | None] = reactive(None, repaint=False, init=False, always_update=True)
    chosen: reactive[Chosen] = reactive(Chosen(), repaint=False, init=False)
    BINDINGS: ClassVar = bindings("list")

    columns: ClassVar[tuple[Column, ...]]
    nothing: ClassVar[str]
    """What stands there while there is no row."""

    # What a list is made of.

    def rows(self, picture: Picture) -> Sequence[Any]:
        """The rows by number, before sorting and filtering."""
        raise NotImplementedError

    def groups(self, picture: Picture) -> Sequence[Sequence[Any]]:
        """The rows in parts that stay apart, whatever the order."""
        return (self.rows(picture),)

    def number(self, row: Any) -> int:
        """The row's number, by which it is chosen."""
        return row.number

    def words_of(self, picture: Picture, row: Any) -> str:
        """What the filter's words are looked for in."""
        raise NotImplementedError

    def style_of(self, row: Any) -> str:
        """A component class for the whole row; "": each cell has its own."""
        return ""

    def cursor(self) -> int:
        """The number of the row that is chosen, or that belongs to what is; 0: none. Read once a picture."""
        return self.chosen.thread

    def choose(self, number: int) -> None:
        """This row is the chosen one."""
        self.tell(Choose(thread=number, control=self))

    def open(self, number: int) -> None:
        """Enter, or a double click, on this row."""

    def notes(self, picture: Picture) -> tuple[str, ...]:
        """What stands at the right end of the heading: the first of these that there is room for."""
        return ()

    # Drawing.

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.order = Order()
        self.typing = False
        self._layout: Layout = []
        self._rows: list[Any] = []
        self._total = 0
        self._heights: deque[int] = deque(maxlen=STEADY)
        self._last_index = 0
        self._cursor = 0
        self.with_ended = True

    @property
    def width(self) -> int:
        """Cells in a line."""
        return self.scrollable_content_region.width

    @property
    def fixed(self) -> int:
        """Lines above the rows: the heading, and the filter's where there is one."""
        return 2 if self.typing or self.order.words else 1

    @property
    def room(self) -> int:
        """Rows that are in view at a time."""
        return max(1, self.size.height - self.fixed)

    def watch_picture(self) -> None:
        """A newer picture. Times in each row change with each frame, so all that is in view is drawn."""
        if self.picture is None:
            return
        groups = self.groups(self.picture)
        self._total = sum(map(len, groups))
        self._layout = fit(self.columns, self.picture, self.width - len(MARK))
        self._rows = [
            row for rows in groups for row in arrange(rows, self.picture, self.order, self._layout, self.words_of)
        ]
        self._cursor = self.cursor()
        index = self.index()
        self._last_index = self._last_index if index is None else index
        lines = self.fixed + len(self._rows)
        if lines <= self.scroll_offset.y + self.fixed:  # not one row would be in view
            self._heights.clear()
        self._heights.append(lines)
        if self.virtual_size.height != max(self._heights):
            self.virtual_size = Size(0, max(self._heights))
        self.refresh()

    def watch_chosen(self) -> None:
        """Another row is the chosen one."""
        self._cursor = self.cursor()
        self.refresh()

    def on_resize(self) -> None:
        """Another width, other columns."""
        self.watch_picture()

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line: the filter, the heading, or the row that is scrolled there."""
        width = self.width
        if self.picture is None or not self._layout:
            return self.strip([], width)
        if y == 0 and self.fixed == 2:
            escapes = self.has_focus and not self.app.check_action("back", ())
            line = filter_line(self.order.words, self.typing, len(self._rows), self._total, width, escapes)
            return self.strip(line, width)
        if y == self.fixed - 1:
            return self.strip(self._heading(width), width)
        index = self.scroll_offset.y + y - self.fixed
        if index >= len(self._rows):
            empty = not self._rows and y == self.fixed
            return self.strip([(f" {self.why_empty()}", "quiet")] if empty else [], width)
        row = self._rows[index]
        is_chosen = self.number(row) == self._cursor
        line = row_line(self._layout, self.picture, row, self.style_of(row))
        strip = self.strip([(MARK if is_chosen else " ", ""), *line], width)
        return self._lit(strip) if is_chosen else strip

    def _lit(self, strip: Strip) -> Strip:
        style = self.piece_style("cursor")
        return Strip(
            [segment._replace(style=segment.style + Style(bgcolor=style.bgcolor, bold=True)) for segment in strip],
            strip.cell_length,
        )

    def _heading(self, width: int) -> Line:
        first = self.scroll_offset.y
        last = min(len(self._rows), first + self.room)
        extent = f"{min(first + 1, last)}-{last}/{len(self._rows)}"
        text = heading(self._layout, self.order, extent).rstrip()
        room = width - len(MARK) - len(text) - 1
        note = next((note for note in self.notes(self.picture) if len(note) <= room), "")
        return [(FOCUSED if self.has_focus else " ", "bar"), (f"{text} {note:>{max(0, room)}}", "heading")]

    def why_empty(self) -> str:
        """Why there is no row."""
        return "nothing matches all words of the filter" if self._total else self.nothing

    # Choosing.

    def index(self) -> int | None:
        """Where in the order the chosen row is; None: it is not there."""
        found = (place for place, row in enumerate(self._rows) if self.number(row) == self._cursor)
        return next(found, None) if self._cursor else None

    def tell(self, message: Choose) -> None:
        """Light it here at once, for the next key may be on its way, and say so to the app."""
        self.chosen = message.chosen
        self.post_message(message)

    def select(self, index: int) -> None:
        """Choose the row at this place of the order, and have it in view."""
        if not self._rows:
            return
        index = max(0, min(len(self._rows) - 1, index))
        self._last_index = index
        self.choose(self.number(self._rows[index]))
        first = self.scroll_offset.y
        wanted = max(index - self.room + 1, min(first, index))
        if wanted != first:
            self.scroll_to(y=wanted, animate=False)

    def action_move(self, rows: int) -> None:
        """Choose the row so many further down. Where none is chosen, the first in view."""
        index = self.index()
        if index is None:
            first = self.scroll_offset.y
            inside = first <= self._last_index < first + self.room
            self.select(self._last_index if inside else first)
        else:
            self.select(index + rows)

    def action_page(self, pages: int) -> None:
        """The same by as many rows as are in view."""
        self.action_move(pages * self.room)

    def action_end_of_list(self, last: bool) -> None:
        """Choose the first row or the last."""
        self.select(len(self._rows) - 1 if last else 0)

    def action_open(self) -> None:
        """Show all that is known of the chosen row."""
        if self.index() is None:
            self.action_move(0)
        if self._rows:
            self.open(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """A row is chosen, twice opens it; a column's heading sorts by it; the filter's line is typed into."""
        place = event.get_content_offset_capture(self)
        if place.y >= self.fixed:
            index = self.scroll_offset.y + place.y - self.fixed
            if index < len(self._rows):
                self.select(index)
                if event.chain == 2:
                    self.action_open()
        elif place.y == self.fixed - 1:
            self._sort_by_column_at(place.x - len(MARK))
        else:
            self.action_filter()

    def action_ended(self) -> None:
        """Hide what has ended, or show it again."""
        self.with_ended = not self.with_ended
        self.watch_picture()

    # Order.

    def _reorder(self, order: Order) -> None:
        self.order = order
        self._heights.clear()
        self.watch_picture()

    def _sort_by_column_at(self, x: int) -> None:
        for column, width in self._layout:
            x -= width + 1
            if x < 0:
                self._reorder(self.order.by(column.title))
                return

    def action_sort(self, step: int) -> None:
        """Sort by the next column, or by the one before."""
        self._reorder(self.order.turned(self._layout, step))

    def action_invert(self) -> None:
        """The other way round."""
        self._reorder(replace(self.order, inverted=not self.order.inverted))

    def show_only(self, words: str) -> None:
        """The rows in which all of these words stand; "": all rows."""
        self.typing = False
        self._reorder(replace(self.order, words=words))

    def action_filter(self) -> None:
        """Type the filter's words; the list follows each letter."""
        self.typing = True
        self._reorder(self.order)

    def action_clear_filter(self) -> None:
        """All rows again."""
        self.show_only("")

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While the filter is typed, letters are letters."""
        return self.typing and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """What is typed into the filter. Keys that are no letters do what they always do."""
        taken = typed(self.order.words, event.key, event.character) if self.typing else None
        if taken is not None:
            words, self.typing = taken
            self._reorder(replace(self.order, words=words))
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted words."""
        if self.typing:
            self._reorder(replace(self.order, words=self.order.words + printable(event.text).strip()))
            event.stop()

    def on_focus(self) -> None:
        """The heading shows it."""
        self.refresh()

    def on_blur(self) -> None:
        """Whoever goes elsewhere has typed all."""
        self.refresh()
        if self.typing:
            self.typing = False
            self._reorder(self.order)
