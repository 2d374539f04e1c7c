"""What a person finds on the screen: at 80x24 all of it, on a larger one more, on a smaller one a sentence."""

import asyncio
import re
from dataclasses import replace

import pytest
from demo.pictures import AT, header, picture, recycling, snapshot, thread
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.glyphs import GLYPHS
from teachserve.dashboard.list_pane import STEADY
from teachserve.dashboard.panes.events import event_line
from teachserve.dashboard.panes.story import told
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.demo.picture import History, LoadView
from teachserve.events import STATES, Mark, State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look
from teachserve.observe.snapshot import EventView, LogLine, QueueView
from teachserve.observe.verdict import Shares

from .board import Given, drawn, play, screen_text, show, text_of, until

# What the screen owes a reader at 80x24, and where: the ten questions of readers.md stand on it.
OWED = [
    *("recycling", "Python 3.13.0", "GIL on", "serving for 12.5s", "127.0.0.1:40123"),
    *("standby 8", "max_threads 100", "delay 1ms", "backlog 2048"),
    *("3 of 11 workers block in accept(2); the next connection wakes one of them",),
    *("o accepting 3", "r reading 2", "# handling 3", "w writing 2", "@ recycling 1", "~ waiting 1", "a accepted 0"),
    *("kernel's accept queue 0 of 2048, 0 overflowed", "wanted 0 (of 112)"),
    *("Requests/s    7001", "p50   12ms", "p99   46ms"),
    *("threads 12: made 120, recycled 3400, ended 108",),
    *("100 clients, close, closed loop", "generator 34 % of a core"),
    *("200s 54000", "503s 0", "errors 0", "0 of 100 never served"),
    *("Thread▲ 1-8/12", "State", "For", "Conn", "Reqs", "Accep", "Recyc", "Kernel"),
    *("thread-maker-1 ~ waiting       250ms      -     0     0     0 read ok",),
    *("worker-2       o accepting     250ms      -   402    42    41 accept4 ok",),
    *("worker-6       # handling      250ms   1206   406    46    45 futex GIL",),
    *("agrees 100 % · judged 83.7 % of 1075 samples",),
    *("Link       live", "lost frames 0, events 0", "events sampled"),
    *("q Quit", "? Help", "space Freeze", "Tab Pane", "+ - Load", "c Control", "P Present", "X Stop"),
]


def test_the_whole_is_there_at_80_columns_and_24_lines() -> None:
    text = text_of(picture())
    assert [words for words in OWED if words not in text] == []


def test_no_line_is_wider_than_the_terminal_or_cut_off_in_a_word() -> None:
    lines = text_of(picture()).split("\n")
    assert len(lines) == 24
    assert max(map(len, lines)) <= 80
    cut = [line for line in lines if line.endswith("...") and "standby 8" not in line]  # more options than have room
    assert cut == []


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_options_that_have_no_room_leave_a_sign_and_of_the_address_there_is_the_port_at_least(width: int) -> None:
    serving = picture(snapshot([thread(1, State.ACCEPTING)], header=header(architecture="thread-per-connection")))
    first, options, *_ = text_of(serving, (width, 24)).split("\n")
    named = [name for name in ("standby", "max_threads", "delay", "backlog", "graceful_timeout") if name in options]
    assert options.endswith(" ...") == (len(named) < 5)
    assert ":40123" in first or "port 40123" in first or width < 78


def test_a_wide_terminal_shows_the_kernels_word_on_each_state_and_where_each_thread_sleeps() -> None:
    text = text_of(picture(), (160, 50))
    narrow = ("Thread▲ 1-", "Events", "sampled", "12.490", "agrees", "thread-maker-1", "worker-2")
    assert [words for words in OWED if words not in text and not words.startswith(narrow)] == []
    assert re.search(r"o accepting +100 % +91\.8 % +980", text)
    assert re.search(r"# handling \(any call\) +n/a +0\.0 % +95", text)
    assert "accept4(5) ok  in inet_csk_accept" in text
    assert "Last events (sampled)" in text
    assert "moved 5 %, running 7 %, GIL 5 %, lock 0 %" in text


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (20, 5)])
def test_a_terminal_that_is_too_small_gets_a_sentence(size: tuple[int, int]) -> None:
    text = " ".join(text_of(picture(), size).split())
    assert f"This terminal has {size[0]} x {size[1]} cells." in text
    assert "worker-2" not in text


@pytest.mark.parametrize("size", [(60, 16), (70, 20), (100, 30), (120, 24), (200, 60)])
def test_every_size_in_between_keeps_sentence_counts_threads_and_losses(size: tuple[int, int]) -> None:
    text = text_of(picture(), size)
    for words in ("recycling", "block in accept(2)", "o accepting 3", "worker-2", "Link       live", "lost frames 0"):
        assert words in text


def test_a_state_that_was_seen_keeps_its_place_whatever_the_threads_are_doing() -> None:
    def places(states: list[State]) -> list[tuple[int, int]]:
        threads = [thread(number, state) for number, state in enumerate(states, 1)]
        flows = {(one, State.IDLE): 9 for one in State if one not in (State.ENDED, State.BROKEN)}
        lines = text_of(picture(snapshot(threads, flows=flows))).split("\n")
        words = [f"{GLYPHS[one]} {one.value} {states.count(one)}" for one in STATES if (one, State.IDLE) in flows]
        return [next((y, line.index(word)) for y, line in enumerate(lines) if word in line) for word in words]

    assert places([State.ACCEPTING]) == places([State.STARTING, State.WAITING, *[State.HANDLING] * 20])


def test_what_threads_have_left_was_seen_as_well_though_no_move_leads_to_starting() -> None:
    assert ". starting 0" in text_of(picture(recycling()))


def test_the_light_theme_says_the_same() -> None:
    assert text_of(picture(), dark=False) == text_of(picture())


def test_every_state_has_its_word_and_its_glyph_in_the_row_of_its_thread() -> None:
    threads = [thread(number, state) for number, state in enumerate(STATES, 1)]
    lines = text_of(picture(snapshot(threads)), (120, 40)).split("\n")
    for one in threads:
        row = next(line for line in lines if re.search(rf"\b{one.name} ", line) and f" {one.state.value}" in line)
        assert one.state.value in row


def test_a_hundred_threads_are_counted_and_the_list_says_which_are_in_view() -> None:
    text = text_of(picture(recycling(99, 2)))
    assert "1-8/100▲" in text


def test_a_list_that_shrinks_under_a_reader_at_its_end_shows_rows_again() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await pilot.press("end")
        await show(app, pilot, picture(recycling(3)))
        text = screen_text(app)
        assert "Thread▲ 1-4/4" in text
        assert "worker-4 " in text

    play(picture(recycling(60)), story)


def test_a_sentence_that_stands_longer_than_its_picture_says_how_old_it_is() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        await show(app, pilot, picture(replace(recycling(3), at_s=AT + 1)))
        assert " ago)" not in screen_text(app)
        await show(app, pilot, picture(replace(recycling(4), at_s=AT + 1.5)))
        assert "(0.5s ago)" in screen_text(app)
        await pilot.press("space")
        assert " ago)" not in screen_text(app)
        assert "of 4 workers" in screen_text(app)
        await pilot.press("space")
        await show(app, pilot, picture(replace(recycling(4), at_s=AT + 2.5)))
        assert " ago)" not in screen_text(app)

    play(picture(recycling(3)), story)


def test_a_list_whose_length_changes_with_every_frame_is_not_laid_out_with_every_frame() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        table = app.query_one("#view-threads ThreadTable", ThreadTable)
        for frame in range(1, 2 * STEADY):
            await show(app, pilot, picture(replace(recycling(40 + frame % 2), at_s=AT + frame)))
            assert table.virtual_size.height == 43
        for frame in range(STEADY):
            await show(app, pilot, picture(replace(recycling(20), at_s=AT + 100 + frame)))
        assert table.virtual_size.height == 22

    play(picture(recycling(41)), story)


def test_losses_are_alarms_that_stay_on_screen() -> None:
    text = text_of(picture(replace(recycling(), lost_frames=12, lost_events=345, illegal_moves=6)))
    assert "lost frames 12, events 345 · illegal moves 6" in text


def test_a_server_that_is_gone_is_said_in_words() -> None:
    text = text_of(picture(replace(recycling(), phase="lost")))
    assert "The server is gone" in text
    assert "Link       LOST" in text


def test_what_cannot_be_known_says_why() -> None:
    blind = Look((), {}, Shares(), {}, 0.0, "not permitted to look into process 4711")
    shown = picture(witness=blind, sightings={}, accept_queue=AcceptQueue(unavailable="only Linux tells"), load=None)
    text = text_of(shown)
    assert "n/a: not permitted to look into process 4711" in text
    assert "n/a: only Linux tells" in text
    assert "n/a: no load generator measures it here" in text
    assert re.search(r"worker-2 .* n/a$", text, re.MULTILINE)


def test_the_clients_limit_and_the_clients_that_starve_are_said() -> None:
    load = LoadView(100, True, None, 350.0, 0.02, 0.09, 700, 3, 2, 92, 0.93, True)
    text = text_of(picture(load=load))
    assert "client-bound: 93 % of a core" in text
    assert "503s 3 · errors 2 · 92 of 100 never served" in text


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (LoadView(5, False, None, 350.0, None, None, 700, 0, 5, 5, 0.93), "5 clients, close  5 errors, 5 never served"),
        (LoadView(5, True, None, 35.0, 0.02, 0.09, 7, 12, 345, 2, 0.93), "p99 90ms  12 503s, 345 errors, 2 never served"),
        (LoadView(1, True, None, 3.0, 0.02, 0.09, 7, 1, 1, 1, 0.93, True), "  1 503, 1 error, 1 never served, client-bound"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_told_in_whole_words_however_narrow_it_is(load: LoadView, words: str) -> None:
    told = text_of(picture(load=load), view="places").split("\n")
    assert next(line for line in told if "requests/s" in line).endswith(words)


def test_a_load_that_says_nothing_is_an_alarm() -> None:
    silent = replace(picture().load, silent_s=4.2, answered_per_s=0.0, p50=None, p99=None)
    told = text_of(picture(load=silent), view="places").split("\n")
    assert next(line for line in told if "requests/s" in line) == (
        " 0 requests/s  p50 n/a  p99 n/a  100 clients, close  load silent for 4 s"
    )
    assert "closed loop · silent for 4 s" in text_of(picture(load=silent))


def test_an_open_loop_names_its_rate() -> None:
    load = replace(picture().load, rate=500.0)
    assert "open loop 500/s" in text_of(picture(load=load))


def test_a_state_that_the_kernel_contradicts_or_never_judges_is_named() -> None:
    shares = {State.READING: Shares(90, 0, 0, 0, 0, 10), State.WRITING: Shares(0, 5, 5, 0, 0, 0)}
    look = Look((), shares, sum(shares.values(), Shares()), {State.WRITING: 61.0}, 0.0)
    text = text_of(picture(witness=look), (160, 50))
    assert "! differs: reading 10" in text
    assert "! no judgement of writing for 61 s" in text
    assert "differs: reading 10" in text_of(picture(witness=look))


def test_an_accept_queue_that_overflowed_says_so() -> None:
    text = text_of(picture(accept_queue=AcceptQueue(129, 128, 17)))
    assert "kernel's accept queue 129 of 128, 17 overflowed" in text


def test_two_named_queues_fit() -> None:
    queues = {"requests": QueueView(12, 99999, 0, 12), "answers": QueueView(3, 99990, 0, 3)}
    text = text_of(picture(replace(recycling(), queues=queues)))
    assert "requests 12  answers 3" in text


def test_nothing_from_the_server_can_drive_the_terminal() -> None:
    log = (LogLine(AT - 1, "broke: \x1b[2J\x07 and\nmore"),)
    text = text_of(picture(replace(recycling(), log=log)), view="events")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[2J" in text


def test_a_server_without_a_header_and_without_threads_is_no_error() -> None:
    text = text_of(picture(replace(snapshot([]), header=None, phase="connecting"), load=None, history=History()))
    assert "connecting to the server" in text
    text = text_of(picture(snapshot([], header=header("event-loop", "loop"))))
    assert "There is no loop: nobody accepts" in text


def test_states_that_the_kernel_does_not_judge_are_counted_where_their_names_have_no_room() -> None:
    silent = (State.WRITING, State.CREATING, State.HANDING_OVER, State.ACCEPTED)
    shares = {State.READING: Shares(90, 0, 0, 0, 0, 0)} | dict.fromkeys(silent, Shares(0, 5, 5, 0, 0, 0))
    look = Look((), shares, sum(shares.values(), Shares()), dict.fromkeys(silent, 61.0), 0.0)
    text = text_of(picture(witness=look))
    assert "no judgement of 4 states (9) · judged 69.2 %" in text
    assert "accepted for 61 s" in re.sub(r"\s+", " ", text_of(picture(witness=look), view="kernel"))


def test_a_sentence_that_is_too_long_ends_with_a_whole_clause() -> None:
    clauses = ["the acceptor blocks in accept(2)", "all 8 workers serve", "92 items wait on 'connections'"]
    lines = told("; ".join(clauses) + ".", " (0.4s ago)", 40, 2)
    assert " ".join(lines) == "the acceptor blocks in accept(2); all 8 workers serve; ... (0.4s ago)"
    assert told("; ".join(clauses), "", 100, 1) == ["; ".join(clauses)]


def test_events_stand_in_columns_however_long_a_thread_is_called() -> None:
    long = EventView(AT, 1, "thread-maker-1", None, State.CREATING, None, 0, True)
    short = EventView(AT, 2, "worker-2", None, State.READING, None, 0, True)
    text = text_of(picture(replace(recycling(), events=(long, short))), view="events").split("\n")
    first, other = (next(line for line in text if name in line) for name in ("thread-maker-1", "worker-2"))
    assert first.index("creating") == other.index("reading")


def test_a_message_hides_neither_the_link_nor_the_keys() -> None:
    async def run() -> list[str]:
        source = Given(picture())
        app = Dashboard(source, clock=lambda: 0.0)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda: app.newest is not None)
            app.say("so it is")
            await until(pilot, lambda: "so it is" in screen_text(app))
            source.closed.set()
            return screen_text(app).split("\n")

    lines = asyncio.run(run())
    assert lines[-2].endswith("events sampled")
    assert lines[-1].endswith("X Stop")


def test_a_connection_that_was_closed_is_no_alarm_and_one_that_was_refused_is() -> None:
    styles = {mark: event_line(EventView(AT, 2, "worker-2", None, None, mark, 7, False), 80)[2] for mark in Mark}
    assert [mark for mark, (_, style) in styles.items() if style == "alarm"] == [Mark.REFUSED]


def test_what_has_no_room_beside_the_controls_is_left_out_whole() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        source.controls.reasons = {"threads": "recycling has no fixed number of workers"}
        await pilot.press("c")
        await until(pilot, lambda: "Controls:" in screen_text(app))
        await drawn(app)
        lines = screen_text(app).split("\n")
        left = [line[:61].rstrip() for line in lines]
        assert any(line.endswith("closed loop") for line in left)  # and of the generator nothing
        assert any(line.endswith("errors 0") for line in left)
        assert any(line.endswith("recycled 3400") for line in left)
        assert next(line for line in left if line.startswith(" Queues")).endswith("0 overflowed")
        assert next(line for line in lines if "threads       <" in line).endswith("recycling has no fixed ...")

    play(picture(), story, (120, 40))
