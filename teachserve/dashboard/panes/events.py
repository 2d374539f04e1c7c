"""What happened last: the newest events, and the lines that the server thinks a person should know."""

from teachserve.dashboard.glyphs import css_name
from teachserve.dashboard.line_pane import Line, LinePane, length
from teachserve.demo.picture import Picture
from teachserve.demo.wording import printable
from teachserve.events import MARKS, Mark, State, mark_name
from teachserve.observe.glossary import NAMED
from teachserve.observe.snapshot import EventView, LogLine

HOLD_S = 0.5
"""Events stand at least this long: ten lists a second are a flicker, not a list."""
NEWS_S = 10.0
"""The server's last line keeps its place this long, however many events come."""
MARK_STYLES = {Mark.CLOSED: "quiet", Mark.REFUSED: "alarm"}
LABEL = 11
NAME = 13
"""Cells for a thread's name; more where one of those shown is longer."""


class EventsPane(LinePane):
    """The newest at the bottom. A table frame tells each thread's latest move only: then they are called sampled."""

    about = (
        "What happened last, the newest at the bottom, with the server's own messages. A move without a name of its own "
        "stands under the state that it led to."
    )
    words = (*NAMED, *(mark_name(mark) for mark in MARKS), "sampled", "complete")

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._held: list[Line] = []
        self._key: tuple[int, int, str] | None = None
        self._since_s = float("-inf")

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        at_s, key = picture.snapshot.at_s, (width, height, picture.snapshot.phase)
        if key != self._key or not self._since_s <= at_s < self._since_s + HOLD_S:
            self._held, self._key, self._since_s = listed(picture, width, height), key, at_s
        return self._held


def listed(picture: Picture, width: int, height: int) -> list[Line]:
    """As many as fit. In a low pane the label stands at the left, in a high one above."""
    sampled = "complete" if picture.snapshot.streaming else "sampled"
    high = height > 6
    happened = newest(picture, height - 1 if high else height)
    names = max([NAME, *(len(one.thread_name) for one in happened if isinstance(one, EventView))])
    if high:
        lines = [event_line(one, width, names) for one in happened]
        return [[(f"Last events ({sampled})".ljust(width), "heading")], *lines]
    labels = ["Events", sampled] + [""] * height
    lines = [event_line(one, width - LABEL, names) for one in happened] or [[("none yet", "quiet")]]
    return [[(label.ljust(LABEL), "label"), *line] for label, line in zip(labels, lines, strict=False)]


def newest(picture: Picture, room: int) -> list[EventView | LogLine]:
    """The last `room` events and lines by time; the last line stays among them while it is news."""
    snapshot = picture.snapshot
    both = sorted([*snapshot.events, *snapshot.log], key=lambda one: one.at_s)
    last = both[-room:] if room > 0 else []
    if snapshot.log and last and snapshot.log[-1] not in last and snapshot.at_s - snapshot.log[-1].at_s < NEWS_S:
        last[0] = snapshot.log[-1]
    return last


def event_line(one: EventView | LogLine, width: int, names: int = NAME) -> Line:
    """`12.345s worker-3      Recycled       conn 1203`; the connection only where it fits whole."""
    moment: Line = [(f"{one.at_s:8.3f}s ", "quiet")]
    if isinstance(one, LogLine):
        return [*moment, (printable(one.text), "strong")]
    name = css_name(one.state) if one.state else MARK_STYLES.get(one.mark, "")
    connection = f" conn {one.connection}" if one.connection else ""
    entered = one.state.value if one.state and one.state not in (State.ENDED, State.BROKEN) else ""
    named = one.name if not one.name.startswith("Entered") else entered
    line: Line = [*moment, (f"{one.thread_name:<{names}} ", ""), (f"{named:<14}", name)]
    fits = length(line) + len(connection) <= width
    return [*line, (connection, "quiet")] if fits else line
