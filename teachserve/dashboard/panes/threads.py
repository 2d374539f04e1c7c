"""Every thread as a row: what it does, since when, for whom; what it has done; and what the kernel says of it."""

from collections import deque
from typing import ClassVar, NamedTuple

from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import CLASSES, Line, Styled
from teachserve.dashboard.panes.counts import seen
from teachserve.dashboard.verdicts import sight_text
from teachserve.demo.picture import Picture
from teachserve.demo.wording import age, duration, short
from teachserve.events import STATES
from teachserve.observe.snapshot import ThreadView


class Columns(NamedTuple):
    """The width of each column; 0 leaves it out."""

    name: int
    state: int
    connection: int
    recycled: int
    kernel: int


STEADY = 10
"""Frames for which the list stays as long as it was: another length lays the whole screen out anew, which costs double,
and where a thread is made for each connection the length changes with every frame."""
FIXED = 6 + 1 + 5 + 1 + 5 + 1
"""For, Served and Taken: always there."""


def columns(picture: Picture, width: int) -> Columns:
    """As wide as what they hold; where there is no room, Kernel goes first, then Recyc, then Conn."""
    names = max((len(thread.name) for thread in picture.snapshot.threads), default=0)
    words = max((len(state.value) for state in seen(picture)), default=0)
    name, state = min(max(names, 13), 24), 2 + max(words, 8)
    room = width - name - 1 - state - 1 - FIXED
    connection = 7 if room >= 7 else 0
    recycled = 6 if room >= 13 else 0
    left = room - connection - recycled
    return Columns(name, state, connection, recycled, left if left >= 10 else 0)


class ThreadTable(Styled, ScrollView, can_focus=True):
    """A line for each living thread, by number, under a heading that stays."""

    about = (
        "Every thread that is alive, with what it says of itself and what the kernel says of it. Look for one state that "
        "many share, and for one thread that does not move."
    )
    words = (
        "Thread", "State", "For", "Conn", "Reqs", "Taken", "Recyc", "Kernel", *STATES,
        "ok", "moved", "running", "GIL", "lock", "differs",
    )  # fmt: skip

    picture: reactive[Picture | None] = reactive(None, repaint=False, init=False)
    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._columns: tuple[Picture | None, int, Columns] = (None, 0, Columns(0, 0, 0, 0, 0))
        self._heights: deque[int] = deque(maxlen=STEADY)

    def watch_picture(self) -> None:
        """A newer picture. What changes in each row with each frame is `For`, so all that is in view is drawn."""
        lines = 1 + len(self.picture.snapshot.threads) if self.picture else 1
        if lines <= self.scroll_offset.y + 1:  # not one row would be in view
            self._heights.clear()
        self._heights.append(lines)
        if self.virtual_size.height != max(self._heights):
            self.virtual_size = Size(0, max(self._heights))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line: the heading, or the row that is scrolled there."""
        width = self.scrollable_content_region.width
        if self.picture is None:
            return self.strip([], width)
        if self._columns[0] is not self.picture or self._columns[1] != width:  # once a frame, not once a line
            self._columns = (self.picture, width, columns(self.picture, width))
        layout = self._columns[2]
        threads = self.picture.snapshot.threads
        first = self.scroll_offset.y
        if y == 0:
            shown = min(len(threads), first + self.size.height - 1)
            return self.strip(heading(layout, first + 1 if threads else 0, shown, len(threads), width), width)
        row = first + y - 1
        return self.strip(thread_line(self.picture, threads[row], layout) if row < len(threads) else [], width)


def heading(layout: Columns, first: int, last: int, total: int, width: int) -> Line:
    """The names of the columns, and which of how many rows are in view."""
    title = f"Thread {first}-{last}/{total}"
    text = f"{title if len(title) <= layout.name else f'{first}-{last}/{total}':<{layout.name}.{layout.name}} "
    text += f"{'State':<{layout.state}} {'For':>6} "
    text += f"{'Conn':>6} " if layout.connection else ""
    text += f"{'Reqs':>5} {'Taken':>5} "
    text += f"{'Recyc':>5} " if layout.recycled else ""
    text += "Kernel" if layout.kernel else ""
    return [(text.ljust(width), "heading")]


def thread_line(picture: Picture, thread: ThreadView, layout: Columns) -> Line:
    """One thread. Numbers stand under their headings' right ends."""
    css = css_name(thread.state)
    figures = f" {duration(age(picture.snapshot, thread)):>6} "
    if layout.connection:
        figures += f"{short(thread.connection, 6) if thread.connection else '-':>6} "
    figures += f"{short(thread.requests):>5} {short(thread.connections):>5} "
    if layout.recycled:
        figures += f"{short(thread.recycled):>5} "
    line: Line = [
        (f"{thread.name:<{layout.name}.{layout.name}} ", ""),
        (f"{GLYPHS[thread.state]} {thread.state.value:<{layout.state - 2}.{layout.state - 2}}", css),
        (figures, ""),
    ]
    if layout.kernel:
        line.append(sight_text(picture, thread, layout.kernel))
    return line
