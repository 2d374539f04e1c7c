"""The lints: rules that a healthy server keeps. What is broken now stands first, with what to do; then what was."""

import textwrap
from collections.abc import Sequence

from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture
from teachserve.demo.wording import duration, printable
from teachserve.observe.lints import LINTS, Finding

NAME = 18
"""Cells for a lint's name; the longest is `backlog-overflow`."""


class LintsPane(LinePane):
    """A heading that counts them, and as many findings as there is room for."""

    about = (
        "Rules that a healthy server keeps. One that is broken now says what is wrong and what to do about it; one that was "
        "broken before is dim."
    )
    words = tuple(LINTS)

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        now, over = picture.findings, picture.over
        head = f"Lints: {len(now)} of {len(LINTS)} rules broken now" + (f", {len(over)} before" if over else "")
        lines: list[Line] = [[(head.ljust(width), "heading")]]
        for one in now:
            told = f"{one.text} (for {duration(picture.snapshot.at_s - one.since_s)})"
            lines += paragraph(one, (told, f"Remedy: {LINTS[one.lint].remedy}"), "alarm", "", width)
        for one in over:
            lines += paragraph(one, (f"until {one.until_s:.1f}s: {one.text}",), "quiet", "quiet", width)
        return lines if len(lines) <= height else [*lines[: height - 1], [("...", "quiet")]]


def paragraph(one: Finding, told: Sequence[str], name_style: str, style: str, width: int) -> list[Line]:
    """The lint's name, and its sentences beside it, each over as many lines as it takes."""
    room = max(20, width - NAME - 2)
    first, *more = [line for sentence in told for line in textwrap.wrap(printable(sentence), room)]
    return [
        [(f"{'!' if name_style == 'alarm' else ' '} {one.lint:<{NAME - 1}} ", name_style), (first, style)],
        *([(" " * (NAME + 2) + text, style)] for text in more),
    ]
