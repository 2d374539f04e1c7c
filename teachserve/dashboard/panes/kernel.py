"""The kernel as witness, in full: by state what its word was worth, and thread by thread both accounts side by side."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from teachserve.dashboard.chosen import Open
from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, LinePane, Piece
from teachserve.dashboard.list_pane import ListPane
from teachserve.dashboard.listing import Column, named
from teachserve.dashboard.panes.witness import agreement_style, alarms
from teachserve.dashboard.verdicts import MANUAL, SHORT, WORST_FIRST
from teachserve.demo.picture import Picture
from teachserve.demo.wording import counted, duration, percent, short
from teachserve.events import STATES, State
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.verdict import Shares, Verdict

HOLD_S = 10.0
"""How long a contradiction stays on the screen: the next look may be a third of a second away."""
LEGEND = (
    "% of samples · ok: call and descriptor fit · moved: went on while asked",
    "running: in no call · GIL: the interpreter's futex, inferred · lock: another",
)
IN_SUM = 1


class KernelWords(LinePane):
    """What must not be overlooked, else what the words mean; where the kernel cannot be asked: why not."""

    about = (
        "How far what the threads say of themselves is confirmed from outside the process: the kernel is asked in which "
        "system call each one is blocked. Look at Agrees, and at Judged beside it: much agreement of few says little."
    )
    words = ("ok", "moved", "running", "GIL", "lock", "differs", "agrees", "judged", "samples", "n/a")

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._differed: dict[int, tuple[float, str]] = {}

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        look = picture.witness
        if look is None or look.unavailable:
            why = f"n/a: {look.unavailable if look else 'the kernel has not been asked yet'}"
            return [[(line, "quiet")] for line in textwrap.wrap(why, max(20, width))]
        found = [*alarms(look), *self._contradictions(picture)]
        lines: list[Line] = [
            [(line, "alarm")] for alarm in found for line in textwrap.wrap(f"! {alarm}", max(20, width))
        ]
        if len(lines) > height:
            lines = [*lines[: height - 1], [(f"! and more: {counted(len(found), 'alarm')} in all", "alarm")]]
        took = f"{counted(len(look.sightings), 'thread')} looked at in {duration(look.took_s)}"
        legend = (*LEGEND, f"DIFFERS: a call that the state does not allow · {took}")
        about: list[Line] = [[(line, "quiet")] for line in legend]
        return lines + about[: max(0, height - len(lines))]

    def _contradictions(self, picture: Picture) -> list[str]:
        at_s = picture.snapshot.at_s
        for sighting in picture.witness.differing:
            self._differed[sighting.number] = (at_s, sighting.reason)
        self._differed = {
            number: (seen_s, reason)
            for number, (seen_s, reason) in self._differed.items()
            if 0 <= at_s - seen_s < HOLD_S
        }
        told = []
        for number, (seen_s, reason) in self._differed.items():
            ago = f" ({duration(at_s - seen_s)} ago)" if at_s - seen_s >= 1 else ""
            told.append(f"{name_of(picture, number)}: {reason}{ago}")
        return told


def name_of(picture: Picture, number: int) -> str:
    """The thread's name; of one that is in no frame, and did nothing for a connection that is followed, its number."""
    thread = picture.snapshot.thread(number)
    return thread.name if thread else picture.connections.name(number)


# State by state.


class Judged(NamedTuple):
    """A line of the sums: a state's samples, or those of all."""

    number: int
    state: State | None
    shares: Shares


def share(verdict: Verdict, width: int, gives_way: int = 0) -> Column[Judged]:
    """The column of one verdict: per cent of all the state's samples."""
    word, style = SHORT[verdict]

    def cell(picture: Picture, row: Judged, width: int) -> Piece:
        text = share_text(row.shares.share(verdict))
        return text, style if verdict is Verdict.DIFFERS and row.shares.differs else ""

    return Column(
        word, lambda _: width, cell, lambda _, row: row.shares.share(verdict), right=True, gives_way=gives_way
    )


def share_text(part: float) -> str:
    """Per cent with one decimal; what is there never reads as nothing."""
    if not part:
        return "-"
    return "<0.1" if part < 0.001 else f"{int(part * 1000) / 10:.1f}"


def agrees(picture: Picture, row: Judged, width: int) -> Piece:
    """Handling runs the application's own code, which may block in any call: to agree there means nothing."""
    if row.state is State.HANDLING and not row.shares.differs:
        return "any call", "quiet"
    return percent(row.shares.agreement), agreement_style(row.shares)


STATE_COLUMNS: tuple[Column[Judged], ...] = (
    Column(
        "State",
        lambda _: 14,
        lambda _, row, width: (
            (f"{GLYPHS[row.state]} {row.state.value}", css_name(row.state)) if row.state else ("in sum", "strong")
        ),
        lambda _, row: row.number,
        stretches=22,
    ),
    Column(
        "Samples",
        lambda _: 7,
        lambda _, row, width: (short(row.shares.samples, width), ""),
        lambda _, row: row.shares.samples,
        right=True,
        gives_way=3,
    ),
    share(Verdict.CONFIRMED, 5),
    share(Verdict.MOVED, 5, 1),
    share(Verdict.RUNNING, 7),
    share(Verdict.GIL, 5),
    share(Verdict.RUNTIME, 5, 2),
    share(Verdict.DIFFERS, 7),
    Column("Agrees", lambda _: 8, agrees, lambda _, row: row.shares.agreement, right=True),
    Column(
        "Judged",
        lambda _: 6,
        lambda _, row, width: (percent(row.shares.coverage), ""),
        lambda _, row: row.shares.coverage,
        right=True,
    ),
)


class KernelStates(ListPane):
    """A line for each state that was ever seen, and their sum: all six shares in per cent of its samples."""

    about: ClassVar = KernelWords.about
    words: ClassVar = (*KernelWords.words, *STATES)
    columns: ClassVar = STATE_COLUMNS
    nothing: ClassVar = "no sample yet"

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._at = 0

    def rows(self, picture: Picture) -> Sequence[Judged]:
        look = picture.witness
        if look is None or look.unavailable or not look.total.samples:
            return ()
        states = [
            Judged(IN_SUM + 1 + state.code, state, look.shares[state]) for state in STATES if state in look.shares
        ]
        return [Judged(IN_SUM, None, look.total), *(row for row in states if row.shares.samples)]

    def words_of(self, picture: Picture, row: Judged) -> str:
        return row.state.value if row.state else "in sum"

    def cursor(self) -> int:
        return self._at

    def choose(self, number: int) -> None:
        """A line is looked at: no thread and no connection is chosen by that."""
        self._at = self._cursor = number
        self.refresh()


# Thread by thread.


class Sighted(NamedTuple):
    """One thread in the newest look."""

    number: int
    name: str
    said: Sighting


def of_kernel(cell: Callable[[Sighting], str]) -> Callable[[Picture, Sighted, int], Piece]:
    """A cell of the kernel's account: an alarm where that contradicts the program's."""

    def made(picture: Picture, row: Sighted, width: int) -> Piece:
        return cell(row.said), "alarm" if row.said.verdict is Verdict.DIFFERS else ""

    return made


def descriptor(number: int | None) -> str:
    """The descriptor's number; `-` for none."""
    return str(number) if number else "-"


def sleeps(said: Sighting) -> str:
    """How the two differ; else the kernel's own function in which it sleeps."""
    return f"! {said.reason}" if said.reason else said.wchan if said.wchan not in ("", "0") else "-"


def called(said: Sighting) -> str:
    """The system call in the manual's words."""
    return MANUAL.get(said.call, said.call) or "-"


THREAD_COLUMNS: tuple[Column[Sighted], ...] = (
    Column("Thread", lambda _: 14, lambda _, row, width: (named(row.name, width), ""), lambda _, row: row.number),
    Column(
        "It says",
        lambda _: 12,
        lambda _, row, width: (f"{GLYPHS[row.said.state]} {row.said.state.value}", css_name(row.said.state)),
        lambda _, row: row.said.state.code,
    ),
    Column(
        "on",
        lambda _: 4,
        lambda _, row, width: (descriptor(row.said.said), ""),
        lambda _, row: row.said.said or None,
        right=True,
        gives_way=1,
    ),
    Column("Kernel", lambda _: 11, of_kernel(called), lambda _, row: row.said.call),
    Column(
        "fd",
        lambda _: 4,
        of_kernel(lambda said: descriptor(said.descriptor)),
        lambda _, row: row.said.descriptor,
        right=True,
        gives_way=1,
    ),
    Column(
        "Verdict",
        lambda _: 7,
        lambda _, row, width: SHORT[row.said.verdict],
        lambda _, row: WORST_FIRST.index(row.said.verdict),
    ),
    Column("Sleeps in", lambda _: 12, of_kernel(sleeps), lambda _, row: sleeps(row.said), gives_way=2, stretches=100),
)


class KernelThreads(ListPane):
    """A line for each thread of the newest look: state and descriptor as it says, call and descriptor as the kernel does."""

    about: ClassVar = (
        "The newest look, thread by thread: at the left what the thread said of itself, at the right the system call in "
        "which the kernel had it at that moment. Where the two differ the reason stands there."
    )
    words: ClassVar = (
        "It says",
        "Kernel",
        "fd",
        "Verdict",
        "Sleeps in",
        "ok",
        "moved",
        "running",
        "GIL",
        "lock",
        "differs",
        *STATES,
    )
    columns: ClassVar = THREAD_COLUMNS
    nothing: ClassVar = "no thread was looked at"

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._look: Look | None = None
        self._sighted: Sequence[Sighted] = ()
        self._unnamed = False

    def rows(self, picture: Picture) -> Sequence[Any]:
        """Made once a look, of which there are fewer than pictures; again while the role of some thread is not known.

        The kernel may have seen a thread that no frame has told of yet: the next one names it.
        """
        look = picture.witness
        if look is None or look.unavailable:
            return ()
        if look is not self._look or self._unnamed:
            names = {thread.number: thread.name for thread in (*picture.snapshot.ended, *picture.snapshot.threads)}
            self._sighted = sorted(
                Sighted(one.number, names.get(one.number) or picture.connections.name(one.number), one)
                for one in look.sightings
            )
            self._look, self._unnamed = look, any(one.number not in names for one in look.sightings)
        return self._sighted

    def words_of(self, picture: Picture, row: Sighted) -> str:
        return f"{row.name} {row.said.state.value} {called(row.said)} {SHORT[row.said.verdict][0]}"

    def open(self, number: int) -> None:
        self.post_message(Open(thread=number))
