"""Python source as lines of pieces: keywords stand out, strings and comments step back."""

import io
import keyword
import tokenize
from collections.abc import Sequence
from functools import lru_cache

from teachserve.dashboard.line_pane import Line

QUIET = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


@lru_cache(maxsize=4)
def coloured(text: tuple[str, ...]) -> Sequence[Line]:
    """A line of pieces for each line of the text; one that Python cannot read stays as it is."""
    styles = [[""] * len(line) for line in text]
    try:
        tokens = [*tokenize.generate_tokens(io.StringIO("\n".join(text)).readline)]
    except (tokenize.TokenError, SyntaxError):
        tokens = []
    for token in tokens:
        style = "quiet" if token.type in QUIET else "strong" if keyword.iskeyword(token.string) else ""
        if style:
            (first, begin), (last, end) = token.start, token.end
            for row in range(first, min(last, len(text)) + 1):
                line = styles[row - 1]
                left, right = begin if row == first else 0, end if row == last else len(line)
                line[left:right] = [style] * (right - left)
    return [_pieces(line, marks) for line, marks in zip(text, styles, strict=True)]


def _pieces(line: str, styles: Sequence[str]) -> Line:
    pieces: Line = []
    for letter, style in zip(line, styles, strict=True):
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + letter, style)
        else:
            pieces.append((letter, style))
    return pieces


def cut(line: Line, begin: int, end: int) -> Line:
    """The cells from `begin` up to `end`."""
    found, at = [], 0
    for text, style in line:
        part = text[max(0, begin - at) : max(0, end - at)]
        at += len(text)
        if part:
            found.append((part, style))
    return found
