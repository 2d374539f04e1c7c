"""What threads did over the last seconds: a line for each that lives at a time, a cell a moment."""

from typing import ClassVar

from textual import events
from textual.reactive import reactive

from teachserve.dashboard.chosen import Choose, Chosen, Open
from teachserve.dashboard.glyphs import GLYPHS
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.lane_cells import (
    Window,
    axis,
    lane_cells,
    mark_columns,
    mark_line,
    with_marks,
)
from teachserve.dashboard.line_pane import Line, LinePane, spread
from teachserve.dashboard.standing import chosen_thread
from teachserve.demo.picture import Picture
from teachserve.demo.wording import duration, short
from teachserve.events import STATES, State
from teachserve.observe.lane import KEEP_US, Lane

CELLS_US = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
OPENING = CELLS_US.index(100_000)
ENDED = f"{GLYPHS[State.ENDED]} {State.ENDED}"
"""The counts above explain every glyph of a living thread by standing beside its word."""
NAME = 10
"""The names' column is at least so wide, and gets no narrower: it must not jump with each tenth thread."""


class LanesPane(LinePane):
    """A heading, the time, the changes that were made, and the lanes of the threads that were there.

    The time stands above: below few lanes it would be far from them, and jump with each that comes or goes.
    """

    BINDINGS: ClassVar = bindings("lanes")
    chosen: reactive[Chosen] = reactive(Chosen(), repaint=False, init=False)
    about: ClassVar = (
        "What each thread did over the last seconds, the newest at the right; a bar while it serves a request. Look for "
        "bars in many lanes at once, for lanes that come and go, and for what changes at an upright line."
    )
    words: ClassVar = ("lane", "cell", "sampled", "exact", "not seen", "unseen", "mark", *STATES)

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.zoom = OPENING
        self.end_us: int | None = None
        """The moment at the right; None: the newest."""
        self._first = 0
        self._shown: list[Lane] = []
        self._names = NAME

    def watch_chosen(self) -> None:
        """Another lane is to be lit."""
        self.watch_picture()

    def window(self, picture: Picture, width: int) -> Window:
        """The span that fits beside the names."""
        end = picture.lanes.at_us if self.end_us is None else min(self.end_us, picture.lanes.at_us)
        return Window(end, CELLS_US[self.zoom], max(1, width - self._names - 2))

    @property
    def room(self) -> int:
        """Lanes in view at a time."""
        marks = bool(self.picture and self.picture.marks)
        return max(1, self.size.height - 2 - marks)

    @property
    def complete(self) -> bool:
        """Looked at more closely than tables come, a lane would be little but what was not seen: then every event is sent."""
        return self.zoom < OPENING

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        window = self.window(picture, width)
        self._shown = picture.lanes.within(window.begin_us, window.end_us + 1)
        self._first = max(0, min(self._first, len(self._shown) - self.room))
        rows = self._shown[self._first : self._first + self.room]
        self._names = max(self._names, *(len(lane.name) for lane in rows), 0)
        window = self.window(picture, width)
        columns = mark_columns(picture.marks, window)
        lit = self._lit(picture)
        lanes = [self._row(lane, window, columns, lane.holds(lit)) for lane in rows]
        margin = " " * (self._names + 2)
        marks = [[(margin, ""), *mark_line(columns, window.cells)]] if picture.marks else []
        legend = (f" {ENDED}".ljust(len(margin)), "quiet")
        return [self._heading(picture, window, width), [legend, *axis(window)], *marks, *lanes]

    def _lit(self, picture: Picture | None) -> int:
        """The number of the chosen thread, by itself or by its connection; 0: none."""
        thread = picture and chosen_thread(picture, self.chosen)
        return thread.number if thread else self.chosen.thread

    def _row(self, lane: Lane, window: Window, columns: dict[int, str], lit: bool) -> Line:
        name = f"{'>' if lit else ' '}{lane.name:<{self._names}} "
        style = "cursor" if lit else "quiet" if lane.ended_us is not None else ""
        return [(name, style), *with_marks(lane_cells(lane, window), columns)]

    def _heading(self, picture: Picture, window: Window, width: int) -> Line:
        total = len(self._shown)
        left = f" Lanes {min(self._first + 1, total)}-{min(self._first + self.room, total)}/{total}"
        back = (picture.lanes.at_us - window.end_us) / 1e6
        notes = [
            f"{duration(back)} back" if back else "",
            f"{short(picture.lanes.unseen)} came and went unseen" if picture.lanes.unseen else "",
            f"{duration(window.cells * window.cell_us / 1e6)}, {duration(window.cell_us / 1e6)} a cell",
            "exact" if picture.lanes.exact else "sampled 10/s",
        ]
        right = " · ".join(filter(None, notes))
        text = "".join(piece for piece, _ in spread([(left, "")], [(right, "")], width))
        return [(text.ljust(width), "heading")]

    # Keys.

    def action_zoom(self, step: int) -> None:
        """Longer cells or shorter ones."""
        self.zoom = max(0, min(len(CELLS_US) - 1, self.zoom + step))
        self.watch_picture()

    def action_pan(self, direction: int) -> None:
        """Earlier, or later and back to the newest."""
        if self.picture is None:
            return
        window, newest = self.window(self.picture, self.size.width), self.picture.lanes.at_us
        end = window.end_us + direction * max(1, window.cells // 4) * window.cell_us
        oldest = max(0, newest - KEEP_US) + window.cells * window.cell_us
        self.end_us = None if end >= newest else min(newest, max(end, oldest))
        self.watch_picture()

    def action_newest(self) -> None:
        """The newest moment, at the zoom of the beginning."""
        self.end_us, self.zoom = None, OPENING
        self.watch_picture()

    def select(self, index: int) -> None:
        """Choose the lane at this place, and have it in view."""
        if self._shown:
            index = max(0, min(len(self._shown) - 1, index))
            self._first = max(index - self.room + 1, min(self._first, index))
            self.chosen = Chosen(thread=self._shown[index].number)  # at once: the next key may be on its way
            self.post_message(Choose(thread=self.chosen.thread, control=self))
            self.watch_picture()

    def action_move(self, lanes: int) -> None:
        """Choose the lane so many further down. Where none is chosen, the first in view."""
        lit = self._lit(self.picture)
        place = next((place for place, lane in enumerate(self._shown) if lane.holds(lit)), None)
        self.select(self._first if place is None else place + lanes)

    def action_page(self, pages: int) -> None:
        """The same by as many lanes as are in view."""
        self.action_move(pages * self.room)

    def action_end_of_list(self, last: bool) -> None:
        """Choose the first lane or the last."""
        self.select(len(self._shown) - 1 if last else 0)

    def action_open(self) -> None:
        """Show all that is known of the chosen thread. Where none is chosen, the first in view is."""
        if not self._lit(self.picture):
            self.action_move(0)
        if thread := self._lit(self.picture):
            self.post_message(Open(thread=thread))

    def on_click(self, event: events.Click) -> None:
        """The lane that was clicked on is chosen."""
        y = event.get_content_offset_capture(self).y - (self.size.height - self.room)
        if 0 <= y < min(self.room, len(self._shown) - self._first):
            self.select(self._first + y)

    def scroll_lanes(self, lanes: int) -> None:
        """Others in view, the same chosen."""
        self._first = max(0, min(self._first + lanes, len(self._shown) - self.room))
        self.watch_picture()

    def on_mouse_scroll_down(self) -> None:
        self.scroll_lanes(3)

    def on_mouse_scroll_up(self) -> None:
        self.scroll_lanes(-3)
