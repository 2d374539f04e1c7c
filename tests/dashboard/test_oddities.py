"""Terminals as they are: dragged about, a few cells large, without colours, with a key held down."""

from pathlib import Path

import pytest
from demo.pictures import picture, recycling
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.keys import KEYS

from .board import Given, play, screen_text, show

SIZES = [(1, 1), (200, 60), (20, 5), (300, 3), (60, 16), (3, 300), (120, 24), (59, 16)]
LEAVES = ("end", "end_at_once")


@pytest.mark.parametrize("keys", [[], ["c"], ["P"], ["question_mark"], ["ctrl+p"]], ids="".join)
def test_a_terminal_that_is_dragged_about_ends_with_the_same_screen(keys: list[str]) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.say = lambda text: None  # a box that goes while the pilot waits for it holds the pilot up
        before = screen_text(app).split("\n")
        await pilot.press(*keys)
        for size in SIZES:
            await pilot.resize_terminal(*size)
        await pilot.press("escape")
        await pilot.resize_terminal(1, 1)
        await show(app, pilot, picture(recycling(20)))
        await pilot.resize_terminal(80, 24)
        await show(app, pilot, picture())
        assert screen_text(app).split("\n") == before

    play(picture(), story, view="events")


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (59, 15), (300, 3)])
def test_a_terminal_that_is_too_small_for_anything_can_still_be_left(size: tuple[int, int]) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        lines = screen_text(app).split("\n")
        assert len(lines) == size[1]
        assert max(map(len, lines)) <= size[0]
        for key in ("c", "P", "m", "question_mark", "escape", "escape", "space", "q"):
            await pilot.press(key)
        assert app._exit

    assert "close" in play(picture(), story, size).asked


def test_no_key_that_is_held_down_does_any_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = dict.fromkeys(key for one in KEYS if one.action not in LEAVES for key in one.keys.split(","))

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for key in keys:
            for _ in range(10):
                app.simulate_key(key)
            await pilot.pause()
        while len(app.screen_stack) > 1:
            app.pop_screen()
        await show(app, pilot, picture(recycling(accepting=5)))
        if app._frozen_at is not None:
            await pilot.press("space")
        assert app.newest.snapshot.states["accepting"] == 5

    play(picture(), story)
