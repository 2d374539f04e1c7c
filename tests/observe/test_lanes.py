"""A lane never says what was not so: exact where events are streamed, and where a table is a sample what it saw."""

import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachserve.conformance import Client, get, serving
from teachserve.events import STATES, Mark, State
from teachserve.observe.lane import (
    CODE,
    CODE_BITS,
    FINE_RUNS,
    KEEP_US,
    MOST_NAMES,
    MOST_RUNS,
    UNSEEN,
    Lane,
    Lanes,
)  # fmt: skip
from teachserve.observe.lanes import LaneLog

from .remembered import STEPS, Remembered, Steps, code_at, folded, played
from .streamed import Streamed
from .world import events, header, row, table

S = State
GAP = 7  # us between the moments that are looked at


def is_well_made(lanes: Lanes) -> bool:
    """Each thread has one lane; the begins of each lane's runs rise; no two stretches that are not known follow each other."""
    numbers = [number for lane in lanes.lanes for number in lane.numbers[: lane.threads]]
    runs = [[*lane.runs[: lane.length]] for lane in lanes.lanes]
    rise = all(this >> CODE_BITS < after >> CODE_BITS for one in runs for this, after in pairwise(one))
    twice = any(this & CODE == after & CODE == UNSEEN for one in runs for this, after in pairwise(one))
    return len(numbers) == len(set(numbers)) and rise and not twice


@given(STEPS)
def test_every_stay_is_there_where_every_event_is_streamed(steps: Steps) -> None:
    world = played(steps, streaming=True)
    lanes = folded(world.frames)
    assert is_well_made(lanes)
    assert lanes.exact
    for lane in lanes.lanes:
        for at in range(lane.runs[0] >> CODE_BITS, lanes.at_us + 1, GAP):
            assert code_at(lane, at) == world.was(lane.thread_at(at), at)
        for begin, number in zip(lane.begins, lane.numbers, strict=True):
            assert begin in [at for at, _ in world.truth[number][:2]]
    made = {number for number, stays in world.truth.items() if len(stays) > 1 or number in world.looked[-1][1]}
    assert {number for lane in lanes.lanes for number in lane.numbers} == made


@given(STEPS)
def test_a_sample_is_right_at_each_table_and_between_two_it_is_right_or_unseen(steps: Steps) -> None:
    world = played(steps, streaming=False)
    lanes = folded(world.frames)
    assert is_well_made(lanes)
    assert not lanes.exact
    by_number = {number: lane for lane in lanes.lanes for number in lane.numbers}
    for at, seen in world.looked:
        assert {number: code_at(by_number[number], at) for number in seen} == seen
    for lane in lanes.lanes:
        for at in range(lane.runs[0] >> CODE_BITS, lanes.at_us + 1, GAP):
            assert code_at(lane, at) in (world.was(lane.thread_at(at), at), UNSEEN)


@given(STEPS, st.sets(st.integers(1, 40)), st.booleans(), st.booleans())
def test_whatever_is_lost_on_the_way_nothing_false_is_shown(
    steps: Steps, lost: set[int], streaming: bool, told: bool
) -> None:
    world = played(steps, streaming)
    frames = [frame for number, frame in enumerate(world.frames) if number not in lost]
    if told:  # the publisher counts what it did not send, and then the serials have no gap
        frames = [
            {"frame": "lost", "frames": 1, "events": 0} if number in lost else {**frame, "serial": None}
            for number, frame in enumerate(world.frames)
        ]
    lanes = folded(frames)
    assert is_well_made(lanes)
    for lane in lanes.lanes:
        for at in range(lane.runs[0] >> CODE_BITS, lanes.at_us + 1, GAP):
            assert code_at(lane, at) in (world.was(lane.thread_at(at), at), UNSEEN)


@given(STEPS, st.integers(1, 200))
def test_what_is_shown_does_not_change_while_the_fold_goes_on_and_a_copy_goes_on_alike(steps: Steps, cut: int) -> None:
    frames = played(steps, streaming=True).frames
    log = LaneLog()
    for frame in frames[:cut]:
        log.apply(frame)
    shown = log.lanes()
    before = [(lane, [*lane.runs[: lane.length]]) for lane in shown.lanes]
    copy, then = pickle.loads(pickle.dumps(log)), pickle.loads(pickle.dumps(shown))
    for frame in frames[cut:]:
        log.apply(frame)
        copy.apply(frame)
    assert [(lane, [*lane.runs[: lane.length]]) for lane in shown.lanes] == before
    assert copy.lanes() == log.lanes()
    assert shown == then


def test_events_that_a_full_buffer_dropped_leave_instants() -> None:
    moves = [10, S.ACCEPTING.code, 0, 20, S.ACCEPTED.code, 1, 40, S.READING.code, 1]
    lanes = folded(
        [
            header(),
            table(0, [row(1, S.STARTING)]),
            events(50, [[1, 1, 9]], [1, 3, moves]),
            table(60, [row(1, S.READING, moves=6, since=40)]),
        ]
    )
    assert [(run >> CODE_BITS, run & CODE) for run in lanes.lanes[0].runs] == [
        (0, S.STARTING.code), (1, UNSEEN), (10, S.ACCEPTING.code), (11, UNSEEN), (20, S.ACCEPTED.code), (21, UNSEEN),
        (40, S.READING.code), (41, UNSEEN),
    ]  # fmt: skip


def test_a_spawned_thread_begins_where_it_was_spawned() -> None:
    world = Remembered()
    maker = world.spawn(role=0)
    world.send_events()
    world.send_table()
    made = world.spawn()
    world._emit(maker, 64 + list(Mark).index(Mark.SPAWNED), made)
    spawned_at = world.at
    world.wander(1, 0)
    world.send_events()
    lane = folded(world.frames).lanes[1]
    assert (lane.runs[0] >> CODE_BITS, lane.runs[0] & CODE) == (spawned_at, S.STARTING.code)
    assert (lane.name, lane.length) == ("worker-2", 2)


def busy_lane(moves: int, apart_us: int) -> tuple[Lane, int]:
    log = LaneLog()
    log.apply(header())
    log.apply(table(0, [row(1, S.READING)]))
    for number in range(moves):
        at = (number + 1) * apart_us
        log.apply(events(at, [[1, 1, 9]], [1, 0, [at, (S.HANDLING, S.READING)[number % 2].code, 7]]))
    return log.lanes().lanes[0], moves * apart_us


def test_a_thread_that_moves_all_the_time_has_a_bounded_lane_fine_at_its_end_and_sampled_before() -> None:
    lane, end = busy_lane(100_000, 500)
    assert lane.length < MOST_RUNS
    assert end - (lane.runs[0] >> CODE_BITS) > 45_000_000  # of 50 s
    fine = lane.runs[-FINE_RUNS + 1 :]
    assert {(after >> CODE_BITS) - (this >> CODE_BITS) for this, after in pairwise(fine)} == {500}
    for at in range(lane.runs[0] >> CODE_BITS, end, 99_991):
        assert code_at(lane, at) in ((S.READING, S.HANDLING)[at // 500 % 2].code, UNSEEN)


def test_a_minute_is_kept_and_not_much_more() -> None:
    lane, end = busy_lane(900, 100_000)
    assert KEEP_US <= end - (lane.runs[1] >> CODE_BITS) <= KEEP_US + 11_000_000


def test_who_is_made_later_goes_on_in_a_lane_that_is_free_and_of_the_same_role() -> None:
    frames = [
        header(),
        table(10, [row(1, S.ACCEPTING, role=0), row(2, S.READING), row(3, S.READING)]),
        table(20, [row(1, S.ACCEPTING, role=0), row(3, S.READING), row(2, S.ENDED, since=12, moves=1)]),
        table(
            30,
            [row(1, S.ACCEPTING, role=0), row(3, S.READING), row(4, S.READING, since=25), row(5, S.READING, since=25)],
        ),
    ]
    lanes = folded(frames)
    assert [[*lane.numbers] for lane in lanes.lanes] == [[1], [2, 4], [3], [5]]
    assert lanes.lanes[1].name == "worker-4"
    assert [lanes.lanes[1].thread_at(at) for at in (-1, 0, 24, 25, 99)] == [0, 2, 2, 4, 4]
    assert [lane.holds(2) for lane in lanes.lanes] == [False, True, False, False]
    assert code_at(lanes.lanes[1], 24) == S.ENDED.code


def test_a_lane_goes_a_minute_after_its_last_thread_and_who_was_never_seen_alive_is_counted() -> None:
    def ended(at: int, *numbers: int) -> dict:
        return table(at, [row(number, S.ENDED, since=at, moves=3) for number in numbers])

    frames = [header(), table(10, [row(1, S.READING)]), ended(1000, 1, 2, 3)]
    lanes = folded(frames)
    assert ([lane.ended_us for lane in lanes.lanes], lanes.unseen) == ([1000], 2)
    assert len(folded([*frames, ended(KEEP_US + 999)]).lanes) == 1
    assert folded([*frames, ended(KEEP_US + 1001)]).lanes == ()


def test_as_many_lanes_as_threads_at_a_time_however_many_come_and_go() -> None:
    log = LaneLog()
    log.apply(header())
    for number in range(1, 5000):
        since = number * 10_000
        log.apply(
            table(
                since + 5_000,
                [row(number, S.HANDLING, since=since), row(number - 1, S.ENDED, since=since - 1, moves=1)],
            )
        )
    lanes = log.lanes()
    assert len(lanes.lanes) == 1
    assert lanes.lanes[0].threads <= MOST_NAMES
    assert lanes.lanes[0].length < MOST_RUNS
    assert lanes.lanes[0].thread_at(4_990 * 10_000) == 4990


def test_a_role_that_was_told_in_an_earlier_frame_is_remembered() -> None:
    told = events(50, [[1, 0, 9], [2, 1, 9]], [1, 0, [10, S.ACCEPTING.code, 0]])
    lanes = folded([header(), told, events(60, [], [2, 0, [20, S.READING.code, 1]])])
    assert [lane.name for lane in lanes.lanes] == ["acceptor-1", "worker-2"]


def test_another_server_has_lanes_of_its_own() -> None:
    frames = [header(), table(5, [row(1, S.READING)]), header(), table(3, [row(1, S.WAITING)])]
    assert [(lane.number, lane.runs[0] & CODE) for lane in folded(frames).lanes] == [(1, S.WAITING.code)]


@pytest.mark.parametrize(
    ("begin", "end", "there"), [(0, 5, []), (0, 11, [1]), (20, 21, [1, 2]), (50, 60, [1, 2]), (61, 70, [2])]
)
def test_the_lanes_of_a_span_are_those_of_threads_that_were_there(begin: int, end: int, there: list[int]) -> None:
    lanes = folded(
        [
            header(),
            table(15, [row(1, S.READING, since=10), row(2, S.WAITING, since=20)]),
            table(61, [row(1, S.ENDED, since=60, moves=1), row(2, S.WAITING, since=20)]),
        ]
    )
    assert [lane.number for lane in lanes.within(begin, end)] == there


def test_lanes_of_a_real_server_hold_every_event_that_it_streamed() -> None:
    log = LaneLog()
    with serving("recycling", standby=1) as server:
        streamed = Streamed(server, log.apply)
        streamed.tell()
        for _ in range(20):
            with Client(server.port) as client:
                client.send(get("/yo", "Connection: close"))
                client.answer()
        streamed.until(lambda: server.taskmaster.counts.accepting >= 1)
        lanes = log.lanes()
    moves = [(at, number, what) for at, number, what, _ in streamed.events() if what in set(STATES)]
    assert len(moves) > 100
    seen = 0
    for at, number, what in moves:
        lane = next(lane for lane in lanes.lanes if lane.holds(number))
        later = [one for one in moves if one[0] == at and one[1] == number]
        if lane.thread_at(at) == number and len(later) == 1 and at <= lanes.at_us:
            assert STATES[code_at(lane, at)] == what
            seen += 1
    assert seen > 100
