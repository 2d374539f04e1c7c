"""`?`: what each word on the screen means, taken from the vocabulary itself."""

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.keys import KEYS, SCROLLING
from teachserve.dashboard.line_pane import CLASSES, Line, Styled
from teachserve.dashboard.verdicts import SHORT
from teachserve.events import MEANING, STATES
from teachserve.observe import verdict

WORDS = {
    "For": "how long the thread has been in its state; `before`: since before the watching began",
    "Conn": "the number of the connection that holds the thread",
    "Reqs": "requests that the thread has answered",
    "Taken": "connections that the thread has taken",
    "Recyc": "how often the thread has gone back to accept instead of ending",
    "serving": "reading, idle, handling or writing: a connection holds the thread",
    "accept queue": "connections that the kernel has made and nobody has accepted; its bound is the backlog",
    "overflowed": "connections that the accept queue had no room for; a client that tries again counts again",
    "recycled": "a worker found fewer than `standby` others in accept, and went back there",
    "ended": "threads whose method returned; a surplus worker ends so",
    "p50, p99": "half of the answers, and 99 of 100, came at least this fast (last second)",
    "never served": "clients that have not got a single answer yet",
    "client-bound": "the load generator uses more than 85 % of its core: the figures show its limit, not the server's",
    "agrees": "samples in which the kernel confirms our state, of those that it could judge",
    "judged": "samples in which the kernel could say yes or no, of all",
    "sampled": "of each thread only the latest move is shown; the counts are exact all the same",
    "lost": "frames or events that did not reach this screen; the next frame repairs the counts",
}
INDENT = 23


def help_lines(width: int) -> list[Line]:
    """The whole text: states, columns and figures, the kernel's verdicts, keys."""
    lines: list[Line] = []
    states = [(f"{GLYPHS[state]} {state.value}", css_name(state), MEANING[state]) for state in STATES]
    figures = [(word, "strong", sentence) for word, sentence in WORDS.items()]
    kernel = [(word, style, verdict.MEANING[one]) for one, (word, style) in SHORT.items()]
    keys = [(key.shown, "strong", key.sentence) for key in KEYS if key.footer]
    keys.append((SCROLLING, "strong", "scroll the threads."))
    for title, entries in (
        ("What a thread can be doing", states),
        ("Columns and figures", figures),
        ("What the kernel says of it", kernel),
        ("Keys", keys),
    ):
        lines.append([(title.ljust(width), "heading")])
        for word, style, sentence in entries:
            room = max(20, width - INDENT)
            fits = len(word) < INDENT
            first, *more = textwrap.wrap(sentence, room)
            lines += [] if fits else [[(word, style)]]
            lines.append([(f"{word if fits else '':<{INDENT}}", style), (first, "")])
            lines += [[(" " * INDENT + text, "")] for text in more]
        lines.append([])
    return lines[:-1]


class HelpText(Styled, ScrollView, can_focus=True):
    """The text, scrolled with the arrows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = CLASSES

    def on_mount(self) -> None:
        self._lines: list[Line] = []
        self.border_title = "Help"
        self.border_subtitle = "Esc closes"

    def on_resize(self) -> None:
        """Another width, other line ends."""
        self._lines = help_lines(max(40, self.size.width - 2))
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line."""
        row = self.scroll_offset.y + y
        return self.strip(self._lines[row] if row < len(self._lines) else [], self.scrollable_content_region.width)


class HelpScreen(ModalScreen[None]):
    """Over the dashboard, which runs on behind it."""

    BINDINGS: ClassVar = [Binding("escape,q,question_mark,f1", "dismiss", "Close", priority=True)]

    def compose(self) -> ComposeResult:
        yield HelpText()
