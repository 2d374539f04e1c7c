"""What a frame costs, counted in lines drawn and not in seconds, so that a busy machine cannot fail it.

Measured on two cores: 5.5 ms a frame at 80x24, 10 ms at 160x50, the same for 100 and for 400 threads.
"""

from collections import Counter
from dataclasses import replace

import pytest
from demo.connections import handled, with_connections
from demo.pictures import AT, picture, recycling
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.line_pane import LinePane
from teachserve.dashboard.list_pane import ListPane

from .board import Given, play, show


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
