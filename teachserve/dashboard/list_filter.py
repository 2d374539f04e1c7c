"""The filter of a list: what a key makes of its words, and the line in which they stand."""

from teachserve.dashboard.line_pane import Line

CURSOR = "▏"


def typed(words: str, key: str, character: str | None) -> tuple[str, bool] | None:
    """The words after this key, and whether typing goes on. None: the key means here what it always means."""
    match key:
        case "escape":
            return "", False
        case "enter":
            return words, False
        case "backspace" | "ctrl+h":
            return words[:-1], True
    if character is not None and character.isprintable():
        return words + character, True
    return None


def filter_line(words: str, typing: bool, shown: int, total: int, width: int, escapes: bool) -> Line:
    """While it is typed: the words as they are. Then the chip: ` filter worker handling: 12 of 400 shown `.

    `escapes`: Esc is the list's key now, and of nothing else.
    """
    count = f"{shown} of {total} shown"
    if typing:
        return [(f"/{words}", "strong"), (CURSOR, "banner"), (f" {count}", "quiet")]
    return [(f" filter {words}: {count} "[:width], "banner"), (" Esc clears" if escapes else "", "quiet")]
