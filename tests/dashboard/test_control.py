"""The controls: what a person can change is listed with its value, and what cannot be changed says why."""

import threading
from dataclasses import replace

import pytest
from demo.pictures import picture, recycling
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.control import VALUE_AT, ControlPane, control_line
from teachserve.dashboard.ordering import MOST_ORDERS

from .board import Adjusted, Given, play, screen_text, show


def row_of(app: Dashboard, label: str) -> int:
    """The line of the pane in which this control stands."""
    number = [control.label for control in Adjusted.all].index(label)
    return 1 + number - app.board.control._first


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_c_lists_every_control_with_its_value_and_leaves_the_view_to_be_seen(size: tuple[int, int]) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        before = screen_text(app)
        await pilot.press("c")
        text = screen_text(app)
        assert [control.label for control in Adjusted.all if control.label not in text] == []
        assert "clients       < 100 >" in text
        assert "soft stop     [ Enter ]" in text
        assert "How many clients ask at the same time." in text
        assert "threads       < 0 >  recycling has no" in text
        assert "7001 requests/s" in text
        assert "Connections r reading 2" in text
        await pilot.press("escape")
        assert screen_text(app) == before

    play(picture(), story, size, view="places")


def test_where_there_is_room_the_controls_stand_beside_the_view_and_not_on_it() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("c")
        assert not app.board.main_pane.region.overlaps(app.board.control.region)

    play(picture(), story, (120, 40))


def test_the_arrows_choose_and_change() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("c", "right", "right", "down", "left", "up", "up", "left")
        while app._orders:
            await pilot.pause()
        assert "clients       < 101 >" in screen_text(app)

    assert play(picture(), story).asked == ["connections +1", "connections +1", "rate -1", "connections -1"]


def test_an_action_wants_enter_so_that_no_arrow_stops_the_server() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("c", *["down"] * 20, "right", "left", "up", "left", "right")
        assert source.asked == []
        await pilot.press("enter", "down", "enter")

    assert play(picture(), story).asked == ["stop +1", "abandon +1"]


def test_what_cannot_be_used_now_says_why_and_does_nothing() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("c", *["down"] * 5)
        assert "threads, not now: recycling has no fixed number of workers" in screen_text(app)
        await pilot.press("right")
        assert [note.message for note in app._notifications] == ["recycling has no fixed number of workers"]

    assert play(picture(), story).asked == []


def test_the_mouse_chooses_a_row_and_changes_at_its_arrows() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("c")
        delay = row_of(app, "delay")
        await pilot.click(ControlPane, (12, delay))
        assert app.board.control.chosen == 3
        assert source.asked == []
        left = app.board.control.gutter.left
        await pilot.click(ControlPane, (left + VALUE_AT, delay))
        await pilot.click(ControlPane, (left + VALUE_AT + len("< 0 "), delay))
        await pilot.click(ControlPane, (left + VALUE_AT + 2, row_of(app, "soft stop")))

    assert play(picture(), story).asked == ["delay -1", "delay +1", "stop +1"]


def test_other_keys_do_what_they_always_do_while_the_controls_are_open() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("c", "+", "8")
        assert app.board.view == "events"
        await pilot.press("question_mark")
        assert "Help: control" in screen_text(app)
        assert "an architecture it only chooses" in " ".join(screen_text(app).replace("│", " ").split())

    assert play(picture(), story).asked == ["connections +1"]


def test_without_controls_c_does_nothing_and_x_still_stops() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.controls = None
        await pilot.press("c", "+", "X")
        assert "Controls" not in screen_text(app)

    assert play(picture(), story).asked == ["stop"]


def test_a_server_that_does_not_answer_holds_up_no_picture_and_a_key_held_down_is_soon_over() -> None:
    answered = threading.Event()

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        change = source.controls.change
        source.controls.change = lambda *arguments: (answered.wait(), change(*arguments))[1]
        await pilot.press(*["+"] * 50)
        await show(app, pilot, picture(recycling(accepting=5)))
        assert "o accepting 5" in screen_text(app)
        assert source.asked == []
        answered.set()

    assert play(picture(), story).asked == ["connections +1"] * MOST_ORDERS


def test_slow_motion_is_said_in_the_header_also_while_the_view_is_frozen() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await show(app, pilot, picture(replace(recycling(), slow_s=0.2)))
        assert "SLOWED: each verb takes 200ms more" in screen_text(app)
        await pilot.press("space")
        assert "SLOWED: each verb takes 200ms more; VIEW FROZEN, 0 events since" in screen_text(app)
        await pilot.press("space")
        await show(app, pilot, picture())
        assert "SLOWED" not in screen_text(app)
        assert "standby 8" in screen_text(app)

    play(picture(), story)


def test_a_reason_that_has_no_room_beside_its_control_ends_with_a_whole_word_at_any_width() -> None:
    controls = Adjusted([])
    number = [control.name for control in controls.all].index("threads")
    words = controls.reasons["threads"].split()
    for width in range(20, 100):
        told = "".join(text for text, _ in control_line(controls, number, False, False, picture(), width)[2:])
        assert not told or {*told.split()} <= {*words, "..."}


def test_the_arrows_only_choose_an_architecture_and_enter_starts_the_one_that_is_shown() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.controls.values["architecture"] = "recycling"
        await pilot.press("c", *["down"] * 7, "left", "left")
        assert "< thread-per-connection > [ Enter ] starts it" in screen_text(app)
        await pilot.press("right")
        assert "< thread-pool > [ Enter ] starts it" in screen_text(app)
        assert source.asked == []
        await pilot.press("enter")
        while app._orders:
            await pilot.pause()
        assert "< recycling > [ Enter ]\n" in screen_text(app)
        assert [note.message for note in app._notifications] == ["architecture: thread-pool"]
        await pilot.press("enter")

    assert play(picture(), story).asked == ["architecture thread-pool"]


@pytest.mark.parametrize("leave", [("escape", "c"), ("up", "down"), ("right",)])
def test_an_architecture_that_was_only_chosen_is_forgotten_with_the_next_thing(leave: tuple[str, ...]) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.controls.values["architecture"] = "recycling"
        await pilot.press("c", *["down"] * 7, "left", *leave)
        assert "< recycling > [ Enter ]\n" in screen_text(app)
        await pilot.press("enter")
        assert [note.message for note in app._notifications] == ["left and right choose one, then Enter starts it"]

    assert play(picture(), story).asked == []


def test_the_mouse_starts_the_chosen_architecture_at_its_button_alone() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.controls.values["architecture"] = "recycling"
        await pilot.press("c")
        at, row = app.board.control.gutter.left + VALUE_AT, row_of(app, "architecture")
        await pilot.click(ControlPane, (at, row))
        await pilot.click(ControlPane, (at, row_of(app, "architecture")))
        wanted = app.board.control._wanted
        assert source.asked == []
        await pilot.click(ControlPane, (at + len(f"< {wanted} > [ "), row_of(app, "architecture")))

    assert play(picture(), story).asked == ["architecture thread-per-connection"]
