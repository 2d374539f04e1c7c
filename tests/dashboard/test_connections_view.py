"""Connections: where each waits and for how long, why, and never a stale list."""

import random
import re
from dataclasses import replace

import pytest
from demo.connections import IN_QUEUE, connection, handled, queued, with_connections
from demo.pictures import AT, picture, recycling, snapshot, thread
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.chosen import Choose, Chosen
from teachserve.dashboard.connection_screen import ConnectionScreen
from teachserve.dashboard.listing import Order, arrange, fit
from teachserve.dashboard.panes.connection import ConnectionPane
from teachserve.dashboard.panes.connections import COLUMNS, WAITS, ConnectionTable, spent, spent_in, total
from teachserve.demo.picture import Picture
from teachserve.events import STATES, State
from teachserve.observe.connection_view import IN_ACCEPT_QUEUE, IN_SELECT

from .board import Given, play, screen_text, show, text_of, until

ONES = [handled(1206), queued(1207), queued(1208, 0.2)]
OVER = [handled(1100, 0.3, ended=True), handled(1101, 0.5, ended=True)]


def listed(app: Dashboard) -> list[str]:
    """The connections in view, `>` before the chosen one."""
    return [line[:6].rstrip() for line in screen_text(app).split("\n") if re.match(r"[ >]1[12]\d\d ", line)]


def test_the_whole_is_there_at_80x24() -> None:
    text = text_of(with_connections(ONES, OVER), view="connections")
    assert "1-5/5▲" in text
    heading = next(line for line in text.split("\n") if "Where" in line)
    assert heading.split()[1:] == ["Where", "Thread", "For", "Waited", "Queue", "Handling", "Reqs", "Total"]
    rows = {line.split()[0]: line.split()[1:] for line in text.split("\n") if re.match(r" 1[12]\d\d ", line)}
    assert rows["1206"] == ["#", "handling", "worker-6", "250ms", "400ms", "-", "250ms", "1", "660ms"]
    assert rows["1207"] == ["q", "connections", "-", "100ms", "120ms", "100ms", "-", "1", "120ms"]
    assert rows["1100"][:2] == ["x", "closed"]
    assert "events complete" in text


@pytest.mark.parametrize("room", range(58, 200))
def test_the_total_is_never_cut_off(room: int) -> None:
    layout = fit(COLUMNS, with_connections(ONES, OVER), room)
    assert sum(width + 1 for _, width in layout) - 1 <= room
    assert layout[-1][0].title == "Total"


def test_who_holds_each_is_there_at_120_columns_too() -> None:
    text = text_of(with_connections(ONES, OVER), (120, 40), view="connections")
    assert re.search(r" 1206 +# handling +worker-6 ", text)


def test_a_wide_terminal_tells_the_waits_apart_and_explains_the_chosen_one() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        assert "Choose a connection: here stands what kept it." in text
        heading = next(line for line in text.split("\n") if "Where" in line)
        assert [word for word in ("Accept>=", "Queue", "Handling") if word not in heading] == []
        await pilot.press("j")
        text = screen_text(app)
        assert "connection 1206: 660 ms so far, 1 request" in " ".join(text.split())
        assert "Path" in text
        assert re.search(r"k accept queue +400ms", text)

    play(with_connections(ONES, OVER), story, (160, 40), view="connections")


def test_every_event_is_asked_for_while_the_view_is_shown_and_only_then() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert source.asked == []
        await pilot.press("3")
        await until(pilot, lambda: "level stream" in source.asked)
        await show(app, pilot, with_connections(ONES))
        await pilot.press("2")
        await until(pilot, lambda: source.asked[-1] == "level table")

    play(picture(), story)


def test_another_server_in_its_place_is_asked_again() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await until(pilot, lambda: "level stream" in source.asked)
        await show(app, pilot, with_connections(ONES))
        asked = len(source.asked)
        app._keep_level()
        assert len(source.asked) == asked
        await show(app, pilot, picture())
        await until(pilot, lambda: len(source.asked) > asked)

    play(with_connections(ONES), story, view="connections")


@pytest.mark.parametrize(
    ("shown", "refusal", "words"),
    [
        (picture(), "", "the server has been asked for every event, and has not begun to send them"),
        (picture(), "this is a replay", "n/a: this is a replay"),
        (picture(replace(recycling(), phase="stopped")), "", "n/a: the server is stopped, and sends no events"),
        (with_connections([]), "", "no connection is open, and none has ended"),
        (with_connections(ONES, OVER, known=False), "", "the server has been asked for every event"),
    ],
)
def test_where_nothing_is_known_that_is_said_and_no_stale_list_is_shown(
    shown: Picture, refusal: str, words: str
) -> None:  # fmt: skip
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.refusal = refusal
        app.board.view = "connections"
        await until(pilot, lambda: words in screen_text(app))
        assert listed(app) == []

    play(shown, story, view="threads")


def test_those_that_ended_come_after_the_living_whatever_the_order_and_e_hides_them() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert listed(app) == [" 1206", " 1207", " 1208", " 1101", " 1100"]
        await pilot.press("s", "s", "s", "s")
        assert "▼Waited" in screen_text(app)
        assert listed(app) == [" 1206", " 1208", " 1207", " 1101", " 1100"]
        await pilot.press("e")
        assert listed(app) == [" 1206", " 1208", " 1207"]
        await pilot.press("e", "/", *"closed", "enter")
        assert listed(app) == [" 1101", " 1100"]

    play(with_connections(ONES, OVER), story, view="connections")


def test_choosing_is_shared_with_the_threads_both_ways() -> None:
    held = snapshot([thread(6, State.HANDLING, connection=1206), thread(7, State.ACCEPTING)], streaming=True)
    shown = replace(with_connections(ONES), snapshot=held)

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.post_message(Choose(thread=6))
        await pilot.pause()
        await pilot.pause()
        assert ">1206" in listed(app)
        await pilot.press("j")
        assert app.chosen == Chosen(connection=1207)
        await pilot.press("k", "2")
        assert app.chosen == Chosen(connection=1206)
        assert ">worker-6" in screen_text(app)

    play(shown, story, view="connections")


@pytest.mark.parametrize("key", ["y", "enter"])
def test_y_and_enter_say_why_and_show_the_path(key: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("j", key)
        await pilot.pause()
        assert isinstance(app.screen, ConnectionScreen)
        text = screen_text(app)
        assert "connection 1206  # handling for 250ms, held by worker-6" in text
        assert "connection 1206: 660 ms so far, 1 request" in text
        assert "application's own code" in " ".join(text.split())
        steps = [line.split() for line in text.split("\n") if re.match(r" +\d+\.\d{3} ", line)]
        assert [step[2] for step in steps] == ["accept", "reading", "handling"]
        assert steps[1][3:] == ["worker-6", "10ms"]
        await pilot.press("escape")
        assert app.screen is app.board

    play(with_connections(ONES), story, view="connections")


def test_what_was_said_of_a_connection_stays_once_it_has_gone_and_says_so() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("j", "y")
        await pilot.pause()
        gone = with_connections(ONES[1:])
        await show(app, pilot, replace(gone, snapshot=replace(gone.snapshot, at_s=AT + 3)))
        text = screen_text(app)
        assert "connection 1206  not followed any more" in text
        assert "not followed any more: as it was 3.0s ago" in text
        assert "connection 1206: 660 ms so far" in text

    play(with_connections(ONES), story, view="connections")


def test_the_end_of_a_connection_is_explained_once_and_for_all() -> None:
    pane = ConnectionPane(1206)
    pane.picture = with_connections(ONES)
    assert "so far" in pane.explained.sentences[0]
    pane.picture = with_connections([], [handled(1206, ended=True)])
    assert "until it was closed" in pane.explained.sentences[0]
    kept = pane.explained
    pane.picture = with_connections([], [handled(1206, ended=True)], at_s=AT + 60)
    assert pane.explained is kept


def test_a_connection_that_nobody_follows_is_said_to_be_unknown() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.post_message(Choose(connection=9))
        await pilot.pause()
        await pilot.pause()
        assert "n/a: connection 9 is not among those" in screen_text(app)

    play(with_connections(ONES), story, (160, 40), view="connections")


def test_connections_lost_sight_of_are_counted() -> None:
    assert "17 lost sight of" in text_of(with_connections(ONES, forgotten=17), (200, 60), view="connections")


def test_what_began_before_the_watching_has_a_total_of_at_least() -> None:
    text = text_of(with_connections([handled(1206, incomplete=True)]), view="connections")
    assert re.search(r"1206 .* 660ms\+", text)


# For any connections.

CODES = [*(state.code for state in STATES[:-2]), IN_ACCEPT_QUEUE, IN_SELECT, IN_QUEUE]


@pytest.mark.parametrize("seed", range(25))
def test_waits_and_work_make_up_the_total_and_every_order_keeps_the_living_first(seed: int) -> None:
    dice = random.Random(seed)

    def made(number: int, ended: bool) -> object:
        path = [
            (dice.choice(CODES), dice.choice([0.0, dice.random()]), dice.randrange(60))
            for _ in range(dice.randrange(1, 9))
        ]
        return connection(number, path, ended)

    living = [made(number, False) for number in range(dice.randrange(30))]
    ended = [made(number, True) for number in range(100, 100 + dice.randrange(30))]
    shown = with_connections(living, ended)
    for one in (*living, *ended):
        parts = spent(shown.connections, one)
        waited, handling = spent_in(shown, one, *WAITS), spent_in(shown, one, "handling")
        assert total(shown, one) == pytest.approx(sum(parts.values()))
        assert waited + handling <= total(shown, one) + 1e-9
        assert total(shown, one) == pytest.approx(AT - one.path[0].at_s, abs=1e-4)
    table = ConnectionTable()
    layout = fit(COLUMNS, shown, 200)
    for column, _ in layout:
        for inverted in (False, True):
            order = Order(column.title, inverted)
            rows = [
                row for group in table.groups(shown) for row in arrange(group, shown, order, layout, table.words_of)
            ]
            assert sorted(row.number for row in rows) == [one.number for one in (*living, *ended)]
            assert [row.ended_at_s is None for row in rows] == [True] * len(living) + [False] * len(ended)
        for row in rows:
            assert len(column.text(shown, row, 9)[0]) == 9


def test_the_title_says_that_the_view_is_frozen_and_how_to_leave_though_there_is_little_room() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("space", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionScreen))
        await pilot.pause()
        for width in (80, 66):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            title = screen_text(app).split("\n")[0]
            assert title.startswith(" connection 1206")
            assert " VIEW FROZEN " in title
            assert title.endswith("Esc back")

    play(with_connections(ONES, OVER), story, view="connections")


def test_threads_with_long_numbers_are_told_apart_where_only_ended_connections_had_them() -> None:
    ended = [connection(1100 + number, [(State.HANDLING.code, 0.1, 68080 + number)], ended=True) for number in range(5)]
    text = text_of(with_connections([], ended), view="connections")
    assert [number for number in range(5) if f"-{68080 + number} " not in text] == []


def test_where_only_hidden_ones_are_left_that_is_said_with_the_key_that_shows_them() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "closed" in screen_text(app)
        await pilot.press("e")
        assert "no connection is open; e shows those that have ended" in screen_text(app)
        await pilot.press("e")
        assert "no connection is open" not in screen_text(app)

    play(with_connections([], OVER), story, view="connections")
