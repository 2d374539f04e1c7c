"""Colours: readable on both grounds, and never the only sign."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from demo.pictures import picture
from textual.color import Color
from textual.pilot import Pilot

import teachserve.dashboard
from teachserve.cli.view import View, view_options
from teachserve.colours import PALETTE, STATE_COLOURS
from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.look import Look
from teachserve.dashboard.themes import DARK, LIGHT
from teachserve.events import State

from .board import Given, play, screen_text, text_of

STYLE_SHEET = Path(teachserve.dashboard.__file__).with_name("teachserve.tcss")


def contrast(one: Color, other: Color) -> float:
    """WCAG 2's contrast ratio, from 1 to 21."""

    def luminance(colour: Color) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("colour", [*PALETTE, "foreground"])
@pytest.mark.parametrize("ground", ["background", "panel"])
def test_every_colour_can_be_read_on_every_ground(theme, colour: str, ground: str) -> None:
    ink = Color.parse(theme.variables.get(f"state-{colour}") or theme.foreground)
    assert contrast(ink, Color.parse(getattr(theme, ground))) >= 4.5


def test_every_state_has_a_glyph_of_its_own_in_ascii() -> None:
    assert set(GLYPHS) == set(State)
    assert len(set(GLYPHS.values())) == len(State)
    assert all(len(glyph) == 1 and glyph.isascii() for glyph in GLYPHS.values())


def test_the_style_sheet_gives_every_state_the_hue_that_the_table_says() -> None:
    rules = re.findall(r"^([^{}\n]*state--[^{}\n]*)\{ color: \$state-(\w+);", STYLE_SHEET.read_text(), re.MULTILINE)
    said = {selector.strip(" ."): hue for selectors, hue in rules for selector in selectors.split(",")}
    assert said == {css_name(state): hue for state, hue in STATE_COLOURS.items()}


def test_no_color_changes_no_word() -> None:
    # Textual reads NO_COLOR when it is imported: a process of its own.
    script = "from dashboard.board import text_of; from demo.pictures import picture; print(text_of(picture()))"
    environment = os.environ | {"NO_COLOR": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.rstrip("\n") == text_of(picture()).rstrip("\n")


@pytest.mark.parametrize(
    ("asked", "theme"),
    [("dark", DARK.name), ("light", LIGHT.name), ("nord", "nord"), ("ansi-dark", "ansi-dark"), ("nowhere", DARK.name)],
)
def test_a_theme_of_textual_s_own_can_be_asked_for(asked: str, theme: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert app.theme == theme
        assert "o accepting 3" in screen_text(app)
        await pilot.press("T")
        assert app.theme in (DARK.name, LIGHT.name)

    play(picture(), story, look=Look(asked))


def test_the_environment_names_a_theme_where_no_option_does(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Look] = []

    @click.command()
    @view_options
    def command(view: View) -> None:
        found.append(view.look)

    monkeypatch.setenv("TEXTUAL_THEME", "nord")
    for arguments in ([], ["--theme", "light"], ["--ascii", "--no-color", "--present"]):
        CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    assert found == [Look("nord"), Look("light"), Look("nord", ascii=True, colour=False, present=True)]


def test_a_theme_key_that_is_held_down_does_not_hold_up_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        reparsed: list[bool] = []
        reparse = app.stylesheet.reparse
        monkeypatch.setattr(app.stylesheet, "reparse", lambda: (reparsed.append(True), reparse()))
        for _ in range(21):
            app.action_theme()
        await pilot.pause()
        await pilot.pause()
        assert app.theme == LIGHT.name
        assert len(reparsed) == 1

    play(picture(), story)
