"""The architecture's own file, with the threads that stand at each line at this moment."""

from pathlib import Path
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.reactive import reactive
from textual.strip import Strip

from teachserve.dashboard.chosen import Choose, Chosen
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Line, LinePane, length, spread
from teachserve.dashboard.source_text import coloured, cut
from teachserve.dashboard.standing import COUNT, HEAT, Standing, at_line, chosen_thread
from teachserve.demo.picture import Picture
from teachserve.events import STATES
from teachserve.observe.lines import Lines
from teachserve.observe.snapshot import Header, ThreadView

MARK = ">"
"""Stands before the lines where the chosen thread is."""
LEGEND = "x3?: 0 to 3 threads · x6+3?: 6 to 9"
MORE = "..."
LEAST_COMMENT = 16
"""Cells that a comment takes at least: a letter or two of it would say nothing."""
WIDE = 100
STEP = 8


class CodePane(LinePane):
    """The file under a heading; below it what stands at the cursor's line, and who stands at none."""

    BINDINGS: ClassVar = bindings("code")
    chosen: reactive[Chosen] = reactive(Chosen(), repaint=False, init=False)
    about: ClassVar = (
        "The architecture's own file, with the number of threads whose last verb stands in each line. Look for the line "
        "where the threads pile up, and for the one that nobody is at while connections wait."
    )
    words: ClassVar = ("at line", "heat", "thread-seconds", "elsewhere", *STATES)

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.cursor = 0
        """The line that a person has gone to, from 1; 0: none, and the pane shows what is worth seeing."""
        self._first = 0
        self._left = 0
        self._read: tuple[object, Lines] = (None, Lines(""))

    def watch_chosen(self) -> None:
        """Another thread is to be lit."""
        self.watch_picture()

    def source(self, header: Header) -> Lines:
        """The file, read again when it has changed."""
        try:
            stamp = Path(header.source_file).stat().st_mtime_ns
        except OSError:
            stamp = 0
        key = (header.source_file, header.source_class, header.started, stamp)
        if self._read[0] != key:
            self._read = (key, Lines.of(header))
        return self._read[1]

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        header = picture.snapshot.header
        if header is None:
            return [[("no server yet", "quiet")]]
        source = self.source(header)
        standing = Standing.of(picture, source, self.chosen)
        foot = foot_lines(picture, standing, self.cursor, chosen_thread(picture, self.chosen), width)
        room = max(1, height - 1 - len(foot))
        self._scroll(standing, room)
        rows = range(self._first + 1, min(self._first + room, len(source.text)) + 1)
        text = coloured(source.text)
        code = [code_line(standing, row, cut(text[row - 1], self._left, self._left + width), width) for row in rows]
        code += [[]] * (room - len(code))
        shown = f"lines {rows.start}-{rows.stop - 1} of {len(source.text)}" if source.text else ""
        return [heading(header, shown, width), *code, *foot]

    def _scroll(self, standing: Standing, room: int) -> None:
        """Bring into view: the cursor; else the chosen thread's line; else where threads call verbs, the hottest first."""
        wanted = self.cursor or standing.first_chosen() or standing.hottest()
        if not self.cursor:
            extent = standing.extent()
            if extent and extent[-1] - extent[0] < room:  # all of it fits, and stays where it is
                self._first = max(0, extent[-1] - room + 1)
        if wanted and not self._first < wanted <= self._first + room:
            self._first = wanted - 1 - room // 2
        self._first = max(0, min(self._first, len(standing.lines.text) - room))

    def render_line(self, y: int) -> Strip:
        """One line; the cursor's is lit."""
        strip = super().render_line(y)
        if not self.cursor or y != self.cursor - self._first:
            return strip
        lit = Style(bgcolor=self.piece_style("cursor").bgcolor)
        return Strip([segment._replace(style=segment.style + lit) for segment in strip], strip.cell_length)

    # Keys.

    def go_to(self, line: int) -> None:
        """Put the cursor on this line."""
        if self.picture is None or self.picture.snapshot.header is None:
            return
        count = len(self.source(self.picture.snapshot.header).text)
        self.cursor = max(1, min(count, line)) if count else 0
        self._drawn = []  # what is lit is no part of the text
        self.refresh()
        self.watch_picture()

    def action_move(self, lines: int) -> None:
        """The cursor so many lines on; where there is none, to the line that is worth seeing."""
        if self.cursor or self.picture is None or self.picture.snapshot.header is None:
            self.go_to(self.cursor + lines)
        else:
            standing = Standing.of(self.picture, self.source(self.picture.snapshot.header), self.chosen)
            self.go_to(standing.first_chosen() or standing.hottest())

    def action_page(self, pages: int) -> None:
        """The cursor a page on."""
        self.action_move(pages * max(1, self.size.height - 3))

    def action_end_of_text(self, last: bool) -> None:
        """The cursor to the first line, or the last."""
        self.go_to(1_000_000 if last else 1)

    def action_leave(self) -> None:
        """No cursor: show what is worth seeing."""
        self.cursor = self._left = 0
        self._drawn = []
        self.refresh()
        self.watch_picture()

    def action_aside(self, step: int) -> None:
        """Long lines, further to the right or back."""
        self._left = max(0, self._left + step * STEP)
        self.watch_picture()

    def action_choose(self) -> None:
        """Choose a thread that stands at the cursor's line; again, the next one. Without a cursor, it is put first."""
        if not self.cursor:
            self.action_move(0)
        if self.picture is None or not self.cursor:
            return
        source = self.source(self.picture.snapshot.header)
        place = Standing.of(self.picture, source, self.chosen).place(self.cursor)
        numbers = [thread.number for thread in at_line(self.picture, source, place)]
        if numbers:
            chosen = chosen_thread(self.picture, self.chosen)
            after = chosen.number if chosen else 0
            self.post_message(Choose(thread=next((one for one in numbers if one > after), numbers[0])))

    def on_click(self, event: events.Click) -> None:
        """The cursor goes there; the second click chooses."""
        y = event.get_content_offset_capture(self).y
        if y >= 1:
            self.go_to(self._first + y)
            if event.chain == 2:
                self.action_choose()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-1)


def heading(header: Header, shown: str, width: int) -> Line:
    """What the columns are, and of which file; of which class, where there is room."""
    columns = f" {'at line':>{margin(width)[0]}} {'heat':<{margin(width)[1]}}"
    file = f"{columns}     {Path(header.source_file).name}"
    left = f"{file}: class {header.source_class}"
    left = left if len(left) + len(shown) < width else file
    return [(f"{left} {shown:>{max(0, width - len(left) - 1)}}"[:width].ljust(width), "heading")]


def margin(width: int) -> tuple[int, int]:
    """Cells for the count and for the heat."""
    return (COUNT, HEAT) if width >= WIDE else (7, 4)


def code_line(standing: Standing, row: int, text: Line, width: int) -> Line:
    """Count, heat, number and text of one line."""
    count, heat = margin(width)
    (counted, style), (bar, warm) = standing.count(row), standing.bar(row)
    lit = standing.place(row) in standing.chosen
    room = width - count - heat - 7
    states = standing.glyphs(row)
    aside = length(states) + 2
    if aside <= room - solid(text):
        room -= aside
    else:
        states = []
    left = [
        (MARK if lit else " ", "strong"),
        (f"{counted:>{count}}", style),
        (f" {bar:<{heat}} ", warm),
        (f"{row:>3} ", "strong" if lit else "quiet"),
        *without_stub(text, room),
    ]
    return spread(left, states, width)


def without_stub(text: Line, room: int) -> Line:
    """As much of the line as there is room for; of the comment at its end all, or enough to read and that it goes on."""
    code, whole = solid(text), length(text)
    if whole <= room or not code < room:
        return cut(text, 0, room)
    if room < whole - len(text[-1][0]) + LEAST_COMMENT:
        return cut(text, 0, code)
    return [*cut(text, 0, room - len(MORE)), (MORE, "quiet")]


def solid(text: Line) -> int:
    """How long the line is without the comment at its end."""
    return len("".join(piece for piece, style in text if style != "quiet" or not piece.startswith("#")).rstrip())


def foot_lines(picture: Picture, standing: Standing, cursor: int, thread: ThreadView | None, width: int) -> list[Line]:
    """What is wrong or uncertain; what stands at the cursor's line, and where the chosen thread is; who is elsewhere."""
    if standing.lines.problem:
        return [[(f"n/a: {standing.lines.problem}", "alarm")]]
    doubt = standing.doubt()
    foot: list[Line] = [[(f"no line is certain for {doubt}", "alarm")]] if doubt else []
    line = cursor or standing.first_chosen() or standing.hottest()
    if line:
        spent = standing.heat.get(standing.place(line))
        figure = [(f"  {spent:.1f} thread-seconds/s", "")] if spent else []
        there: Line = [(f"line {line}", "strong"), *(standing.states(line) or [("  nobody", "quiet")]), *figure]
        foot.append(spread(there, [(f"{MARK} {thread.name} {standing.where()}", "strong")] if thread else [], width))
    elsewhere: Line = [("elsewhere  ", "label"), (standing.elsewhere() or "nobody", "")]
    return [*foot, spread(elsewhere, [(LEGEND, "quiet")], width)]
