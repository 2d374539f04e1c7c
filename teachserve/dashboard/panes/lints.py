"""The lints: rules that a healthy server keeps. What is broken now stands first, with what to do; then what was."""

import textwrap

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
        kept = len(LINTS) - len(now)
        head = f"Lints: {len(now)} broken now, {kept} kept" + (f", {len(over)} broken before" if over else "")
        lines: list[Line] = [[(head.ljust(width), "heading")]]
        for one in now:
            told = f"{one.text} (for {duration(picture.snapshot.at_s - one.since_s)}). {LINTS[one.lint].remedy}"
            lines += paragraph(one, told, "alarm", "", width)
        for one in over:
            lines += paragraph(one, f"until {one.until_s:.1f}s: {one.text}", "quiet", "quiet", width)
        return lines if len(lines) <= height else [*lines[: height - 1], [("...", "quiet")]]


def paragraph(one: Finding, told: str, name_style: str, style: str, width: int) -> list[Line]:
    """The lint's name, and its sentence beside it over as many lines as it takes."""
    first, *more = textwrap.wrap(printable(told), max(20, width - NAME - 2))
    return [
        [(f"{'!' if name_style == 'alarm' else ' '} {one.lint:<{NAME - 1}} ", name_style), (first, style)],
        *([(" " * (NAME + 2) + text, style)] for text in more),
    ]
