"""A dashboard without a terminal: pictures go in, text comes out."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from textual.pilot import Pilot

from teachserve.architectures import NAMES
from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.look import Look
from teachserve.dashboard.window import LAYOUT
from teachserve.demo.picture import Picture
from teachserve.demo.replay import Player


class Adjustable(NamedTuple):
    """A control, as the dashboard is told of it."""

    name: str
    label: str
    sentence: str
    group: str
    choices: tuple[str, ...] = ()


class Adjusted:
    """Controls that note what was asked for. `reasons`: why one cannot be used now, by name."""

    all = (
        Adjustable("connections", "clients", "How many clients ask at the same time.", "Load"),
        Adjustable("rate", "rate", "Requests per second over all clients; none: a closed loop.", "Load"),
        Adjustable("keep-alive", "keep-alive", "Whether a client keeps its connection.", "Load"),
        Adjustable("delay", "delay", "How long the handler takes.", "Server"),
        Adjustable("standby", "standby", "Workers that may block in accept beside the one asked for.", "Server"),
        Adjustable("threads", "threads", "Workers of a thread pool.", "Server"),
        Adjustable("max-threads", "max-threads", "Threads that may serve at once.", "Server"),
        Adjustable("architecture", "architecture", "Starts another architecture.", "Server", tuple(NAMES)),
        Adjustable("slow", "slow motion", "Each verb of each thread takes so much longer.", "Time"),
        Adjustable("stop", "soft stop", "Nobody accepts; what was accepted is served.", "Stop"),
        Adjustable("abandon", "abandon", "What is in progress is given up.", "Stop"),
    )

    def __init__(self, asked: list[str]) -> None:
        self._asked = asked
        self.values = {"connections": 100, "rate": 0, "delay": 1}
        self.reasons = {"threads": "recycling has no fixed number of workers"}

    def value(self, name: str, picture: Picture) -> str:
        return str(self.values.get(name, 0))

    def reason(self, name: str, picture: Picture) -> str:
        if name in ("connections", "rate", "keep-alive") and picture.load is None:
            return "there is no load generator"
        return self.reasons.get(name, "")

    def change(self, name: str, direction: int, picture: Picture) -> str:
        self.values[name] = self.values.get(name, 0) + direction
        self._asked.append(f"{name} {direction:+}")
        return f"{name}: {self.values[name]}"

    def choose(self, name: str, value: str, picture: Picture) -> str:
        self._asked.append(f"{name} {value}")
        return f"{name}: {value}"


class Given:
    """A source of pictures that the test made up; it notes what the keys asked for."""

    player: Player | None = None

    def __init__(self, first: Picture) -> None:
        self.first = first
        self.asked: list[str] = []
        self.controls: Adjusted | None = Adjusted(self.asked)
        self.closed = threading.Event()
        self.refusal = ""
        """What `send` answers."""
        self.now = 0.0
        """The dashboard's clock, so that a slow machine is not taken for a silent server."""

    def pictures(self) -> Iterator[Picture]:
        """The first picture, and then none until the dashboard leaves; the test shows others by itself."""
        yield self.first
        self.closed.wait()

    def close(self) -> None:
        if not self.closed.is_set():  # asked again whenever it ends
            self.asked.append("close")
        self.closed.set()

    def send(self, command: str, **fields: object) -> str:
        self.asked.append(" ".join([command, *(f"{value}" for value in fields.values())]))
        return self.refusal

    def stop(self) -> None:
        self.asked.append("stop")

    def abandon(self) -> None:
        self.asked.append("abandon")


Story = Callable[[Dashboard, Pilot, Given], Awaitable[None]]


def play(
    first: Picture, story: Story, size: tuple[int, int] = (80, 24), dark: bool = True, view: str = "threads",
    look: Look | None = None,
) -> Given:  # fmt: skip
    """Run the dashboard on a terminal of this size, with this picture, for as long as the story goes."""
    look = look or Look("dark" if dark else "light")

    async def run() -> Given:
        source = Given(first)
        app = Dashboard(source, look, clock=lambda: source.now)
        async with app.run_test(size=size) as pilot:
            while app.newest is None:
                await pilot.pause()
            app.board.view = view
            await drawn(app)
            try:
                await story(app, pilot, source)
                while app._orders:
                    await pilot.pause()
            finally:
                source.closed.set()
        return source

    return asyncio.run(run())


async def show(app: Dashboard, pilot: Pilot, picture: Picture) -> None:
    """Another picture comes in, as from the thread that reads."""
    app.post_message(Dashboard.NewPicture(picture))
    await pilot.pause()
    await drawn(app)


async def drawn(app: Dashboard) -> None:
    """Until what there is to draw has been laid out and drawn; a scrollbar comes with a second layout."""
    for _ in range(2):
        for laying_out in [worker for worker in app.workers if worker.group == LAYOUT]:
            await laying_out.wait()
        done = asyncio.Event()
        app.board.call_after_refresh(app.board.call_after_refresh, done.set)
        await done.wait()


async def until(pilot: Pilot, true: Callable[[], bool]) -> None:
    """Go on until it is true; whoever waits in vain is ended by the test's time-out."""
    while not true():
        await pilot.pause()


def screen_text(app: Dashboard) -> str:
    """What stands on the screen, line by line, as a person would read it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def text_of(
    first: Picture, size: tuple[int, int] = (80, 24), dark: bool = True, view: str = "threads", look: Look | None = None
) -> str:
    """The screen's text for one picture."""
    found: list[str] = []

    async def see(app: Dashboard, pilot: Pilot, source: Given) -> None:
        found.append(screen_text(app))

    play(first, see, size, dark, view, look)
    return found[0]
