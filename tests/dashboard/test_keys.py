"""Every key does what its line in the help says."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from demo.pictures import picture, recycling
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.keys import EVERYWHERE, KEYS, REPLAY
from teachserve.dashboard.panes.footer import FooterPane
from teachserve.dashboard.panes.tabs import TabsPane
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.dashboard.themes import DARK, LIGHT
from teachserve.dashboard.views import VIEWS, View
from teachserve.events import State

from .board import Given, play, screen_text, show


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_number_or_a_click_on_its_name_shows_a_view(view: View) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press(view.key)
        assert app.board.view == view.name
        other = VIEWS[VIEWS.index(view) - 1]
        column = screen_text(app).split("\n")[2].index(f"{other.key} {other.brief or other.label}")
        await pilot.click(TabsPane, (column + 1, 0))
        assert app.board.view == other.name

    play(picture(), story)


def test_no_key_has_two_meanings() -> None:
    for where in {line.where for line in KEYS}:
        keys = [key for line in KEYS if line.where in (EVERYWHERE, where) for key in line.keys.split(",")]
        assert len(keys) == len(set(keys))


def test_the_footer_has_at_most_eight_keys() -> None:
    shown = [key for key in KEYS if key.footer]
    replayed = [key for key in shown if key.action.partition("(")[0] not in ("change", "stop", "control")]
    assert len([key for key in shown if key.where != REPLAY]) <= 8
    assert len(replayed) <= 8


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_q_and_ctrl_c_leave(key: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press(key)
        assert app._exit

    assert play(picture(), story).asked == ["close"]


def test_space_freezes_the_view_and_says_that_the_server_runs_on() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("space")
        assert "VIEW FROZEN, server running, 0 events since" in screen_text(app)
        later = recycling(accepting=7)
        flows = dict(later.flows)
        flows[(State.RECYCLING, State.ACCEPTING)] += 4213
        later = replace(later, flows=flows, at_s=later.at_s + 2)
        await show(app, pilot, picture(later))
        text = screen_text(app)
        assert "VIEW FROZEN, server running, 4213 events since" in text
        assert "o accepting 3" in text
        await pilot.press("space")
        text = screen_text(app)
        assert "FROZEN" not in text
        assert "o accepting 7" in text
        assert "7 of 11 workers block" in text

    play(picture(), story)


def test_a_click_on_a_key_of_the_footer_is_that_key() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for words, seen in (("c Control", "Controls:"), ("space Freeze", "VIEW FROZEN"), ("? Help", "Help:")):
            column = screen_text(app).split("\n")[-1].index(words)
            await pilot.click(FooterPane, (column + 1, 0))
            assert seen in screen_text(app)

    play(picture(), story)


def test_t_changes_the_theme() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert app.theme == DARK.name
        await pilot.press("T")
        assert app.theme == LIGHT.name
        table = app.query_one("#view-threads ThreadTable", ThreadTable)
        await pilot.pause()
        strip = table.render_line(1)
        backgrounds = {segment.style.bgcolor.triplet.hex.upper() for segment in strip}
        assert backgrounds == {LIGHT.background}
        await pilot.press("T")
        assert app.theme == DARK.name

    play(picture(), story)


def test_f8_saves_a_picture_named_for_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("f8")

    play(picture(), story)
    (saved,) = tmp_path.iterdir()
    assert saved.name.startswith("teachserve-recycling-")
    assert saved.suffix == ".svg"
    svg = saved.read_text()
    assert "accepting" in svg
    assert set(re.findall(r"(?:href|src)=|@import|@font-face|url\((?!#)", svg)) == set()


@pytest.mark.skipif(os.name == "nt", reason="needs a bound for the size of a file")
def test_where_the_disk_is_full_no_half_of_a_picture_is_left(tmp_path: Path) -> None:
    import resource

    file = tmp_path / "picture.svg"

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                app.save_picture(file)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    play(picture(), story)
    assert not file.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_picture_that_fails_takes_nothing_away_that_was_there_before(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    file.symlink_to("/dev/full")

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        with pytest.raises(OSError, match="No space left"):
            app.save_picture(file)

    play(picture(), story)
    assert file.is_symlink()


def test_f8_in_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("f8")
        await pilot.pause()
        assert [note.message for note in app._notifications if "could not save teachserve-" in note.message]

    play(picture(), story)


def test_x_stops_softly_and_x_again_abandons() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("X")
        await show(app, pilot, picture(replace(recycling(accepting=0), phase="stopping")))
        assert "Soft stop: nobody accepts any more" in screen_text(app)
        await pilot.press("X")
        await show(app, pilot, picture(replace(recycling(accepting=0), phase="stopped")))
        await pilot.press("X")

    assert play(picture(), story).asked == ["stop +1", "abandon +1"]


def test_plus_minus_less_and_greater_change_the_load() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("+", "-", ">", "<")

    assert play(picture(), story).asked == ["connections +1", "connections -1", "rate +1", "rate -1"]


def test_the_load_keys_do_nothing_where_there_is_no_load() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("+", ">")

    assert play(picture(load=None), story).asked == []


def test_a_server_that_falls_silent_is_noticed() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.now = 60.0
        while "silent" not in screen_text(app):
            await pilot.pause()
        assert "Link       silent for 60 s" in screen_text(app)

    play(picture(), story)


def test_a_timer_that_is_due_while_the_dashboard_closes_is_no_error() -> None:
    closed: list[Dashboard] = []

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        closed.append(app)

    play(picture(), story)
    assert closed[0].screen_stack == []
    closed[0]._keep_level()
    closed[0]._listen_for_silence()
