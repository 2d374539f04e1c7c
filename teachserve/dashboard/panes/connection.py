"""One connection: why it took as long as it did, in sentences, and the path that it took."""

import textwrap
from dataclasses import dataclass

from textual.reactive import reactive

from teachserve.dashboard.blocks import titled
from teachserve.dashboard.chosen import Chosen
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.panes.connections import mark, present
from teachserve.demo.picture import Picture
from teachserve.demo.wording import duration
from teachserve.observe.connection_view import Connections, ConnectionView
from teachserve.observe.why import why

AGAIN_S = 0.5
"""A living connection's reasons are worked out anew so often: they are read, and they cost more than a row."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A connection as it was last seen, and the sentences that were true then."""

    connection: ConnectionView
    log: Connections
    sentences: tuple[str, ...]
    at_s: float

    @classmethod
    def of(cls, connection: ConnectionView, picture: Picture) -> "Explained":
        """Explain it as of this picture."""
        log = picture.connections
        return cls(connection, log, tuple(why(connection, log, picture.snapshot)), log.at_s)

    def holds(self, connection: ConnectionView, picture: Picture) -> bool:
        """Whether the sentences may stand a while longer: for ever, where it has ended."""
        if connection.ended_at_s is not None:
            return self.connection.ended_at_s is not None
        return 0 <= picture.connections.at_s - self.at_s < AGAIN_S


class ConnectionPane(LinePane):
    """The chosen connection, or the one that it was made for. What was said of one that has gone stays, and says so."""

    about = (
        "Why one connection took as long as it did: each place in which it spent its time, and what kept it there; below, "
        "the path that it took. What no event tells is not guessed."
    )
    words = ("accept queue", "named queue", "place", "n/a")

    chosen: reactive[Chosen] = reactive(Chosen(), repaint=False, init=False)

    def __init__(self, number: int = 0, **arguments: object) -> None:
        super().__init__(**arguments)
        self._number = number
        self.explained: Explained | None = None

    @property
    def number(self) -> int:
        """The connection that is explained; 0: none is chosen."""
        return self._number or self.chosen.connection

    def watch_chosen(self) -> None:
        """Another one."""
        self.watch_picture()

    def watch_picture(self) -> None:
        """A newer picture. A screen that is not laid out yet looks at it too, for the connection may be gone soon."""
        if self.picture is not None and self.number and (self._number or self.size.width):
            self._explain(self.picture, self.number)
        super().watch_picture()

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        if not self.number:
            return [[("Why".ljust(width), "heading")], [("Choose a connection: here stands what kept it.", "quiet")]]
        if self.explained is None:
            return [[(f"n/a: connection {self.number} is not among those that are followed", "quiet")]]
        return explanation(picture, self.explained, width, height)

    def _explain(self, picture: Picture, number: int) -> None:
        if self.explained is not None and self.explained.connection.number != number:
            self.explained = None
        found = picture.connections.connection(number) if picture.connections.known else None
        if found is None:
            return
        if self.explained is None or not self.explained.holds(found, picture):
            self.explained = Explained.of(found, picture)


def explanation(picture: Picture, explained: Explained, width: int, height: int) -> list[Line]:
    """The sentences, and what there is room for of the path."""
    one = explained.connection
    followed = picture.connections.known and picture.connections.connection(one.number) is not None
    lines: list[Line] = []
    if not followed:
        ago = duration(max(0.0, picture.snapshot.at_s - explained.at_s))
        lines.append([(f"not followed any more: as it was {ago} ago"[:width], "alarm")])
    for number, sentence in enumerate(explained.sentences):
        wrapped = textwrap.wrap(sentence, max(20, width - 2))
        style = "strong" if not number else ""
        lines += [
            [("- " if number and not place else "  " if number else "", "label"), (text, style)]
            for place, text in enumerate(wrapped)
        ]
    room = height - len(lines)
    return [*lines, *path(one, explained.log, width, room)] if room > 1 else lines


def path(one: ConnectionView, log: Connections, width: int, height: int) -> list[Line]:
    """The last steps, down the first column and then the next: when, where, who held it, for how long."""
    steps = one.path
    names = [log.name(step.thread) if step.thread else "" for step in steps]
    name_width = max(map(len, names))
    others = len("12345.678 k ") + 1 + name_width + len("  999ms")
    place_width = min(max(len(step.place) for step in steps), width - others)
    step_width = others + place_width
    columns = max(1, (width + 2) // (step_width + 2))
    shown = min(len(steps), columns * (height - 1))
    ends = [*(step.at_s for step in steps[1:]), log.at_s if one.ended_at_s is None else None]
    cells: list[Line] = []
    for step, name, end in list(zip(steps, names, ends, strict=True))[-shown:]:
        glyph, style = mark(step.place)
        stay = "" if end is None else duration(max(0.0, end - step.at_s))
        cells.append(
            [
                (f"{step.at_s:9.3f} ", "quiet"),
                (f"{glyph} {step.place:<{place_width}.{place_width}} ", style),
                (f"{name:<{name_width}} {stay:>6}  ", ""),
            ]
        )
    rows = [
        [piece for cell in cells[row :: height - 1] for piece in cell] for row in range(min(height - 1, len(cells)))
    ]
    of = "" if shown == len(steps) else f", the last {shown} of {len(steps)} steps"
    return titled(f"Path{of}", rows, width, height)


def title(picture: Picture, number: int) -> Line:
    """`connection 1206  # handling for 12ms, held by worker-6`."""
    one = picture.connections.connection(number) if picture.connections.known else None
    if one is None:
        return [(f"connection {number}", "strong"), ("  not followed any more", "alarm")]
    glyph, style = mark(one.place)
    since = duration(present(picture, one))
    words = f" for {since}" if one.ended_at_s is None else f" {since} ago"
    held = f", held by {picture.connections.name(one.thread)}" if one.thread and one.ended_at_s is None else ""
    return [(f"connection {number}  ", "strong"), (f"{glyph} {one.place}", style), (words, ""), (held, "")]
