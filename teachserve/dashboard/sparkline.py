"""A chart in one line of text: from zero to the greatest value, so that half the height is half the value.

(Textual's own begins at the smallest value, which makes noise look like a cliff, and costs twice as much.)
"""

from collections.abc import Callable, Sequence

BARS = "▁▂▃▄▅▆▇█"
Values = Sequence[float | None]


def mean(values: Sequence[float]) -> float:
    """What a cell shows of a rate; of a latency it shows the worst: `max`."""
    return sum(values) / len(values)


def sparkline(values: Values, width: int, span: int, first: int = 0, cell: Callable = mean) -> str:
    """At most `span` values in `width` cells, the newest at the right; one a cell while they are few. A None: a gap.

    `first` is the number of the oldest value since the beginning: each value stays in the cell of its neighbours while
    they move left together, so that the chart does not shimmer.
    """
    if width < 1:
        return ""
    each = max(1, -(-min(span, first + len(values)) // width))
    cells: dict[int, list[float]] = {}
    for number, value in enumerate(values, first):
        cells.setdefault(number // each, []).extend([] if value is None else [value])
    shown = [cell(cells[key]) if cells[key] else None for key in sorted(cells)][-width:]
    top = max((value for value in shown if value is not None), default=0)
    scale = len(BARS) / top if top else 0
    marks = [" " if value is None else BARS[min(len(BARS) - 1, int(value * scale))] for value in shown]
    return "".join(marks).rjust(width)
