"""The dashboard: one thread reads pictures, the newest goes to the screen, keys go back to the server and the load."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import ClassVar, Protocol

from textual import work
from textual.message import Message

from teachserve.dashboard.chosen import Choose, Chosen, Open
from teachserve.dashboard.commands import Commands
from teachserve.dashboard.connection_screen import ConnectionScreen
from teachserve.dashboard.control import Controls
from teachserve.dashboard.detail_screen import DetailScreen
from teachserve.dashboard.keys import EVERYWHERE, OVER, REPLAY, bindings
from teachserve.dashboard.look import Look
from teachserve.dashboard.ordering import Ordering
from teachserve.dashboard.palette import Everything
from teachserve.dashboard.panes.diagram import DiagramPane
from teachserve.dashboard.playing import LIVE_ONLY, LOAD, Playing
from teachserve.dashboard.screen import MAXIMISED, PRESENT, DashboardScreen
from teachserve.dashboard.themes import LIGHT
from teachserve.dashboard.thread_screen import ThreadScreen
from teachserve.dashboard.window import DEFAULT_LOOK, Window
from teachserve.demo.picture import Picture
from teachserve.demo.replay import Player
from teachserve.demo.wording import counted, duration


class Source(Protocol):
    """Where pictures come from and commands go to: a feed; in tests a list of pictures."""

    controls: Controls | None
    """What can be changed; None: nothing."""

    player: Player | None
    """What moves a replay; None: what is shown happens now."""

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


class Dashboard(Ordering, Playing, Window):
    """Watches one server."""

    BINDINGS: ClassVar = [*bindings(EVERYWHERE), *bindings(OVER), *bindings(REPLAY)]
    COMMANDS: ClassVar = {Everything}

    class NewPicture(Message):
        """The reading thread has a newer picture."""

        def __init__(self, picture: Picture) -> None:
            super().__init__()
            self.picture = picture

        def can_replace(self, message: Message) -> bool:
            """One that was not drawn in time is not drawn at all."""
            return isinstance(message, Dashboard.NewPicture)

    def __init__(self, source: Source, look: Look = DEFAULT_LOOK, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(source, look)
        self._clock = clock
        self.newest: Picture | None = None
        self.chosen = Chosen()
        self.commands = Commands(source.send)
        self._level = "table"
        self._level_answer: Future[str] | None = None
        self._theme_before = self.theme
        self._frozen_at: int | None = None
        self._heard = self._clock()

    @property
    def shows(self) -> str:
        """The architecture."""
        header = self.newest and self.newest.snapshot.header
        return header.architecture if header else "demo"

    def get_default_screen(self) -> DashboardScreen:
        """Textual's hook for the screen at the bottom of the stack."""
        return DashboardScreen()

    def on_unmount(self) -> None:
        """Commands have a thread too. Textual calls this beside the window's own."""
        self.commands.close()

    @property
    def frozen(self) -> bool:
        """Whether what is shown stands still, while the server runs on."""
        return self._frozen_at is not None

    @property
    def board(self) -> DashboardScreen:
        """The screen with the panes, whatever lies over it."""
        return self.screen_stack[0]

    def on_dashboard_screen_ready(self) -> None:
        """There is something to draw on: read."""
        self.set_interval(0.5, self._listen_for_silence)
        self.set_interval(0.5, self._keep_level)
        self._read()
        if self.look.present:
            self.action_present()
        if self.look.view:
            self.board.view = self.look.view
        if self.look.thread:
            self.chosen = Chosen(self.look.thread)
            self.board.show_chosen(self.chosen)
        if self.source.player is not None:
            self.board.show_player(self.source.player)

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        """The one thread that reads. It touches no widget: it posts."""
        for picture in self.source.pictures():
            self.post_message(self.NewPicture(picture))

    def on_dashboard_new_picture(self, message: NewPicture) -> None:
        """Draw it, unless the view is frozen."""
        before, self.newest = self.newest, message.picture
        self._heard = self._clock()
        if before is not None and not before.of_server(message.picture):
            self.post_message(Choose())  # its numbers are another server's
            self.board.query_one(DiagramPane).forget()
        phase, was = message.picture.snapshot.phase, before and before.snapshot.phase
        if phase == "serving" and phase != was:
            self.forget_stop()
        self._show_banner(self._banner())
        if self._frozen_at is None:
            self._show(message.picture)
        if phase != was:
            self.refresh_bindings()
        if before is None:
            self.note_drawn()

    def _show(self, picture: Picture) -> None:
        for screen in self._boards():
            screen.show(picture)

    def _boards(self) -> list[DashboardScreen | DetailScreen]:
        return [screen for screen in self.screen_stack if isinstance(screen, (DashboardScreen, DetailScreen))]

    def _show_banner(self, text: str) -> None:
        for screen in self._boards():
            screen.show_banner(text)

    def on_dashboard_screen_viewed(self) -> None:
        """Another view is shown."""
        self._keep_level()

    def _keep_level(self) -> None:
        """Have every event sent while a view is shown that needs them, and tables alone when none is.

        Asked again where the server has not begun: it was stopped, or another one has taken its place.
        """
        if self.source.player is not None or not self.screen_stack:  # the last messages come when the screens are gone
            return
        wanted = "stream" if self.board.complete else "table"
        snapshot = self.newest.snapshot if self.newest else None
        missing = wanted == "stream" and snapshot is not None and not snapshot.streaming
        alive = snapshot is not None and snapshot.alive
        if wanted == self._level and not (missing and alive and self._level_answer.done()):
            return
        self._level = wanted
        self._level_answer = self.commands.give("level", self.board, level=wanted)

    def _listen_for_silence(self) -> None:
        if self.source.player is None and self.screen_stack:
            self.board.show_silence(self._clock() - self._heard)

    def _banner(self) -> str:
        """What must not be overlooked: that the view is frozen, that the server is slowed."""
        slow_s = self.newest.snapshot.slow_s
        slowed = f" SLOWED: each verb takes {duration(slow_s)} more" if slow_s else ""
        if self._frozen_at is None:
            return slowed
        missed = counted(self.newest.moves - self._frozen_at, "event")
        if slowed:
            return f"{slowed}; VIEW FROZEN, {missed} since"
        runs = "server running" if self.newest.snapshot.phase == "serving" else f"server {self.newest.snapshot.phase}"
        return f" VIEW FROZEN, {runs}, {missed} since; space moves on"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now; what has no meaning here is not shown."""
        if action.startswith("play_"):
            return self.source.player is not None
        if self.source.player is not None and (action in LIVE_ONLY or (action, *parameters[:1]) == LOAD):
            return False
        if self.newest is None:
            return None if action in ("freeze", "stop", "change", "control") else True
        if action == "back":
            return len(self.screen_stack) == 1 and bool(self.board.alone or self.board.control.display)
        if action == "stop" and not self.newest.snapshot.alive:
            return None
        if action == "control" and self.source.controls is None:
            return None
        if action == "change" and self.source.player is None and self.why_not(str(parameters[0])):
            return None
        return True

    # Keys.

    def action_view(self, name: str) -> None:
        """Another view; what lies over the dashboard goes."""
        self._uncover()
        self.board.view = name

    def _uncover(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def on_choose(self, message: Choose) -> None:
        """A pane says that this thread or connection is the chosen one."""
        self.chosen = message.chosen
        self.board.show_chosen(self.chosen, message.control)

    def on_open(self, message: Open) -> None:
        """Show all that is known of one thread, or of one connection."""
        shown, chosen = self.board.shown, message.chosen
        thread = shown.snapshot.thread(chosen.thread) if shown is not None else None
        if thread is not None:
            screen = ThreadScreen(thread, shown, self.commands)
        elif chosen.connection and shown is not None:
            screen = ConnectionScreen(chosen.connection, shown)
        else:
            self.say("nothing is known of it any more: it has ended")
            return
        screen.show_banner(self._banner())
        self.push_screen(screen)

    def action_freeze(self) -> None:
        """Freeze the view, or move on to the newest picture. A replay stands still itself."""
        if self.source.player is not None:
            self.source.player.toggle()
            return
        if self._frozen_at is None:
            self._frozen_at = self.newest.moves
        else:
            self._frozen_at = None
            self._show(self.newest)
        self.board.stand_still(self.frozen)
        self._show_banner(self._banner())

    def action_control(self) -> None:
        """Open the controls, or close them; what lies over the dashboard goes."""
        self._uncover()
        self.board.show_control(not self.board.control.display)

    def action_maximise(self) -> None:
        """The focused pane alone, or all of the view again; what lies over the dashboard goes."""
        self._uncover()
        self._leave_presenting()
        self.board.alone = "" if self.board.alone == MAXIMISED else MAXIMISED
        if self.board.alone:
            self.say("maximised: m or Esc shows the others again")

    def action_present(self) -> None:
        """Big and light, for the back row; or as before. What lies over the dashboard goes."""
        self._uncover()
        if self.board.alone == PRESENT:
            self.action_back()
        else:
            self._theme_before = self.theme
            self.theme = LIGHT.name
            self.board.alone = PRESENT
            self.say("presenter mode: P or Esc leaves it")

    def action_back(self) -> None:
        """Close the controls; else give the view its other panes back."""
        if self.board.control.display:
            self.board.show_control(False)
        else:
            self._leave_presenting()
            self.board.alone = ""

    def _leave_presenting(self) -> None:
        if self.board.alone == PRESENT:
            self.theme = self._theme_before
