"""What has to be known to judge the figures: that the two share the cores, and what went wrong with the measuring."""

import textwrap

from teachserve.compare.view import Comparison
from teachserve.dashboard.compare_pane import ComparePane
from teachserve.dashboard.line_pane import Line


class CompareRemarksPane(ComparePane):
    """Two lines or more: what is wrong comes before what is always so."""

    about = (
        "What has to be known to judge the figures: on which cores the two run, and whether a load generator was late, at "
        "its limit, or lost outcomes."
    )
    words = ("client-bound", "generator", "unknown", "one after the other")

    def lines(self, comparison: Comparison, width: int, height: int) -> list[Line]:
        always, *wrong = comparison.remarks or ("",)
        told = [(line, "alarm") for remark in wrong for line in textwrap.wrap(remark, width)]
        told += [(line, "quiet") for line in textwrap.wrap(always, width)]
        return [[piece] for piece in told[:height]]
