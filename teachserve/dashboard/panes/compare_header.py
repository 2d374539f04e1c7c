"""What is compared under which plan, and how much of it is over; or the banner while the view is frozen."""

from textual.reactive import reactive

from teachserve.compare.sides import shown
from teachserve.compare.view import OVER, STARTING, Comparison
from teachserve.dashboard.compare_pane import ComparePane
from teachserve.dashboard.line_pane import Line, spread
from teachserve.demo.wording import counted


class CompareHeaderPane(ComparePane):
    """Two lines."""

    about = (
        "Which two servers get the same plan of requests: each request is due at the same moment on both sides, whether "
        "they keep up or not. While the view is frozen, that is said here instead."
    )
    words = (
        "architecture",
        "open loop",
        "rate",
        "clients",
        "keep-alive",
        "close",
        "delay",
        "freeze",
        "one after the other",
    )

    banner: reactive[str] = reactive("", repaint=False, init=False)

    def watch_banner(self) -> None:
        """The view was frozen, or moves on."""
        self.watch_picture()

    def lines(self, comparison: Comparison, width: int, height: int) -> list[Line]:
        first, second = (view.side.name for view in comparison.sides)
        left: Line = [(first, "strong"), (" against ", ""), (second, "strong")]
        right: Line = [(progress(comparison), "state--handling" if comparison.phase == OVER else "")]
        if self.banner:
            return [spread(left, right, width), [(self.banner.ljust(width), "banner")]]
        return [spread(left, right, width), [(plan_line(comparison, width), "quiet")]]


def progress(comparison: Comparison) -> str:
    """`3.2 of 10 s`."""
    length = f"{comparison.plan.length_s:g} s"
    if comparison.phase == OVER:
        return f"over: {length}"
    if comparison.phase == STARTING:
        return "starting"
    return f"{max(0.0, comparison.at_s):.1f} of {length}"


def plan_line(comparison: Comparison, width: int) -> str:
    """`500 requests/s each, due at the same moments · 100 clients, close · delay 1ms`, as much as there is room for."""
    plan = comparison.plan
    kind = "keep-alive" if plan.keep_alive else "close"
    delays = [side.values.get("delay") for side in plan.sides]
    parts = [
        f"{plan.rate:g} requests/s each, due at the same moments",
        f"{counted(plan.connections, 'client')}, {kind}",
    ]
    parts += ["one after the other"] if plan.in_turn else []
    parts += [f"delay {shown('delay', delays[0])}"] if delays[0] == delays[1] else []
    line = parts[0]
    for part in parts[1:]:
        if len(line) + len(part) + 3 <= width:
            line += f" · {part}"
    return line
