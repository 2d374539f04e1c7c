"""Every connection as a row: where it is, who holds it, and what its time went to; known while every event is sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from teachserve.dashboard.chosen import Choose, Open
from teachserve.dashboard.glyphs import GLYPHS, KERNEL, QUEUE, css_name
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Piece
from teachserve.dashboard.list_pane import ListPane
from teachserve.dashboard.listing import Column, named
from teachserve.dashboard.panes.counts import seen
from teachserve.demo.picture import Picture
from teachserve.demo.wording import duration, short
from teachserve.events import Mark, State
from teachserve.observe.connection_view import ACCEPT_QUEUE, UNKNOWN, WATCHED, Connections, ConnectionView

QUEUED = "queue "
"""How the place of a connection on a named queue begins."""
MARKS: Mapping[str, tuple[str, str]] = {
    **{state.value: (GLYPHS[state], css_name(state)) for state in State},
    ACCEPT_QUEUE: (KERNEL, "state--waiting"),
    WATCHED: (GLYPHS[State.SELECTING], css_name(State.SELECTING)),
    UNKNOWN: ("?", "quiet"),
    Mark.CLOSED.value: (GLYPHS[State.ENDED], "quiet"),
    Mark.REFUSED.value: ("!", "alarm"),
}
WAITS = (ACCEPT_QUEUE, QUEUED, State.WAITING_FOR_PLACE.value, State.IDLE.value, WATCHED, State.STARTING.value)
"""The places in which nobody works on a connection."""

LATELY = 20
"""Of the connections that have ended so many tell how wide a thread's name is: the newest have the longest numbers."""


def mark(place: str) -> tuple[str, str]:
    """A place's glyph, and its style."""
    return (QUEUE, "state--waiting") if place.startswith(QUEUED) else MARKS[place]


def shown(place: str) -> str:
    """The place's word beside its glyph, which says of a named queue that it is one."""
    return place.removeprefix(QUEUED)


def spent(log: Connections, one: ConnectionView) -> dict[str, float]:
    """Place -> seconds, the present stay included."""
    places = dict(one.waits)
    if one.ended_at_s is None:
        places[one.place] = places.get(one.place, 0.0) + max(0.0, log.at_s - one.since_s)
    return places


def spent_in(picture: Picture, one: ConnectionView, *places: str) -> float:
    """Seconds in these places; `QUEUED` stands for all named queues."""
    return sum(
        seconds
        for place, seconds in spent(picture.connections, one).items()
        if (QUEUED if place.startswith(QUEUED) else place) in places
    )


def total(picture: Picture, one: ConnectionView) -> float:
    """Seconds from where it was first known to now, or to its end."""
    return sum(spent(picture.connections, one).values())


def present(picture: Picture, one: ConnectionView) -> float:
    """Seconds that it has been where it is; of one that has ended: since it ended."""
    return max(0.0, picture.connections.at_s - one.since_s)


def where_width(picture: Picture) -> int:
    """As wide as the longest place in which one is."""
    return 2 + max([12, *(len(shown(one.place)) for one in picture.connections.living)])


def thread_width(picture: Picture) -> int:
    """As wide as the longest name of a thread that holds one, or has held one of the last, within bounds."""
    log = picture.connections
    return min(20, max([9, *(len(log.name(one.thread)) for one in (*log.living, *log.ended[-LATELY:]) if one.thread)]))


def where(picture: Picture, one: ConnectionView, width: int) -> Piece:
    """Glyph and word of its place."""
    glyph, style = mark(one.place)
    return f"{glyph} {shown(one.place)}", style


def spent_column(
    title: str, places: Sequence[str], there: Callable[[Picture], object], width: int = 6, gives_way: int = 0
) -> Column[ConnectionView]:  # fmt: skip
    """The seconds in some places; `there` tells of a picture whether such places are there at all."""

    def cell(picture: Picture, one: ConnectionView, width: int) -> Piece:
        seconds = spent_in(picture, one, *places)
        return duration(seconds) if seconds else "-", ""

    return Column(
        title,
        lambda picture: max(width, len(title)) if there(picture) else 0,
        cell,
        lambda picture, one: spent_in(picture, one, *places) or None,
        right=True,
        gives_way=gives_way,
    )


COLUMNS: tuple[Column[ConnectionView], ...] = (
    Column("Conn", lambda _: 10, lambda _, one, width: (str(one.number), ""), lambda _, one: one.number),
    Column("Where", where_width, where, lambda _, one: one.place),
    Column(
        "Thread",
        thread_width,
        lambda picture, one, width: (named(picture.connections.name(one.thread), width) if one.thread else "-", ""),
        lambda _, one: one.thread or None,
        gives_way=1,
    ),
    Column(
        "For",
        lambda _: 6,
        lambda picture, one, width: (duration(present(picture, one)), ""),
        present,
        right=True,
    ),
    spent_column("Waited", WAITS, lambda _: True),
    spent_column("Accept>=", [ACCEPT_QUEUE], lambda _: True, gives_way=3),
    spent_column("Queue", [QUEUED], lambda picture: picture.connections.takers, gives_way=3),
    spent_column("Place", [State.WAITING_FOR_PLACE.value], lambda picture: State.WAITING_FOR_PLACE in seen(picture),
                 gives_way=3),
    spent_column("Idle", [State.IDLE.value], lambda picture: State.IDLE in seen(picture), gives_way=4),
    spent_column("Watched", [WATCHED], lambda picture: picture.connections.loops, gives_way=4),
    spent_column("Handling", [State.HANDLING.value], lambda _: True),
    Column(
        "Reqs", lambda _: 4, lambda _, one, width: (short(one.requests, width), ""), lambda _, one: one.requests,
        right=True, gives_way=2,
    ),
    Column(
        "Total",
        lambda _: 7,
        lambda picture, one, width: (f"{duration(total(picture, one))}{'+' if one.incomplete else ''}", ""),
        total,
        right=True,
    ),
)  # fmt: skip


class ConnectionTable(ListPane):
    """A line for each connection: the living by number, then those that have ended, the latest first."""

    columns: ClassVar = COLUMNS
    nothing: ClassVar = "no connection is open, and none has ended since every event is sent"
    BINDINGS: ClassVar = bindings("connections")
    about: ClassVar = (
        "Every connection: where it is, and what its time went to. Sort by Waited (s) to see who waited longest, and press "
        "y on one: it says what kept it. The picture is a tenth of a second older than that of the threads."
    )
    words: ClassVar = (
        "Conn", "Where", "Thread", "For", "Waited", "Accept>=", "Queue", "Place", "Idle", "Watched", "Handling", "Reqs",
        "Total", "accept queue", "complete",
    )  # fmt: skip

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.refusal = ""

    def groups(self, picture: Picture) -> Sequence[Sequence[ConnectionView]]:
        log = picture.connections
        if not log.known:
            return ()
        return (log.living, log.ended[::-1]) if self.with_ended else (log.living,)

    def words_of(self, picture: Picture, row: ConnectionView) -> str:
        return f"{row.number} {row.place} {picture.connections.name(row.thread) if row.thread else ''}"

    def style_of(self, row: ConnectionView) -> str:
        if row.ended_at_s is None:
            return ""
        return "alarm" if row.place == Mark.REFUSED.value else "quiet"

    def notes(self, picture: Picture) -> tuple[str, ...]:
        """Connections that nobody could follow any more."""
        forgotten = picture.connections.forgotten
        return (f"{forgotten} lost sight of", f"?{forgotten}") if forgotten else ()

    def cursor(self) -> int:
        """The chosen connection, or the one that the chosen thread holds."""
        if not self.chosen.thread or self.picture is None:
            return self.chosen.connection
        held = (one.number for one in self.picture.connections.living if one.thread == self.chosen.thread)
        return next(held, 0)

    def choose(self, number: int) -> None:
        self.tell(Choose(connection=number, control=self))

    def open(self, number: int) -> None:
        self.post_message(Open(connection=number))

    def why_empty(self) -> str:
        """Nothing is known unless every event is sent: then that is said, and no stale list is shown."""
        log = self.picture.connections
        if log.known:
            hidden = not self.with_ended and not log.living and log.ended
            return "no connection is open; e shows those that have ended" if hidden else super().why_empty()
        if not self.picture.snapshot.alive:
            return f"n/a: the server is {self.picture.snapshot.phase}, and sends no events"
        if self.app.frozen:
            return "n/a: the view is frozen, and no events were sent before"
        return f"n/a: {self.refusal or 'the server has been asked for every event, and has not begun to send them'}"
