"""A recording in the dashboard: the same views, and keys that move in time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from demo.test_playback import play as recorded
from demo.test_playback import watched
from textual.pilot import Pilot
from textual.widgets import Input

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.look import Look
from teachserve.dashboard.palette import Everything
from teachserve.dashboard.panes.replay import progress, shown, where
from teachserve.dashboard.playing import moment
from teachserve.demo.playback import Playback
from teachserve.demo.replay import Player, Replay

from .board import screen_text


@pytest.fixture
def playback(tmp_path: Path) -> Iterator[Playback]:
    rounds = [[(6, 0)], *[[(0, 0)] * 3] * 9]
    frames = watched(rounds, ended=False)
    for frame in frames:  # tables and what goes with them a second apart, so that seconds can be skipped
        if "at" in frame:
            frame["at"] *= 10_000
        for _, _, words in frame.get("batches", ()):
            words[::3] = [at * 10_000 for at in words[::3]]
        for row in frame.get("threads", ()) if frame["frame"] == "table" else ():
            row[5] *= 10_000
    with contextlib.closing(recorded(tmp_path / "t", frames)) as playback:
        yield playback


Story = Callable[[Dashboard, Pilot, Player], Awaitable[None]]


def run(playback: Playback, story: Story, look: Look | None = None, size: tuple[int, int] = (80, 24)) -> None:
    """The dashboard on a replay that stands still, on a clock that does so too."""

    async def tell() -> None:
        clock = SimpleNamespace(now=0.0)
        replay = Replay(playback, clock=lambda: clock.now)
        replay.player.toggle()
        app = Dashboard(replay, look or Look())
        async with app.run_test(size=size) as pilot:
            while not app.drawn.is_set():
                await pilot.pause()
            try:
                await story(app, pilot, replay.player)
            finally:
                replay.close()

    asyncio.run(tell())


async def until(app: Dashboard, pilot: Pilot, text: str) -> None:
    """This stands on the screen; the test's own time limit is the bound."""
    while text not in screen_text(app):
        app.board._replay.watch_picture()
        await pilot.pause()


def test_the_line_says_where_it_is_and_the_keys_move_it(playback: Playback) -> None:
    length = f"of {playback.length_us / 1e6:.1f} s, x1, paused"

    async def story(app: Dashboard, pilot: Pilot, player: Player) -> None:
        await until(app, pilot, f"REPLAY 0.0 {length}")
        await pilot.press("}")
        await until(app, pilot, f"REPLAY 1.0 {length}")
        await pilot.press("]")
        event = playback.next_us(1_000_000) / 1e6
        await until(app, pilot, f"REPLAY {event} {length}")
        assert player.at_s == event
        await pilot.press("[")
        await until(app, pilot, f"REPLAY {playback.before_us(round(event * 1e6)) / 1e6} {length}")
        await pilot.press("{", "{", "{")
        await until(app, pilot, f"REPLAY 0.0 {length}")
        await pilot.press("<", "<")
        assert player.speed == 0.25
        await pilot.press(">")
        await until(app, pilot, "x0.5, paused")
        await pilot.press("space")
        assert player.playing
        assert "FROZEN" not in screen_text(app)

    run(playback, story)


def test_a_moment_can_be_typed_and_what_is_none_is_said(playback: Playback) -> None:
    async def story(app: Dashboard, pilot: Pilot, player: Player) -> None:
        await pilot.press(":", "2", ".", "5", "enter")
        await until(app, pilot, "REPLAY 2.5 of")
        said: list[str] = []
        app.say = said.append
        await pilot.press(":", "s", "o", "o", "n", "enter")
        await pilot.pause()
        assert said == ["'soon' is no moment: type one such as 12.4, 2m, +5, -5 or 50%"]
        await pilot.press(":")
        assert app.screen.query_one(Input).placeholder.startswith("a moment, up to")
        await pilot.press("escape")
        assert player.at_s == 2.5

    run(playback, story)


def test_what_needs_a_server_is_not_offered_and_the_footer_fits(playback: Playback) -> None:
    async def story(app: Dashboard, pilot: Pilot, player: Player) -> None:
        footer = screen_text(app).splitlines()[-1]
        assert "[ ] Event" in footer
        assert ": Seek" in footer
        for word in ("Stop", "Load", "Control"):
            assert word not in footer
        offered = [command.name for command in Everything(app.screen).commands()]
        assert "seek (:)" in offered
        assert not [name for name in offered if name.startswith(("stop", "control", "soft stop"))]
        await pilot.press("X", "c", "+")
        assert app.board.control.display is False
        await pilot.press("?")
        await pilot.press("end")
        assert "asks for a moment" in screen_text(app).lower()

    run(playback, story)


def test_it_can_begin_with_a_view_and_a_thread(playback: Playback) -> None:
    async def story(app: Dashboard, pilot: Pilot, player: Player) -> None:
        assert app.board.view == "threads"
        assert app.chosen.thread == 1

    run(playback, story, Look(view="threads", thread=1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12.4", 12.4), ("12.4s", 12.4), (" 2m ", 120.0), ("+5", 15.0), ("-5", 5.0), ("-500ms", 9.5), ("50%", 30.0),
        ("", None), ("soon", None), ("+", None), ("50 percent", None),
    ],
)  # fmt: skip
def test_moments_as_people_type_them(text: str, found: float | None) -> None:
    assert moment(text, 10.0, 60.0) == found


def test_the_bar_shows_where_it_is_and_each_mark_and_the_moment_is_exact_where_it_stands() -> None:
    player = Player(60.0, clock=lambda: 0.0)
    player.marks_s = (0.0, 59.9)
    player.seek(30)
    assert "".join(text for text, _ in progress(player, 11)) == "|━━━━●────|"
    assert (shown(12.4, True), shown(12.345678, False), shown(12.0, False)) == ("12.4", "12.345678", "12.0")
    player.read_s = 3.0
    assert where(player) == [("reading 3.0 of 30.0 s", "alarm")]


def test_a_narrow_screen_leaves_the_bar_out(playback: Playback) -> None:
    async def story(app: Dashboard, pilot: Pilot, player: Player) -> None:
        await until(app, pilot, "REPLAY 0.0 of")
        assert "events complete" in screen_text(app)

    run(playback, story, size=(60, 24))


def test_the_sentence_of_a_replay_that_stands_still_is_about_the_moment_that_is_shown(playback: Playback) -> None:
    async def story(app: Dashboard, pilot: Pilot, player: Player) -> None:
        await pilot.press("}")
        await until(app, pilot, "REPLAY 1.0 of")
        for _ in range(4):
            await pilot.press("]")
            await pilot.pause()
            assert " ago)" not in screen_text(app)
        player.toggle()
        assert player.playing

    run(playback, story)
