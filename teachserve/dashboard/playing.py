"""What keys do to a replay: an event or a second on and back, or to a moment that was typed."""

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input

from teachserve.options import parse_duration

LIVE_ONLY = ("control", "stop")
LOAD = ("change", "connections")
"""Actions that have no meaning in a replay."""
LEAST_SPEED, MOST_SPEED = 1 / 1024, 1024.0


def moment(text: str, at_s: float, length_s: float) -> float | None:
    """The moment that was meant: `12.4`, `12.4s`, `2m`, `+5`, `-5`, `50%`; None: none was."""
    text = text.strip()
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text):
        return length_s * float(found[1]) / 100
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    try:
        seconds = parse_duration(rest)
    except ValueError:
        return None
    return at_s + seconds if sign == "+" else at_s - seconds if sign else seconds


class SeekScreen(ModalScreen[str]):
    """Asks for a moment, in a line at the bottom. Gives the text; "" for none."""

    BINDINGS: ClassVar = [("escape", "dismiss('')", "Back")]

    def __init__(self, length_s: float) -> None:
        super().__init__()
        self._length_s = length_s

    def compose(self) -> ComposeResult:
        yield Input(placeholder=f"a moment, up to {self._length_s:.1f} s: 12.4, +5, -5, 50%", compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value)


class Playing:
    """The actions of an app whose `source` has a player; keys reach them in a replay only."""

    def action_play_step(self, events: int) -> None:
        """So many events on."""
        self.source.player.step(events)

    def action_play_skip(self, seconds: float) -> None:
        """So many seconds on."""
        self.source.player.seek(self.source.player.at_s + seconds)

    def play_faster(self, factor: float) -> None:
        """So many times the speed."""
        player = self.source.player
        player.speed = min(MOST_SPEED, max(LEAST_SPEED, player.speed * factor))

    def action_play_seek(self) -> None:
        """Ask for a moment."""
        self.push_screen(SeekScreen(self.source.player.length_s), self._seek)

    def _seek(self, text: str | None) -> None:
        if not text:
            return
        player = self.source.player
        at_s = moment(text, player.at_s, player.length_s)
        if at_s is None:
            self.say(f"{text!r} is no moment: type one such as 12.4, 2m, +5, -5 or 50%")
        else:
            player.seek(at_s)
