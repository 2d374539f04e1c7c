"""The places: each room that a connection and a thread can be in, every thread as a token, and what flows between them.

Threads are seen in samples; the numbers at arrows and lanes are exact, for the server counts every move.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from textual import events
from textual.reactive import reactive

from teachserve.dashboard.arrangement import ASIDE_COUNT, COUNT, Layout, arrange, scale_of
from teachserve.dashboard.canvas import Canvas
from teachserve.dashboard.chosen import Choose, Chosen, Open
from teachserve.dashboard.glyphs import GLYPHS, KERNEL, css_name
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.tokens import Token, Tokens
from teachserve.demo.picture import Picture
from teachserve.demo.wording import counted, first_that_fits, short
from teachserve.events import State
from teachserve.observe import places
from teachserve.observe.places import Flow, Pair, Places, Room
from teachserve.observe.snapshot import ThreadView

RECENT_S = 1.0
"""How long an ended thread's mark stays."""
MOST_ENDED = 10
"""And of how many: where a thread is made for each connection, hundreds end in that time."""
ENDED_MARKS = "some of the last second"


class PlacesPane(LinePane):
    """The picture of the rooms; below it, in one line, what a mark is and what is not drawn."""

    about = (
        "Each room that a connection and a thread can be in, in the order of a connection's way; every thread is a mark in "
        "its room. The numbers at the arrows are moves per second. See where marks pile up, and which way they go back."
    )
    words = ("room", "token", "flow", *(room.name for room in (*places.WAY, *places.BESIDE)), "named queue", "sampled")

    chosen: reactive[Chosen] = reactive(Chosen(), repaint=False, init=False)

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._tokens = Tokens()
        self._cells: dict[tuple[int, int], int] = {}

    def watch_chosen(self) -> None:
        """Another thread is lit."""
        self.watch_picture()

    def on_click(self, event: events.Click) -> None:
        """The thread of that mark is chosen; twice opens it."""
        place = event.get_content_offset_capture(self)
        thread = self._cells.get((place.x, place.y))
        if thread:
            self.post_message(Choose(thread=thread) if event.chain == 1 else Open(thread=thread))

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        found = Places.of(picture.snapshot)
        layout = arrange(found, {room.name: label(room, picture) for room in found.rooms}, width, height - 1)
        threads = occupants(picture, found)
        drawn = [room.name for room in found.rooms if room.name in layout.rows and room is not places.ENDED]
        scale = max(scale_of(len(threads[room]), room, layout) for room in drawn)
        queued = scale_of(picture.queued or 0, places.ACCEPT_QUEUE.name, layout)
        tokens = self._tokens.place(threads, scale)
        canvas = Canvas(width, height - 1)
        self._cells = {}
        for room in found.rooms:
            if room.name in layout.rows:
                draw_room(canvas, picture, room, layout, queued)
                cells = draw_tokens(canvas, room, layout, tokens.get(room.name, ()), self.chosen.thread)
                self._cells |= cells
        untold = list(layout.untold)
        if layout.gap:
            draw_ways(canvas, found, layout)
            untold += draw_lanes(canvas, found, layout)
        if places.ENDED.name in layout.rows:
            draw_ended(canvas, layout, self._cells)
        return [*canvas.lines("quiet"), caption(found, layout, untold, scale, queued, width)]


def label(room: Room, picture: Picture) -> str:
    """The room's glyph and name; the queues have names of their own."""
    if room.name == places.QUEUES.name:
        names = list(picture.snapshot.queues)
        if not names:  # they wait for one another, as who closes the listening socket does
            return f"{GLYPHS[State.WAITING]} {State.WAITING}"
        return f"~ queue {names[0]}" if len(names) == 1 else f"~ {len(names)} queues"
    return f"{GLYPHS[room.states[0]] if room.states else KERNEL} {room.name}"


def number(room: Room, picture: Picture, width: int) -> str:
    """How many are in it: threads; in a queue what was put there; in `ended` all since the server began."""
    snapshot = picture.snapshot
    match room.name:
        case places.ACCEPT_QUEUE.name:
            return "n/a" if picture.queued is None else short(picture.queued, width)
        case places.QUEUES.name:
            return short(sum(queue.length for queue in snapshot.queues.values()), width)
        case places.ENDED.name:
            return short(snapshot.counters["ended"], width)
    return short(sum(snapshot.states[state] for state in room.states), width)


def occupants(picture: Picture, found: Places) -> dict[str, list[ThreadView]]:
    """The threads in each room; in `ended` those of the last second."""
    snapshot = picture.snapshot
    home = {state: room.name for room in found.rooms for state in room.states}
    there: dict[str, list[ThreadView]] = {room.name: [] for room in found.rooms}
    for thread in snapshot.threads:
        there[home[thread.state]].append(thread)
    if places.ENDED.name in there:
        recent = [one for one in snapshot.ended if snapshot.at_s - (one.ended_at or 0) < RECENT_S]
        there[places.ENDED.name] = recent[-MOST_ENDED:]
    return there


def draw_room(canvas: Canvas, picture: Picture, room: Room, layout: Layout, queued: int) -> None:
    """The room's name, and how many are in it."""
    x, y = layout.left[room.name], layout.rows[room.name]
    marks, _width = layout.marks[room.name]
    canvas.text(x, y, label(room, picture), css_name(room.states[0]) if room.states else "strong")
    count = ASIDE_COUNT if room.aside else COUNT
    canvas.text(marks - 1 - count, y, f"{number(room, picture, count):>{count}}", "strong")
    if room.name == places.ACCEPT_QUEUE.name:
        draw_queue(canvas, picture, layout, queued)


def draw_tokens(canvas: Canvas, room: Room, layout: Layout, tokens: Sequence[Token | None],
                chosen: int) -> dict[tuple[int, int], int]:  # fmt: skip
    """A mark for each thread. Where each is: column and row -> the thread's number."""
    marks, width = layout.marks[room.name]
    lines = 1 if room.aside else layout.token_lines
    cells = {}
    for position, token in enumerate(tokens[: width * lines]):
        if token is not None:
            row, column = divmod(position, width)
            cell = marks + column, layout.rows[room.name] + row
            name = "banner" if chosen and token.thread == chosen else "fresh" if token.fresh else css_name(token.state)
            canvas.text(*cell, GLYPHS[token.state], name)
            cells[cell] = token.thread
    return cells


def draw_queue(canvas: Canvas, picture: Picture, layout: Layout, scale: int) -> None:
    """The connections that nobody has accepted, a mark for each or for so many; and the queue's bound."""
    (x, width), y = layout.marks[places.ACCEPT_QUEUE.name], layout.rows[places.ACCEPT_QUEUE.name]
    queue = picture.accept_queue
    if queue.unavailable:
        canvas.text(x, y, queue.unavailable, "quiet")
        return
    marks = -(-queue.length // scale)
    for row in range(layout.token_lines):
        canvas.text(x, y + row, KERNEL * min(width, max(0, marks - row * width)), "state--waiting")
    bound = f"of {queue.bound}" + (f", {queue.drops} overflowed" if queue.drops else "")
    if marks < width:
        canvas.text(x + marks + bool(marks), y, bound, "alarm" if queue.drops else "quiet")


def draw_ended(canvas: Canvas, layout: Layout, cells: Mapping[tuple[int, int], int]) -> None:
    """What the marks in `ended` are, whose number is of all that have."""
    row = layout.rows[places.ENDED.name]
    end = max((x for x, y in cells if y == row), default=None)
    if end is not None and canvas.free(end + 1, row, len(ENDED_MARKS) + 2):
        canvas.text(end + 2, row, ENDED_MARKS, "quiet")


def draw_ways(canvas: Canvas, found: Places, layout: Layout) -> None:
    """The arrows from each room to the next, with what flows there."""
    for one, other in pairwise(found.way):
        flow = found.flows.get((one.name, other.name))
        y = layout.rows[other.name] - 1
        if flow is None:
            continue
        for row in range(layout.rows[one.name] + 1, y):
            canvas.text(3, row, "│", "quiet")
        canvas.text(3, y, "▼", "strong" if flow.per_s else "quiet")
        canvas.text(5, y, f"{rate(flow, 5)}/s", "" if flow.per_s else "quiet")


def draw_lanes(canvas: Canvas, found: Places, layout: Layout) -> list[Pair]:
    """Every other flow: out of its room to the right, along its lane, into the other room. Those without a number."""
    unnumbered = []
    for (source, target), x in layout.lanes.items():
        canvas.down(x, layout.rows[source], layout.rows[target])
        canvas.across(layout.rows[source], layout.right[source], x)
        canvas.across(layout.rows[target], layout.right[target], x)
    for (source, target), x in layout.lanes.items():
        flow = found.flows[source, target]
        begin, end = layout.rows[source], layout.rows[target]
        canvas.text(layout.right[target], end, "◀", "strong" if flow.per_s else "quiet")
        top, bottom = sorted((begin, end))
        inside = sorted(range(top + 1, bottom), key=lambda row: abs(row - (begin + end) / 2))
        text = rate(flow)
        for row in [*inside, begin, end]:
            if canvas.free(x + 1, row, len(text)):
                canvas.text(x + 1, row, text, "" if flow.per_s else "quiet")
                if row in inside:
                    canvas.text(x, row, "▼" if end > begin else "▲", "strong" if flow.per_s else "quiet")
                break
        else:
            unnumbered.append((source, target))
    return unnumbered


def rate(flow: Flow, width: int = 4) -> str:
    """Moves per second in at most so many characters."""
    return f"{flow.per_s:.1f}" if 0 < flow.per_s < 10 else short(round(flow.per_s), width)


def caption(found: Places, layout: Layout, untold: list[Pair], scale: int, queued: int, width: int) -> Line:
    """What a mark is, that it is a sample; and the flows that are not drawn, or have no number."""
    text = f"1 mark = {counted(scale, 'thread')}" + (f", {queued} queued" if queued > 1 else "") + ", sampled; "
    flowing = [pair for pair in untold if found.flows[pair].per_s]
    if not layout.gap:
        text += "what flows needs more lines"
    elif flowing:
        told = [f"{one} > {other} {rate(found.flows[one, other])}" for one, other in flowing]
        ways = [f"also {', '.join(told[:shown])} and {len(told) - shown} more" for shown in range(len(told) - 1, 0, -1)]
        text += first_that_fits(width - len(text), f"also {', '.join(told)}", *ways, f"{len(told)} flows not drawn")
    else:
        ways = "the numbers at the arrows are moves/s, exact", "at the arrows: moves/s, exact", "arrows: moves/s"
        text += first_that_fits(width - len(text), *ways)
    return [(text[:width], "quiet")]
