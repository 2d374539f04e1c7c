"""The command palette: whatever can be done, changed, seen or explained is found by its name, with a sentence."""

import re

from demo.pictures import picture
from textual.command import CommandList
from textual.pilot import Pilot
from textual.widgets import Input

from teachserve.architectures import NAMES
from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.keys import EVERYWHERE, KEYS
from teachserve.dashboard.palette import Command, Everything
from teachserve.dashboard.views import VIEWS
from teachserve.observe.glossary import GLOSSARY

from .board import Given, drawn, play, screen_text, until


async def choose(pilot: Pilot, app: Dashboard, text: str) -> None:
    """Open the palette, type, wait for what is found first, and take it."""
    await pilot.press("ctrl+p")
    app.screen.query_one(Input).value = text
    while text not in screen_text(app).split("\n", 5)[5]:
        await pilot.pause()
    while len(app.screen_stack) > 1:
        await pilot.press("enter")
        await pilot.pause()


def test_the_palette_holds_controls_views_keys_architectures_and_words() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        commands = {command.name: command for command in Everything(app.screen).commands()}
        assert all(command.sentence for command in commands.values())
        wanted = [
            *("clients: more", "clients: less", "slow motion: more", "soft stop", "abandon"),
            *(f"architecture: {name}" for name in NAMES),
            *(f"view: {view.label.lower()}" for view in VIEWS),
            *(f"explain: {one.word}" for one in GLOSSARY),
            *("help (?)", "present (P)", "svg (f8)", "quit (q)"),
        ]
        assert [name for name in wanted if name not in commands] == []
        assert commands["threads: more"].sentence == "not now: recycling has no fixed number of workers"
        assert commands["architecture: recycling"].sentence.startswith("every worker accepts for itself")
        actions = {key.action for key in KEYS if key.where == EVERYWHERE}
        assert {"end", "freeze", "control", "maximise"} <= actions

    play(picture(), story)


def test_an_action_of_the_palette_is_done() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await choose(pilot, app, "soft stop")

    assert play(picture(), story).asked == ["stop +1"]


def test_an_architecture_is_chosen_by_its_name() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await choose(pilot, app, "architecture: thread-pool")

    assert play(picture(), story).asked == ["architecture thread-pool"]


def test_a_word_of_the_palette_is_explained() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await choose(pilot, app, "explain: standby")
        assert [note.title for note in app._notifications] == ["standby"]
        assert "Workers that may block".lower() in next(iter(app._notifications)).message.lower()

    play(picture(), story)


def test_the_sentence_of_an_entry_is_there_to_its_last_word() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        lengths = (75, 76) * 10  # as much as the list has room for before its scrollbar comes
        commands = [
            Command(f"one {number}", lambda: None, ("word " * 20)[: length - 5] + " last")
            for number, length in enumerate(lengths)
        ]
        Everything.commands = lambda self: iter(commands)
        await pilot.press("ctrl+p")
        await pilot.press(*"one")
        await until(pilot, lambda: "one 1" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(CommandList).option_count == len(commands))
        await drawn(app)
        entries = re.split(r"one \d+\n", screen_text(app))[1:-1]
        assert entries
        assert all("last" in entry for entry in entries)

    before = Everything.commands
    try:
        play(picture(), story)
    finally:
        Everything.commands = before
