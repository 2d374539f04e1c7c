"""Blocks of lines that a detail is put together from: bars, histograms, and blocks beside each other."""

from collections.abc import Mapping, Sequence

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line
from teachserve.demo.wording import duration
from teachserve.events import State

BAR = "█"


def titled(title: str, lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """A heading with lines below it, exactly `height` in all."""
    block: list[Line] = [[(title[:width].ljust(width), "heading")], *lines]
    return (block + [[]] * height)[:height]


def beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    """Two blocks of equal height; the left one gets `width` cells, one of them a gap."""
    return [[*fitted(one, width - 1), (" ", ""), *other] for one, other in zip(left, right, strict=True)]


def fitted(line: Line, width: int) -> Line:
    """The line in exactly `width` cells."""
    cut: Line = []
    for text, style in line:
        cut.append((text[:width], style))
        width -= len(cut[-1][0])
    return [*cut, (" " * width, "")]


def times_by_state(times_s: Mapping[State, float], width: int, rows: int) -> list[Line]:
    """`o accepting 63.2 %  1.9s ████`: the longest first, what there is no room for in one line at the end."""
    total = sum(times_s.values())
    spent = sorted(((seconds, state) for state, seconds in times_s.items() if seconds > 0), reverse=True)
    if not total or rows < 1:
        return [[("none yet", "quiet")]][:rows]
    shown, others = (spent, []) if len(spent) <= rows else (spent[: rows - 1], spent[rows - 1 :])
    word = max([len(state.value) for _, state in shown] + [6])
    room = max(0, width - word - 2 - 8 - 7 - 2)
    lines: list[Line] = []
    for seconds, state in shown:
        share = seconds / total
        bar = BAR * round(share * room)
        lines.append(
            [
                (f"{GLYPHS[state]} {state.value:<{word}}", css_name(state)),
                (f" {share * 100:5.1f} % {duration(seconds):>6} ", ""),
                (bar, css_name(state)),
            ]
        )
    if others:
        rest = sum(seconds for seconds, _ in others)
        name = f"{len(others)} others"
        lines.append([(f"{name:<{word + 2}} {rest / total * 100:5.1f} % {duration(rest):>6}", "quiet")])
    return lines


def buckets(values: Sequence[float], rows: int) -> list[tuple[float, int]]:
    """(upper edge, how many values up to it and above the edge before): `rows` buckets of equal width, or one."""
    low, high = min(values), max(values)
    if rows < 2 or high - low <= 0:
        return [(high, len(values))]
    counts = [0] * rows
    step = (high - low) / rows
    for value in values:
        counts[min(rows - 1, int((value - low) / step))] += 1
    return [(low + step * (place + 1), count) for place, count in enumerate(counts)]


def histogram(values: Sequence[float], width: int, rows: int) -> list[Line]:
    """`up to 1.2ms ████ 14`."""
    if not values or rows < 1:
        return []
    found = buckets(values, rows)
    most = max(count for _, count in found)
    digits = len(str(most))
    room = max(1, width - len("up to  999ms ") - digits - 1)
    lines: list[Line] = []
    for edge, count in found:
        bar = BAR * max(1, round(count * room / most)) if count else ""
        lines.append([(f"up to {duration(edge):>6} ", ""), (bar, "state--handling"), (f" {count}" if bar else "0", "")])
    return lines
