"""Enter or y on a connection: its path, and why it took as long as it did."""

from teachserve.dashboard.detail_screen import DetailScreen
from teachserve.dashboard.line_pane import Line
from teachserve.dashboard.panes.connection import ConnectionPane, title
from teachserve.demo.picture import Picture


class ConnectionScreen(DetailScreen):
    """One connection, live; once it has ended it stays as it was."""

    def __init__(self, number: int, picture: Picture) -> None:
        super().__init__(ConnectionPane(number), picture)
        self._number = number
        self.pane.picture = picture  # at once: it may be gone before the screen is there

    def title_of(self, picture: Picture) -> Line:
        return title(picture, self._number)
