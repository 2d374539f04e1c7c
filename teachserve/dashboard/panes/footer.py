"""The keys that a newcomer needs, in the last line."""

from typing import NamedTuple

from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from teachserve.dashboard.line_pane import Line, Styled, length


class Shown(NamedTuple):
    """A key as it stands there; one that has no meaning now is not `enabled`."""

    key: str
    name: str
    label: str
    enabled: bool

    @property
    def line(self) -> Line:
        """` q Quit `"""
        styles = ("key", "") if self.enabled else ("key", "quiet")
        return [(f" {self.name} ", styles[0]), (f"{self.label} ", styles[1])]


class FooterPane(Styled, Widget):
    """One line: ` q Quit  ? Help `. A click on a key presses it.

    Textual's own makes a widget of each key, and all of them anew with each change of what can be pressed: half of the
    time to the first picture.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Shown] = []

    def on_mount(self) -> None:
        """The screen tells when other keys have a meaning."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)

    def _update(self, screen: Screen) -> None:
        first_of_action: dict[str, Shown] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show:
                shown = Shown(binding.key, self.app.get_key_display(binding), binding.description, enabled)
                first_of_action.setdefault(binding.action, shown)
        keys = list(first_of_action.values())
        if screen is self.screen and keys != self._keys:
            self._keys = keys
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual asks for the line."""
        return self.strip([piece for shown in self._keys for piece in shown.line], self.size.width)

    def on_click(self, event: events.Click) -> None:
        """The key that lies there; with a bell where it has no meaning now."""
        x = event.get_content_offset_capture(self).x
        for shown in self._keys:
            x -= length(shown.line)
            if x < 0:
                self.app.simulate_key(shown.key) if shown.enabled else self.app.bell()
                return
