"""`--ascii`: whatever is drawn, by us or by Textual, goes through here last, and leaves as ASCII of the same width."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

BARS = dict(zip("▁▂▃▄▅▆▇█", "_.,-=+*#", strict=True))
"""A chart's heights, in characters that get heavier."""
OTHERS = {
    "▀": '"', "·": "-", "…": ".", "▼": "v", "▲": "^", "◀": "<", "▶": ">", "◄": "<", "►": ">", "←": "<", "→": ">", "↑": "^",
    "↓": "v",
    "░": ".", "▒": ":", "▓": "%", "●": "*", "○": "o", "•": "*", "✓": "v", "✗": "x", "🔎": "/ ", "⏎": ">", "⏵": ">",
    "\u00d7": "x", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
    "\u00a0": " ",
}  # fmt: skip


@lru_cache(4096)
def in_ascii(text: str) -> str:
    """The text with each character that is not ASCII replaced, in as many cells as before."""
    return text if text.isascii() else "".join(one if one.isascii() else _substitute(one) for one in text)


def _substitute(character: str) -> str:
    if found := BARS.get(character) or OTHERS.get(character):
        return found
    width = cell_len(character)
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        across = "HORIZONTAL" in name or "LEFT" in name or "RIGHT" in name
        down = "VERTICAL" in name or "UP" in name or "DOWN" in name
        return "+" if across and down else "|" if down else "-"
    if name.startswith(("LEFT", "RIGHT")) and "BLOCK" in name:
        return "|"
    if "BLOCK" in name or "QUADRANT" in name or name.startswith("BRAILLE"):
        return "#" * width
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()[:width].ljust(width, "?")


class AsciiFilter(LineFilter):
    """Textual's hook for the end of drawing: after borders, scrollbars, footer and toasts."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
