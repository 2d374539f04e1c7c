"""--ascii and black and white: nothing is lost to who has neither box characters nor colours."""

from dataclasses import replace

import pytest
from demo.pictures import picture, recycling
from rich.cells import cell_len
from textual.color import Color
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.look import Look
from teachserve.dashboard.plain import BARS, in_ascii
from teachserve.dashboard.sparkline import BARS as HEIGHTS
from teachserve.dashboard.views import VIEWS

from .board import Given, play, screen_text, text_of
from .test_themes import contrast

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


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_in_black_and_white_alarms_and_the_shown_view_stand_out_and_every_state_can_be_read(theme: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pieces = {segment.text.strip(): segment.style for strip in app.screen._compositor.render_strips()
                  for segment in strip if segment.style}  # fmt: skip
        (alarm,) = [style for text, style in pieces.items() if "lost frames 3" in text]
        assert alarm.bold
        assert alarm.reverse
        (view,) = [style for text, style in pieces.items() if text == "2 Threads"]
        assert view.bold
        for state in ("# handling", "o accepting", "~ waiting", "r reading"):
            style = next(style for text, style in pieces.items() if text.startswith(state))
            assert contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)) >= 7

    play(picture(replace(recycling(), lost_frames=3)), story, look=Look(theme, colour=False))
