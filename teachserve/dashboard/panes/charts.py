"""The last minute in charts: what the clients got, what the threads did for it, and what it cost."""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.reactive import reactive

from teachserve.dashboard.chart import Column, bar_columns, binned, over, rows, shaded_columns, stacked_columns
from teachserve.dashboard.glyphs import FILLED_STYLES, GLYPHS, css_name
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Line, LinePane, Piece, length, spread
from teachserve.demo.picture import HISTORY_STEPS, Picture, Step
from teachserve.demo.records import HISTORY_STEP_US
from teachserve.demo.wording import duration, printable, short
from teachserve.events import STATES, State

SPAN_S = HISTORY_STEPS * HISTORY_STEP_US / 1e6
LABEL = 7
"""Cells for the figures at the left of a chart."""
NARROWEST, LOWEST = 38, 8
MOST_ACROSS = 4

GROUPS: tuple[tuple[State, tuple[State, ...]], ...] = (
    (State.HANDLING, (State.HANDLING,)),
    (State.READING, (State.READING, State.WRITING)),
    (State.IDLE, (State.IDLE,)),
    (State.ACCEPTING, (State.ACCEPTING, State.ACCEPTED)),
    (State.WAITING, (State.WAITING, State.WAITING_FOR_PLACE, State.SELECTING)),
)
"""What is stacked, from the ground up: the states that one look stands for; all others come last."""
LOOKS: tuple[Piece, ...] = (
    *((GLYPHS[state], FILLED_STYLES.get(state) or css_name(state)) for state, _ in GROUPS), ("+", "quiet"),
)  # fmt: skip
CODES: tuple[tuple[int, ...], ...] = tuple(tuple(state.code for state in states) for _, states in GROUPS)


class Chart(NamedTuple):
    """A chart: what stands over it, how a figure is written, and its values.

    Of several values `values` gives the front first; `missing` says why there is nothing to draw, "" where
    there is.
    """

    title: str
    figure: Callable[[float], str]
    values: tuple[Callable[[Step], float | None], ...]
    styles: tuple[str, ...] = ("spark",)
    missing: Callable[[Picture], str] = lambda _: ""


def whole(value: float) -> str:
    """A count or a rate."""
    return f"{value:.1f}" if value < 10 and value != round(value) else short(round(value), 6)


def share(value: float) -> str:
    """A share of one core."""
    return f"{value * 100:.0f} %"


CHARTS: tuple[Chart, ...] = (
    Chart("Requests/s", whole, (lambda step: step.requests,)),
    Chart(
        "Latency p50 p99░", duration, (lambda step: step.p50, lambda step: step.p99), ("spark", "quiet"),
        lambda picture: "" if picture.load else "no load generator measures it",
    ),
    Chart("Threads", whole, (lambda step: float(sum(step.states)),)),
    Chart(
        "Accept queue", whole, (lambda step: step.queued,), ("state--waiting",),
        lambda picture: picture.accept_queue.unavailable or "",
    ),
    Chart(
        "CPU of the server", share, (lambda step: step.core,), ("state--handling",),
        lambda picture: "" if any(step.core is not None for step in picture.history.steps) else "not measured",
    ),
    Chart("Threads made/s", whole, (lambda step: step.made,), ("state--accepting",)),
    Chart("Threads ended/s", whole, (lambda step: step.ended,), ("state--reading",)),
    Chart("Connections/s", whole, (lambda step: step.connections,)),
)  # fmt: skip
STACKED = "Threads"


class ChartsPane(LinePane):
    """As many charts side by side as have room; the arrows bring the others."""

    BINDINGS: ClassVar = bindings("charts")
    about: ClassVar = (
        "The last minute on one time axis, each column as high as the greatest value in it: what the clients got, and what "
        "it cost. Look for what changes together at an upright line, which is where somebody changed something."
    )
    words: ClassVar = (
        "Requests/s", "p50", "p99", "accept queue", "CPU", "made", "ended", "max", "mark", "n/a", *STATES,
    )  # fmt: skip
    first: reactive[int] = reactive(0, repaint=False, init=False)
    """The row of charts that is at the top."""

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        across = max(1, min(MOST_ACROSS, width // NARROWEST))
        down = -(-len(CHARTS) // across)
        visible = max(1, min(down, (height - 1) // LOWEST))
        first = max(0, min(self.first, down - visible))
        each = (height - 1) // visible
        gap = 3 if width // across >= NARROWEST + 3 else 1
        lines: list[Line] = []
        for row in range(first, first + visible):
            charts = CHARTS[row * across : (row + 1) * across]
            lines += beside([chart_lines(picture, chart, width // across - gap, each) for chart in charts], gap)
        lines += [[]] * (height - 1 - len(lines))
        shown = min(len(CHARTS), (first + visible) * across)
        return [*lines, foot(picture, f"charts {first * across + 1}-{shown} of {len(CHARTS)}", width)]

    def watch_first(self) -> None:
        """Others are to be in view."""
        self.watch_picture()

    def action_move(self, charts: int) -> None:
        """The charts below, or above."""
        across = max(1, min(MOST_ACROSS, self.size.width // NARROWEST))
        visible = max(1, (self.size.height - 1) // LOWEST)
        self.first = max(0, min(self.first + charts, -(-len(CHARTS) // across) - visible))

    def on_mouse_scroll_down(self) -> None:
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-1)


def beside(charts: Sequence[list[Line]], gap: int) -> list[Line]:
    """Charts of one height next to each other, so many blanks between them."""
    return [[piece for part in parts for piece in (*part, (" " * gap, ""))] for parts in zip(*charts, strict=True)]


def chart_lines(picture: Picture, chart: Chart, width: int, height: int) -> list[Line]:
    """Title with the value of now and the maximum; the chart with its figures at the left; its time axis."""
    steps, cells = picture.history.steps, width - LABEL
    why = chart.missing(picture)
    now = [] if why or not steps else [value(steps[-1]) for value in chart.values]
    series = [
        binned([value(step) for step in steps], cells, HISTORY_STEPS, picture.history.first, max)
        for value in chart.values
    ]
    top = max((value for values in series for value in values if value is not None), default=0.0)
    told = ", ".join("n/a" if value is None else chart.figure(value) for value in now) or "n/a"
    title: Line = [(chart.title, "strong"), (f"  {told}", "")]
    title = spread(title, [(f"max {chart.figure(top)}", "quiet")] if not why else [], width)
    body = height - 2
    drawn = [[(why[:cells].ljust(cells), "quiet")], *[[(" " * cells, "")]] * (body - 1)]
    if not why:
        drawn = rows(columns_of(picture, chart, series, body, top), body, mark_cells(picture, cells))
    figures = [chart.figure(top), *[""] * (body - 2), "0"] if not why else [""] * body
    lines = [[(f"{figure:>{LABEL - 1}} ", "quiet"), *line] for figure, line in zip(figures, drawn, strict=True)]
    axis = [(" " * LABEL + f"-{SPAN_S:.0f}s".ljust(cells - 3) + "now", "quiet")]
    return [pad(line, width) for line in (title, *lines, axis)]


def columns_of(picture: Picture, chart: Chart, series: list[list], height: int, top: float) -> list[Column]:
    """The chart's columns."""
    if chart.title == STACKED:
        amounts = [stack(step.states) for step in picture.history.steps]
        cells = binned(amounts, len(series[0]), HISTORY_STEPS, picture.history.first, last)
        return stacked_columns(cells, height, top, LOOKS)
    columns = bar_columns(series[0], height, top, chart.styles[0])
    for values, style in zip(series[1:], chart.styles[1:], strict=True):
        columns = over(columns, shaded_columns(values, height, top, style))
    return columns


def stack(states: Sequence[int]) -> tuple[float, ...]:
    """Threads by group of states, what is in none last."""
    amounts = [float(sum(states[code] for code in codes)) for codes in CODES]
    return *amounts, sum(states) - sum(amounts)


def last(stacks: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Of several moments the newest: a mean of threads is no thread."""
    return stacks[-1]


def mark_cells(picture: Picture, cells: int) -> list[int]:
    """The columns in which somebody changed something."""
    steps, first = picture.history.steps, picture.history.first
    each = max(1, -(-HISTORY_STEPS // cells))
    found = []
    for mark in picture.marks:
        after = next((number for number, step in enumerate(steps, first) if step.at_s >= mark.at_s), None)
        if after is not None and mark.at_s >= steps[0].at_s:
            last = (first + len(steps) - 1) // each
            found.append(cells - 1 - (last - after // each))
    return found


def foot(picture: Picture, shown: str, width: int) -> Line:
    """The newest change in words, the legend of the stack, and which charts are in view."""
    mark = picture.marks[-1] if picture.marks else None
    words = f"│ {mark.at_s:.1f}s {printable(mark.text)}" if mark else ""
    legend: Line = [(words + ("  " if words else ""), "strong")]
    for (state, _), look in zip(GROUPS, LOOKS, strict=False):
        legend += [look, (f" {state.value}  ", "quiet")]
    legend += [LOOKS[-1], (" other", "quiet")]
    for most in range(len(legend), -1, -2):  # what has no room is left out whole
        line = spread(legend[:most], [(shown, "quiet")], width)
        if len(line) > most:
            return line
    return [(shown, "quiet")]


def pad(line: Line, width: int) -> Line:
    """The line in exactly `width` cells."""
    room = width - length(line)
    return [*line, (" " * room, "")] if room > 0 else line
