"""One side of a comparison: where its connections wait, how fast it is, its threads, and latency over the plan's time."""

from teachserve.compare.score import COLUMNS, Percentiles
from teachserve.compare.view import LIVE, RECORDED, Comparison, SideView
from teachserve.dashboard.block_chart import LABEL, SHADE, Scale, block_chart, time_axis
from teachserve.dashboard.compare_pane import ComparePane
from teachserve.dashboard.line_pane import Line, length, spread
from teachserve.dashboard.panes.counts import pack
from teachserve.dashboard.panes.waiting import bar, words
from teachserve.demo.wording import duration, short
from teachserve.events import STATES, State
from teachserve.observe.places import HELD

SIDE_CLASSES = ("state--accepting", "state--handling")
"""A and B: on every pane the same colour, and their letter beside it."""
TURN_CLASSES = {RECORDED: "state--waiting", LIVE: ""}
MOST_ROWS = 32


class CompareSidePane(ComparePane):
    """A column of fourteen lines or more: what is above the chart keeps its lines, the chart takes the rest."""

    about = (
        "One side. Its waiting-place bar shows where its connections are now; below are its last second, its threads, and "
        "the latency of what was due in each part of the plan, on the same scale as the other side's."
    )
    words = (
        "waiting-place bar", "accept queue", "named queue", "Requests/s", "p50", "p99", "CPU", "GIL", "threads", "made",
        "ended", *(state.value for state in HELD), *STATES,
    )  # fmt: skip

    def __init__(self, at: int) -> None:
        super().__init__(id=f"side-{at}")
        self._at = at

    def lines(self, comparison: Comparison, width: int, height: int) -> list[Line]:
        view = comparison.sides[self._at]
        head = [
            spread([(f" {view.side.name} ", "banner")], [(view.turn, TURN_CLASSES.get(view.turn, "quiet"))], width),
            [(apart(view, comparison.differences[self._at])[:width], SIDE_CLASSES[self._at])],
            words(list(view.waiting), width),
            bar(list(view.waiting), width),
            speed(view),
            threads(view),
            *states(view, width),
        ]
        return [*head, *chart(comparison, self._at, width, height - len(head))]


def apart(view: SideView, difference: str) -> str:
    """`standby 2 · GIL on`: what is not the other side's."""
    gil = "" if view.gil is None or "GIL" in difference else f"GIL {'on' if view.gil else 'off'}"
    return " · ".join(part for part in (difference, gil) if part)


def speed(view: SideView) -> Line:
    """The last second: how much was answered, how fast, and what it cost."""
    told: Line = [(f"{view.answered_per_s:.0f}", "strong"), ("/s", "label")]
    for name, value in (("p50", view.p50), ("p99", view.p99)):
        told += [(f" {name} ", "label"), ("n/a" if value is None else duration(value), "strong")]
    return [*told, (" CPU ", "label"), ("n/a" if view.cpu is None else f"{view.cpu * 100:.0f} %", "strong")]


def threads(view: SideView) -> Line:
    """How many there are, and how many were made and ended."""
    counters = view.snapshot.counters
    return [
        ("Threads ", "label"),
        (f"{counters['threads']}: made {short(counters['made'])}, ended {short(counters['ended'])}", ""),
    ]


def states(view: SideView, width: int) -> list[Line]:
    """Two lines of threads by state."""
    there = [(state, view.states[state]) for state in STATES if view.states[state] and state is not State.ENDED]
    return [*pack(there, width), []][:2]


def heading(found: Percentiles | None, width: int) -> Line:
    """The chart's marks, each with its figure over all that was answered so far."""
    values = ["n/a"] * 3 if found is None else [duration(value) for value in (found.p50, found.p99, found.most)]
    line: Line = []
    for name, value in zip(("All p50 █", f" p99 {SHADE}", " max"), values, strict=True):
        line += [(f"{name} ", "label"), (value, "")]
    title = "Latency from the plan. "
    return [(title, "label"), *line] if length(line) + len(title) <= width else line


def chart(comparison: Comparison, at: int, width: int, height: int) -> list[Line]:
    """A heading, the blocks, the time axis: in as many columns as fit."""
    rows = min(MOST_ROWS, height - 2)
    if rows < 1:
        return []
    count = max((columns for columns in COLUMNS if columns <= width - LABEL - 1), default=COLUMNS[0])
    both = comparison.score.chart.get(count, ((None,) * count, (None,) * count))
    scale = Scale.of(column for columns in both for column in columns)
    return [
        heading(comparison.score.sides[at].latency, width),
        *block_chart(both[at], scale, width, rows),
        [(time_axis(comparison.plan.length_s, count, width), "label")],
    ]
