"""The dashboard's one screen: it lays the panes out and gives each that is in view the newest picture."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.widgets import Static

from teachserve.dashboard.chosen import Chosen
from teachserve.dashboard.commands import Answered
from teachserve.dashboard.control import ControlPane
from teachserve.dashboard.panes.charts import ChartsPane
from teachserve.dashboard.panes.code import CodePane
from teachserve.dashboard.panes.connection import ConnectionPane
from teachserve.dashboard.panes.connections import ConnectionTable
from teachserve.dashboard.panes.counts import CountsPane
from teachserve.dashboard.panes.diagram import DiagramPane
from teachserve.dashboard.panes.events import EventsPane
from teachserve.dashboard.panes.footer import FooterPane
from teachserve.dashboard.panes.header import HeaderPane
from teachserve.dashboard.panes.kernel import KernelStates, KernelThreads, KernelWords
from teachserve.dashboard.panes.lanes import LanesPane
from teachserve.dashboard.panes.lints import LintsPane
from teachserve.dashboard.panes.load import LoadPane
from teachserve.dashboard.panes.places import PlacesPane
from teachserve.dashboard.panes.queues import QueuesPane
from teachserve.dashboard.panes.rates import RatesPane
from teachserve.dashboard.panes.replay import ReplayPane
from teachserve.dashboard.panes.status import StatusPane
from teachserve.dashboard.panes.story import StoryPane
from teachserve.dashboard.panes.tabs import TabsPane
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.dashboard.panes.vitals import VitalsPane
from teachserve.dashboard.panes.waiting import WaitingPane
from teachserve.dashboard.panes.witness import WitnessPane
from teachserve.dashboard.present import NumbersPane
from teachserve.dashboard.views import OPENING, VIEWS
from teachserve.demo.picture import Picture
from teachserve.demo.replay import Player

SMALLEST = (60, 16)
PLAYER_S = 0.1
MAXIMISED, PRESENT = "maximised", "present"

# What each view is made of; beside it, where the terminal is wide enough, what goes with it.
BODIES: dict[str, tuple[tuple[Callable[[], Widget], ...], tuple[Callable[[], Widget], ...]]] = {
    "places": ((VitalsPane, WaitingPane, PlacesPane), (ThreadTable,)),
    "threads": ((CountsPane, QueuesPane, RatesPane, LoadPane, ThreadTable, WitnessPane), (WitnessPane, EventsPane)),
    "connections": ((QueuesPane, WaitingPane, ConnectionTable), (ConnectionPane,)),
    "lanes": ((CountsPane, LanesPane), ()),
    "code": ((CodePane,), (ThreadTable,)),
    "diagram": ((DiagramPane,), (ThreadTable,)),
    "charts": ((ChartsPane,), ()),
    "events": ((LintsPane, EventsPane), ()),
    "kernel": ((QueuesPane, KernelStates, KernelWords, KernelThreads), ()),
}


class DashboardScreen(Screen[None], inherit_bindings=False):  # every key is in the one table
    """Complete at 80x24; below 60x16 a sentence; from 120 columns on, more beside the view."""

    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-too-narrow"), (SMALLEST[0], "-narrow"), (120, "-wide"), (160, "-widest")]
    VERTICAL_BREAKPOINTS: ClassVar = [(0, "-too-low"), (SMALLEST[1], "-low"), (24, "-high")]

    view: reactive[str] = reactive(OPENING, init=False)
    alone: reactive[str] = reactive("", init=False)
    """MAXIMISED or PRESENT: one pane has the whole middle; "": all of the view's."""

    class Ready(Message):
        """The panes are there."""

    class Viewed(Message):
        """Another view is shown."""

    def compose(self) -> ComposeResult:
        yield HeaderPane()
        yield TabsPane()
        yield NumbersPane(classes="-off")
        yield StoryPane()
        yield CountsPane(id="counts", classes="-off")
        with Container(id="middle"):
            for name, (main, side) in BODIES.items():
                with Container(id=f"view-{name}", classes="view"):
                    with Container(classes="main"):
                        yield from (pane() for pane in main)
                    if side:
                        with Container(classes="side"):
                            yield from (pane() for pane in side)
            yield ControlPane(classes="-off")
        yield StatusPane()
        yield ReplayPane()
        yield FooterPane()
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """The panes do not come and go: find them once, not ten times a second."""
        shared = (HeaderPane, TabsPane, StoryPane, StatusPane, ReplayPane)
        self._shared = [self.query_one(pane) for pane in shared]
        self._header, self._tabs, self._story, self._status, self._replay = self._shared
        self._sometimes = [self.query_one(pane) for pane in (NumbersPane, "#counts", ControlPane)]
        self._numbers, self._counts, self.control = self._sometimes
        self._panes = {
            name: [pane for pane in self.query(f"#view-{name} *") if hasattr(pane, "picture")] for name in BODIES
        }
        self._newest: Picture | None = None
        self._small = False
        self._chosen = Chosen()
        self.watch_view()
        self.post_message(self.Ready())

    def watch_view(self) -> None:
        """Show this view, and no other; what in it can be scrolled hears the keys."""
        for name in BODIES:
            self.query_one(f"#view-{name}").set_class(name != self.view, "-other")
        self._tabs.view = self.view
        if self.focused is not self.control:
            self.set_focus(self.main_pane)
        self._leave_alone(self.main_pane)
        self.refresh_panes()
        self.show_chosen(self._chosen)
        self.post_message(self.Viewed())

    def watch_alone(self) -> None:
        """One pane gets the middle: the one with the focus, where that is part of the view."""
        self._leave_alone(self.focused if self.focused in self._panes[self.view] else self.main_pane)
        self.call_after_refresh(self.refresh_panes)

    def _leave_alone(self, chosen: Widget) -> None:
        # On each that it concerns and not on the screen, which would look up the style of every widget and word anew.
        presented = self.alone == PRESENT
        self._header.set_class(presented, "-one-line")
        self._tabs.set_class(presented, "-off")
        self._numbers.set_class(not presented, "-off")
        self._counts.set_class(self.alone != MAXIMISED, "-off")
        for name in BODIES:
            self.query_one(f"#view-{name}").set_class(bool(self.alone) and name == self.view, "-alone")
        for pane in self._panes[self.view]:
            pane.set_class(pane is chosen, "-chosen")
            pane.parent.set_class(chosen.parent is pane.parent, "-holds")

    def show_control(self, shown: bool) -> None:
        """Open the controls over the view, or close them."""
        self.control.set_class(not shown, "-off")
        for side in self.query(".side"):
            side.set_class(shown, "-covered")
        self._focus_on_view()
        self.call_after_refresh(self.refresh_panes)

    def _focus_on_view(self) -> None:
        self.set_focus(self.main_pane if self.control.has_class("-off") else self.control)

    def refresh_panes(self) -> None:
        """Give what has come into view the newest picture."""
        if self._newest is not None:
            self.show(self._newest)

    @property
    def main_pane(self) -> Widget:
        """What the view is about: the list in it, where there is one, else its last pane."""
        panes = list(self.query(f"#view-{self.view} .main > *"))
        return next((pane for pane in panes if isinstance(pane, ScrollView)), panes[-1])

    def on_tabs_pane_chosen(self, message: TabsPane.Chosen) -> None:
        """A click on a view's name."""
        self.view = message.view

    def on_diagram_pane_picked(self, message: DiagramPane.Picked) -> None:
        """A part of the diagram is chosen: the lists show its threads alone, and the code its line."""
        for table in self.query(ThreadTable):
            table.show_only(message.words)
        code = self.query_one(CodePane)
        code.cursor = message.line

    def on_resize(self, event: events.Resize) -> None:
        """A terminal that is too small gets a sentence instead of a torn picture."""
        width, height = event.size
        self.call_after_refresh(self.refresh_panes)  # a column may have come into view
        was_small, self._small = self._small, width < SMALLEST[0] or height < SMALLEST[1]
        if was_small and not self._small:  # what was hidden has lost the focus
            self.call_after_refresh(self._focus_on_view)
        wanted = " x ".join(map(str, SMALLEST))
        self.query_one("#too-small", Static).update(
            f"This terminal has {width} x {height} cells. The dashboard needs {wanted}: make it larger, or q quits."
        )

    @property
    def shown(self) -> Picture | None:
        """The picture that stands on the screen."""
        return self._newest

    @property
    def complete(self) -> bool:
        """Whether the view, or a pane in it as it stands, needs every event."""
        view = any(view.complete for view in VIEWS if view.name == self.view)
        return view or any(getattr(pane, "complete", False) for pane in self._panes[self.view])

    def show(self, picture: Picture) -> None:
        """Draw this picture. A pane that is not in view gets it when it comes into view.

        One that drew all the same, in a column that is hidden, would make Textual lose what has to be drawn anew: a box
        with a message stayed after its time.
        """
        self._newest = picture
        for pane in (*self._shared, *self._panes[self.view], *self._sometimes):
            if pane.display and pane.parent.display:
                pane.picture = picture

    def show_chosen(self, chosen: Chosen, besides: Widget | None = None) -> None:
        """Light what is chosen in every pane that can, but not in the one that has done so already."""
        self._chosen = chosen
        for pane in self._panes[self.view]:
            if hasattr(pane, "chosen") and pane is not besides:
                pane.chosen = chosen

    def show_banner(self, text: str) -> None:
        """A line in the header that hides the options while it is there."""
        self._header.banner = text

    def show_refusal(self, why_not: str) -> None:
        """The server does not send every event; "": it does, or may yet."""
        for pane in self._panes[self.view]:
            if hasattr(pane, "refusal"):
                pane.refusal = why_not
                pane.watch_picture()

    def on_answered(self, message: Answered) -> None:
        """What became of the question for every event."""
        self.show_refusal(message.why_not)

    def show_player(self, player: Player) -> None:
        """This is a replay: where it stands takes the place of the link to a server."""
        self._replay.player = self._story.player = player
        self.set_class(True, "-replay")
        for pane in (self._replay, self._story):
            self.set_interval(PLAYER_S, pane.watch_picture)

    def stand_still(self, frozen: bool) -> None:
        """The view was frozen, or moves on."""
        self._story.frozen = frozen
        self._story.watch_picture()

    def show_silence(self, seconds: float) -> None:
        """How long the server has not said anything."""
        self._status.silent_s = seconds
