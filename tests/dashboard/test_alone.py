"""One pane alone: maximised for reading, presented for the back row."""

from dataclasses import replace

import pytest
from demo.pictures import header, picture, recycling, snapshot, thread
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.look import Look
from teachserve.dashboard.panes.load import LoadPane
from teachserve.dashboard.plain import in_ascii
from teachserve.dashboard.present import FIGURES, big, numbers
from teachserve.dashboard.themes import DARK, LIGHT
from teachserve.dashboard.views import VIEWS
from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.snapshot import QueueView

from .board import Given, play, screen_text, show


def test_m_gives_the_focused_pane_the_middle_and_keeps_the_counts() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        before = screen_text(app)
        low = app.board.main_pane.size.height
        await pilot.press("m")
        text = screen_text(app)
        assert "o accepting 3" in text
        assert "Requests/s" not in text
        assert app.board.main_pane.size.height > low
        await show(app, pilot, picture(recycling(accepting=5)))
        assert "o accepting 5" in screen_text(app)
        await show(app, pilot, picture())
        await pilot.press("m")
        assert screen_text(app) == before

    play(picture(), story)


def test_a_small_pane_can_be_maximised_too_and_esc_gives_the_others_back() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.query_one(LoadPane).focus()
        await pilot.press("m")
        assert "100 clients, close" in screen_text(app)
        assert "worker-2" not in screen_text(app)
        await pilot.press("escape")
        assert "worker-2" in screen_text(app)

    play(picture(), story)


@pytest.mark.parametrize("key", ["m", "P"])
def test_a_pane_stays_alone_in_every_view(key: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press(key)
        for other in VIEWS:
            await pilot.press(other.key)
            shown = [pane for pane in app.board._panes[other.name] if pane.size.height]
            assert shown == [app.board.main_pane]

    play(picture(), story)


def test_p_shows_four_big_numbers_the_sentence_and_one_pane_in_light_and_gives_all_back() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        before = screen_text(app)
        await pilot.press("P")
        app.clear_notifications()
        await pilot.pause()
        text = screen_text(app)
        assert app.theme == LIGHT.name
        for words in ("o accepting", "# serving", "k accept queue", "requests/s", "3 of 11 workers block", "worker-2"):
            assert words in text
        assert all(line.rstrip() in text for line in big("7001"))
        assert "Link       live" in text
        await pilot.press("escape")
        assert app.theme == DARK.name
        app.clear_notifications()
        await pilot.pause()
        assert screen_text(app) == before

    play(picture(), story)


def test_p_again_restores_a_theme_that_was_light_before() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("P", "m")
        assert app.theme == LIGHT.name
        await pilot.press("P", "P")
        assert app.theme == LIGHT.name
        assert app.board.alone == ""

    play(picture(), story, dark=False)


def test_presenter_mode_can_be_asked_for_and_says_that_the_view_is_frozen() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert app.board.alone == "present"
        await pilot.press("space")
        assert "VIEW FROZEN" in screen_text(app)

    play(picture(), story, look=Look(present=True))


def test_an_event_loop_has_numbers_that_make_sense_for_it() -> None:
    loop = snapshot([thread(1, State.SELECTING, "loop")], header=header("event-loop", "loop"))
    loop = replace(
        loop, flows={(State.SELECTING, State.READING): 7}, counters=loop.counters | {"watched_in_progress": 42}
    )
    told = numbers(picture(loop))
    assert [(one.label, one.text) for one in told[:2]] == [("s selecting", "1"), ("# in progress", "42")]


def test_what_the_kernel_does_not_tell_is_n_a_and_nobody_accepting_is_an_alarm() -> None:
    told = numbers(picture(recycling(accepting=0), accept_queue=AcceptQueue(unavailable="only Linux tells")))
    assert told[2].text == "n/a"
    assert told[0].style == "alarm"


def test_who_waits_in_a_queue_of_ours_is_counted_with_those_in_the_kernels() -> None:
    pool = recycling(accepting=1)
    pool = replace(pool, flows={(State.WAITING, State.READING): 7}, queues={"connections": QueueView(96, 103, 0, 96)})
    told = numbers(picture(pool, accept_queue=AcceptQueue(3, 2048, 0)))
    assert (told[2].label, told[2].text) == ("kq in queues", "99")
    pool = replace(pool, flows={(State.WAITING, State.CREATING): 7})
    assert numbers(picture(pool, accept_queue=AcceptQueue(3, 2048, 0)))[2].text == "3"


def test_figures_are_of_one_size_and_no_two_look_the_same() -> None:
    assert {tuple(map(len, figure)) for figure in FIGURES.values()} == {(3, 3, 3)}
    assert len(set(FIGURES.values())) == 10
    assert len({tuple(map(in_ascii, figure)) for figure in FIGURES.values()}) == 10


@pytest.mark.parametrize(("key", "words"), [("c", "Controls:"), ("m", "o accepting 3"), ("P", "k accept queue")])
def test_what_is_asked_for_over_a_thread_s_own_screen_is_seen(key: str, words: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("down", "enter")
        assert len(app.screen_stack) == 2
        await pilot.press(key)
        assert len(app.screen_stack) == 1
        assert words in screen_text(app)

    play(picture(), story)
