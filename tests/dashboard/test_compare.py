"""The two sides on the screen: complete at 80x24, every key does what it says, and the figures are the score's."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from teachserve.compare.plan import ComparePlan
from teachserve.compare.score import ScoreView, SideScore
from teachserve.compare.sides import sides_of
from teachserve.compare.view import NEXT, OVER, RECORDED, STARTING, SideView
from teachserve.dashboard.block_chart import LABEL, Scale, block_chart, mark, time_axis
from teachserve.dashboard.compare_app import CompareApp
from teachserve.dashboard.compare_pane import COMPARE_KEYS
from teachserve.dashboard.help import HelpScreen
from teachserve.dashboard.look import Look
from teachserve.dashboard.panes.compare_score import share_bar
from teachserve.dashboard.themes import DARK, LIGHT
from teachserve.dashboard.window import DEFAULT_LOOK
from teachserve.observe.glossary import meanings

from .board import screen_text
from .comparisons import PLAN, Given, comparison, play, show


def text_of(first, size: tuple[int, int] = (80, 24), look: Look = DEFAULT_LOOK) -> str:
    found: list[str] = []

    async def read(app: CompareApp, pilot: Pilot, source: Given) -> None:
        found.append(screen_text(app))

    play(first, read, size, look)
    return found[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_both_sides_and_the_score_are_there_at_every_size(size: tuple[int, int]) -> None:
    told = comparison()
    text = text_of(told, size)
    lines = text.split("\n")
    assert max(map(len, lines)) <= size[0] and len(lines) == size[1]
    for words in (
        "A recycling against B thread-pool", "6.4 of 10 s", "500 requests/s each", "100 clients, close", "delay 1ms",
        "standby 8, max_threads 100", "threads 8, max_accepts 120", "498/s p50 1.8ms p99 12ms CPU 34 %",
        "471/s p50 5.1ms p99 92ms CPU 41 %", "o accepting 3", "All p50 █", "10s", "Who answered first",
        f"{told.score.decided} of 5000 requests decided", "B 503s 64 errors 45 not answered 0",
    ):  # fmt: skip
        assert words in text, words
    assert "share 2 cores: --one-after-the-other runs them in turn" in " ".join(text.split())


@pytest.mark.parametrize("look", [Look(theme="light"), Look(colour=False)], ids=["light", "black and white"])
def test_other_colours_show_the_same(look: Look) -> None:
    assert text_of(comparison(), look=look) == text_of(comparison())


def test_in_ascii_it_is_ascii_and_both_percentiles_can_still_be_told_apart() -> None:
    text = text_of(comparison(), look=Look(ascii=True))
    assert text.isascii()
    (p50,) = set(re.findall(r"All p50 (\S)", text))
    (p99,) = set(re.findall(r"p99 (\S) ", text))
    assert p50 != p99


def test_both_charts_have_one_scale() -> None:
    row = next(line for line in text_of(comparison()).split("\n") if "100ms" in line)
    assert row.count("100ms") == 2


@pytest.mark.parametrize("size", [(60, 30), (63, 24), (79, 23), (99, 25), (160, 50)])
def test_the_time_axis_is_whole_at_every_width(size: tuple[int, int]) -> None:
    (axis,) = [line for line in text_of(comparison(), size).split("\n") if "0s " in line and "10s" in line]
    assert axis.replace("│", " ").split() == ["0s", "5", "10s"] * 2


def test_the_smallest_terminal_has_what_matters_most() -> None:
    text = text_of(comparison(), (60, 16))
    for words in ("A recycling", "B thread-pool", "498/s p50 1.8ms", "Who answered first", "A first"):
        assert words in text, words


def test_a_terminal_that_is_too_small_gets_a_sentence() -> None:
    assert "A comparison needs 60 x 16" in " ".join(text_of(comparison(), (40, 10)).split())


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_q_and_ctrl_c_leave(key: str) -> None:
    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        await pilot.press(key)
        assert app._exit
        assert source.closed.is_set()

    play(comparison(), story)


def test_another_thread_can_end_it() -> None:
    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        app.end_from_thread()
        await pilot.pause()
        await pilot.pause()
        assert app._exit

    play(comparison(), story)


def test_space_freezes_the_view_and_says_what_was_decided_since() -> None:
    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        await pilot.press("space")
        assert "VIEW FROZEN, the servers run on, 0 requests decided since" in screen_text(app)
        later = comparison(7.4)
        await show(app, pilot, later)
        text = screen_text(app)
        assert "VIEW FROZEN, the servers run on, 500 requests decided since" in text
        assert "3197 of 5000 requests decided" in text
        await pilot.press("space")
        text = screen_text(app)
        assert "FROZEN" not in text
        assert "7.4 of 10 s" in text
        assert f"{later.score.decided} of 5000 requests decided" in text

    play(comparison(), story)


def test_t_changes_the_theme() -> None:
    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        assert app.theme == DARK.name
        await pilot.press("T")
        assert app.theme == LIGHT.name

    play(comparison(), story)


def test_f8_saves_a_picture_named_for_what_it_shows(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        await pilot.press("f8")
        await pilot.pause()

    play(comparison(), story)
    (file,) = tmp_path.iterdir()
    assert re.fullmatch(r"teachserve-recycling-thread-pool-\d{8}-\d{6}\.svg", file.name)
    assert "url(https:" not in file.read_text()


def test_a_picture_that_cannot_be_saved_says_why(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        await pilot.press("f8")
        await pilot.pause()
        (told,) = [one.message for one in app._notifications]
        assert told.startswith("could not save teachserve-recycling-thread-pool-")

    play(comparison(), story)


def test_the_help_explains_every_pane_and_no_key_that_does_nothing_here() -> None:
    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        panes = [pane for pane in app.screen.focus_chain if hasattr(pane, "picture")]
        assert len(panes) == 5
        for pane in panes:
            assert pane.about.endswith("."), type(pane)
            assert [word for word in pane.words if not meanings(word)] == [], type(pane)
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        assert "was first" in text
        assert "Halves" not in text
        await pilot.press("escape")
        before = panes.index(app.screen.focused)
        await pilot.press("tab")
        assert app.screen.focused is panes[(before + 1) % len(panes)]

    play(comparison(), story, (120, 50))


def test_every_key_of_the_table_is_bound_and_the_footer_has_at_most_eight() -> None:
    assert {key.action for key in COMPARE_KEYS} >= {"end", "meanings", "freeze", "theme", "picture"}
    assert sum(key.footer for key in COMPARE_KEYS) <= 8

    async def story(app: CompareApp, pilot: Pilot, source: Given) -> None:
        for key in COMPARE_KEYS:
            assert hasattr(app, f"action_{key.action}"), key

    play(comparison(), story)


def test_one_after_the_other_is_said_and_the_recorded_side_is_called_so() -> None:
    plan = replace(PLAN, in_turn=True)
    first, second = comparison(plan=plan).sides
    text = text_of(comparison(plan=plan, sides=(replace(first, turn=RECORDED), second)))
    assert "recorded" in text and "one after the other, each alone with its load generator on 2 cores" in " ".join(
        text.split()
    )
    text = text_of(comparison(plan=plan, sides=(first, SideView(plan.sides[1], NEXT))))
    assert "comes next" in text


def test_two_values_of_an_option_are_what_sets_the_sides_apart() -> None:
    plan = ComparePlan(sides_of(["recycling"], {"standby": "2,32"}, (), ()))
    text = text_of(comparison(plan=plan, differences=("standby 2", "standby 32")))
    assert "standby 2 · GIL on" in text and "standby 32 · GIL on" in text


def test_before_the_first_frame_nothing_is_claimed() -> None:
    views = tuple(SideView(side) for side in PLAN.sides)
    text = text_of(comparison(phase=STARTING, at_s=-1.0, sides=views, score=ScoreView()))
    assert "starting" in text
    assert "no request is decided yet" in text
    assert "0/s p50 n/a p99 n/a CPU n/a" in text
    assert "A first n/a · = n/a · B first n/a" in text


def test_when_the_plan_is_over_it_says_so_and_stays() -> None:
    assert "over: 10 s" in text_of(comparison(phase=OVER, at_s=10.0))


def test_what_went_wrong_comes_before_what_is_always_so() -> None:
    text = text_of(comparison(remarks=(PLAN.sentence(2), "7 outcomes of B's load generator were lost")))
    assert text.index("7 outcomes of B's") < text.index("both servers and both")


@pytest.mark.parametrize("width", [20, 77, 120])
def test_the_bar_is_as_wide_as_the_pane_and_shows_whatever_occurred(width: int) -> None:
    score = ScoreView(1000, 1, 1, 1, (SideScore(first=990, alone=3), SideScore(first=3, alone=1)))
    text = "".join(piece for piece, _ in share_bar(score, width))
    assert len(text) == width
    assert set(text) == set("Aa=-?bB")


def test_the_scale_is_of_whole_decades_that_hold_everything() -> None:
    assert Scale.of([(0.0012, 0.05), None, (0.003, 0.2)]) == (0.001, 1.0)
    assert Scale.of([None]) == (0.001, 0.01)
    assert Scale.of([(0.001, 0.001)]) == (0.001, 0.01)
    assert [mark(seconds) for seconds in (1e-4, 0.001, 0.01, 1.0, 10.0)] == ["100us", "1ms", "10ms", "1s", "10s"]


def test_a_chart_shows_p50_as_blocks_and_p99_as_shade() -> None:
    scale = Scale(0.001, 1.0)
    lines = block_chart([(0.001, 0.001), (0.01, 1.0), None], scale, LABEL + 1 + 6, 3)
    text = ["".join(piece for piece, _ in line) for line in lines]
    assert [line[LABEL + 1 :] for line in text] == ["  ░░  ", "  ░░  ", "▁▁██  "]
    assert [line[:LABEL].strip() for line in text] == ["1s", "10ms", "1ms"]


@pytest.mark.parametrize(("columns", "width"), [(30, 38), (40, 58), (60, 100)])
def test_the_time_axis_ends_where_the_columns_do(columns: int, width: int) -> None:
    line = time_axis(10.0, columns, width)
    assert len(line) == LABEL + 1 + columns * ((width - LABEL - 1) // columns)
    assert line.split() == ["0s", "5", "10s"]
