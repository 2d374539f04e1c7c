"""Our two themes. Contrast of every colour on its background is at least 4.5 (WCAG AA); a test computes it."""

from collections.abc import Iterable

from textual.theme import Theme

from teachserve.colours import (
    DARK_BACKGROUND,
    DARK_FOREGROUND,
    DARK_RAISED,
    LIGHT_BACKGROUND,
    LIGHT_FOREGROUND,
    LIGHT_RAISED,
    PALETTE,
)

DARK_CURSOR, LIGHT_CURSOR = "#1F2A33", "#E6EEF5"


def _theme(name: str, background: str, raised: str, foreground: str, column: int) -> Theme:
    colours = {name: pair[column] for name, pair in PALETTE.items()}
    return Theme(
        name=name,
        primary=colours["accepting"],
        secondary=colours["talking"],
        accent=colours["waiting"],
        warning=colours["alarm"],
        error=colours["alarm"],
        success=colours["handling"],
        foreground=foreground,
        background=background,
        surface=background,
        panel=raised,
        dark=column == 0,
        variables={
            **{f"state-{name}": colour for name, colour in colours.items()},
            "cursor": DARK_CURSOR if column == 0 else LIGHT_CURSOR,
            "scrollbar": colours["quiet"],
            "scrollbar-background": raised,
        },
    )


def named(name: str, known: Iterable[str]) -> str:
    """The theme to begin with: ours for dark and light, or any that Textual knows; dark for a name that nobody knows."""
    ours = {"dark": DARK.name, "light": LIGHT.name}
    return ours.get(name, name if name in known else DARK.name)


DARK = _theme("teachserve-dark", DARK_BACKGROUND, DARK_RAISED, DARK_FOREGROUND, 0)
LIGHT = _theme("teachserve-light", LIGHT_BACKGROUND, LIGHT_RAISED, LIGHT_FOREGROUND, 1)
