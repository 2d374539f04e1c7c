"""All that is known of one thread, as lines: what it does, its times, its stack, its last events, the kernel's word."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from teachserve.dashboard.blocks import beside, fitted, histogram, times_by_state, titled
from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line
from teachserve.dashboard.verdicts import kernel_lines
from teachserve.demo.picture import Picture
from teachserve.demo.wording import age, counted, duration, printable
from teachserve.events import MEANING, State
from teachserve.observe.serving_times import serving_times
from teachserve.observe.snapshot import NO_STACK, EventView, FrameView, Inspection, ThreadView

EVENTS = 20
EVENT_WIDTH = 37
WIDE = 110
ASKING = "asking the server"


@dataclass(frozen=True, slots=True)
class Known:
    """What was last known of the thread, however long ago; `silence` is why the server tells no more of it."""

    thread: ThreadView
    inspection: Inspection | None = None
    silence: str = ""
    gone: bool = False
    """It is in no frame any more: it ended, and so many others with it that its end was not told."""


def detail(picture: Picture, known: Known, width: int, height: int) -> list[Line]:
    """Everything, in exactly `height` lines: complete from 80x24 on."""
    top = [sentence_line(known), holds_line(picture, known), *kernel(picture, known, width)]
    room = height - len(top)
    events = [one for one in picture.snapshot.focused if one.thread == known.thread.number]
    if width >= WIDE:
        right = EVENT_WIDTH + 2
        left = width - right
        figures = max(2, min(9, room // 3))
        blocks = [
            *times_block(picture, known, left - 1, figures),
            *serving_block(picture, known, events, left - 1, figures),
            *stack_block(picture, known, left - 1, room - 2 * figures),
        ]
        return top + beside(blocks, events_block(picture, known, events, right, room), left)
    half = width // 2
    rows = min(1 + -(-EVENTS // max(1, width // (EVENT_WIDTH + 1))), room * 11 // 20)
    figures = max(2, min(9, (room - rows + 1) // 2))
    return [
        *top,
        *beside(
            times_block(picture, known, half - 1, figures),
            serving_block(picture, known, events, width - half, figures),
            half,
        ),
        *stack_block(picture, known, width, room - rows - figures),
        *events_block(picture, known, events, width, rows),
    ]


def over(known: Known) -> bool:
    """Whether the thread has ended."""
    return known.gone or known.thread.ended_at is not None


def title(picture: Picture, known: Known) -> Line:
    """`worker-3 (TID 9003)  # handling for 12ms`; of one that has ended: since when it has."""
    thread = known.thread
    state = State.ENDED if known.gone else thread.state
    if known.gone:
        words = "unseen"
    elif thread.ended_at is not None:
        words = f"{duration(max(0.0, picture.snapshot.at_s - thread.ended_at))} ago"
    else:
        spent = age(picture.snapshot, thread)
        words = "since before the watching began" if spent is None else f"for {duration(spent)}"
    identity = f" (TID {thread.native})" if thread.native else ""
    return [
        (thread.name, "strong"),
        (f"{identity}  ", "quiet"),
        (f"{GLYPHS[state]} {state.value}", css_name(state)),
        (f" {words}", ""),
    ]


def sentence_line(known: Known) -> Line:
    """What its state means."""
    thread = known.thread
    if known.gone:
        return [("ended ", css_name(State.ENDED)), (f"{MEANING[State.ENDED]}; what is below was true before", "")]
    waits = f": {thread.queue}" if thread.queue else ""
    return [(f"{thread.state.value} ", css_name(thread.state)), (f"{MEANING[thread.state]}{waits}", "")]


def holds_line(picture: Picture, known: Known) -> Line:
    """Its connection with the client's address, and what it has done so far."""
    thread, inspection = known.thread, known.inspection
    if not thread.connection:
        holds = "no connection"
    else:
        asked = inspection is not None and inspection.connection == thread.connection
        peer = f" ({printable(inspection.peer)})" if asked and inspection.peer else ""
        holds = f"connection {thread.connection}{peer}"
    recycled = f" · recycled {thread.recycled}" if thread.recycled else ""
    done = f" · {counted(thread.requests, 'request')} · accepted {thread.connections}{recycled}"
    return [(holds, "strong"), (done, "")]


def kernel(picture: Picture, known: Known, width: int) -> list[Line]:
    """The kernel's word, with the call, the descriptor, where in the kernel, and how the two accounts differ."""
    if over(known):
        return [[("Kernel     ", "label"), ("n/a: the thread has ended", "quiet")]]
    first, *more = kernel_lines(picture, known.thread)
    return [fitted([("Kernel     ", "label"), *first], width), *(fitted(line, width) for line in more)]


def said(why: str, width: int) -> list[Line]:
    """Why there is nothing to show, in as many lines as that takes."""
    return [[(line, "quiet")] for line in textwrap.wrap(why, max(20, width))]


def unanswered(known: Known, width: int) -> list[Line]:
    """Why the server has told nothing of it, or that it has been asked."""
    return said(f"n/a: {known.silence}" if known.silence else ASKING, width)


def times_block(picture: Picture, known: Known, width: int, height: int) -> list[Line]:
    """Time by state, the present stay included."""
    if known.inspection is None:
        return titled("Time by state", unanswered(known, width), width, height)
    times = dict(known.inspection.times_s)
    thread = known.thread
    spent = age(picture.snapshot, thread)
    # A stay counts when it is over: the present one is added, if it was the present one when the server was asked.
    if spent is not None and not over(known) and thread.since_s <= known.inspection.at_s:
        times[thread.state] = times.get(thread.state, 0.0) + spent
    heading = f"Time by state, {duration(sum(times.values()))} watched"
    return titled(heading, times_by_state(times, width, height - 1), width, height)


def serving_block(
    picture: Picture, known: Known, events: Sequence[EventView], width: int, height: int
) -> list[Line]:  # fmt: skip
    """How long its last requests took."""
    found = serving_times(events)
    if not found.times_s:
        why = known.silence or ("no whole request among them" if events else "no event since it was opened")
        return titled("Serving times", said(f"n/a: {why}", width), width, height)
    heading = f"Serving times, {counted(len(found.times_s), 'request')} in {duration(found.window_s)}"
    return titled(heading, histogram(found.times_s, width, height - 1), width, height)


def stack_block(picture: Picture, known: Known, width: int, height: int) -> list[Line]:
    """The Python stack, the line on which it stands last and marked."""
    inspection = known.inspection
    if height < 2:
        return titled("Python stack", [], width, height)
    if inspection is None:
        return titled("Python stack", unanswered(known, width), width, height)
    ago = duration(max(0.0, picture.snapshot.at_s - inspection.at_s))
    header = picture.snapshot.header
    if not inspection.stack:
        why = "the thread had ended" if header is None or header.gil else NO_STACK
        return titled("Python stack", said(f"n/a: {why}", width), width, height)
    frames = shown_frames(inspection.stack, height - 1, header.source_file if header else "")
    where = max(len(place(inspection.stack[number])) for number in frames)
    name = max(len(inspection.stack[number].function) for number in frames)
    lines: list[Line] = []
    for number, before in zip(frames, [-1, *frames], strict=False):
        frame = inspection.stack[number]
        stands = number == len(inspection.stack) - 1
        gutter = ">" if stands else " " if number == before + 1 else ":"
        text = f"{place(frame):<{where}} {frame.function:<{name}}  {printable(frame.source.strip())}"
        lines.append(fitted([(f"{gutter} ", "strong"), (text, "banner" if stands else "")], width))
    left_out = len(inspection.stack) - len(frames)
    more = f", {counted(left_out, 'frame')} not shown" if left_out else ""
    return titled(f"Python stack, {ago} ago: it stands at the last line{more}", lines, width, height)


def shown_frames(stack: Sequence[FrameView], room: int, source_file: str) -> list[int]:
    """Which frames are shown where not all have room: the architecture's own one, and the innermost."""
    if len(stack) <= room:
        return list(range(len(stack)))
    own = [number for number, frame in enumerate(stack) if frame.file == source_file]
    if room > 1 and own and own[-1] < len(stack) - room:
        return [own[-1], *range(len(stack) - room + 1, len(stack))]
    return list(range(len(stack) - room, len(stack)))


def place(frame: FrameView) -> str:
    """`taskmaster.py:120`."""
    return f"{PurePath(frame.file).name}:{frame.line}"


def events_block(
    picture: Picture, known: Known, events: Sequence[EventView], width: int, height: int
) -> list[Line]:  # fmt: skip
    """The last events, all of them, down the first column and then the next; each with how long that stay was.

    They stand by time: a connection has `Arrived` before the thread was told of it, and so before what it did just then.
    """
    snapshot = picture.snapshot
    sampled = not events
    events = events or [one for one in snapshot.events if one.thread == known.thread.number and one.sampled]
    events = sorted(events, key=lambda one: one.at_s)
    columns = max(1, width // (EVENT_WIDTH + 1))
    room = (height - 1) * columns
    shown = events[-room:] if room > 0 else []
    if sampled:
        kind = "sampled" + (f": {known.silence}" if known.silence else "")
    else:
        kind = "all of them" + (f", but {snapshot.focus_lost} lost" if snapshot.focus_lost else "")
    heading = f"Last {counted(len(shown), 'event')} ({kind})" if shown else f"Last events ({kind}): none"
    ends = stay_ends(events)[-len(shown) :] if shown else []
    lines = [
        event_line(one, None if end is None or sampled else end - one.at_s)
        for one, end in zip(shown, ends, strict=True)
    ]
    rows: list[Line] = []
    for row in range(min(height - 1, len(lines))):
        cells = [fitted(line, EVENT_WIDTH + 1) for line in lines[row :: height - 1]]
        rows.append([piece for cell in cells for piece in cell])
    return titled(heading, rows, width, height)


def stay_ends(events: Sequence[EventView]) -> list[float | None]:
    """For each event when the next state was entered, whatever was marked meanwhile; None: not yet."""
    ends: list[float | None] = []
    after = None
    for one in reversed(events):
        ends.append(after)
        after = one.at_s if one.state else after
    return ends[::-1]


def event_line(event: EventView, stay_s: float | None) -> Line:
    """`12.345s # handling        1206  1.2ms`: when, what, for which connection, and for how long."""
    what = event.state.value if event.state else event.name
    glyph = GLYPHS[event.state] if event.state else " "
    style = css_name(event.state) if event.state else "strong"
    ended = event.state in (State.ENDED, State.BROKEN)
    stay = "" if stay_s is None or ended or event.state is None else duration(max(0.0, stay_s))
    return [
        (f"{event.at_s:8.3f}s ", "quiet"),
        (f"{glyph} {what:<12.12}", style),
        (f"{event.connection or '':>6} {stay:>6}", ""),
    ]
