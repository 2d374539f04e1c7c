"""The dashboard's one screen: it lays the panes out and gives each of them the newest picture."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from teachserve.dashboard.line_pane import LinePane
from teachserve.dashboard.panes.counts import CountsPane
from teachserve.dashboard.panes.events import EventsPane
from teachserve.dashboard.panes.header import HeaderPane
from teachserve.dashboard.panes.load import LoadPane
from teachserve.dashboard.panes.queues import QueuesPane
from teachserve.dashboard.panes.rates import RatesPane
from teachserve.dashboard.panes.status import StatusPane
from teachserve.dashboard.panes.story import StoryPane
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.dashboard.panes.witness import WitnessPane
from teachserve.demo.picture import Picture

SMALLEST = (60, 16)


class DashboardScreen(Screen[None]):
    """Complete at 80x24; below 60x16 a sentence; from 120 columns on, the kernel and the events stand at the right."""

    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-too-narrow"), (SMALLEST[0], "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar = [(0, "-too-low"), (SMALLEST[1], "-low"), (24, "-high")]

    class Ready(Message):
        """The panes are there."""

    def compose(self) -> ComposeResult:
        yield HeaderPane()
        yield StoryPane()
        yield CountsPane()
        yield QueuesPane()
        yield RatesPane()
        yield LoadPane()
        with Container(id="body"):
            yield ThreadTable()
            with Container(id="side"):
                yield WitnessPane()
                yield EventsPane()
        yield StatusPane()
        yield Footer(show_command_palette=False)
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """The panes do not come and go: find them once, not ten times a second."""
        self._table = self.query_one(ThreadTable)
        self._panes = list(self.query(LinePane))
        self._header = self.query_one(HeaderPane)
        self._status = self.query_one(StatusPane)
        self._table.focus()
        self.post_message(self.Ready())

    def on_resize(self, event: events.Resize) -> None:
        """A terminal that is too small gets a sentence instead of a torn picture."""
        width, height = event.size
        wanted = " x ".join(map(str, SMALLEST))
        self.query_one("#too-small", Static).update(
            f"This terminal has {width} x {height} cells. The dashboard needs {wanted}: make it larger, or q quits."
        )

    def show(self, picture: Picture) -> None:
        """Draw this picture."""
        for pane in self._panes:
            pane.picture = picture
        self._table.picture = picture

    def show_banner(self, text: str) -> None:
        """A line in the header that hides the options while it is there."""
        self._header.banner = text

    def show_silence(self, seconds: float) -> None:
        """How long the server has not said anything."""
        self._status.silent_s = seconds
