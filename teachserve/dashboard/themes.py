"""Our two themes. Contrast of every colour on its background is at least 4.5 (WCAG AA); a test computes it.

The hues are Okabe and Ito's, which people with any common colour blindness can tell apart; on white they are darkened,
for as they stand they reach a contrast of 1.3 to 2.3 there. On the raised dark ground vermilion is a little lighter.
"""

from collections.abc import Iterable

from textual.theme import Theme

# name: (on the dark background, on the light one)
PALETTE = {
    "accepting": ("#56B4E9", "#0072B2"),
    "talking": ("#CC79A7", "#9A4A78"),
    "handling": ("#009E73", "#00795A"),
    "waiting": ("#E69F00", "#8A5A00"),
    "alarm": ("#E0660A", "#B84300"),
    "quiet": ("#9A9A9A", "#6B6B6B"),
}
DARK_BACKGROUND, LIGHT_BACKGROUND = "#121212", "#FFFFFF"
DARK_RAISED, LIGHT_RAISED = "#1E1E1E", "#F2F2F2"
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


DARK = _theme("teachserve-dark", DARK_BACKGROUND, DARK_RAISED, "#E6E6E6", 0)
LIGHT = _theme("teachserve-light", LIGHT_BACKGROUND, LIGHT_RAISED, "#1A1A1A", 1)
