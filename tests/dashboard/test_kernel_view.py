"""The kernel as witness: every share, each thread's two accounts side by side, and why it may have nothing to say."""

import random
import re
from dataclasses import replace

import pytest
from demo.pictures import AT, picture, recycling, sightings
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.chosen import Chosen
from teachserve.dashboard.listing import fit
from teachserve.dashboard.panes.kernel import STATE_COLUMNS, THREAD_COLUMNS, Judged, KernelStates, share_text
from teachserve.dashboard.thread_screen import ThreadScreen
from teachserve.demo.picture import Picture
from teachserve.events import STATES, State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.verdict import Shares, Verdict

from .board import Given, play, screen_text, show, text_of

REASON = "accepting blocks in accept or accept4, the kernel says recvfrom on descriptor 5"


def looked(differing: tuple[int, ...] = (), **changes: object) -> Picture:
    told = [
        one._replace(verdict=Verdict.DIFFERS, call="recvfrom", descriptor=5, reason=REASON)
        if one.number in differing
        else one
        for one in sightings(recycling())
    ]
    shares = {
        State.ACCEPTING: Shares(900, 40, 10, 30, 0, len(differing)),
        State.HANDLING: Shares(3, 10, 60, 20, 5, 0),
        State.RECYCLING: Shares(0, 1, 3, 0, 0, 0),
    }
    look = Look(tuple(told), shares, sum(shares.values(), Shares()), {}, 0.0012)
    return picture(witness=look, sightings={one.number: one for one in told}, **changes)


def test_everything_is_there_at_80x24() -> None:
    text = text_of(looked(), view="kernel")
    owed = (
        "kernel's accept queue 0 of 2048, 0 overflowed",
        *("State", "Samples", "ok", "moved", "running", "GIL", "lock", "DIFFERS", "Agrees", "Judged"),
        *("It says", "on", "Kernel", "fd", "Verdict", "Sleeps in"),
        "DIFFERS: a call that the state does not allow · 12 threads looked at in 1.2ms",
        "running: in no call · GIL: the interpreter's futex, inferred · lock: another",
    )
    assert [words for words in owed if words not in text] == []
    row = next(line for line in text.split("\n") if "o accepting   " in line and "980" in line)
    assert row.split() == ["o", "accepting", "980", "91.8", "4.0", "1.0", "3.0", "-", "-", "100", "%", "91.8", "%"]
    assert re.search(r"worker-2 +o accepting +5 accept4 +5 ok +inet_csk_accept", text)
    assert re.search(r"worker-5 +r reading +5 recv +31 ok +wait_woken", text)


@pytest.mark.parametrize("room", range(58, 100))
def test_agreement_and_coverage_are_never_cut_off(room: int) -> None:
    layout = fit(STATE_COLUMNS, picture(), room)
    assert sum(width + 1 for _, width in layout) - 1 <= room
    assert [column.title for column, _ in layout][-2:] == ["Agrees", "Judged"]
    assert len(layout) == len(STATE_COLUMNS) or room < 78


def test_agreement_of_handling_is_not_called_agreement() -> None:
    row = next(
        line for line in text_of(looked(), view="kernel").split("\n") if " # handling  " in line and "98" in line
    )
    assert "any call" in row
    assert "100 %" not in row


def test_the_sum_comes_first_and_every_sample_is_in_it() -> None:
    text = text_of(looked(), view="kernel")
    lines = text.split("\n")
    first = next(number for number, line in enumerate(lines) if "Samples" in line) + 1
    assert lines[first].split()[:3] == ["in", "sum", "1082"]


def test_a_contradiction_is_an_alarm_with_its_reason_and_the_cell_is_marked() -> None:
    text = text_of(looked((3,)), view="kernel")
    assert "! differs: accepting 1" in text
    assert "! worker-3: accepting blocks in accept or accept4" in text
    assert re.search(r"worker-3 +o accepting +5 recv +5 DIFFERS ! accepting bloc", text)
    assert REASON in " ".join(text_of(looked((3,)), (200, 60), view="kernel").split())


def test_a_contradiction_of_one_look_stays_for_ten_seconds_and_says_how_old_it_is() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        later = looked()
        await show(app, pilot, replace(later, snapshot=replace(later.snapshot, at_s=AT + 4)))
        assert "worker-3: accepting blocks" in screen_text(app)
        assert "(4.0s ago)" in screen_text(app)
        await show(app, pilot, replace(later, snapshot=replace(later.snapshot, at_s=AT + 10)))
        assert "worker-3: accepting blocks" not in screen_text(app)

    play(looked((3,)), story, view="kernel")


def test_many_contradictions_are_counted() -> None:
    assert "! and more: 4 alarms in all" in text_of(looked((2, 3, 4)), view="kernel")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_where_the_kernel_cannot_be_asked_the_whole_reason_stands_there(size: tuple[int, int]) -> None:
    why = (
        "not permitted to look into process 4711: it is another user's, or ptrace is restricted "
        "(kernel.yama.ptrace_scope); let the process that looks be its parent"
    )
    blind = picture(
        witness=Look((), {}, Shares(), {}, 0.0, why),
        sightings={},
        accept_queue=AcceptQueue(unavailable="only Linux tells its length"),
    )
    text = " ".join(text_of(blind, size, view="kernel").split())
    assert f"n/a: {why}" in text
    assert "n/a: only Linux tells its length" in text
    assert "n/a: the kernel has not been asked yet" in text_of(picture(witness=None, sightings={}), view="kernel")


def test_every_state_can_be_reached_however_many_there_are() -> None:
    shares = {state: Shares(100 + state.code, 1, 1, 1, 1, 0) for state in STATES}
    look = Look((), shares, sum(shares.values(), Shares()), {}, 0.0)

    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert isinstance(app.focused, KernelStates)
        await pilot.press("end")
        await pilot.pause()
        assert ">X broken " in screen_text(app)
        assert app.chosen == Chosen()
        await pilot.press("home", "s")
        assert "▼Samples" in screen_text(app)

    play(picture(witness=look, sightings={}), story, view="kernel")


def test_enter_on_a_thread_opens_it_and_the_filter_takes_calls_and_verdicts() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        app.query_one("KernelThreads").focus()
        await pilot.press("/", *"futex", "space", *"GIL", "enter")
        assert "filter futex GIL: 3 of 12 shown" in screen_text(app)
        await pilot.press("j", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ThreadScreen)
        assert "worker-6" in screen_text(app)

    play(looked(), story, view="kernel")


@pytest.mark.parametrize("seed", range(20))
def test_the_six_shares_are_of_all_samples_whatever_they_are(seed: int) -> None:
    dice = random.Random(seed)
    shares = Shares(*(dice.choice([0, 1, dice.randrange(10_000)]) for _ in Verdict))
    row = Judged(1, State.READING, shares)
    layout = fit(STATE_COLUMNS, picture(), 78)
    titles = [column.title for column, _ in layout]
    cells = {column.title: column.text(picture(), row, width)[0].strip() for column, width in layout}
    told = [cells[title] for title in titles[2:8]]
    assert len(told) == 6
    assert all((text == "-") == (count == 0) for text, count in zip(told, counts_of(shares), strict=True))
    if shares.samples:
        assert sum(float(text) for text in told if text[0].isdigit()) == pytest.approx(100, abs=0.7)


def counts_of(shares: Shares) -> list[int]:
    return [shares.count(verdict) for verdict in Verdict]


def test_a_share_never_reads_as_none_or_as_all_while_it_is_neither() -> None:
    assert share_text(0) == "-"
    assert share_text(1e-9) == "<0.1"
    assert share_text(0.99999) == "99.9"
    assert share_text(1) == "100.0"


def test_no_cell_is_wider_than_its_column() -> None:
    told = Sighting(
        123456, 4711, State.WAITING_FOR_PLACE, 65535, Verdict.DIFFERS, "clock_nanosleep", 65535, "w" * 40, REASON
    )
    for width in (60, 78, 120, 200):
        for column, room in fit(THREAD_COLUMNS, picture(), width):
            from_row = type("Row", (), {"number": 1, "name": "thread-maker-123456", "said": told})
            assert len(column.text(picture(), from_row, room)[0]) == room


def test_a_thread_that_the_kernel_saw_before_any_frame_did_gets_its_name_with_the_next_frame() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        assert "thread-5 " in screen_text(app)
        await show(app, pilot, later)
        assert "worker-5 " in screen_text(app)
        assert "thread-5 " not in screen_text(app)

    later = looked()
    snapshot = later.snapshot
    without = tuple(one for one in snapshot.threads if one.number != 5)
    play(replace(later, snapshot=replace(snapshot, threads=without)), story, view="kernel")
