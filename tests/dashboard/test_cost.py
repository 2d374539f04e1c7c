"""What a frame costs, counted in lines drawn and not in seconds, so that a busy machine cannot fail it.

Measured on two cores: 5.5 ms a frame at 80x24, 10 ms at 160x50, the same for 100 and for 400 threads.
"""

from collections import Counter
from dataclasses import replace

import pytest
from demo.connections import handled, with_connections
from demo.pictures import AT, picture, recycling, step
from observe import world
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.line_pane import LinePane
from teachserve.dashboard.list_pane import ListPane
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.demo.fold import PictureFold
from teachserve.demo.picture import History
from teachserve.events import STATES

from .board import Given, play, show
from .board import drawn as drawn_by
from .test_code import shown as with_code


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Lines drawn by class of pane, and layouts."""
    counts: Counter[str] = Counter()

    def count(cls: type, name: str, key: str | None = None) -> None:
        before = getattr(cls, name)

        def counted(self, *arguments, **named):
            counts[key or type(self).__name__] += 1
            return before(self, *arguments, **named)

        monkeypatch.setattr(cls, name, counted)

    count(ListPane, "render_line")
    count(LinePane, "render_line")
    count(Dashboard.get_default_screen(None).__class__, "_refresh_layout", "layout")
    return counts


def lines_of_a_frame(drawn: Counter, threads: int) -> Counter:
    told: list[Counter] = []

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for frame in range(3):  # the first lays out and draws all
            drawn.clear()
            await show(app, pilot, picture(replace(recycling(threads), at_s=AT + 0.01 * frame)))
        told.append(Counter(drawn))

    play(picture(recycling(threads)), story)
    return told[0]


def test_only_what_is_in_view_and_has_changed_is_drawn(drawn: Counter) -> None:
    few, many = lines_of_a_frame(drawn, 40), lines_of_a_frame(drawn, 400)
    assert few == many
    assert many["ThreadTable"] <= 9
    assert many["layout"] == 0
    # The age in the header and nothing else: the same counts, rates and events stand as they are.
    assert {pane: count for pane, count in many.items() if count and pane != "ThreadTable"} in (
        {},
        {"HeaderPane": 1},
    )


def test_of_many_connections_only_those_in_view_are_drawn_and_nothing_is_laid_out_anew(drawn: Counter) -> None:
    told: list[Counter] = []

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("s", "s", "s", "s")
        for frame in range(3):
            drawn.clear()
            ones = [handled(1000 + number, 0.1 + 0.01 * frame) for number in range(400 + frame % 2)]
            await show(app, pilot, with_connections(ones))
        told.append(Counter(drawn))

    play(with_connections([handled(1000 + number) for number in range(401)]), story, view="connections")
    assert 0 < told[0]["ConnectionTable"] <= 14
    assert told[0]["layout"] == 0


def lines_of_frames(drawn: Counter, view: str, pictures: list) -> list[Counter]:
    """What each of these pictures makes the view draw, after the first."""
    told: list[Counter] = []

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for one in pictures:
            drawn.clear()
            await show(app, pilot, one)
            told.append(Counter(drawn))

    play(pictures[0], story, view=view)
    return told[1:]


def test_of_the_code_only_lines_with_other_threads_are_drawn(drawn: Counter) -> None:
    (told,) = lines_of_frames(drawn, "code", [with_code(20, accepting) for accepting in (4, 5)])
    assert 0 < told["CodePane"] <= 6  # accept, serve, recycle, and below them what stands at the hottest
    assert told["layout"] == 0


def test_of_four_hundred_lanes_those_in_view_are_drawn_and_nothing_is_laid_out_anew(drawn: Counter) -> None:
    fold = PictureFold()
    fold.apply(world.header())
    pictures = []
    for tenth in range(4):
        at = tenth * 100_000
        rows = [world.row(n, STATES[3 + (n + tenth) % 7], moves=tenth, since=at) for n in range(1, 401)]
        fold.apply(world.table(at, rows))
        pictures.append(picture(lanes=fold.picture().lanes))
    for told in lines_of_frames(drawn, "lanes", pictures):
        assert 0 < told["LanesPane"] <= 15
        assert told["layout"] == 0


def test_charts_are_drawn_anew_twice_a_second_and_not_with_every_frame(drawn: Counter) -> None:
    longer = History(tuple(step(number) for number in range(1, 121)), first=1)
    same, other = lines_of_frames(drawn, "charts", [picture(), picture(), picture(history=longer)])
    assert same["ChartsPane"] == 0
    assert 0 < other["ChartsPane"] <= 17
    assert other["layout"] == 0


def test_a_pane_in_a_column_that_is_hidden_gets_no_picture_and_the_newest_once_there_is_room() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        beside = app.board.query_one("#view-places .side ThreadTable", ThreadTable)
        assert beside.picture is None
        await pilot.press("space")
        newest = app.board.shown
        await pilot.resize_terminal(160, 50)
        await drawn_by(app)
        assert beside.picture is newest

    play(picture(), story, view="places")


def test_the_panes_that_come_back_show_what_the_frozen_view_shows() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        waiting = app.board.query_one("#view-places WaitingPane")
        await pilot.press("m")
        await show(app, pilot, picture(recycling(20)))
        await pilot.press("space", "m")
        await drawn_by(app)
        assert waiting.picture is app.board.shown

    play(picture(), story, view="places")
