"""Enter on a thread: all that is known of it, live."""

from concurrent.futures import Future
from dataclasses import replace

from teachserve.dashboard.commands import Answered, Commands
from teachserve.dashboard.detail_screen import DetailScreen
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.thread_detail import Known, detail, over, title
from teachserve.demo.picture import Picture
from teachserve.observe.snapshot import ThreadView

FROZEN = "the view is frozen: the thread was not looked at before"
ENDED = "the thread has ended"
ASK_S = 1.0
"""How often the server is asked for the stack and the times."""


class ThreadPane(LinePane):
    """What `detail` makes of the thread. What was known of one that has ended is kept."""

    about = (
        "One thread: what it does, how its time divides, how long its requests took, on which line of which file it "
        "stands, its last moves, and what the kernel says of it."
    )
    words = ("connection", "sampled", "Kernel", "n/a")

    def __init__(self, thread: ThreadView) -> None:
        super().__init__()
        self.known = Known(thread)

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        known = self.known
        if known.inspection is None and not known.silence and self.app.frozen:
            known = replace(known, silence=FROZEN)
        elif known.silence and over(known):
            known = replace(known, silence=ENDED)  # the server's sentence would stand there three times
        return detail(picture, known, width, height)

    def watch_picture(self) -> None:
        """A newer picture: what it knows of the thread takes the place of what was known."""
        if self.picture is not None:
            snapshot, number = self.picture.snapshot, self.known.thread.number
            seen = snapshot.thread(number)
            self.known = replace(
                self.known,
                thread=seen or self.known.thread,
                gone=seen is None and self.known.thread.ended_at is None,
                inspection=snapshot.inspected.get(number) or self.known.inspection,
            )
        super().watch_picture()

    def on_answered(self, message: Answered) -> None:
        """The server, or the replay, says why it tells no more."""
        self.known = replace(self.known, silence=message.why_not)
        super().watch_picture()


class ThreadScreen(DetailScreen):
    """Asks the server for the thread's stack again and again, and for all its events, until it is left."""

    def __init__(self, thread: ThreadView, picture: Picture, commands: Commands) -> None:
        super().__init__(ThreadPane(thread), picture)
        self._number = thread.number
        self._commands = commands
        self._asking: Future[str] | None = None

    def title_of(self, picture: Picture) -> Line:
        return title(picture, self.pane.known)

    def on_mount(self) -> None:
        """All its events from now on."""
        self._commands.give("focus", self.pane, thread=self._number)
        self._ask()
        self.set_interval(ASK_S, self._ask)

    def on_unmount(self) -> None:
        """No more of them."""
        self._commands.give("focus", thread=None)

    def _ask(self) -> None:
        answered = self._asking is None or self._asking.done()  # a server that is stopped does not answer
        if answered and not over(self.pane.known):
            self._asking = self._commands.give("inspect", self.pane, thread=self._number)
