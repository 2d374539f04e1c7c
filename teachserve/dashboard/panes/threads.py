"""Every thread as a row: what it does, since when, for whom; what it has done; and what the kernel says of it."""

from collections.abc import Sequence
from typing import ClassVar

from teachserve.dashboard.chosen import Open
from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Piece
from teachserve.dashboard.list_pane import ListPane
from teachserve.dashboard.listing import Column, named
from teachserve.dashboard.panes.counts import seen
from teachserve.dashboard.verdicts import sight_rank, sight_text
from teachserve.demo.picture import Picture
from teachserve.demo.wording import age, duration, first_that_fits, short
from teachserve.events import STATES, State
from teachserve.observe.model import KEPT_ENDED
from teachserve.observe.snapshot import ThreadView


def retained(picture: Picture, room: int) -> tuple[list[ThreadView], int]:
    """The ended threads that stay in a list of `room` rows, by number, and how many more have ended lately.

    They fill what the living leave free, and where those leave nothing, a quarter: where a thread is made for each
    connection, hundreds end each second. Those that broke come first.
    """
    ended = picture.snapshot.ended
    most = max(1, room // 4, room - len(picture.snapshot.threads))
    newest_first = sorted(ended, key=lambda thread: (thread.state is State.BROKEN, thread.ended_at, thread.number))[
        ::-1
    ]
    return sorted(newest_first[:most], key=lambda thread: thread.number), max(0, len(ended) - most)


def name_width(picture: Picture) -> int:
    """As wide as the longest name, within bounds."""
    snapshot = picture.snapshot
    names = max((len(thread.name) for thread in (*snapshot.threads, *snapshot.ended)), default=0)
    return min(max(names, 14), 24)


def state_width(picture: Picture) -> int:
    """As wide as the longest word for a state that this server's threads have been in."""
    return 2 + max(8, *(len(state.value) for state in seen(picture)), 0)


def queue_width(picture: Picture) -> int:
    """0 where nothing waits on a named queue."""
    names = max((len(thread.queue) for thread in picture.snapshot.threads), default=0)
    return names and max(8, names)


def state_cell(picture: Picture, thread: ThreadView, width: int) -> Piece:
    """Glyph and word, in the state's colour."""
    return f"{GLYPHS[thread.state]} {thread.state.value}", css_name(thread.state)


def kernel_cell(picture: Picture, thread: ThreadView, width: int) -> Piece:
    """The kernel's word; of a thread that has ended it has none."""
    if thread.ended_at is None:
        return sight_text(picture, thread, width)
    word = "broke" if thread.state is State.BROKEN else "ended"
    since = duration(max(0.0, picture.snapshot.at_s - thread.ended_at))
    return first_that_fits(width, f"{word} {since} ago", f"{since} ago"), ""


def figure(number: int, width: int) -> Piece:
    """A count; `-` for none."""
    return short(number, width) if number else "-", ""


COLUMNS: tuple[Column[ThreadView], ...] = (
    Column(
        "Thread", name_width, lambda _, thread, width: (named(thread.name, width), ""), lambda _, thread: thread.number
    ),
    Column("State", state_width, state_cell, lambda _, thread: thread.state.code),
    Column(
        "For",
        lambda _: 6,
        lambda picture, thread, width: (duration(age(picture.snapshot, thread)), ""),
        lambda picture, thread: picture.snapshot.at_s if (since := age(picture.snapshot, thread)) is None else since,
        right=True,
    ),
    Column(
        "Conn",
        lambda _: 6,
        lambda _, thread, width: figure(thread.connection, width),
        lambda _, thread: thread.connection or None,
        right=True,
        gives_way=2,
    ),
    Column(
        "Reqs",
        lambda _: 5,
        lambda _, thread, width: (short(thread.requests, width), ""),
        lambda _, thread: thread.requests,
        right=True,
    ),
    Column(
        "Accep",
        lambda _: 5,
        lambda _, thread, width: (short(thread.connections, width), ""),
        lambda _, thread: thread.connections,
        right=True,
    ),
    Column(
        "Recyc",
        lambda picture: 5 if State.RECYCLING in seen(picture) else 0,
        lambda _, thread, width: (short(thread.recycled, width), ""),
        lambda _, thread: thread.recycled,
        right=True,
        gives_way=3,
    ),
    Column(
        "Waits on",
        queue_width,
        lambda _, thread, width: (thread.queue or "-", ""),
        lambda _, thread: thread.queue or None,
        gives_way=5,
    ),
    Column("Kernel", lambda _: 10, kernel_cell, sight_rank, gives_way=4, stretches=100),
)


class ThreadTable(ListPane):
    """A line for each thread; those that have ended lately stay for a while, dimmed."""

    columns: ClassVar = COLUMNS
    nothing: ClassVar = "no threads yet"
    BINDINGS: ClassVar = bindings("threads")
    about: ClassVar = (
        "Every thread, with what it says of itself and what the kernel says of it; those that have ended stay for 6 s, "
        "dimmed. Look for one state that many share, and for one thread that does not move."
    )
    words: ClassVar = (
        "Thread", "State", "For", "Conn", "Reqs", "Accep", "Recyc", "Waits on", "Kernel", *STATES,
        "ok", "moved", "running", "GIL", "lock", "differs",
    )  # fmt: skip

    def cursor(self) -> int:
        """The chosen thread, or the one that holds the chosen connection."""
        if not self.chosen.connection or self.picture is None:
            return self.chosen.thread
        holders = (one.number for one in self.picture.snapshot.threads if one.connection == self.chosen.connection)
        return next(holders, 0)

    def groups(self, picture: Picture) -> Sequence[Sequence[ThreadView]]:
        """By number, the ended stay where they were; in any other order they come last."""
        living = picture.snapshot.threads
        if not self.with_ended or not picture.snapshot.ended:
            return (living,)
        kept, _ = retained(picture, self.room)
        if self.order.title in ("", self.columns[0].title):
            return (sorted((*living, *kept), key=lambda thread: thread.number),)
        return living, kept

    def words_of(self, picture: Picture, row: ThreadView) -> str:
        return f"{row.name} {row.state.value} {row.connection or ''} {row.queue}"

    def style_of(self, row: ThreadView) -> str:
        if row.ended_at is None:
            return ""
        return "alarm" if row.state is State.BROKEN else "quiet"

    def notes(self, picture: Picture) -> tuple[str, ...]:
        """Ended threads that the list does not show, `254+` for at least so many; short where there is little room."""
        ended = picture.snapshot.ended
        hidden = retained(picture, self.room)[1] if self.with_ended else len(ended)
        count = f"{hidden}+" if len(ended) >= KEPT_ENDED else f"{hidden}"
        if not hidden:
            return ()
        glyph = GLYPHS[State.ENDED]
        ways = (
            (f"{count} more ended", f"{count} more {glyph}") if self.with_ended else (f"{count} ended: e shows them",)
        )
        return *ways, f"{count} ended", f"{count} {glyph}"

    def open(self, number: int) -> None:
        self.post_message(Open(thread=number))
