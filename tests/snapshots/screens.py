"""The screens of recorded traces as text: what each view shows, at several sizes, plain, light and in ASCII.

`python -m tests.snapshots.screens` draws them anew; look at the difference before you commit it. The traces were recorded
with `teachserve demo --arch NAME OPTIONS --headless --duration 3s --record FILE`; with --tables-only where no view needs more.
The paths of the sources were made relative to the project.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.look import Look
from teachserve.demo.picture import Picture
from teachserve.demo.playback import Playback
from teachserve.observe.trace import Trace
from tests.dashboard.board import drawn, screen_text

STEADY = 5
"""So many times a screen must be found as it was: another view takes a layout, then a drawing."""
FOLDER = Path(__file__).parent
DARK, LIGHT, ASCII, PLAIN = Look(), Look(theme="light"), Look(ascii=True), Look(colour=False)


class Screen(NamedTuple):
    """One screen: the trace and its moment in seconds, the view, the terminal's size, the look."""

    trace: str
    at_s: float
    view: str
    size: tuple[int, int] = (80, 24)
    look: Look = DARK
    note: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        width, height = self.size
        return f"{self.trace}-{self.view}-{width}x{height}{self.note}"

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return FOLDER / "screens" / f"{self.name}.txt"


VIEWS = ("places", "threads", "lanes", "code", "diagram", "charts", "events", "kernel")
ARCHITECTURES = ("thread-per-connection", "thread-pool", "event-loop", "single-thread")
SCREENS = (
    *(Screen("recycling", 2.5, view) for view in VIEWS),
    *(Screen("recycling", 2.5, view, (120, 40)) for view in VIEWS),
    Screen("recycling", 2.5, "places", (160, 50)),
    Screen("recycling", 2.5, "threads", look=LIGHT, note="-light"),
    Screen("recycling", 2.5, "places", look=PLAIN, note="-no-color"),
    *(Screen("recycling", 2.5, view, look=ASCII, note="-ascii") for view in VIEWS),
    *(Screen(trace, 2.5, "places") for trace in ARCHITECTURES),
    Screen("connections", 2.0, "connections"),
    Screen("connections", 2.0, "connections", (120, 40)),
)


def picture_of(screen: Screen) -> Picture:
    """What was known at the screen's moment. The server's source is looked for in this checkout."""
    playback = Playback(Trace(FOLDER / "traces" / f"{screen.trace}.trace"))
    try:
        picture = playback.picture(int(screen.at_s * 1e6))
    finally:
        playback.close()
    header, root = picture.snapshot.header, FOLDER.parents[1]
    sources = {str(root / file): digest for file, digest in header.sources.items()}
    here = replace(header, source_file=str(root / header.source_file), sources=sources)
    return replace(picture, snapshot=replace(picture.snapshot, header=here))


class Still:
    """A source of one picture."""

    controls = player = None

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def pictures(self):
        yield self._picture

    def close(self) -> None:
        """Nothing to leave."""

    def send(self, command: str, **fields: object) -> str:
        """Nobody to ask."""
        return ""


def draw(screen: Screen) -> str:
    """The screen's text, every line to its last character."""

    async def run() -> str:
        app = Dashboard(Still(picture_of(screen)), screen.look, clock=lambda: 0.0)
        async with app.run_test(size=screen.size) as pilot:
            while app.newest is None:
                await pilot.pause()
            app.board.view = screen.view
            text, same = "", 0
            while same < STEADY:
                await drawn(app)
                now = screen_text(app) + "\n"
                text, same = now, same + 1 if now == text else 0
            return text

    return asyncio.run(run())


def main() -> None:
    """Draw all of them anew."""
    wanted = {screen.file for screen in SCREENS}
    for stale in set((FOLDER / "screens").glob("*.txt")) - wanted:
        stale.unlink()
    for screen in SCREENS:
        text = draw(screen)
        if not screen.file.exists() or screen.file.read_text() != text:
            screen.file.write_text(text)
            print(screen.file.relative_to(FOLDER), file=sys.stderr)


if __name__ == "__main__":
    main()
