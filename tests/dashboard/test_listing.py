"""Sorting, filtering, retention and columns, without a screen: what holds for any rows."""

import itertools
import random
from dataclasses import replace

import pytest
from demo.pictures import AT, picture, recycling, snapshot, thread

from teachserve.dashboard.listing import UP, Order, arrange, fit, heading, matches, named, row_line
from teachserve.dashboard.panes.threads import COLUMNS, ThreadTable, kernel_cell, retained
from teachserve.demo.picture import Picture
from teachserve.events import STATES, State
from teachserve.observe.kernel import Sighting
from teachserve.observe.snapshot import ThreadView
from teachserve.observe.verdict import Verdict

LIVING = [state for state in STATES if state not in (State.ENDED, State.BROKEN)]
WIDE = 200


def random_threads(seed: int) -> Picture:
    dice = random.Random(seed)
    threads = [
        thread(
            number,
            dice.choice(LIVING),
            dice.choice(["worker", "acceptor"]),
            since_s=dice.choice([None, AT - dice.random()]),
            connection=dice.choice([0, dice.randrange(1, 50)]),
            requests=dice.randrange(3),
        )
        for number in sorted(dice.sample(range(1, 500), dice.randrange(60)))
    ]
    return picture(snapshot(threads))


def ordered(shown: Picture, order: Order, width: int = WIDE) -> list[ThreadView]:
    rows = shown.snapshot.threads
    return arrange(rows, shown, order, fit(COLUMNS, shown, width), lambda _, row: f"{row.name} {row.state.value}")


@pytest.mark.parametrize("seed", range(20))
def test_sorting_loses_nobody_and_turns_round_and_keeps_equal_rows_by_number(seed: int) -> None:
    shown = random_threads(seed)
    for column, _ in fit(COLUMNS, shown, WIDE):
        one, other = (ordered(shown, Order(column.title, inverted)) for inverted in (False, True))
        assert sorted(row.number for row in one) == [row.number for row in shown.snapshot.threads]
        keys, turned = ([column.key(shown, row) for row in rows] for rows in (one, other))
        known = [key for key in keys if key is not None]
        assert known == sorted(known, reverse=column.right)
        assert [key for key in turned if key is not None] == sorted(known, reverse=not column.right)
        for rows, these in ((one, keys), (other, turned)):
            assert None not in these[: len(known)], "what is not known comes last whichever way"
            for (before, key), (after, next_key) in zip(
                zip(rows, these, strict=True), zip(rows[1:], these[1:], strict=True), strict=False
            ):
                assert key != next_key or before.number < after.number


@pytest.mark.parametrize("seed", range(20))
def test_the_filter_keeps_the_order_and_lets_through_what_matches_all_its_words(seed: int) -> None:
    shown = random_threads(seed)
    words = random.Random(seed).choice(["worker handling", "ACCEPTOR", "read", "no such word", "1", " "])
    rows = ordered(shown, Order(words=words))
    wanted = words.lower().split()
    assert rows == [
        row for row in shown.snapshot.threads if matches(wanted, f"{row.name} {row.state.value}") or not wanted
    ]


def test_a_number_matches_as_a_whole_and_a_word_anywhere() -> None:
    assert matches(["12"], "worker-12 handling")
    assert not matches(["12"], "worker-120 handling 1200")
    assert matches(["worker-1", "hand"], "worker-12 handling")
    assert not matches(["worker", "writing"], "worker-12 handling")
    assert matches(["²"], "worker-² handling")  # a digit to Python, and no number


def test_a_column_that_is_not_in_view_sorts_nothing() -> None:
    shown = random_threads(3)
    assert ordered(shown, Order("Kernel"), 60) == list(shown.snapshot.threads)
    assert ordered(shown, Order("no such column", True)) == list(shown.snapshot.threads)


def test_columns_give_way_in_their_order_and_the_others_never_do() -> None:
    waiting = replace(recycling(), threads=(*recycling().threads, thread(99, State.WAITING, "long-name-of-a-role")))
    shown = picture(waiting)
    kept = [[column.title for column, _ in fit(COLUMNS, shown, room)] for room in range(120, 10, -1)]
    gone = []
    for more, fewer in itertools.pairwise(kept):
        gone += [title for title in more if title not in fewer]
    assert gone == ["Kernel", "Recyc", "Conn"]
    assert kept[-1] == ["Thread", "State", "For", "Reqs", "Accep"]


@pytest.mark.parametrize("room", range(60, 200))
def test_columns_never_take_more_than_there_is(room: int) -> None:
    layout = fit(COLUMNS, picture(), room)
    taken = sum(width + 1 for _, width in layout) - 1
    assert taken == room or layout[-1][0].title != "Kernel" or layout[-1][1] == layout[-1][0].stretches
    assert taken <= room


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.title)
def test_the_heading_keeps_every_title_under_its_arrow(column) -> None:
    shown = picture()
    layout = fit(COLUMNS, shown, WIDE)
    plain = heading(layout, Order("none"), "1-8/12")
    marked = heading(layout, Order(column.title), "1-8/12")
    if column in [one for one, _ in layout]:
        assert sum(mark in marked for mark in "▲▼") == 1
        assert column.title in marked
    if column is not COLUMNS[0]:
        assert marked.replace(UP, " ").replace("▼", " ") == plain
    assert f"Thread{UP} 1-8/12" in heading(layout, Order(), "1-8/12")


def test_neighbours_of_one_style_are_one_piece_and_the_text_is_the_same() -> None:
    shown = picture()
    layout = fit(COLUMNS, shown, 100)
    for row in shown.snapshot.threads:
        line = row_line(layout, shown, row)
        assert all(one[1] != other[1] for one, other in itertools.pairwise(line))
        assert "".join(text for text, _ in line) == " ".join(
            column.text(shown, row, width)[0] for column, width in layout
        )
        assert len(row_line(layout, shown, row, "quiet")) == 1


# Threads that have ended.


def with_ended(living: int, ended: list[ThreadView]) -> Picture:
    return picture(replace(recycling(living), ended=tuple(ended)))


def ended_thread(number: int, seconds_ago: float, state: State = State.ENDED) -> ThreadView:
    return thread(number, state, since_s=AT - seconds_ago, ended_at=AT - seconds_ago)


def test_where_the_living_leave_room_every_ended_thread_stays() -> None:
    ended = [ended_thread(100 + number, 5 - number) for number in range(4)]
    assert retained(with_ended(3, ended), 8) == (ended, 0)


@pytest.mark.parametrize(("living", "room"), [(400, 8), (7, 8), (100, 40), (0, 1)])
def test_ended_threads_never_push_the_living_out_of_more_than_a_quarter(living: int, room: int) -> None:
    ended = [ended_thread(1000 + number, 6 - number / 50) for number in range(256)]
    kept, hidden = retained(with_ended(living, ended), room)
    assert 1 <= len(kept) <= max(1, room // 4, room - living - 1)
    assert len(kept) + hidden == 256
    assert kept == ended[-len(kept) :]


def test_a_thread_that_broke_is_not_pushed_out_by_threads_that_ended() -> None:
    broken = ended_thread(7, 5.0, State.BROKEN)
    kept, hidden = retained(with_ended(400, [broken, *(ended_thread(n, 1.0) for n in range(900, 1100))]), 8)
    assert broken in kept
    assert len(kept) + hidden == 201


def test_a_broken_thread_is_an_alarm_and_an_ended_one_is_dimmed() -> None:
    table = ThreadTable()
    assert table.style_of(ended_thread(7, 5.0, State.BROKEN)) == "alarm"
    assert table.style_of(ended_thread(7, 5.0)) == "quiet"
    assert table.style_of(thread(7, State.HANDLING)) == ""


@pytest.mark.parametrize(
    ("ago_s", "width", "words"),
    [(0.315, 10, "315ms ago"), (0.315, 15, "ended 315ms ago"), (2.1, 10, "2.1s ago"), (2.1, 14, "ended 2.1s ago")],
)
def test_how_long_ago_a_thread_ended_keeps_its_unit_in_a_narrow_column(ago_s: float, width: int, words: str) -> None:
    assert kernel_cell(picture(), ended_thread(7, ago_s), width)[0] == words


@pytest.mark.parametrize(
    ("call", "verdict", "moved_on", "width", "words"),
    [
        ("clock_nanosleep", Verdict.CONFIRMED, False, 10, "ok"),
        ("clock_nanosleep", Verdict.CONFIRMED, False, 12, "nanosleep ok"),
        ("futex", Verdict.GIL, True, 10, "# GIL"),
        ("futex", Verdict.GIL, True, 11, "# futex GIL"),
        ("recvfrom", Verdict.DIFFERS, True, 10, "# DIFFERS"),
    ],
)
def test_the_kernel_s_verdict_is_whole_in_a_narrow_column(
    call: str, verdict: Verdict, moved_on: bool, width: int, words: str
) -> None:
    row = thread(2, State.WRITING if moved_on else State.HANDLING)
    seen = Sighting(2, 1002, State.HANDLING, None, verdict, call, None, "0", "")
    assert kernel_cell(picture(sightings={2: seen}), row, width)[0] == words


@pytest.mark.parametrize("width", range(5, 20))
def test_of_a_threads_name_the_role_is_cut_and_never_the_number(width: int) -> None:
    for name in ("worker-68086", "thread-maker-1", "of-the-students-own-12"):
        told = named(name, width)
        assert told.split("-")[-1] == name.split("-")[-1]
        assert told[0] == name[0]
        assert len(told) <= max(width, len(name.split("-")[-1]) + 2)
    assert named("worker-3", 8) == "worker-3"
