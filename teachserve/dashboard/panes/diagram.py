"""The diagram of the architecture, drawn from its source, with how many are where and what goes along each arrow now."""

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events
from textual.message import Message
from textual.worker import get_current_worker

from teachserve.dashboard.glyphs import css_name
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.live_diagram import EDGE_ROOM, LiveDiagram, rate_words
from teachserve.dashboard.source_text import cut
from teachserve.dashboard.window import LAYOUT
from teachserve.demo.picture import Picture
from teachserve.diagram.keys import Place
from teachserve.events import STATES, State
from teachserve.observe.snapshot import Header

if TYPE_CHECKING:
    from teachserve.diagram.placing import Box

WAY = 2
"""Rows that the wheel moves."""
NEARLY = 0.9
"""Each request that comes is answered: by so much less may go along the thick edge, lest two of them take turns."""


class DiagramPane(LinePane):
    """The picture, scrolled; below it what the chosen node is and where it stands in the source."""

    BINDINGS: ClassVar = bindings("diagram")
    about: ClassVar = (
        "The architecture as its source has it: who makes whom, who hands what to whom, what they share; the numbers are of "
        "now. Look for the thick arrow, along which most goes, and for the box where the threads or the connections pile up."
    )
    words: ClassVar = ("role", "named queue", "backlog", "flow", "hot edge", *STATES)

    class Picked(Message):
        """A node was chosen: show its threads alone, and its line; `words` "": all of them again."""

        def __init__(self, words: str, line: int) -> None:
            super().__init__()
            self.words = words
            self.line = line

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.chosen_node = ""
        self._first = 0
        self._wanted: tuple[object, ...] = ()
        self._live: LiveDiagram | None = None
        self._hot: int | None = None
        self._sheet_of: tuple[object, ...] = ()
        self._sheet: Sheet | None = None

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        header = picture.snapshot.header
        if header is None:
            return [[("no server yet", "quiet")]]
        key = header.source_file, header.source_class, header.started, width
        if key != self._wanted:
            self._wanted, self._live = key, None
            self.run_worker(lambda: self._lay_out(header, width), thread=True, exclusive=True, group=LAYOUT)
        if self._live is None:
            return [[("laying the diagram out", "quiet")]]
        if self._live.problem:
            return [[(f"n/a: {self._live.problem}", "alarm")]]
        room = max(1, height - 1)
        self._first = max(0, min(self._first, self._live.laid.rows - room))
        shown = range(self._first, min(self._first + room, self._live.laid.rows))
        rates = self._live.rates(picture)
        self._hot = hottest(rates, self._hot)
        drawn = draw(self._live, self._sheet_with(self._hot), picture, rates, shown)
        drawn += [[]] * (room - len(drawn))
        return [*drawn, self._foot(shown, width)]

    def _sheet_with(self, hot: int | None) -> "Sheet":
        """Drawn anew only for another thick edge, another node, another diagram."""
        wanted = self._live, hot, self.chosen_node
        if wanted != self._sheet_of:
            self._sheet_of, self._sheet = wanted, Sheet.of(*wanted)
        return self._sheet

    def _lay_out(self, header: Header, width: int) -> None:
        """In a thread: the renderer may have to be compiled first."""
        live = LiveDiagram.of(header, width)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._show, live)

    def _show(self, live: LiveDiagram) -> None:
        self._live = live
        if self.chosen_node not in [box.key for box in self._boxes]:  # it was another server's
            self.forget()
        self.watch_picture()

    def forget(self) -> None:
        """Nothing is chosen any more: what is shown is, or will be, another server's."""
        if self.chosen_node:
            self.chosen_node = ""
            self.post_message(self.Picked("", 0))

    def _foot(self, shown: range, width: int) -> Line:
        """What is chosen; else what is in view, and what a person can do."""
        if self.chosen_node:
            node = self._live.node(self.chosen_node)
            where, code = self._live.source_line(node)
            place = f"{where}  {code}  " if where else ""
            told = textwrap.shorten(node.tooltip, max(0, width - len(place)), placeholder=" ...")
            return cut([(place, "strong"), (told, "quiet")], 0, width)
        extent = f"rows {shown.start + 1}-{shown.stop} of {self._live.laid.rows}; "
        notes = "; ".join(self._live.laid.notes)
        return [(f"{extent}rates are exact; arrows choose a part {notes}"[:width], "quiet")]

    # Keys.

    @property
    def _boxes(self) -> "list[Box]":
        if self._live is None or self._live.problem:
            return []
        return sorted(self._live.laid.boxes, key=lambda box: (box.row, box.column))

    def action_move(self, steps: int) -> None:
        """Choose the next node from the top, or the one before."""
        keys = [box.key for box in self._boxes]
        if keys:
            known = self.chosen_node in keys
            place = keys.index(self.chosen_node) + steps if known else 0 if steps > 0 else len(keys) - 1
            self.choose(keys[max(0, min(len(keys) - 1, place))])

    def choose(self, key: str) -> None:
        """Light this node, have it in view, and tell the others of its threads and its line; "": none."""
        self.chosen_node = key
        box = next((box for box in self._boxes if box.key == key), None)
        room = max(1, self.size.height - 1)
        if box is not None and not (self._first <= box.row and box.bottom < self._first + room):
            self._first = max(0, min(box.row, box.bottom - room + 1) if box.row >= self._first else box.row)
        line = self._live.own_line(self._live.node(key)) if key in self._live.places else 0
        self.post_message(self.Picked(filter_words(self._live, key), line))
        self.watch_picture()

    def action_page(self, pages: int) -> None:
        """Scroll."""
        self._scroll(pages * max(1, self.size.height - 2))

    def _scroll(self, rows: int) -> None:
        self._first = max(0, self._first + rows)
        self.watch_picture()

    def action_leave(self) -> None:
        """Nothing chosen, and every thread in the lists again."""
        if self._live is not None and not self._live.problem:
            self.choose("")

    def on_click(self, event: events.Click) -> None:
        """The node that lies there."""
        place = event.get_content_offset_capture(self)
        row = place.y + self._first
        for box in self._boxes:
            if box.row <= row <= box.bottom and box.column <= place.x <= box.right:
                self.choose(box.key)

    def on_mouse_scroll_down(self) -> None:
        self._scroll(WAY)

    def on_mouse_scroll_up(self) -> None:
        self._scroll(-WAY)


def filter_words(live: LiveDiagram, key: str) -> str:
    """The words by which a list of threads shows what the node is about; "": all."""
    place = live.places.get(key, Place())
    if place.verb == "accept":
        looping = any(role.accepts and role.loops for role in live.topology.roles)
        return (State.SELECTING if looping else State.ACCEPTING).value
    return place.role or place.queue


def hottest(rates: Mapping[int, float], before: int | None) -> int | None:
    """The edge along which most goes, or about as much as along the one that was it before; None: nothing goes anywhere."""
    edge = max(rates, key=rates.__getitem__, default=None)
    if edge is None or not rates[edge]:
        return None
    return before if rates.get(before, 0.0) >= NEARLY * rates[edge] else edge


class Sheet(NamedTuple):
    """The cells row by row, and the name of each one's style: what stays the same while the numbers change."""

    cells: list[list[str]]
    styles: list[list[str]]

    @classmethod
    def of(cls, live: LiveDiagram, hot: int | None, chosen: str) -> "Sheet":
        """With one edge thick, one node lit, and nothing yet where the numbers will stand."""
        from teachserve.diagram import text  # it is loaded by now: the picture was laid out with it

        edges = tuple(replace(edge, weight=float(place == hot)) for place, edge in enumerate(live.drawing.edges))
        cells = text.picture(replace(live.drawing, edges=edges), live.laid)
        styles = [[""] * len(row) for row in cells]
        for box in live.laid.boxes:
            node = live.node(box.key)
            name = "banner" if box.key == chosen else css_name(State(node.state)) if node.state else ""
            for row in range(box.row, box.bottom + 1):
                _fill(styles[row], box.column, box.width, name)
        for path in live.laid.paths:
            name = "strong" if path.edge == hot else "quiet"
            for row, column, _ in path.cells[1:]:
                styles[row][column] = name
            for row, column, words in path.label:
                if words == EDGE_ROOM:
                    _fill(styles[row], column, len(words), name)
        return cls(cells, styles)


def draw(live: LiveDiagram, sheet: Sheet, picture: Picture, rates: Mapping[int, float], shown: range) -> list[Line]:
    """The rows that are in view, in colours, with the numbers of this picture."""
    cells = {row: sheet.cells[row].copy() for row in shown}
    styles = {row: sheet.styles[row].copy() for row in shown}
    for path in live.laid.paths:
        for row, column, words in path.label:
            if row in cells and words == EDGE_ROOM:
                told = rate_words(rates[path.edge]) if path.edge in rates else ""
                cells[row][column : column + len(words)] = f"{told:<{len(words)}}"
    for row, column, room, words in live.words(picture):
        if row in cells:
            cells[row][column : column + room] = f"{words:^{room}}"
            if styles[row][column] != "banner":
                _fill(styles[row], column, room, "strong")
    return [_pieces(cells[row], styles[row]) for row in shown]


def _fill(styles: list[str], column: int, width: int, name: str) -> None:
    styles[column : column + width] = [name] * width


def _pieces(cells: list[str], styles: list[str]) -> Line:
    line: Line = []
    for name, run in groupby(zip(cells, styles, strict=True), key=itemgetter(1)):
        line.append(("".join([character for character, _ in run]), name))
    return line
