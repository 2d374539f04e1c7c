"""The kernel's second opinion in a thread's row: a word short enough for its column, and a colour, for each verdict."""

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line
from teachserve.demo.picture import Picture
from teachserve.demo.wording import first_that_fits
from teachserve.observe.kernel import Sighting
from teachserve.observe.snapshot import ThreadView
from teachserve.observe.verdict import Verdict

SHORT: dict[Verdict, tuple[str, str]] = {
    Verdict.CONFIRMED: ("ok", "state--handling"),
    Verdict.MOVED: ("moved", "quiet"),
    Verdict.RUNNING: ("running", "quiet"),
    Verdict.GIL: ("GIL", "quiet"),
    Verdict.RUNTIME: ("lock", "quiet"),
    Verdict.DIFFERS: ("DIFFERS", "alarm"),
}
# The manual's names where they are shorter: recv(2) is the kernel's recvfrom.
MANUAL = {"recvfrom": "recv", "sendto": "send", "clock_nanosleep": "nanosleep"}
WIDE = 40


def sight_text(picture: Picture, thread: ThreadView, width: int) -> tuple[str, str]:
    """What a thread's row says of the kernel's opinion, and its style: `accept4 ok`, `futex GIL`, `running`.

    The kernel was asked a moment after the frame was made. A thread that had moved on by then shows first the glyph of
    the state that the opinion is about: `r recv ok` in the row of a thread that the frame has in accept.
    Where there is room: the descriptor, the kernel's own function, and how the two accounts differ.
    """
    if picture.witness is None or picture.witness.unavailable:
        return "n/a", "quiet"
    sighting = picture.sightings.get(thread.number)
    if sighting is None:
        return "", ""
    word, style = SHORT[sighting.verdict]
    about = "" if sighting.state is thread.state else f"{GLYPHS[sighting.state]} "
    if width < WIDE:
        call = MANUAL.get(sighting.call, sighting.call) or ""
        return first_that_fits(width, about + f"{call} {word}".strip(), about + word), style
    where = sighting.reason or slept(sighting).strip()
    return (about + f"{called(sighting)} {word}  {where}".strip())[:width], style


def kernel_lines(picture: Picture, thread: ThreadView) -> list[Line]:
    """What both say of one thread: `says reading on 31, kernel recvfrom(31) in wait_woken: ok`; and how they differ."""
    if picture.witness is None or picture.witness.unavailable:
        return [[(f"n/a: {picture.witness.unavailable if picture.witness else 'not asked yet'}", "quiet")]]
    sighting = picture.sightings.get(thread.number)
    if sighting is None:
        return [[("n/a: it was not among the threads of the last look", "quiet")]]
    word, style = SHORT[sighting.verdict]
    said = sighting.state.value + (f" on {sighting.said}" if sighting.said else "")
    line: Line = [
        ("says ", ""),
        (said, css_name(sighting.state)),
        (f", kernel {called(sighting) or 'no call'}{slept(sighting)}: ", ""),
        (word, style),
    ]
    return [line, [(f"! {sighting.reason}", style)]] if sighting.reason else [line]


def called(sighting: Sighting) -> str:
    """The system call with its descriptor: `accept4(5)`; "": in none."""
    return (sighting.call or "") + ("" if sighting.descriptor is None else f"({sighting.descriptor})")


def slept(sighting: Sighting) -> str:
    """` in inet_csk_accept`; "" where the kernel does not say."""
    return f" in {sighting.wchan}" if sighting.wchan not in ("", "0") else ""


WORST_FIRST = (Verdict.DIFFERS, Verdict.RUNTIME, Verdict.GIL, Verdict.RUNNING, Verdict.MOVED, Verdict.CONFIRMED)


def sight_rank(picture: Picture, thread: ThreadView) -> int | None:
    """What sorts threads by the kernel's word: those that differ first; None where it has not been asked."""
    sighting = picture.sightings.get(thread.number)
    return None if sighting is None else WORST_FIRST.index(sighting.verdict)
