"""`?`: the focused pane's keys, what it shows, each word on it in one sentence; then everything there is."""

import re
import textwrap
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.keys import EVERYWHERE, KEYS, OVER, REPLAY, SCROLLING
from teachserve.dashboard.line_pane import Line, Styled
from teachserve.dashboard.verdicts import SHORT
from teachserve.events import State
from teachserve.observe.glossary import GLOSSARY, GROUPS, STATE_GROUP, VERDICT_GROUP, Meaning, meanings

INDENT = 23
VERDICT_STYLES = {verdict.value: style for verdict, (_, style) in SHORT.items()}

Entry = tuple[str, str, str]
"""A word as it stands on the screen, its style, and its sentence; without a word a paragraph."""


def meant(word: str) -> list[Meaning]:
    """What a pane means by a word on it: a State is a state; text is anything else, if it can be."""
    found = meanings(word)
    if isinstance(word, State):
        return [one for one in found if one.group == STATE_GROUP]
    same = [one for one in found if one.word == word] or found
    return [one for one in same if one.group != STATE_GROUP] or same


def entries(words: Iterable[str]) -> list[Entry]:
    """The words of a pane, in its order. Where one has several meanings, each says of what it is one."""
    told: list[Entry] = []
    for word in words:
        found = meant(word)
        for one in found:
            of = f" ({one.group})" if len(found) > 1 else ""
            shown, style = (f"{GLYPHS[word]} {word}", css_name(word)) if isinstance(word, State) else (word, "strong")
            told.append((shown, VERDICT_STYLES.get(one.word, style), one.sentence + of))
    return told


def key_entries(bindings: Iterable[object]) -> list[Entry]:
    """Keys with what they do; a key without a sentence is Textual's own."""
    return [(one.key_display, "strong", one.tooltip) for one in bindings if getattr(one, "tooltip", "")]


def beside(pane: Widget) -> str:
    """What else can have the focus there, and how that is explained; "": nothing."""
    others = [title(one) for one in pane.screen.focus_chain if one is not pane and one.parent is pane.parent]
    return (
        f"Beside it: {', '.join(others)}. Tab or shift+Tab moves the focus there, and ? then explains it."
        if others
        else ""
    )


def pane_sections(pane: Widget, replay: bool = False) -> list[tuple[str, list[Entry]]]:
    """The first page: the focused pane, its keys before all that can wait, then the keys everywhere."""
    keys = getattr(pane, "keys_everywhere", KEYS)
    places = (EVERYWHERE, OVER, REPLAY) if replay else (EVERYWHERE, OVER)
    everywhere = [(key.shown, "strong", key.sentence) for key in keys if key.where in places]
    ours = [cls for cls in type(pane).__mro__ if cls.__module__.startswith("teachserve.")]
    own = key_entries(dict.fromkeys(one for cls in ours for one in vars(cls).get("BINDINGS", ())))
    scrolling = [(SCROLLING, "strong", "scroll it.")] if isinstance(pane, ScrollView) and not own else []
    shows = [("", "", text) for text in (pane.about, beside(pane)) if text]
    sections = [
        ("Its keys", own + scrolling),
        ("What it shows", shows),
        ("The words on it", entries(getattr(pane, "words", ()))),
        ("Keys everywhere", everywhere),
    ]
    return [(title, told) for title, told in sections if told]


def all_sections() -> list[tuple[str, list[Entry]]]:
    """The second page: every word there is, by group."""
    sections = []
    for group in GROUPS:
        words = [one for one in GLOSSARY if one.group == group]
        if group == STATE_GROUP:
            told = entries(State)
        elif group == VERDICT_GROUP:
            told = [
                (f"{short} ({one.value})", style, meanings(one)[0].sentence) for one, (short, style) in SHORT.items()
            ]
        else:
            told = [(one.word, "strong", one.sentence) for one in words]
        sections.append((f"{group[0].upper()}{group[1:]}", told))
    return sections


def help_lines(sections: list[tuple[str, list[Entry]]], width: int) -> list[Line]:
    """The text as lines of this width: a word and its sentence beside it, or below where the word is long."""
    lines: list[Line] = []
    for title, told in sections:
        lines += [[]] if lines else []
        lines.append([(title.ljust(width), "heading")])
        for word, style, sentence in told:
            if not word:
                lines += [[(text, "")] for text in textwrap.wrap(sentence, width)]
                continue
            fits = len(word) < INDENT
            first, *more = textwrap.wrap(sentence, max(20, width - INDENT))
            lines += [] if fits else [[(word, style)]]
            lines.append([(f"{word if fits else '':<{INDENT}}", style), (first, "")])
            lines += [[(" " * INDENT + text, "")] for text in more]
    return lines


class HelpText(Styled, ScrollView, can_focus=True):
    """The text, scrolled with the arrows."""

    def __init__(self, pane: Widget | None) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self._pane = pane
        self._everything = not getattr(pane, "about", "")

    def on_mount(self) -> None:
        self._lay_out()

    def turn(self) -> None:
        """The other page."""
        self._everything = not self._everything
        self.scroll_home(animate=False)
        self._lay_out()

    def on_resize(self) -> None:
        """Another width, other line ends."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(30, self.size.width - 2)
        if self._everything:
            self.border_title, other = "Help: every word", "this pane alone"
            self._lines = help_lines(all_sections(), width)
        else:
            self.border_title, other = f"Help: {title(self._pane)}", "every word"
            replay = getattr(getattr(self.app, "source", None), "player", None) is not None
            self._lines = help_lines(pane_sections(self._pane, replay), width)
        self.border_subtitle = f"? or Tab: {other} - Esc closes"
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual asks for one line."""
        row = self.scroll_offset.y + y
        return self.strip(self._lines[row] if row < len(self._lines) else [], self.scrollable_content_region.width)


def title(pane: Widget) -> str:
    """`kernel states`, from the pane's class: KernelStatesPane."""
    name = type(pane).__name__.removesuffix("Pane").removesuffix("Screen").removesuffix("Table")
    return " ".join(re.findall("[A-Z][a-z]*", name)).lower()


class HelpScreen(ModalScreen[None]):
    """Over the dashboard, which runs on behind it."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss", "Close", priority=True),
        Binding("question_mark,f1,tab,shift+tab", "turn", "Other page", priority=True),
    ]

    def __init__(self, pane: Widget | None = None) -> None:
        super().__init__()
        self._pane = pane

    def compose(self) -> ComposeResult:
        yield HelpText(self._pane)

    def action_turn(self) -> None:
        """This pane, or every word."""
        self.query_one(HelpText).turn()
