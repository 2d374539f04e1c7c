"""A dashboard without a terminal: pictures go in, text comes out."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.demo.picture import Picture


class Given:
    """A source of pictures that the test made up; it notes what the keys asked for."""

    def __init__(self, first: Picture) -> None:
        self.first = first
        self.asked: list[str] = []
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
        self.asked.append("close")
        self.closed.set()

    def send(self, command: str, **fields: object) -> str:
        self.asked.append(" ".join([command, *(f"{value}" for value in fields.values())]))
        return self.refusal

    def stop(self) -> None:
        self.asked.append("stop")

    def abandon(self) -> None:
        self.asked.append("abandon")

    def scale_connections(self, factor: float) -> str:
        self.asked.append(f"connections {factor:g}")
        return "200 connections"

    def scale_rate(self, factor: float) -> str:
        self.asked.append(f"rate {factor:g}")
        return "rate 2000"


Story = Callable[[Dashboard, Pilot, Given], Awaitable[None]]


def play(
    first: Picture, story: Story, size: tuple[int, int] = (80, 24), dark: bool = True, view: str = "threads"
) -> Given:
    """Run the dashboard on a terminal of this size, with this picture, for as long as the story goes."""

    async def run() -> Given:
        source = Given(first)
        app = Dashboard(source, dark, clock=lambda: source.now)
        async with app.run_test(size=size) as pilot:
            while app.newest is None:
                await pilot.pause()
            app.board.view = view
            await pilot.pause()
            try:
                await story(app, pilot, source)
            finally:
                source.closed.set()
        return source

    return asyncio.run(run())


async def show(app: Dashboard, pilot: Pilot, picture: Picture) -> None:
    """Another picture comes in, as from the thread that reads."""
    app.post_message(Dashboard.NewPicture(picture))
    await pilot.pause()
    await pilot.pause()


def screen_text(app: Dashboard) -> str:
    """What stands on the screen, line by line, as a person would read it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def text_of(first: Picture, size: tuple[int, int] = (80, 24), dark: bool = True, view: str = "threads") -> str:
    """The screen's text for one picture."""
    found: list[str] = []

    async def look(app: Dashboard, pilot: Pilot, source: Given) -> None:
        found.append(screen_text(app))

    play(first, look, size, dark, view)
    return found[0]
