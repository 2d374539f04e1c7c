"""The lanes: a cell says where its thread was, the span can be moved and zoomed, and what was changed stands above it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from demo.pictures import picture, recycling, snapshot
from hypothesis import given
from hypothesis import strategies as st
from observe.remembered import STEPS, Remembered, folded, played
from observe.world import header, row, table
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.chosen import Choose
from teachserve.dashboard.glyphs import GLYPHS
from teachserve.dashboard.lane_cells import Window, axis, lane_cells, mark_columns, mark_line, with_marks
from teachserve.dashboard.panes.lanes import CELLS_US, LanesPane
from teachserve.dashboard.thread_screen import ThreadScreen
from teachserve.demo.fold import PictureFold
from teachserve.demo.picture import Mark, Picture
from teachserve.events import STATES, State
from teachserve.observe.lane import Lanes

from .board import Given, play, screen_text, show, text_of, until

S = State
STEP_US = 100_000


def text(line: list) -> str:
    return "".join(piece for piece, _ in line)


# ---- cells -----------------------------------------------------------------------------------------------------------


@given(STEPS, st.integers(1, 60), st.integers(1, 40), st.integers(0, 30))
def test_a_cell_shows_where_its_thread_was_at_the_cells_end(steps: list, cell: int, cells: int, back: int) -> None:
    world = played(steps, streaming=True)
    lanes = folded(world.frames)
    window = Window(max(0, world.at - back), cell, cells)
    for lane in lanes.lanes:
        drawn = text(lane_cells(lane, window))
        assert len(drawn) == cells
        for column, glyph in enumerate(drawn):
            begin = (window.first + column) * cell
            end = min(begin + cell - 1, window.end_us)
            assert glyph == wanted(world, lane, begin, end), (lane, column)


def wanted(world: Remembered, lane: object, begin: int, end: int) -> str:
    """From what the world remembers: where the thread was at the end, or `x` where one ended in the cell."""
    number = lane.thread_at(end)
    ended = {one for one in lane.numbers for at, code in world.truth[one] if STATES[code] in (S.ENDED, S.BROKEN)
             and begin <= at <= end}  # fmt: skip
    if number == 0:
        return " "
    code = world.was(number, end)
    if STATES[code] in (S.ENDED, S.BROKEN):
        return GLYPHS[STATES[code]] if number in ended else " "
    return GLYPHS[S.ENDED] if ended else GLYPHS[STATES[code]]


@given(STEPS, st.integers(1, 60))
def test_equal_neighbours_are_one_piece(steps: list, cell: int) -> None:
    world = played(steps, streaming=False)
    for lane in folded(world.frames).lanes:
        looks = [(piece[0], style) for piece, style in lane_cells(lane, Window(world.at, cell, 30))]
        assert all(this != after for this, after in pairwise(looks))


def test_what_was_not_seen_is_said_and_a_request_is_a_bar() -> None:
    lanes = folded(
        [
            header(),
            table(0, [row(1, S.READING)]),
            table(40, [row(1, S.HANDLING, moves=5, since=30)]),
            table(60, [row(1, S.WAITING, moves=6, since=50)]),
        ]
    )
    assert lane_cells(lanes.lanes[0], Window(60, 10, 8)) == [
        (" ", ""), ("r", "filled--reading"), ("··", "quiet"), ("##", "filled--handling"), ("~~", "state--waiting"),
    ]  # fmt: skip


def test_of_an_end_that_nobody_saw_nothing_is_said_but_that_the_thread_is_gone() -> None:
    """The table that told how it ended is lost: it may have ended or have broken."""
    lanes = folded([header(), table(0, [row(1, S.READING)]), table(40, [])])
    assert lanes.lanes[0].ended_us == 40
    assert lane_cells(lanes.lanes[0], Window(80, 10, 9)) == [
        ("r", "filled--reading"), ("···", "quiet"), ("     ", ""),
    ]  # fmt: skip


def test_cells_keep_their_places_while_they_move_left() -> None:
    lanes = folded(
        [header(), *(table(at, [row(1, STATES[1 + at % 9], moves=at, since=at)]) for at in range(0, 400, 7))]
    )
    drawn = [text(lane_cells(lanes.lanes[0], Window(end, 10, 20))) for end in range(300, 330)]
    for before, after in pairwise(drawn):
        assert after[:-1] in (before[:-1], before[1:])  # the last cell is not over yet


@pytest.mark.parametrize(
    ("cell", "label"), [(1_000, "|1.00s"), (100_000, "|4s"), (200_000, "|4s"), (10_000, "|0.9s"), (50_000, "|5.5s")]
)
def test_the_axis_names_moments_of_the_servers_clock_at_their_cells(cell: int, label: str) -> None:
    window = Window(7_500_000 if cell > 10_000 else 1_020_000, cell, 60)
    line = text(axis(window))
    assert len(line) == 60
    assert label in line
    assert window.column(float(label[1:-1]) * 1e6) == line.index(label)


@given(st.integers(0, 70_000_000), st.sampled_from([1_000, 10_000, 100_000, 1_000_000]), st.integers(1, 80))
def test_the_axis_cuts_no_moment_in_two(end_us: int, cell_us: int, cells: int) -> None:
    line = text(axis(Window(end_us, cell_us, cells)))
    assert len(line) == cells
    assert all(label.strip().endswith("s") for label in line.split("|")[1:])


@given(st.lists(st.tuples(st.floats(0, 3), st.text("ab →", max_size=12)), max_size=5), st.integers(1, 40))
def test_each_mark_has_its_cell_whatever_its_text(told: list, cells: int) -> None:
    window = Window(2_000_000, STEP_US, cells)
    marks = [Mark(at, words, "load") for at, words in told]
    columns = mark_columns(marks, window)
    line = text(mark_line(columns, cells))
    assert len(line) == cells
    assert set(columns) == {window.column(mark.at_s * 1e6) for mark in marks} - {None}
    assert {column for column, glyph in enumerate(line) if glyph == "▼"} == set(columns)
    lane = with_marks([("x" * (cells // 2), "a"), ("y" * (cells - cells // 2), "b")], columns)
    assert len(text(lane)) == cells
    assert {column for column, glyph in enumerate(text(lane)) if glyph == "│"} == set(columns)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({2: "load 4", 12: "load 8"}, "  ▼load 4   ▼load 8 "),
        ({1: "load 4", 15: "load 8"}, " ▼load 4 load 8▼    "),
        ({2: "load 4", 15: "load 8"}, "  ▼      load 8▼    "),
        ({6: "load 4", 15: "load 8"}, "load 4▼  load 8▼    "),
        ({4: "load 4", 8: "load 8"}, "    ▼   ▼load 8     "),
        ({0: "a longer one than there is room for", 19: ""}, "▼                  ▼"),
    ],
)
def test_the_words_of_a_mark_are_whole_or_not_there(columns: dict[int, str], line: str) -> None:
    assert text(mark_line(columns, 20)) == line


# ---- the pane --------------------------------------------------------------------------------------------------------


def shown(threads: int = 30, seconds: float = 8.0, **changes: object) -> Picture:
    """Threads of which each is a second longer in accept than the one before, then handles; thread 2 ends at 6 s."""
    fold = PictureFold()
    fold.apply(header())
    for step in range(int(seconds * 10) + 1):
        at = step * STEP_US
        rows = []
        for number in range(1, threads + 1):
            began = number * 1_000_000 % 5_000_000
            state, moves, since = (S.HANDLING, 1, began) if at >= began else (S.ACCEPTING, 0, 0)
            if number == 2 and at >= 6_000_000:
                state, moves, since = S.ENDED, 2, 6_000_000
            if number != 2 or at <= 6_000_000:
                rows.append(row(number, state, moves=moves, since=since))
        fold.apply(table(at, rows))
    made = replace(fold.picture(), snapshot=replace(recycling(threads), at_s=seconds))
    return replace(picture(made.snapshot), lanes=made.lanes, **changes)


MARKED = (Mark(4.0, "connections 4 -> 12", "load"),)


def lane_of(app: Dashboard | str, name: str) -> str:
    told = app if isinstance(app, str) else screen_text(app)
    return next(line for line in told.split("\n") if f"{name} " in line)


def test_a_line_a_thread_a_cell_a_moment() -> None:
    told = text_of(shown(marks=MARKED), view="lanes")
    assert "Lanes 1-12/30" in told
    assert "100ms a cell · sampled 10/s" in told
    assert "▼connections 4 -> 12" in told
    third = lane_of(told, "worker-3")
    assert "o│####" not in third
    assert third.count("│") == 1
    assert third.rstrip().endswith("#" * 40)
    assert "x" + " " * 20 in lane_of(told, "worker-2").ljust(80)
    lines = told.split("\n")
    below = lines[next(number for number, line in enumerate(lines) if "Lanes 1-12" in line) + 1]
    assert "|8s" in below or "|7s" in below


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16)])
def test_the_mark_the_lanes_and_the_axis_agree_about_the_cell(size: tuple[int, int]) -> None:
    lines = text_of(shown(marks=MARKED), size, view="lanes").split("\n")
    mark = next(line for line in lines if "▼" in line)
    ticks = next(line for line in lines if "|4s" in line)
    assert mark.index("▼") == ticks.index("|4s")
    assert {line[mark.index("▼")] for line in lines if "worker-" in line} == {"│"}


def test_z_zooms_and_the_arrows_pan() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.query_one(LanesPane)
        opening = screen_text(app)
        for cell, key in [(50, "z"), (20, "z"), (50, "Z"), (100, "Z"), (200, "Z")]:
            await pilot.press(key)
            assert f"{cell}ms a cell" in screen_text(app)
        await pilot.press(*["Z"] * 9)
        assert "1.0s a cell" in screen_text(app)
        await pilot.press(*["z"] * 20)
        assert pane.zoom == 0
        await pilot.press("escape")
        assert screen_text(app) == opening
        await pilot.press("left")
        assert "back ·" in screen_text(app)
        assert lane_of(app, "worker-3").rstrip()[-30:] != lane_of(opening, "worker-3").rstrip()[-30:] or "x" in opening
        moved = screen_text(app)
        await show(app, pilot, shown(seconds=8.3))
        assert lane_of(app, "worker-7") == lane_of(moved, "worker-7")  # it stands still while the server runs on
        await pilot.press("right", "right")
        assert pane.end_us is None
        assert "back ·" not in screen_text(app)

    play(shown(), story, view="lanes")


def test_looked_at_closely_every_event_is_sent_and_no_longer() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("Z", "z")
        assert "level stream" not in source.asked
        await pilot.press("z")
        await show(app, pilot, shown())
        await until(pilot, lambda: "level stream" in source.asked)
        await pilot.press("escape")
        await show(app, pilot, shown())
        await until(pilot, lambda: source.asked[-1] == "level table")

    play(shown(), story, view="lanes")


def test_a_frozen_view_can_be_zoomed_and_panned() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("space", "z")
        assert "50ms a cell" in screen_text(app)
        await pilot.press("left")
        before = lane_of(app, "worker-9")
        await show(app, pilot, shown(seconds=9.0))
        assert lane_of(app, "worker-9") == before

    play(shown(), story, view="lanes")


def test_a_lane_is_chosen_with_the_arrows_a_page_or_a_click_and_lit() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for key, number in [("down", 1), ("down", 2), ("j", 3), ("up", 2), ("end", 30), ("home", 1), ("pagedown", 14)]:
            await pilot.press(key)
            assert app.chosen.thread == number
            assert f">worker-{number} " in screen_text(app)
        await pilot.press("pageup")
        assert app.chosen.thread == 1
        await pilot.click(LanesPane, (5, 4))
        assert app.chosen.thread == 3
        app.post_message(Choose(thread=6))
        await pilot.pause()
        assert ">worker-6 " in screen_text(app)
        app.post_message(Choose(connection=1208))  # held by thread 8
        await pilot.pause()

    play(shown(), story, view="lanes")


def test_enter_shows_all_that_is_known_of_the_lanes_thread() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("down", "down", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ThreadScreen)

    play(shown(), story, view="lanes")


def test_enter_where_no_lane_is_chosen_opens_the_first_in_view() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ThreadScreen)
        assert app.chosen.thread == 1

    play(shown(), story, view="lanes")


def test_enter_on_a_lane_whose_thread_is_in_no_frame_any_more_says_so() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await show(app, pilot, replace(shown(), snapshot=snapshot([])))
        await pilot.press("enter")
        await pilot.pause()
        assert [note.message for note in app._notifications] == ["nothing is known of it any more: it has ended"]

    play(shown(), story, view="lanes")


def test_no_lane_is_no_error() -> None:
    assert "Lanes 0-0/0" in text_of(picture(lanes=Lanes()), view="lanes")


def test_the_cells_are_a_ladder() -> None:
    assert list(CELLS_US) == sorted(CELLS_US)


def test_the_mark_of_an_end_which_no_count_explains_is_explained_beside_the_axis() -> None:
    lines = text_of(picture(), view="lanes").split("\n")
    heading = next(number for number, line in enumerate(lines) if line.startswith("▌ Lanes"))
    assert lines[heading + 1].startswith("▌ x ended")
