"""The code view: how many threads stand at each line, what is lit, and what the keys do."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from demo.pictures import header, picture, recycling, snapshot, thread
from textual.pilot import Pilot

from teachserve.architectures import event_loop
from teachserve.architectures import recycling as recycling_file
from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.chosen import Choose
from teachserve.dashboard.panes.code import CodePane, without_stub
from teachserve.dashboard.source_text import coloured, cut
from teachserve.demo.picture import Picture
from teachserve.events import State
from teachserve.observe.stays import Stay

from .board import Given, play, screen_text, show, text_of

LATER = "2100-01-01T00:00:00+00:00"  # however young the files of this clone are
TEXT = Path(recycling_file.__file__).read_text().split("\n")
ACCEPT, SERVE, RECYCLE = (
    next(number for number, line in enumerate(TEXT, 1) if words in line)
    for words in ("self.accept()", "self.serve(", "self.recycle()")
)


def shown(count: int = 20, accepting: int = 4, **changes: object) -> Picture:
    """Recycling with its real file; workers 6, 11, 16.. read, the thread-maker is thread 1."""
    file = {"source_file": recycling_file.__file__, "source_class": "Recycling", "started": LATER}
    of = replace(recycling(count, accepting), header=header(**file | changes))
    stays = {Stay("worker", State.ACCEPTING, ""): 4.0, Stay("worker", State.HANDLING, ""): 2.0}
    return picture(of, stays=stays)


def line_with(text: str, words: str) -> str:
    return next(line for line in text.split("\n") if words in line)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_each_line_says_how_many_stand_there(size: tuple[int, int]) -> None:
    text = text_of(shown(), size, view="code")
    assert f"x4 ████ {ACCEPT:>2}" in " ".join(line_with(text, "self.accept()").split())
    # 16 are elsewhere than in accept: of five each, one reads, two handle, one writes and one recycles.
    serving = line_with(text, "self.serve(")
    assert "x13" in serving
    assert " r3 #7 w3" in serving
    assert ") is not None:" in line_with(text, "self.accept()")
    assert "██  " in serving  # half the time that was spent in accept
    assert "x3" in line_with(text, "self.recycle()")
    assert " @3" in line_with(text, "self.recycle()")
    assert "x1 " in line_with(text, "self.take(self.wanted)")
    assert "elsewhere  nobody" in text


@pytest.mark.parametrize(("name", "told"), [("Short", "class Short "), ("L" * 40, "recycling.py  ")])
def test_which_lines_are_shown_has_room_before_the_name_of_the_class(name: str, told: str) -> None:
    text = line_with(text_of(shown(source_class=name), view="code"), "at line")
    assert told in text
    assert re.search(r" lines \d+-\d+ of 31$", text)


def test_lines_that_cannot_be_told_apart_share_their_threads_with_a_question_mark() -> None:
    file = {"source_file": event_loop.__file__, "source_class": "EventLoop", "started": LATER, "queues": ["a", "b"]}
    threads = [thread(1, State.WRITING, "loop"), thread(2, State.LINGERING, "closer")]
    text = text_of(picture(snapshot(threads, header=header("event-loop", "loop", **file))), (100, 44), view="code")
    assert [line.split()[1] for line in text.split("\n") if "self.write(" in line] == ["x1?", "x1?"]
    assert "elsewhere  1 closer lingering" in text


def test_a_file_that_is_gone_or_another_than_the_running_one_is_said() -> None:
    gone = text_of(shown(source_file="/nowhere/mine.py"), view="code")
    assert "n/a: mine.py cannot be read here: No such file or directory" in gone
    changed = text_of(shown(started="2001-01-01T00:00:00+00:00"), view="code")
    assert "n/a: recycling.py is younger than the server, which may run an older text" in changed
    assert "x4" not in changed
    assert "class Recycling" in changed
    assert "elsewhere" not in gone + changed


def test_the_chosen_thread_lights_its_line() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert not [line for line in screen_text(app).split("\n") if "▌>" in line]
        app.post_message(Choose(thread=2))
        await pilot.pause()
        assert "self.accept()" in line_with(screen_text(app), "▌>")
        await show(app, pilot, shown(accepting=0))
        assert "self.serve(" in line_with(screen_text(app), "▌>")
        app.post_message(Choose(connection=1207))  # thread 7's
        await pilot.pause()
        assert "self.serve(" in line_with(screen_text(app), "▌>")

    play(shown(), story, view="code")


def test_the_foot_tells_the_cursors_line_from_the_chosen_threads() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.post_message(Choose(thread=2))
        await pilot.pause()
        assert re.search(rf"line {ACCEPT}  o 4 accepting .*  > worker-2 at line {ACCEPT}", screen_text(app))
        await pilot.press("end")
        assert re.search(rf"line {len(TEXT) - 1}  nobody  +> worker-2 at line {ACCEPT}", screen_text(app))

    play(shown(), story, (100, 30), view="code")


def test_a_chosen_thread_in_another_file_or_at_several_lines_is_said_to_be_there() -> None:
    file = {"source_file": event_loop.__file__, "source_class": "EventLoop", "started": LATER, "queues": ["a", "b"]}
    threads = [thread(1, State.WRITING, "loop"), thread(2, State.LINGERING, "closer")]
    first = picture(snapshot(threads, header=header("event-loop", "loop", **file)))

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.post_message(Choose(thread=1))
        await pilot.pause()
        assert re.search(r"> loop-1 at one of the lines \d+, \d+$", screen_text(app), re.MULTILINE)
        app.post_message(Choose(thread=2))
        await pilot.pause()
        assert "> closer-2 at no line of this file" in screen_text(app)

    play(first, story, (100, 44), view="code")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_what_a_question_mark_and_a_plus_mean_stands_below(size: tuple[int, int]) -> None:
    assert "x3?: 0 to 3 threads · x6+3?: 6 to 9" in text_of(shown(), size, view="code")


def test_enter_at_a_line_chooses_its_threads_one_after_the_other() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.query_one(CodePane)
        await pilot.press("down")
        assert pane.cursor == SERVE  # where most are
        await pilot.press("up", "up", "up")
        assert pane.cursor == ACCEPT
        assert f"line {ACCEPT}  o 4 accepting  4.0 thread-seconds/s" in screen_text(app)
        for number in (2, 3, 4, 5, 2):
            await pilot.press("enter")
            assert app.chosen.thread == number
        await pilot.press("down", "enter")
        assert app.chosen.thread == 2  # nobody stands there

    play(shown(), story, view="code")


def test_enter_without_a_cursor_puts_it_where_it_is_worth_it_and_chooses_there() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("enter")
        assert app.query_one(CodePane).cursor == SERVE
        assert app.chosen.thread

    play(shown(), story, view="code")


def test_the_file_scrolls_with_the_cursor_and_comes_back() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.query_one(CodePane)
        before = screen_text(app)
        await pilot.press("home")
        assert "Recycling: every worker blocks" in screen_text(app)
        await pilot.press("pagedown", "end")
        assert pane.cursor == len(TEXT) - 1
        await pilot.press("right")
        assert "self.accept()" in screen_text(app)
        assert "    while (connection" not in screen_text(app)
        await pilot.press("escape")
        assert screen_text(app) == before
        await pilot.click(CodePane, (30, 3))
        assert f"line {pane.cursor}" in screen_text(app)

    play(shown(), story, view="code")


def test_the_cursors_line_is_lit_in_both_themes() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.query_one(CodePane)
        await pilot.press("down")
        row = pane.cursor - pane._first
        assert len({segment.style.bgcolor for segment in pane.render_line(row)}) == 1
        lit, other = (pane.render_line(y)._segments[0].style.bgcolor for y in (row, row - 1))
        assert lit != other
        await pilot.press("T")
        await pilot.pause()
        assert pane.render_line(row)._segments[0].style.bgcolor not in (lit, other)

    play(shown(), story, view="code")


def test_pieces_are_the_text_and_words_of_python_stand_out() -> None:
    pieces = coloured(tuple(TEXT))
    assert ["".join(text for text, _ in line) for line in pieces] == TEXT
    accept = dict(pieces[ACCEPT - 1])
    assert accept["while"] == "strong"
    assert next(style for text, style in pieces[RECYCLE - 1] if text.startswith("# enough")) == "quiet"
    assert {style for line in pieces[1:5] for _, style in line} == {"quiet"}
    assert coloured(("def (:", "   '''open")) == [[("def (:", "")], [("   '''open", "")]]
    assert cut([("abc", "x"), ("def", "")], 2, 4) == [("c", "x"), ("d", "")]


def test_of_a_comment_there_is_enough_to_read_or_nothing() -> None:
    line = [("    code()", ""), ("      ", ""), ("# why it is done so", "quiet")]
    assert "".join(text for text, _ in without_stub(line, 35)) == "    code()      # why it is done so"
    assert "".join(text for text, _ in without_stub(line, 32)) == "    code()      # why it is d..."
    assert "".join(text for text, _ in without_stub(line, 31)) == "    code()"
    assert "".join(text for text, _ in without_stub(line, 8)) == "    code"
