"""Who answered first: the shares as one bar, the last requests as a strip of marks, and what was not answered."""

from teachserve.compare.score import ALONE, FIRST, NEITHER, OPEN, TIED, UNKNOWN, Percentiles, ScoreView
from teachserve.compare.view import Comparison
from teachserve.dashboard.compare_pane import ComparePane
from teachserve.dashboard.line_pane import Line, length, spread
from teachserve.dashboard.panes.compare_side import SIDE_CLASSES
from teachserve.demo.wording import duration, percent

STYLES = {
    FIRST[0]: SIDE_CLASSES[0], ALONE[0]: SIDE_CLASSES[0], TIED: "quiet", NEITHER: "alarm", UNKNOWN: "alarm", OPEN: "quiet",
    ALONE[1]: SIDE_CLASSES[1], FIRST[1]: SIDE_CLASSES[1],
}  # fmt: skip
"""Every mark, in the order of the bar: what is A's at the left, what is B's at the right."""


class CompareScorePane(ComparePane):
    """Five lines."""

    about = (
        "Which side answered each request first, by the plan's one clock: A or B, = where both came at once, a or b where "
        "one side alone answered, - where neither did, ? where nobody knows. An answer is a 200."
    )
    words = (
        "was first", "at once", "alone", "by", "decided", "503s", "errors", "not answered", "unknown", "p50", "p99",
    )  # fmt: skip

    def lines(self, comparison: Comparison, width: int, height: int) -> list[Line]:
        score = comparison.score
        decided: Line = [(f"{score.decided} of {comparison.plan.planned} requests decided", "quiet")]
        return [
            spread([("Who answered first", "strong")], decided, width),
            share_bar(score, width),
            shares(score, width),
            strip(score, width),
            failures(score),
        ]


def counts(score: ScoreView) -> dict[str, int]:
    """Decided requests by mark, in the order of the bar."""
    first, second = score.sides
    return {
        FIRST[0]: first.first, ALONE[0]: first.alone, TIED: score.tied, NEITHER: score.neither, UNKNOWN: score.unknown,
        ALONE[1]: second.alone, FIRST[1]: second.first,
    }  # fmt: skip


def share_bar(score: ScoreView, width: int) -> Line:
    """As long as the pane is wide, each mark in proportion; one that occurred has a cell at least."""
    there = {mark: count for mark, count in counts(score).items() if count}
    if not there:
        return [("no request is decided yet", "quiet")]
    cells = {mark: max(1, count * width // score.decided) for mark, count in there.items()}
    cells[max(there, key=there.__getitem__)] += width - sum(cells.values())
    return [(mark * length, STYLES[mark]) for mark, length in cells.items()]


def shares(score: ScoreView, width: int) -> Line:
    """`A first 61.2 % by 0.4ms · = 10.1 % · B first 28.7 % by 0.2ms`; with the p99 where there is room for it."""
    for slowest in (True, False):
        line: Line = []
        for at, side in enumerate(score.sides):
            line.append((f"{FIRST[at]} first {percent(score.share(side.first))}", SIDE_CLASSES[at]))
            line.append((lead(side.lead, slowest), ""))
            line += [(f", alone {side.alone}", "")] if side.alone else []
            if at == 0:
                line.append((f" · {TIED} {percent(score.share(score.tied))} · ", "quiet"))
        line += [(f" · neither {score.neither}", "alarm")] if score.neither else []
        if length(line) <= width:
            break
    return line


def lead(found: Percentiles | None, slowest: bool) -> str:
    """By how much, as a rule and at the most."""
    if found is None:
        return ""
    return f" by {duration(found.p50)}" + (f", p99 {duration(found.p99)}" if slowest else "")


def strip(score: ScoreView, width: int) -> Line:
    """The last requests of the plan, the newest at the right."""
    line: Line = [("Last ", "label")]
    for mark in score.marks[-max(1, width - len(line[0][0])) :]:
        style = STYLES[mark]
        if line[-1][1] == style:
            line[-1] = line[-1][0] + mark, style
        else:
            line.append((mark, style))
    return line


def failures(score: ScoreView) -> Line:
    """What each side did not answer."""
    line: Line = []
    for at, side in enumerate(score.sides):
        line.append((f"{'  ' if at else ''}{FIRST[at]} ", SIDE_CLASSES[at]))
        others = side.failed + side.other_statuses
        for what, count in (
            ("503s", side.refused),
            ("errors", others),
            ("not answered", side.given_up + side.not_sent),
        ):
            line.append((f"{what} {count} ", "alarm" if count else "quiet"))
        line += [(f"unknown {side.untold} ", "alarm")] if side.untold else []
    return line
