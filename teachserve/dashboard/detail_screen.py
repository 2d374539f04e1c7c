"""A screen over the dashboard that shows one thread, or one connection, for as long as it is open; it stays live."""

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from teachserve.dashboard.keys import bindings
from teachserve.dashboard.line_pane import Line, LinePane, length, spread
from teachserve.demo.picture import Picture
from teachserve.demo.wording import first_that_fits

BACK = "Esc back"
CAPITALS = re.compile(r"[A-Z]{2,}(?: [A-Z]{2,})*")
"""What a banner says where there is little room: VIEW FROZEN, SLOWED."""


class TitlePane(LinePane):
    """One line: what is shown, or the banner while the view is frozen; and how to leave."""

    can_focus = False
    banner = ""
    past = ""
    """What is said once another server has taken the place of the one that is shown."""

    def title(self, picture: Picture) -> Line:
        """What is shown."""
        return self.screen.title_of(picture)

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        left = self.title(picture)
        room = width - len(BACK) - 2
        if told := self.past or self.banner:
            short = f" {'; '.join(CAPITALS.findall(told)) or told.split(':')[-1].strip()} "
            while len(left) > 1 and length(left) + 2 + len(short) > room:
                left = left[:-1]
            left = [*left, ("  ", ""), (first_that_fits(room - length(left) - 2, told, short), "banner")]
        return [spread(left, [(BACK, "label")], width)]


class DetailScreen(Screen[None]):
    """A title and one pane below it. `show` gives both the newest picture."""

    BINDINGS: ClassVar = bindings("detail")

    def __init__(self, pane: LinePane, picture: Picture) -> None:
        super().__init__()
        self.title_pane = TitlePane()
        self.pane = pane
        self._first = picture

    def compose(self) -> ComposeResult:
        yield self.title_pane
        yield self.pane

    def on_mount(self) -> None:
        """It shows at once what the dashboard shows."""
        self.set_focus(self.pane)
        self.show(self._first)

    def title_of(self, picture: Picture) -> Line:
        """What the title says."""
        raise NotImplementedError

    def show(self, picture: Picture) -> None:
        """Draw this picture; the title follows what the pane has found in it. That of another server is none of it."""
        if not picture.of_server(self._first):
            self.title_pane.past = " as it was: another server runs now "
            self.title_pane.watch_picture()
            return
        self.pane.picture = picture
        self.title_pane.picture = picture

    def show_banner(self, text: str) -> None:
        """A line in the title, "" for none."""
        if text != self.title_pane.banner:
            self.title_pane.banner = text
            self.title_pane.watch_picture()
            self.pane.watch_picture()

    def action_leave(self) -> None:
        """Back to the view."""
        self.dismiss()
