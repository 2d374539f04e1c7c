"""Enter on a thread: all that is known of it, also once it has ended, and nothing that is not known."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from demo.inspections import STACK, asked_about, events, inspection
from demo.pictures import AT, header, picture, recycling, snapshot, thread
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.blocks import buckets, times_by_state
from teachserve.dashboard.chosen import Choose, Chosen
from teachserve.dashboard.panes.connection import ConnectionPane
from teachserve.dashboard.thread_detail import shown_frames
from teachserve.dashboard.thread_screen import ThreadPane, ThreadScreen
from teachserve.demo.picture import Picture
from teachserve.events import STATES, Mark, State
from teachserve.observe.glossary import meanings
from teachserve.observe.kernel import Look
from teachserve.observe.snapshot import EventView
from teachserve.observe.verdict import Shares, Verdict

from .board import Given, play, screen_text, show, until

Story = Callable[[Dashboard, Pilot, Given], Awaitable[None]]


def opened(story: Story, first: Picture, size: tuple[int, int] = (80, 24), refusal: str = "") -> Given:
    """The detail of worker-6 is open."""

    async def run(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.refusal = refusal
        app.post_message(Choose(thread=6))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "inspect 6" in source.asked)
        await pilot.pause()
        await story(app, pilot, source)

    return play(first, run, size)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 60)])
def test_everything_is_there_at_every_size(size: tuple[int, int]) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        owed = (
            *("worker-6 (TID 9006)  # handling for 250ms", "runs the handler, which is the application's own code"),
            *("connection 1206 (127.0.0.1:53412)", "406 requests", "accepted 46", "recycled 45"),
            "Kernel     says handling on 5, kernel futex in futex_wait_queue: GIL",
            *("Time by state", "# handling", "o accepting", "Serving times, 33 requests in 325ms", "up to"),
            *("Python stack, 300ms ago", "recycling.py:27", "handlers.py:44", "time.sleep(delay)"),
            *("events (all of them)", "w writing       1132  200us", "Esc back"),
        )
        assert [words for words in owed if words not in text] == []
        assert sum(f"{at:.3f}s" in text for at in {round(one.at_s, 3) for one in events(6)[-20:]}) >= 8
        lines = text.split("\n")
        assert max(map(len, lines)) <= size[0]
        assert len([line for line in lines if line.startswith(" > handlers.py")]) == 1

    opened(story, picture(asked_about(6)), size)


def test_at_60x16_each_part_has_its_place_still() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        for words in ("Time by state", "Serving times", "> handlers.py:44", "events (all of them)", "w writing"):
            assert words in text

    opened(story, picture(asked_about(6)), (60, 16))


def test_twenty_events_are_there_at_80x24() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        assert "Last 20 events (all of them)" in text
        assert text.count("us") + text.count("ms") >= 19

    opened(story, picture(asked_about(6)))


def test_events_stand_by_time_and_a_mark_ends_no_stay() -> None:
    def event(at_s: float, state: State | None) -> EventView:
        return EventView(at_s, 6, "worker-6", None, state, None if state else Mark.ARRIVED, 0, False)

    told = (
        event(9.960, State.RECYCLING),
        event(9.986, State.ACCEPTING),
        event(9.966, None),
        event(9.990, State.READING),
    )

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        rows = [line[line.index(" 9.9") :].split() for line in screen_text(app).split("\n") if " 9.9" in line]
        assert rows == [
            ["9.960s", "@", "recycling", "26ms"],
            ["9.966s", "Arrived"],
            ["9.986s", "o", "accepting", "4.0ms"],
            ["9.990s", "r", "reading"],
        ]

    opened(story, picture(replace(asked_about(6), focused=told)), (120, 40))


def test_the_server_is_asked_while_it_is_open_and_the_focus_is_given_back() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert source.asked == ["focus 6", "inspect 6"]
        await pilot.press("escape")
        assert not isinstance(app.screen, ThreadScreen)
        await until(pilot, lambda: source.asked[-1] == "focus None")

    opened(story, picture(asked_about(6)))


@pytest.mark.parametrize(("key", "view"), [("enter", "threads"), ("2", "threads"), ("8", "events")])
def test_enter_and_the_views_keys_leave_it_too(key: str, view: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press(key)
        assert app.screen is app.board
        assert app.board.view == view

    opened(story, picture(asked_about(6)))


@pytest.mark.parametrize("key", ["c", "m", "P"])
def test_keys_that_change_the_dashboard_leave_it_first(key: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press(key)
        assert app.screen is app.board
        assert app.board.control.display or app.board.alone

    opened(story, picture(asked_about(6)))


def test_a_double_click_opens_it() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.click("#view-threads ThreadTable", (5, 3), times=2)
        await pilot.pause()
        assert isinstance(app.screen, ThreadScreen)
        assert "worker-3" in screen_text(app)

    play(picture(), story)


def test_it_is_live_and_stands_still_while_the_view_is_frozen() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        now = replace(asked_about(6), at_s=AT + 1)
        await show(app, pilot, picture(now))
        assert "# handling for 1.2s" in screen_text(app)
        await pilot.press("space")
        await show(app, pilot, picture(replace(now, at_s=AT + 5)))
        assert "# handling for 1.2s" in screen_text(app)
        assert "VIEW FROZEN" in screen_text(app)
        await pilot.press("space")
        assert "# handling for 5.2s" in screen_text(app)
        assert "VIEW FROZEN" not in screen_text(app)

    opened(story, picture(asked_about(6)))


def test_what_was_not_asked_before_the_view_was_frozen_is_not_waited_for() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("space", "3")
        await pilot.pause()
        assert "n/a: the view is frozen, and no events were sent before" in screen_text(app)
        await pilot.press("2")
        app.post_message(Choose(thread=6))
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert "the view is frozen: the thread was not looked at before" in screen_text(app)
        assert "VIEW FROZEN" in screen_text(app)
        await pilot.press("space")
        await pilot.pause()
        assert "asking the server" in screen_text(app)

    play(picture(), story)


def test_a_thread_that_ends_stays_and_says_so_and_is_not_asked_any_more() -> None:
    others = tuple(one for one in recycling().threads if one.number != 6)
    ended = thread(6, State.ENDED, since_s=AT, ended_at=AT)

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await show(app, pilot, picture(replace(asked_about(6), threads=others, ended=(ended,), at_s=AT + 2)))
        text = screen_text(app)
        assert "x ended 2.0s ago" in text
        assert "its method returned" in text
        assert "n/a: the thread has ended" in text
        await show(app, pilot, picture(replace(asked_about(6), threads=others, at_s=AT + 20)))
        assert "x ended 20.0s ago" in screen_text(app)
        asked = list(source.asked)
        app.screen._ask()
        assert source.asked == asked

    opened(story, picture(asked_about(6)))


def test_a_thread_of_the_same_number_in_another_server_is_not_taken_for_it() -> None:
    later = snapshot([thread(6, State.ACCEPTING, "acceptor")], header=header("thread-pool", "acceptor", epoch_ns=2))

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await show(app, pilot, picture(later))
        text = screen_text(app)
        assert "worker-6" in text
        assert "another server runs now" in text
        assert "acceptor-6" not in text
        await pilot.press("escape")
        assert app.chosen == Chosen()
        assert "acceptor-6" in screen_text(app)
        assert ">acceptor-6" not in screen_text(app)

    opened(story, picture(asked_about(6)))


def test_a_thread_whose_end_was_not_told_is_not_shown_as_alive() -> None:
    others = tuple(one for one in recycling().threads if one.number != 6)

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await show(app, pilot, picture(replace(asked_about(6), threads=others)))
        text = screen_text(app)
        assert "x ended unseen" in text
        assert "what is below was true before" in text

    opened(story, picture(asked_about(6)))


def test_before_the_answer_it_says_that_it_asks_and_where_there_is_none_why() -> None:
    async def asking(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        assert text.count("asking the server") == 2
        assert "n/a: no event since it was opened" in text
        assert "sampled" in text

    opened(asking, picture())

    async def refused(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await until(pilot, lambda: screen_text(app).count("this is a replay") >= 3)

    opened(refused, picture(), refusal="this is a replay")


def test_events_of_another_thread_are_not_taken_for_its_own() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "n/a: no event since it was opened" in screen_text(app)

    opened(story, picture(replace(asked_about(6), focused=events(5), focus=5)))


def test_lost_events_are_said() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "(all of them, but 3 lost)" in screen_text(app)

    opened(story, picture(asked_about(6, focus_lost=3)))


def test_the_present_stay_counts_in_the_time_by_state() -> None:
    asked = asked_about(6, snapshot([thread(n, State.HANDLING, since_s=AT - 100) for n in range(1, 8)]))

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "Time by state, 1m50s watched" in screen_text(app)

    opened(story, picture(asked))


def test_where_the_kernel_contradicts_the_reason_is_said() -> None:
    sighting = next(one for one in picture().sightings.values() if one.number == 6)
    differs = sighting._replace(verdict=Verdict.DIFFERS, call="accept4", descriptor=5, reason="handling, it says")

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        text = screen_text(app)
        assert "kernel accept4(5) in futex_wait_queue: DIFFERS" in text
        assert "! handling, it says" in text

    opened(story, picture(asked_about(6), sightings={6: differs}))


def test_where_the_kernel_cannot_be_asked_the_reason_is_said() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "Kernel     n/a: not permitted" in screen_text(app)

    opened(story, picture(asked_about(6), witness=Look((), {}, Shares(), {}, 0.0, "not permitted"), sightings={}))


def test_nothing_in_a_source_line_can_drive_the_terminal() -> None:
    evil = STACK[-1]._replace(source="print('\x1b[2J')")
    asked = replace(asked_about(6), inspected={6: inspection(6, stack=(*STACK[:-1], evil))})

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "print(' [2J')" in screen_text(app)

    opened(story, picture(asked))


@pytest.mark.parametrize(
    ("gil", "why"), [(True, "the thread had ended"), (False, "without the GIL nobody can read the stack")]
)
def test_where_there_is_no_stack_it_says_why(gil: bool, why: str) -> None:
    asked = replace(asked_about(6), inspected={6: inspection(6, stack=())})

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert f"n/a: {why}" in screen_text(app)

    opened(story, picture(replace(asked, header=replace(asked.header, gil=gil))))


def test_a_long_reason_why_nothing_is_known_is_whole() -> None:
    why = "there is no thread 6: it has ended, or was never made"

    async def refused(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await until(pilot, lambda: "there is no thread 6" in screen_text(app))
        left = " ".join(line[:39].strip() for line in screen_text(app).split("\n"))
        assert why in left

    opened(refused, picture(), refusal=why)


@pytest.mark.parametrize("pane", [ThreadPane, ConnectionPane])
def test_every_word_that_the_help_of_a_detail_names_is_explained(pane: type) -> None:
    assert [word for word in pane.words if not meanings(word)] == []


# Its parts, for any values.


@pytest.mark.parametrize("room", range(1, 9))
def test_the_line_on_which_it_stands_is_always_shown_and_then_the_architectures(room: int) -> None:
    shown = shown_frames(STACK, room, "recycling.py")
    assert len(shown) == min(room, len(STACK))
    assert shown == sorted(set(shown))
    assert shown[-1] == len(STACK) - 1
    if room > 1:
        assert 3 in shown


@pytest.mark.parametrize("seed", range(30))
def test_a_histogram_counts_every_value_once_below_its_edge(seed: int) -> None:
    dice = random.Random(seed)
    values = [dice.choice([0.001, dice.random()]) for _ in range(dice.randrange(1, 100))]
    rows = dice.randrange(1, 10)
    found = buckets(values, rows)
    assert len(found) <= rows
    assert sum(count for _, count in found) == len(values)
    assert found[-1][0] == pytest.approx(max(values))
    edges = [edge for edge, _ in found]
    assert edges == sorted(edges)


@pytest.mark.parametrize("rows", range(8))
def test_the_shares_of_time_are_of_all_the_time_whatever_the_room(rows: int) -> None:
    times = {state: float(number) for number, state in enumerate(STATES)}
    lines = times_by_state(times, 60, rows)
    assert len(lines) == rows
    shares = [float("".join(text for text, _ in line).split(" %")[0].split()[-1]) for line in lines]
    if rows:
        assert sum(shares) == pytest.approx(100, abs=0.06 * rows)
        assert "others" in lines[-1][0][0]


def test_that_a_thread_has_ended_is_said_in_few_words_wherever_nothing_is_known() -> None:
    refusal = "there is no thread 6: it has ended, or was never made"

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        others = tuple(one for one in recycling().threads if one.number != 6)
        gone = thread(6, State.ENDED, since_s=AT, ended_at=AT)
        await show(app, pilot, picture(replace(recycling(), threads=others, ended=(gone,), events=())))
        text = screen_text(app)
        assert refusal not in text
        assert text.count("n/a: the thread has ended") == 4  # the kernel, times, serving times, stack
        assert "Last events (sampled: the thread has ended): none" in text

    opened(story, picture(), refusal=refusal)
