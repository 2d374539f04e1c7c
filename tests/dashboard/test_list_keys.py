"""Every key and the mouse in a list, on the threads."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from demo.pictures import AT, picture, recycling, thread
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.chosen import Choose, Chosen
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.demo.picture import Picture
from teachserve.events import State
from teachserve.observe.model import KEPT_ENDED

from .board import Given, drawn, play, screen_text, show, text_of

TABLE = "#view-threads ThreadTable"
Table = Callable[[ThreadTable, Dashboard, Pilot], Awaitable[None]]


def on_table(story: Table, first: Picture, size: tuple[int, int] = (80, 24)) -> None:
    async def run(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await story(app.query_one(TABLE, ThreadTable), app, pilot)

    play(first, run, size)


def listed(app: Dashboard) -> list[str]:
    """The names in view, `>` before the chosen one."""
    lines = screen_text(app).split("\n")
    names = [line[:16].rstrip() for line in lines]
    return [name for name in names if name[1:].startswith(("worker-", "thread-maker-"))]


def test_arrows_and_letters_choose_and_the_view_follows() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        assert app.chosen == Chosen()
        for key, number, top in (
            *(("down", 1, 0), ("j", 2, 0), ("k", 1, 0), ("up", 1, 0), ("end", 41, 33), ("up", 40, 33)),
            *(("pageup", 32, 31), ("home", 1, 0), ("pagedown", 9, 1), ("pagedown", 17, 9)),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert app.chosen == Chosen(thread=number)
            assert table.scroll_offset.y == top
            assert [name for name in listed(app) if name.startswith(">")] == [
                f">worker-{number}" if number > 1 else ">thread-maker-1"
            ]

    on_table(story, picture(recycling(40)))


def test_a_click_chooses() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.click(TABLE, (5, 3))
        assert app.chosen == Chosen(thread=3)
        await pilot.click(TABLE, (5, 9))  # below the last row
        assert app.chosen == Chosen(thread=3)

    on_table(story, picture(recycling(4)))


def test_what_another_pane_chooses_is_lit_here() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        app.post_message(Choose(thread=4))
        await pilot.pause()
        assert ">worker-4" in listed(app)
        await pilot.press("8", "2")
        assert ">worker-4" in listed(app)
        app.post_message(Choose(connection=4))
        await pilot.pause()
        assert not any(name.startswith(">") for name in listed(app))

    on_table(story, picture())


def test_the_cursor_stays_with_its_thread_and_the_view_where_it_is_when_the_order_changes() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("pagedown", "pagedown", "j", "j")
        await pilot.press("pagedown")
        chosen, top = app.chosen, table.scroll_offset.y
        assert top > 5
        await pilot.press("i")
        await pilot.pause()
        assert (app.chosen, table.scroll_offset.y) == (chosen, top)
        place = table.index()
        await pilot.press("j")
        assert table.index() == place + 1

    on_table(story, picture(recycling(99)))


def test_where_the_chosen_thread_is_gone_the_next_key_goes_on_from_its_place() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("j", "j", "j", "j")
        assert app.chosen.thread == 4
        without = [one for one in recycling(20).threads if one.number != 4]
        await show(app, pilot, picture(replace(recycling(20), threads=tuple(without))))
        assert not any(name.startswith(">") for name in listed(app))
        await pilot.press("j")
        assert app.chosen.thread == 5

    on_table(story, picture(recycling(20)))


def test_s_sorts_by_one_column_after_the_other_and_s_back_and_i_turns_round() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        titles = ["Thread", "State", "For", "Conn", "Reqs", "Accep", "Recyc", "Kernel"]
        assert "Thread▲" in screen_text(app)
        for title in (*titles[1:], "Thread", "State"):
            await pilot.press("s")
            assert table.order.title == title
        await pilot.press("S", "S")
        assert table.order.title == "Kernel"
        await pilot.press("S", "S", "S")
        assert "▼Reqs" in screen_text(app)
        assert listed(app)[0] == " worker-12"
        await pilot.press("i")
        assert "▲Reqs" in screen_text(app)
        assert listed(app)[0] == " thread-maker-1"

    on_table(story, picture())


def test_a_click_on_a_heading_sorts_by_it_and_again_the_other_way_round() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        heading = next(line for line in screen_text(app).split("\n") if "State" in line)
        for arrow in "▼▲":
            await pilot.click(TABLE, (heading.index("Reqs") + 1, 0))
            assert f"{arrow}Reqs" in screen_text(app)

    on_table(story, picture())


def test_the_filter_follows_each_letter_and_says_how_many_are_shown() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("/", *"worker", "space", *"hanx", "backspace", *"d")
        assert "/worker hand" in screen_text(app)
        assert "3 of 12 shown" in screen_text(app)
        await pilot.press("enter")
        assert " filter worker hand: 3 of 12 shown" in screen_text(app)
        assert len(listed(app)) == 3
        await show(app, pilot, picture(recycling(21)))
        assert "filter worker hand: 7 of 22 shown" in screen_text(app)
        await pilot.press("escape")
        assert "filter" not in screen_text(app)
        assert "1-8/22" in screen_text(app)

    on_table(story, picture())


@pytest.mark.parametrize("keys", ["q1289X+-s", ["enter"]])
def test_keys_that_mean_something_are_letters_while_the_filter_is_typed(keys: str) -> None:
    async def run(app: Dashboard, pilot: Pilot, source: Given) -> None:
        table = app.query_one(TABLE, ThreadTable)
        await pilot.press("/", *keys)
        assert table.order.words == ("" if keys == ["enter"] else "q1289X+-s")
        assert source.asked == []
        assert app.board.view == "threads"

    play(picture(), run)


def test_a_filter_that_nothing_matches_says_so() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("/", *"nobody", "enter")
        text = screen_text(app)
        assert "filter nobody: 0 of 12 shown" in text
        assert "nothing matches all words of the filter" in text
        await pilot.press("j", "enter", "s", "end")  # nothing there to choose, and no error

    on_table(story, picture())


def test_another_view_ends_the_typing() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("/", *"hand")
        app.board.view = "events"
        await pilot.pause()
        assert not table.typing
        assert table.order.words == "hand"

    on_table(story, picture())


@pytest.mark.parametrize(("ended", "told"), [(40, r" \d+ more ended"), (KEPT_ENDED, r" \d+\+ more ended")])
def test_how_many_more_have_ended_looks_like_no_key_and_at_least_is_a_plus_behind(ended: int, told: str) -> None:
    over = tuple(thread(100 + number, State.ENDED, ended_at=AT - 0.1) for number in range(ended))
    text = text_of(picture(replace(recycling(), ended=over)), (160, 30))
    heading = next(line for line in text.split("\n") if "Accep" in line)
    assert re.search(told, heading)


def test_ended_threads_stay_for_a_while_and_e_hides_them() -> None:
    ended = thread(6, State.ENDED, since_s=AT - 2.1, ended_at=AT - 2.1)
    broken = thread(7, State.BROKEN, since_s=AT - 3.2, ended_at=AT - 3.2)
    living = tuple(one for one in recycling(8).threads if one.number not in (6, 7))
    first = picture(replace(recycling(8), threads=living, ended=(broken, ended)))

    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        rows = [line for line in screen_text(app).split("\n") if line.startswith((" worker-6 ", " worker-7 "))]
        assert rows[0].split()[1:3] == ["x", "ended"]
        assert "ended 2.1s ago" in rows[0]
        assert "broke 3.2s ago" in rows[1]
        await pilot.press("s")
        assert [row.number for row in table._rows][-2:] == [6, 7]
        await pilot.press("e")
        text = screen_text(app)
        assert "worker-6" not in text
        assert " 2 ended\n" in text
        await pilot.press("e")
        assert "worker-6" in screen_text(app)

    async def hidden(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("e")
        assert " 2 ended: e shows them" in screen_text(app)

    on_table(story, first)
    on_table(hidden, first, (200, 60))


def test_at_churn_the_living_stay_in_view_and_the_rest_is_counted() -> None:
    ended = tuple(thread(n, State.ENDED, since_s=AT - 1, ended_at=AT - 1) for n in range(1000, 1256))
    living = tuple(thread(n, State.READING) for n in range(1256, 1300))

    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        text = screen_text(app)
        assert " 254+ x" in text
        assert sum(" r reading " in line for line in text.split("\n")) == 6 + 1  # six rows and the counts

    shown = picture(replace(recycling(), threads=living, ended=ended))
    on_table(story, shown)
    assert re.search(r" 2\d\d\+ more ended", text_of(shown, (200, 60)))


def test_esc_is_promised_only_where_it_clears_the_filter() -> None:
    async def story(table: ThreadTable, app: Dashboard, pilot: Pilot) -> None:
        await pilot.press("/", *"hand", "enter")
        assert "Esc clears" in screen_text(app)
        await pilot.press("m")
        await drawn(app)
        assert "filter hand" in screen_text(app)
        assert "Esc clears" not in screen_text(app)  # it gives the other panes back
        await pilot.press("escape")
        await drawn(app)
        assert "Esc clears" in screen_text(app)
        await pilot.press("tab")
        await drawn(app)
        assert "filter hand" in screen_text(app)
        assert "Esc clears" not in screen_text(app)

    on_table(story, picture())
