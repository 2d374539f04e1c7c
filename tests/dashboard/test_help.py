"""`?`: a stranger finds every word of the pane that has the focus, and then every word there is."""

import importlib
import pkgutil

import pytest
from demo.pictures import picture, recycling
from textual.pilot import Pilot
from textual.widget import Widget

import teachserve.dashboard
from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.help import HelpText, all_sections, help_lines, pane_sections, title
from teachserve.dashboard.keys import EVERYWHERE, KEYS, OVER
from teachserve.dashboard.panes.kernel import KernelStates
from teachserve.dashboard.panes.lints import LintsPane
from teachserve.dashboard.panes.load import LoadPane
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.dashboard.views import VIEWS
from teachserve.events import STATES
from teachserve.observe.glossary import GLOSSARY, meanings

from .board import Given, play, screen_text, show

SHARED = ("HeaderPane", "StoryPane", "StatusPane")


def text_of_help(pane: Widget | None, width: int = 100) -> str:
    lines = help_lines(pane_sections(pane) if pane else all_sections(), width)
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_pane_that_can_have_the_focus_says_what_it_shows_and_has_each_word_explained(view) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        panes = [pane for pane in app.screen.focus_chain if hasattr(pane, "picture")]
        assert len(panes) > len(SHARED)
        for pane in panes:
            assert pane.about.endswith("."), type(pane)
            assert pane.words, type(pane)
            assert [word for word in pane.words if not meanings(word)] == [], type(pane)

    play(picture(), story, (160, 50), view=view.name)


def test_the_help_of_a_pane_has_its_words_its_keys_and_the_keys_everywhere() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.query_one("#view-threads ThreadTable", ThreadTable)
        told = " ".join(text_of_help(pane).split())
        assert " ".join(pane.about.split()) in told
        for state in STATES:
            assert state.value in told
        assert "before`: since before the watching began" in told
        assert "j and k do as well" in told
        assert [
            key for key in KEYS if key.where in (EVERYWHERE, OVER) and " ".join(key.sentence.split()) not in told
        ] == []

    play(picture(), story)


def test_the_keys_of_the_pane_come_first_then_what_it_shows_then_the_words() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("question_mark")
        text = screen_text(app)
        assert text.index("Its keys") < text.index("Enter  ") < text.index("What it shows")
        told = text_of_help(app.query_one("#view-threads ThreadTable"))
        assert told.index("What it shows") < told.index("The words on it") < told.index("Keys everywhere")

    play(picture(), story)


def test_the_help_of_the_events_names_the_lints_beside_them_and_tab_leads_there() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("question_mark")
        assert "Beside it: lints. Tab or shift+Tab moves the focus" in screen_text(app)
        await pilot.press("escape", "tab")
        while not isinstance(app.focused, LintsPane):
            await pilot.press("tab")
        await pilot.press("question_mark")
        assert "Help: lints" in screen_text(app)

    play(picture(), story, view="events")


def test_the_second_page_has_every_word_there_is() -> None:
    told = " ".join(text_of_help(None).split())
    assert [one for one in GLOSSARY if one.sentence not in told] == []


def test_a_word_with_two_meanings_says_which_each_is_but_a_state_is_a_state() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        counts = app.query_one("CountsPane")
        assert "architectures" not in text_of_help(counts)
        rates = app.query_one("RatesPane")
        assert "(figures)" in text_of_help(rates)

    play(picture(), story)


def test_the_question_mark_explains_the_pane_with_the_focus_then_everything_and_goes_away() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.query_one(LoadPane).focus()
        await pilot.press("question_mark")
        text = screen_text(app)
        assert "Help: load" in text
        assert "closed loop" in text
        await pilot.press("question_mark")
        assert "Help: every word" in screen_text(app)
        assert "What a thread can be doing" in screen_text(app)
        await pilot.press("tab")
        assert "Help: load" in screen_text(app)
        await show(app, pilot, picture(recycling(accepting=5)))
        await pilot.press("escape")
        text = screen_text(app)
        assert "Help:" not in text
        assert "o accepting 5" in text

    play(picture(), story)


def test_a_name_of_two_words_is_written_as_two_words() -> None:
    assert title(KernelStates()) == "kernel states"
    assert title(LoadPane()) == "load"


EVERYWHERE_KEYS = [key for key in KEYS if key.where == EVERYWHERE]


def test_the_help_can_be_scrolled_to_its_end() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("question_mark", "end")
        await pilot.wait_for_animation()
        assert EVERYWHERE_KEYS[-1].sentence.split(".")[0][:30] in screen_text(app)
        assert app.screen.query_one(HelpText).scroll_offset.y > 0

    play(picture(), story)


def test_tab_moves_the_focus_and_the_bar_at_its_left_says_where_it_is() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        before = screen_text(app)
        table = app.query_one("#view-threads ThreadTable", ThreadTable)
        assert app.focused is table
        await pilot.press("tab")
        after = screen_text(app)
        assert app.focused is not table
        changed = [number for number, pair in enumerate(zip(before.split("\n"), after.split("\n"), strict=True))
                   if pair[0] != pair[1]]  # fmt: skip
        for number in changed:
            line, other = before.split("\n")[number], after.split("\n")[number]
            assert line[1:] == other[1:]
        assert changed
        await pilot.press("shift+tab")
        assert app.focused is table
        assert screen_text(app) == before

    play(picture(), story)


def test_the_focus_takes_no_cell_from_a_pane() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        for pane in [pane for pane in app.screen.focus_chain if hasattr(pane, "picture")]:
            app.screen.set_focus(None)
            await pilot.pause()
            without = pane.content_region
            pane.focus()
            await pilot.pause()
            assert pane.content_region == without, type(pane)

    play(picture(), story, (160, 50))


def test_every_word_that_any_pane_of_any_screen_names_is_explained() -> None:
    unknown = {}
    for module in pkgutil.walk_packages(teachserve.dashboard.__path__, "teachserve.dashboard."):
        for name, one in vars(importlib.import_module(module.name)).items():
            words = getattr(one, "words", ()) if isinstance(one, type) else ()
            if isinstance(words, tuple) and (missing := [word for word in words if not meanings(word)]):
                unknown[name] = missing
    assert unknown == {}
