"""A lane as cells of text: each cell shows where its thread was at the cell's end, as far as that was seen."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from teachserve.dashboard.glyphs import FILLED_STYLES, GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, Piece
from teachserve.demo.picture import Mark
from teachserve.demo.wording import printable
from teachserve.events import STATES, State
from teachserve.observe.lane import CODE, CODE_BITS, UNSEEN, Lane
from teachserve.observe.model import ENDS

NOT_SEEN = ("·", "quiet")
LOOKS: list[Piece] = [(GLYPHS[state], FILLED_STYLES.get(state) or css_name(state)) for state in STATES]
LOOKS += [NOT_SEEN] * (UNSEEN + 1 - len(LOOKS))
NOBODY = (" ", "")
MARK = "│"
TICK = 10
"""Cells from one time on the axis to the next."""
FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Window:
    """The span that is drawn: `cells` cells of `cell_us` each, the last of which holds the moment `end_us`.

    A cell begins at a multiple of its length, so that what is in it stays together while it moves left.
    """

    end_us: int
    cell_us: int
    cells: int

    @property
    def first(self) -> int:
        """The number of the first cell, counted from moment 0."""
        return self.end_us // self.cell_us - self.cells + 1

    @property
    def begin_us(self) -> int:
        """The first moment that is drawn."""
        return self.first * self.cell_us

    def column(self, at_us: float) -> int | None:
        """The cell of this moment, from 0; None where it is outside."""
        column = int(at_us // self.cell_us) - self.first
        return column if 0 <= column < self.cells else None


def lane_cells(lane: Lane, window: Window) -> Line:
    """The lane in this window, equal neighbours in one piece. Blank: there was no thread; `·`: it was not seen.

    Where a thread ended and another went on in its lane, the cell has the first one's end and the other's colour.
    """
    runs, length, cell = lane.runs, lane.length, window.cell_us
    at, stop, limit = window.first, window.first + window.cells, window.end_us + 1
    unseen_end = length and runs[length - 1] & CODE == UNSEEN and lane.ended_us is not None
    gone = lane.ended_us if unseen_end else FOREVER
    line: list[tuple[Piece, int]] = []
    last, counted = NOBODY, 0
    place = 0
    while at < stop:  # a hundred times for each lane in each frame: what is not needed is not done
        begin = at * cell
        end = begin + cell
        place = bisect_left(runs, (end if end < limit else limit) << CODE_BITS, place, length) - 1
        if place < 0:
            place, look, until = 0, NOBODY, runs[0] >> CODE_BITS
        elif begin >= gone:
            look, until = NOBODY, FOREVER
        else:
            run = runs[place]
            code, fresh = run & CODE, run >> CODE_BITS >= begin
            until = runs[place + 1] >> CODE_BITS if place + 1 < length else gone
            look = LOOKS[code]
            if not fresh:
                look = NOBODY if code in ENDS else look
            elif code == UNSEEN and place:
                look, until = LOOKS[runs[place - 1] & CODE], 0
            elif code in ENDS:
                until = 0
            elif ended_in(lane, place, begin):
                look, until = (GLYPHS[State.ENDED], look[1]), 0
        count = until // cell - at
        if count < 1:
            count = 1
        if look is last:
            counted += count
        else:
            line.append((last, counted))
            last, counted = look, count
        at += count
    line.append((last, counted - (at - stop)))
    return [(glyph * count, style) for (glyph, style), count in line if count]


def ended_in(lane: Lane, place: int, begin_us: int) -> bool:
    """Whether a thread ended between this moment and the begin of the run at `place`: the lane is another's since."""
    while lane.threads > 1 and place > 0 and lane.runs[place - 1] >> CODE_BITS >= begin_us:
        place -= 1
        if lane.runs[place] & CODE in ENDS:
            return True
    return False


def axis(window: Window) -> Line:
    """Moments of the server's clock under their cells: `|12.3s`."""
    step = TICK * window.cell_us
    decimals = next(places for places in range(7) if step >= 10 ** (6 - places))
    text = ""
    for number in range(window.first, window.first + window.cells):
        label = f"|{number * window.cell_us / 1e6:.{decimals}f}s"
        if number % TICK == 0 and number >= 0 and number - window.first + len(label) <= window.cells:
            text = text.ljust(number - window.first) + label
    return [(text.ljust(window.cells), "quiet")]


def mark_columns(marks: Sequence[Mark], window: Window) -> dict[int, str]:
    """Cell -> what was changed there; of several in one cell the last."""
    found = {window.column(mark.at_s * 1e6): printable(mark.text) for mark in marks}
    return {column: text for column, text in found.items() if column is not None}


def mark_line(columns: dict[int, str], cells: int) -> Line:
    """What was changed, above its cell: at its right where there is room, else at its left. The newest come first;
    of what has no room the arrow stays.
    """
    text, free = [" "] * cells, cells + 1
    for column, words in sorted(columns.items(), reverse=True):
        text[column] = "▼"
        before = max((other for other in columns if other < column), default=-1)
        if column + len(words) + 1 < free:
            text[column + 1 : column + 1 + len(words)] = words
        elif column - len(words) > before:
            text[column - len(words) : column] = words
            column -= len(words)
        free = column
    return [("".join(text), "strong")]


def with_marks(line: Line, columns: dict[int, str]) -> Line:
    """The lane with an upright line in each cell in which something was changed."""
    if not columns:
        return line
    found: Line = []
    at = 0
    for text, style in line:
        begin = 0
        for column in sorted(column - at for column in columns if at <= column < at + len(text)):
            found += [(text[begin:column], style)] if column > begin else []
            found.append((MARK, "strong"))
            begin = column + 1
        found += [(text[begin:], style)] if begin < len(text) else []
        at += len(text)
    return found
