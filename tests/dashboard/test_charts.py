"""The charts: zero is the ground, the greatest value the top, a gap a gap, and a mark stands at its moment."""

import re
from dataclasses import replace

import pytest
from demo.pictures import AT, picture, step
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.chart import bar_columns, binned, over, rows, shaded_columns, stacked_columns
from teachserve.dashboard.panes.charts import CHARTS, ChartsPane, chart_lines, mark_cells, stack
from teachserve.dashboard.sparkline import BARS
from teachserve.demo.picture import HISTORY_STEPS, History, Mark, Picture
from teachserve.events import STATES
from teachserve.observe.accept_queue import AcceptQueue

from .board import Given, play, screen_text, text_of


def drawn(columns: list, height: int, marks: tuple = ()) -> list[str]:
    return ["".join(text for text, _ in line) for line in rows(columns, height, marks)]


def eighths(column: list) -> int:
    return sum(BARS.index(cell[0]) + 1 for cell in column if cell)


def test_a_bar_is_as_high_as_its_share_of_the_top_and_a_none_is_a_gap() -> None:
    assert drawn(bar_columns([8, 4, 1, 0, None], 2, 8, "a"), 2) == ["█    ", "██▂  "]
    assert drawn(bar_columns([0.001], 2, 8, "a"), 2) == [" ", "▁"]  # what is more than nothing is seen
    assert drawn(bar_columns([0, 0], 1, 0, "a"), 1, (1,)) == [" │"]


@given(st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=30), st.integers(1, 12))
def test_heights_are_in_the_order_of_the_values_and_fill_from_the_ground(values: list, height: int) -> None:
    top = max((value for value in values if value is not None), default=0.0)
    columns = bar_columns(values, height, top, "a")
    assert all(len(column) == height for column in columns)
    heights = [eighths(column) for column in columns]
    known = sorted((value, high) for value, high in zip(values, heights, strict=True) if value is not None)
    assert [high for _, high in known] == sorted(high for _, high in known)
    assert all(high == 0 for value, high in zip(values, heights, strict=True) if not value)
    if top:
        assert max(heights) == height * len(BARS)
    for column in columns:
        filled = [bool(cell) for cell in column]
        assert filled == sorted(filled, reverse=True)


def test_the_worse_stands_behind_in_shade() -> None:
    front, back = bar_columns([2, 2], 4, 8, "a"), shaded_columns([8, 4], 4, 8, "b")
    assert drawn(over(front, back), 4) == ["░ ", "░ ", "░░", "██"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=9), st.integers(1, 20))
def test_amounts_stand_on_top_of_each_other_each_with_its_share(stacks: list, height: int) -> None:
    top = max(sum(amounts) for amounts in stacks)
    for amounts, column in zip(stacks, stacked_columns(stacks, height, top, [("a", ""), ("b", "")]), strict=True):
        text = "".join(cell[0] if cell else " " for cell in column)
        assert text == "a" * text.count("a") + "b" * text.count("b") + " " * text.count(" ")
        for amount, glyph in zip(amounts, "ab", strict=True):
            assert abs(text.count(glyph) - (amount / top * height if top else 0)) <= 1


@given(st.integers(0, 300), st.integers(5, 130))
def test_a_value_stays_in_one_column_with_its_neighbours_while_they_move_left(first: int, cells: int) -> None:
    everything = list(range(first + HISTORY_STEPS + 1))
    before, after = (
        binned(everything[at : at + HISTORY_STEPS], cells, HISTORY_STEPS, at, max) for at in (first, first + 1)
    )
    assert len(before) == len(after) == cells
    known = [value for value in before if value is not None]
    assert after[-1] == first + HISTORY_STEPS
    assert set(known[1:-1]) <= set(after)
    assert sorted(known) == known


def test_every_thread_is_in_the_stack_whatever_its_state() -> None:
    assert sum(stack([1] * len(STATES))) == len(STATES)


OWED = [
    "Requests/s  5760",
    "max 6960",
    "13ms, 59ms",
    "max 59ms",
    "Threads  5",
    "Accept queue  2",
    "max 8",
    "-60s",
    "now",
]


def test_four_at_once_at_80_columns_and_the_arrows_bring_the_others() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        assert [words for words in OWED if words not in text] == []
        assert "charts 1-4 of 8" in text
        await pilot.press("down")
        assert "charts 3-6 of 8" in screen_text(app)
        await pilot.press("down")
        text = screen_text(app)
        assert "charts 5-8 of 8" in text
        assert "CPU of the server  29 %" in text
        assert "Threads made/s  2" in text
        assert "Threads ended/s  2" in text
        await pilot.press("down", "up", "up", "up")
        assert "charts 1-4 of 8" in screen_text(app)
        assert max(map(len, screen_text(app).split("\n"))) <= 80

    play(picture(), story, view="charts")


@pytest.mark.parametrize("size", [(120, 40), (200, 60)])
def test_all_of_them_where_there_is_room(size: tuple[int, int]) -> None:
    text = text_of(picture(), size, view="charts")
    assert [chart.title for chart in CHARTS if chart.title not in text] == []
    assert [words for words in OWED if words not in text] == []
    assert "# handling" in text


def test_a_change_stands_at_its_moment_in_each_chart_and_in_words_below() -> None:
    shown = picture(marks=(Mark(AT - 30, "connections 100 -> 200", "load"),))
    text = text_of(shown, (120, 40), view="charts")
    assert f"│ {AT - 30:.1f}s connections 100 -> 200" in text
    assert mark_cells(shown, 60) == [30]
    assert mark_cells(shown, 30) == [15]
    assert mark_cells(picture(marks=(Mark(AT - 90, "too old", "load"),)), 60) == []
    assert mark_cells(picture(marks=(Mark(AT + 1, "to come", "load"),)), 60) == []


def lines_of(shown: Picture, title: str) -> str:
    chart = next(chart for chart in CHARTS if chart.title.startswith(title))
    return "\n".join("".join(text for text, _ in line) for line in chart_lines(shown, chart, 40, 8))


def test_what_cannot_be_known_says_why() -> None:
    assert "no load generator measures it" in lines_of(picture(load=None), "Latency")
    blind = picture(accept_queue=AcceptQueue(unavailable="only Linux tells"))
    assert "only Linux tells" in lines_of(blind, "Accept queue")
    assert "Accept queue  n/a" in lines_of(blind, "Accept queue")
    steps = tuple(step(number)._replace(core=None) for number in range(120))
    assert "not measured" in lines_of(picture(history=History(steps)), "CPU")


@pytest.mark.parametrize("count", [0, 1, 2, 119])
def test_a_history_that_has_just_begun_is_drawn_from_the_right(count: int) -> None:
    shown = replace(picture(), history=History(tuple(step(number) for number in range(count))))
    for chart in CHARTS:
        lines = chart_lines(shown, chart, 37, 8)
        assert {sum(len(text) for text, _ in line) for line in lines} == {37}
    assert text_of(shown, view="charts")


def test_nothing_is_drawn_again_while_nothing_is_new() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.query_one(ChartsPane)
        before = pane._drawn
        pane.picture = picture()
        assert pane._drawn == before

    play(picture(), story, view="charts")


def test_charts_stand_further_apart_where_there_is_room() -> None:
    text = text_of(picture(history=History((step(1), step(2)), first=1)), (200, 60), view="charts")
    assert re.search(r"max \S+   Latency", text)
