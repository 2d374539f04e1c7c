"""The dashboard: one thread reads pictures, the newest goes to the screen, keys go back to the server and the load."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from textual import work
from textual.app import App
from textual.message import Message

from teachserve.dashboard.chosen import Choose, Chosen, Open
from teachserve.dashboard.commands import Commands
from teachserve.dashboard.detail_screen import DetailScreen
from teachserve.dashboard.help import HelpScreen
from teachserve.dashboard.keys import bindings
from teachserve.dashboard.screen import DashboardScreen
from teachserve.dashboard.themes import DARK, LIGHT
from teachserve.dashboard.thread_screen import ThreadScreen
from teachserve.demo.picture import Picture


class Source(Protocol):
    """Where pictures come from and commands go to: a feed; in tests a list of pictures."""

    def pictures(self) -> Iterator[Picture]:
        """Each frame's picture, until there will be no more. Blocks; another thread's `close` ends it."""

    def close(self) -> None:
        """No more pictures."""

    def send(self, command: str, **fields: object) -> str:
        """A command to the server: "" once it is done, or one sentence why not."""

    def stop(self) -> None:
        """Stop the server softly."""

    def abandon(self) -> None:
        """Make the server give up what it has in progress."""

    def scale_connections(self, factor: float) -> str:
        """More or fewer clients; what was asked for, in words."""

    def scale_rate(self, factor: float) -> str:
        """A higher or lower rate; what was asked for, in words."""


class Dashboard(App[None]):
    """Watches one server. `run()` returns once it was told to end, by a key or by `end_from_thread`."""

    CSS_PATH = "teachserve.tcss"
    TITLE = "teachserve"
    NOTIFICATION_TIMEOUT = 2.5  # they lie over the panes
    BINDINGS: ClassVar = bindings()

    class NewPicture(Message):
        """The reading thread has a newer picture."""

        def __init__(self, picture: Picture) -> None:
            super().__init__()
            self.picture = picture

        def can_replace(self, message: Message) -> bool:
            """One that was not drawn in time is not drawn at all."""
            return isinstance(message, Dashboard.NewPicture)

    class End(Message):
        """Something outside wants the dashboard gone: a signal, or a process that died."""

    def __init__(self, source: Source, dark: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self.source = source
        self.newest: Picture | None = None
        self.chosen = Chosen()
        self.commands = Commands(source.send)
        self.animation_level = "none"  # nothing here has a meaning while it moves
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name if dark else LIGHT.name
        self._frozen_at: int | None = None
        self._heard = self._clock()
        self._stop_asked = False

    def get_default_screen(self) -> DashboardScreen:
        """Textual's hook for the screen at the bottom of the stack."""
        return DashboardScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """A theme that is not ours, by choice of TEXTUAL_THEME, does not know our colours."""
        return dict(DARK.variables)

    def on_unmount(self) -> None:
        """However it ends."""
        self.commands.close()

    @property
    def board(self) -> DashboardScreen:
        """The screen with the panes, whatever lies over it."""
        return self.screen_stack[0]

    def on_dashboard_screen_ready(self) -> None:
        """There is something to draw on: read."""
        self.set_interval(0.5, self._listen_for_silence)
        self._read()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        """The one thread that reads. It touches no widget: it posts."""
        for picture in self.source.pictures():
            self.post_message(self.NewPicture(picture))

    def on_dashboard_new_picture(self, message: NewPicture) -> None:
        """Draw it, unless the view is frozen."""
        before, self.newest = self.newest, message.picture
        self._heard = self._clock()
        if self._frozen_at is None:
            self._show(message.picture)
        else:
            self._show_frozen()
        if before is None or before.snapshot.phase != message.picture.snapshot.phase:
            self.refresh_bindings()

    def _show(self, picture: Picture) -> None:
        for screen in self._boards():
            screen.show(picture)

    def _boards(self) -> list[DashboardScreen | DetailScreen]:
        return [screen for screen in self.screen_stack if isinstance(screen, (DashboardScreen, DetailScreen))]

    def _show_banner(self, text: str) -> None:
        for screen in self._boards():
            screen.show_banner(text)

    def _listen_for_silence(self) -> None:
        self.board.show_silence(self._clock() - self._heard)

    def _show_frozen(self) -> None:
        missed = self.newest.moves - self._frozen_at
        runs = "server running" if self.newest.snapshot.phase == "serving" else f"server {self.newest.snapshot.phase}"
        self._show_banner(f" VIEW FROZEN, {runs}, {missed} events since; space moves on")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        if self.newest is None:
            return None if action in ("freeze", "stop", "connections", "rate") else True
        snapshot = self.newest.snapshot
        if action == "stop" and snapshot.phase not in ("serving", "stopping"):
            return None
        if action in ("connections", "rate") and (self.newest.load is None or snapshot.phase != "serving"):
            return None
        return True

    # Keys.

    def action_end(self) -> None:
        """Leave: whoever started the app takes down what is to go with it, once `run` has returned."""
        self.source.close()
        self.exit()

    action_end_at_once = action_end

    def on_dashboard_end(self) -> None:
        """A signal or a death, told by `end_from_thread`."""
        self.action_end()

    def end_from_thread(self) -> None:
        """End the app. May be called from any thread, and again."""
        self.post_message(self.End())

    def action_view(self, name: str) -> None:
        """Another view; what lies over the dashboard goes."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.board.view = name

    def on_choose(self, message: Choose) -> None:
        """A pane says that this thread or connection is the chosen one."""
        self.chosen = message.chosen
        self.board.show_chosen(self.chosen, message.control)

    def on_open(self, message: Open) -> None:
        """Show all that is known of one thread."""
        thread = self.board.shown.snapshot.thread(message.chosen.thread) if self.board.shown else None
        if thread is not None:
            self.push_screen(ThreadScreen(thread, self.board.shown, self.commands))

    def action_freeze(self) -> None:
        """Freeze the view, or move on to the newest picture."""
        if self._frozen_at is None:
            self._frozen_at = self.newest.moves
            self._show_frozen()
        else:
            self._frozen_at = None
            self._show_banner("")
            self._show(self.newest)

    def action_meanings(self) -> None:
        """Help over the dashboard."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen.focused))

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def action_picture(self) -> None:
        """An SVG of the screen as it is, named for what it shows and when."""
        shows = self.newest.snapshot.header.architecture if self.newest and self.newest.snapshot.header else "demo"
        name = f"teachserve-{shows}-{datetime.now():%Y%m%d-%H%M%S}.svg"
        try:
            self.save_picture(Path(name))
        except OSError as error:
            self.notify(f"could not save {name}: {error.strerror}", severity="error")
        else:
            self.notify(f"saved {name}")

    def save_picture(self, path: Path) -> None:
        """The screen as an SVG that needs nothing from elsewhere. Raises: OSError."""
        svg = self.export_screenshot(title="teachserve")
        path.write_text(re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL))

    def action_stop(self) -> None:
        """Softly first; asked again, abandon."""
        if self._stop_asked:
            self.source.abandon()
            self.notify("abandoning: what is in progress is given up")
        else:
            self._stop_asked = True
            self.source.stop()
            self.notify("soft stop: what was accepted is served. X again abandons")

    def action_connections(self, factor: float) -> None:
        """Twice or half the clients."""
        self.notify(self.source.scale_connections(factor))

    def action_rate(self, factor: float) -> None:
        """Twice or half the rate."""
        self.notify(self.source.scale_rate(factor))
