"""Two servers side by side on one time axis: one thread reads, the newest comparison goes to the screen."""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from teachserve.compare.view import Comparison
from teachserve.dashboard.compare_pane import COMPARE_KEYS
from teachserve.dashboard.look import Look
from teachserve.dashboard.panes.compare_header import CompareHeaderPane
from teachserve.dashboard.panes.compare_remarks import CompareRemarksPane
from teachserve.dashboard.panes.compare_score import CompareScorePane
from teachserve.dashboard.panes.compare_side import CompareSidePane
from teachserve.dashboard.panes.footer import FooterPane
from teachserve.dashboard.screen import SMALLEST
from teachserve.dashboard.window import DEFAULT_LOOK, Window
from teachserve.demo.wording import counted


class Source(Protocol):
    """Where comparisons come from: a run; in tests a list of them."""

    def comparisons(self) -> Iterator[Comparison]:
        """The comparison as it is, again and again. Blocks; another thread's `close` ends it."""

    def close(self) -> None:
        """No more comparisons."""


class CompareScreen(Screen[None]):
    """Complete at 80x24; a wider terminal has wider columns, a higher one higher charts."""

    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-too-narrow"), (SMALLEST[0], "-narrow")]
    VERTICAL_BREAKPOINTS: ClassVar = [(0, "-too-low"), (SMALLEST[1], "-low"), (24, "-high")]

    class Ready(Message):
        """The panes are there."""

    def compose(self) -> ComposeResult:
        yield CompareHeaderPane()
        with Horizontal(id="sides"):
            yield CompareSidePane(0)
            yield CompareSidePane(1)
        yield CompareScorePane()
        yield CompareRemarksPane()
        yield FooterPane()
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """The panes do not come and go: find them once, not ten times a second."""
        self._panes = [pane for pane in self.query("*") if hasattr(pane, "picture")]
        self.set_focus(self.query_one(CompareScorePane))
        self.post_message(self.Ready())

    def on_resize(self, event: events.Resize) -> None:
        """A terminal that is too small gets a sentence instead of a torn picture."""
        width, height = event.size
        wanted = " x ".join(map(str, SMALLEST))
        self.query_one("#too-small", Static).update(
            f"This terminal has {width} x {height} cells. A comparison needs {wanted}: make it larger, or q quits."
        )

    def show(self, comparison: Comparison) -> None:
        """Draw it."""
        for pane in self._panes:
            pane.picture = comparison

    def show_banner(self, text: str) -> None:
        """A line in the header that hides the plan while it is there."""
        self.query_one(CompareHeaderPane).banner = text


class CompareApp(Window):
    """Shows one comparison, and its score until somebody leaves."""

    CSS_PATH: ClassVar = ["teachserve.tcss", "compare.tcss"]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [key.binding() for key in COMPARE_KEYS]

    class NewComparison(Message):
        """The reading thread has a newer one."""

        def __init__(self, comparison: Comparison) -> None:
            super().__init__()
            self.comparison = comparison

        def can_replace(self, message: Message) -> bool:
            """One that was not drawn in time is not drawn at all."""
            return isinstance(message, CompareApp.NewComparison)

    def __init__(self, source: Source, look: Look = DEFAULT_LOOK) -> None:
        super().__init__(source, look)
        self.newest: Comparison | None = None
        self._frozen: Comparison | None = None

    @property
    def shows(self) -> str:
        """`recycling-thread-pool`."""
        sides = self.newest.sides if self.newest else ()
        return "-".join(view.side.architecture.replace(":", "-") for view in sides) or "comparison"

    def get_default_screen(self) -> CompareScreen:
        """Textual's hook for the screen at the bottom of the stack."""
        return CompareScreen()

    @property
    def board(self) -> CompareScreen:
        """The screen with the panes, whatever lies over it."""
        return self.screen_stack[0]

    def on_compare_screen_ready(self) -> None:
        """There is something to draw on: read."""
        self._read()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        """The one thread that reads. It touches no widget: it posts."""
        for comparison in self.source.comparisons():
            self.post_message(self.NewComparison(comparison))

    def on_compare_app_new_comparison(self, message: NewComparison) -> None:
        """Draw it, unless the view is frozen."""
        if self.newest is None:
            self.note_drawn()
        self.newest = message.comparison
        if self._frozen is None:
            self.board.show(self.newest)
        else:
            self._show_frozen()

    def _show_frozen(self) -> None:
        since = counted(self.newest.score.decided - self._frozen.score.decided, "request")
        self.board.show_banner(f" VIEW FROZEN, the servers run on, {since} decided since; space moves on")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        return None if action == "freeze" and self.newest is None else True

    def action_freeze(self) -> None:
        """Freeze the view, or move on to the newest comparison."""
        if self._frozen is None:
            self._frozen = self.newest
            self._show_frozen()
        else:
            self._frozen = None
            self.board.show_banner("")
            self.board.show(self.newest)
