"""--ascii and black and white: nothing is lost to who has neither box characters nor colours."""

from dataclasses import replace

import pytest
from demo.pictures import picture, recycling
from rich.cells import cell_len
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.look import Look
from teachserve.dashboard.plain import BARS, in_ascii
from teachserve.dashboard.sparkline import BARS as HEIGHTS
from teachserve.dashboard.views import VIEWS

from .board import Given, play, screen_text, text_of

SIZES = [(80, 24), (160, 50)]
OVER = {"help": ["question_mark"], "every word": ["question_mark", "tab"], "controls": ["c"], "palette": ["ctrl+p"],
        "presented": ["P"], "maximised": ["m"], "frozen": ["space"], "said": ["T", "X"]}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_no_character_beyond_ascii_is_on_the_screen_in_any_view_or_in_what_lies_over_it(size: tuple[int, int]) -> None:
    found: dict[str, str] = {}

    def look(app: Dashboard, where: str) -> None:
        found[where] = "".join(sorted({one for one in screen_text(app) if not one.isascii()}))

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for view in VIEWS:
            await pilot.press(view.key)
            look(app, view.name)
        for name, keys in OVER.items():
            await pilot.press(*keys)
            look(app, name)
            await pilot.press("space" if name == "frozen" else "escape")
            await pilot.pause()

    play(picture(recycling(60)), story, size, look=Look(ascii=True))
    assert {where: beyond for where, beyond in found.items() if beyond} == {}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_ascii_changes_no_word_and_moves_none(view) -> None:
    plain, usual = (text_of(picture(), view=view.name, look=Look(ascii=ascii)) for ascii in (True, False))
    assert plain == "\n".join(map(in_ascii, usual.split("\n")))
    for one, other in zip(plain.split("\n"), usual.split("\n"), strict=True):
        assert cell_len(one) == cell_len(other)


def test_a_chart_keeps_its_heights_apart() -> None:
    assert set(BARS) == set(HEIGHTS)
    assert len(set(BARS.values())) == len(BARS)


@pytest.mark.parametrize("character", "─│┌┐└┘├┤┼▌▐▀▄█░▒▓▁▇·…▼▲◀▶→🔎⣿é日?")
def test_whatever_comes_is_replaced_by_as_many_cells(character: str) -> None:
    plain = in_ascii(character)
    assert plain.isascii()
    assert len(plain) == cell_len(character)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_black_and_white_says_the_same_and_no_cell_has_a_colour(view) -> None:
    found = []

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        strips = app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        inks = [ink.triplet for style in styles for ink in (style.color, style.bgcolor) if ink and ink.triplet]
        assert {ink for ink in inks if len(set(ink)) > 1} == set()
        found.append(screen_text(app))

    play(picture(), story, view=view.name, look=Look(colour=False))
    assert found[0] == text_of(picture(), view=view.name)


def test_in_black_and_white_alarms_and_the_shown_view_stand_out_by_weight() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        strips = app.screen._compositor.render_strips()
        bold = {segment.text.strip() for strip in strips for segment in strip if segment.style and segment.style.bold}
        assert any("lost frames 3" in text for text in bold)
        assert any("2 Threads" in text for text in bold)
        assert not any("1 Places" in text for text in bold)

    play(picture(replace(recycling(), lost_frames=3)), story, look=Look(colour=False))
