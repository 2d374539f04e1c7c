"""The names of the views with their keys; the one that is shown stands out, and a click shows another."""

from textual import events
from textual.message import Message
from textual.reactive import reactive

from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.views import OPENING, VIEWS, View
from teachserve.demo.picture import Picture


class TabsPane(LinePane):
    """One line: `1 Places  2 Threads  3 Connections`."""

    can_focus = False

    view: reactive[str] = reactive(OPENING, repaint=False, init=False)

    class Chosen(Message):
        """Somebody clicked on a view's name."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def watch_view(self) -> None:
        """Another view is shown."""
        self.watch_picture()

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        gap = self._gap(width)
        line: Line = []
        for view in VIEWS:
            line += [(f"{self._told(view, width)}{gap}", "banner" if view.name == self.view else "label"), (gap, "")]
        return [line]

    @staticmethod
    def _gap(width: int) -> str:
        """Behind each name, twice; none where all of them would have no room then."""
        return " " if sum(len(f" {view.key} {view.label}  ") for view in VIEWS) <= width else ""

    @staticmethod
    def _told(view: View, width: int) -> str:
        """Brief where all of them would have no room."""
        whole = sum(len(f" {one.key} {one.label}") for one in VIEWS) <= width
        return f" {view.key} {view.label if whole else view.brief or view.label}"

    def on_click(self, event: events.Click) -> None:
        """The view whose name lies there."""
        x, gap = event.get_content_offset_capture(self).x, self._gap(self.size.width)
        for view in VIEWS:
            x -= len(f"{self._told(view, self.size.width)}{gap * 2}")
            if x < 0:
                self.post_message(self.Chosen(view.name))
                return
