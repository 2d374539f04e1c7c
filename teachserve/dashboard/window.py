"""What every full screen of ours does: the two themes, help, a picture of itself, and an end from any thread."""

import os
import re
import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from rich.console import Console
from rich.text import Text
from textual.app import App
from textual.filter import LineFilter, Monochrome
from textual.message import Message

from teachserve.colours import PALETTE
from teachserve.dashboard.driver import resumable
from teachserve.dashboard.help import HelpScreen
from teachserve.dashboard.line_pane import WORDS
from teachserve.dashboard.look import Look
from teachserve.dashboard.plain import AsciiFilter
from teachserve.dashboard.themes import DARK, LIGHT, named

DEFAULT_LOOK = Look()
LAYOUT = "layout"
"""The group of the workers without which a pane is not complete."""


class Closable(Protocol):
    """Where what is shown comes from, read by a thread."""

    def close(self) -> None:
        """Nothing more will come, and the thread ends. May be called again."""


class Window(App[None]):
    """A program on the whole terminal. `run()` returns once it was told to end, by a key or by `end_from_thread`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = WORDS
    CSS_PATH: ClassVar = "teachserve.tcss"
    TITLE = "teachserve"
    NOTIFICATION_TIMEOUT = 2.5  # they lie over the panes

    class End(Message):
        """Something outside wants it gone: a signal, or a process that died."""

    def __init__(self, source: Closable, look: Look = DEFAULT_LOOK) -> None:
        super().__init__()
        self.source = source
        self.look = look
        # A failure's lines go out whole: a terminal folds them itself, and who reads a log searches them.
        self.error_console = Console(markup=False, highlight=False, stderr=True, soft_wrap=True)
        self.drawn = threading.Event()
        """Set once there is something on the screen."""
        self.when_drawn: Callable[[], None] | None = None
        """Called then, in the app's thread."""
        self._last_filters = [*([AsciiFilter()] if look.ascii else []), *([] if look.colour else [Monochrome()])]
        self._restyling = False
        self.animation_level = "none"  # nothing here has a meaning while it moves
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = named(look.theme, self.available_themes)
        if not look.colour:
            self.no_color = True
            self.stylesheet.set_variables(self.get_css_variables())

    @property
    def shows(self) -> str:
        """What is shown, as part of a file's name."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        """Textual's own, but for who leaves while a screen is still being made: half of its panes are missing then."""
        half_made = not self.drawn.is_set() or any(not screen.is_mounted for screen in self.screen_stack)
        if not (self._exit and half_made):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual's own way to end a failure shows every local name too: of a whole picture, that takes 20 s."""
        self.panic(Text(traceback.format_exc().rstrip(), no_wrap=True, overflow="ignore"))

    def get_driver_class(self) -> type:
        """Textual's hook for what reads the keyboard and writes to the terminal."""
        return resumable(super().get_driver_class())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """A theme that is not ours, by choice of TEXTUAL_THEME, does not know our colours."""
        return dict(DARK.variables)

    def get_css_variables(self) -> dict[str, str]:
        """Textual's hook for the colours by name. In black and white the states' hues would be greys of any contrast."""
        variables = super().get_css_variables()
        if self.no_color:
            variables |= {f"state-{name}": variables["foreground"] for name in PALETTE if name != "quiet"}
        return variables

    def refresh_css(self, animate: bool = True) -> None:
        """Textual's own, once for all changes of the theme that are waiting: one takes as long as ten frames."""
        if not self._restyling:
            self._restyling = True
            self.call_later(self._restyle, animate)

    def _restyle(self, animate: bool) -> None:
        self._restyling = False
        super().refresh_css(animate)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's hook for what each line goes through last."""
        return [*super().get_line_filters(), *self._last_filters]

    def note_drawn(self) -> None:
        """There is something to draw: `drawn` once that has been done, which takes a layout and a refresh."""
        board = self.screen_stack[0]
        board.call_after_refresh(board.call_after_refresh, self._note_drawn)

    def _note_drawn(self) -> None:
        self.drawn.set()
        if self.when_drawn is not None:
            self.when_drawn()

    def on_window_end(self) -> None:
        """A signal or a death, told by `end_from_thread`."""
        self.action_end()

    def end_from_thread(self) -> None:
        """End the app. May be called from any thread, and again."""
        self.post_message(self.End())

    def action_end(self) -> None:
        """Leave: whoever started the app takes down what is to go with it, once `run` has returned."""
        self.source.close()
        self.exit()

    def on_unmount(self) -> None:
        """However it ends: even where something here broke, the process waits for the thread that reads."""
        self.source.close()

    def action_end_at_once(self) -> None:
        """The same, by another key."""
        self.action_end()

    def action_meanings(self) -> None:
        """Help over the screen."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen.focused))

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_picture(self) -> None:
        """An SVG of the screen as it is, named for what it shows and when."""
        name = f"teachserve-{self.shows}-{datetime.now():%Y%m%d-%H%M%S}.svg"
        try:
            self.save_picture(Path(name))
        except OSError as error:
            self.notify(f"could not save {name}: {error.strerror}", severity="error")
        else:
            self.notify(f"saved {name}")

    async def save_whole_picture(self, path: Path) -> None:
        """The same once every pane in view is complete."""
        if layouts := [worker for worker in self.workers if worker.group == LAYOUT]:
            await self.workers.wait_for_complete(layouts)
        self.save_picture(path)

    def save_picture(self, path: Path) -> None:
        """The screen as an SVG that needs nothing from elsewhere. Raises: OSError, and leaves no half of a file of its own.

        What was there before, be it a device or a link, is not this one's to take away.
        """
        svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", self.export_screenshot(title="teachserve"), flags=re.DOTALL)
        there_before = os.path.lexists(path)
        with path.open("w", encoding="utf-8") as file:
            try:
                file.write(svg)
                file.flush()
            except OSError:
                if not there_before:
                    path.unlink()
                raise
