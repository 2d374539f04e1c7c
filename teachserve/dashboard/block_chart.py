"""A chart of latency over time in block characters: on a logarithmic scale, since what is compared differs by factors."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from teachserve.dashboard.line_pane import Line
from teachserve.dashboard.sparkline import BARS
from teachserve.demo.wording import duration

Column = tuple[float, float] | None
"""Seconds (p50, p99) of what was due in it; None: nothing was answered."""
SHADE = "░"
LABEL = 6


class Scale(NamedTuple):
    """From `least` to `most` seconds, both powers of ten."""

    least: float
    most: float

    @classmethod
    def of(cls, columns: Iterable[Column]) -> "Scale":
        """The decades that hold all of them; from 1 ms to 10 ms where there are none."""
        there = [column for column in columns if column]
        least = min((column[0] for column in there), default=0.001)
        most = max((column[1] for column in there), default=0.01)
        low = math.floor(math.log10(max(least, 1e-6)))
        return cls(10.0**low, 10.0 ** max(low + 1, math.ceil(math.log10(max(most, 1e-6)))))

    def height(self, seconds: float, steps: int) -> int:
        """Of `steps`; what is there has one at least."""
        share = math.log10(max(seconds, self.least) / self.least) / math.log10(self.most / self.least)
        return min(steps, max(1, round(share * steps)))


def block_chart(columns: Sequence[Column], scale: Scale, width: int, height: int) -> list[Line]:
    """`height` lines, labels of the decades before them: p50 as solid blocks, shaded up to p99."""
    steps = height * len(BARS)
    wide = max(1, (width - LABEL - 1) // len(columns))
    heights = [column and tuple(scale.height(seconds, steps) for seconds in column) for column in columns]
    decades = round(math.log10(scale.most / scale.least))
    labels = {min(height - 1, at * height // decades): scale.least * 10**at for at in range(decades + 1)}
    lines: list[Line] = []
    for row in reversed(range(height)):
        label = labels.get(row)
        line: Line = [(f"{'' if label is None else mark(label):>{LABEL}} ", "label")]
        for column in heights:
            cell, style = _cell(column, row * len(BARS))
            if line[-1][1] == style:
                line[-1] = line[-1][0] + cell * wide, style
            else:
                line.append((cell * wide, style))
        lines.append(line)
    return lines


def _cell(column: tuple[int, int] | None, below: int) -> tuple[str, str]:
    if column is None:
        return " ", ""
    p50, p99 = (reached - below for reached in column)
    if p50 > 0:
        return BARS[min(p50, len(BARS)) - 1], "spark"
    # A shade has no eighths: half a cell and more is a cell.
    return (SHADE, "state--waiting") if p99 >= len(BARS) // 2 else (" ", "")


def mark(seconds: float) -> str:
    """`100us`, `1ms`, `10s`."""
    return duration(seconds).replace(".0", "")


def time_axis(length_s: float, columns: int, width: int) -> str:
    """The line below: the plan's beginning, middle and end, where they lie."""
    span = max(1, (width - LABEL - 1) // columns) * columns
    first, middle, last = "0s", f"{length_s / 2:g}", f"{length_s:g}s"
    left = first.ljust(span // 2 - len(middle) // 2) + middle
    return " " * (LABEL + 1) + left + last.rjust(max(len(last) + 1, span - len(left)))
