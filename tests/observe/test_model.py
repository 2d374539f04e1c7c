"""The fold: what a pane may rely on, whatever frames arrive and whichever are lost."""

import copy
import dataclasses
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teachserve.events import CODES, EVENT_NAMES, STATES, TRANSITIONS, Mark, State
from teachserve.observe.model import EventView, IllegalMove, LogLine, Model, Snapshot, ThreadView, to_json
from teachserve.observe.snapshot import COUNTERS, PHASES

from .world import ENDS, World, events, header, table

S = State
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["move"] * 6 + ["spawn", "table", "events", "mark", "log"]),
        st.integers(0, 9),
        st.integers(0, 15),
    ),
    max_size=60,
)


# A machine that is busy with something else is no finding.
settings.register_profile("observe", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("observe")


def play(steps: list) -> World:
    world = World()
    for kind, thread, choice in steps:
        match kind:
            case "move":
                world.wander(thread, choice)
            case "spawn":
                world.spawn(choice % 2)
            case "table":
                world.send_table()
            case "events":
                world.send_events()
            case "mark":
                if world.threads:
                    world.mark(sorted(world.threads)[thread % len(world.threads)], list(Mark)[choice % 2])
            case "log":
                world.log(f"line {choice}")
    return world


def fold(frames: list, strict: bool = True) -> Model:
    model = Model(strict=strict)
    for frame in frames:
        model.apply(frame)
    return model


def row(number: int, state: State, *, moves: int = 0, since: int = 0, role: int = 1, connection: int = 0) -> list:
    return [number, role, 9000 + number, state.code, moves, since, connection, 0, 0, 0]


def assert_legal(shown: Snapshot) -> None:
    assert shown.phase in PHASES
    numbers = [view.number for view in shown.threads]
    assert numbers == sorted(set(numbers))
    assert not set(numbers) & {view.number for view in shown.ended}
    assert all(view.state not in ENDS and view.ended_at is None for view in shown.threads)
    assert all(view.state in ENDS and view.ended_at is not None for view in shown.ended)
    assert set(shown.states) == set(State)
    assert sum(shown.states.values()) == len(shown.threads)
    assert set(COUNTERS) <= set(shown.counters)
    assert all(after in TRANSITIONS[before] for before, after in shown.flows)
    assert all(rate > 0 for rate in shown.flow_rates.values())
    assert len(shown.log) <= 50
    assert len(shown.events) <= 50
    assert [event.at_s for event in shown.events] == sorted(event.at_s for event in shown.events)
    assert all((event.state is None) != (event.mark is None) and event.name for event in shown.events)
    assert shown.illegal_moves == 0
    assert shown.lost_frames >= 0 and shown.lost_events >= 0
    json.dumps(to_json(shown))


# ---- what holds for any history ------------------------------------------------------------------------------------


@given(STEPS)
def test_every_prefix_of_the_frames_gives_a_legal_model(steps):
    model = Model(strict=True)
    assert_legal(model.snapshot())
    for frame in play(steps).frames:
        model.apply(frame)
        assert_legal(model.snapshot())


@given(STEPS, st.data())
def test_the_next_table_repairs_whatever_was_lost(steps, data):
    world = play(steps)
    world.send_table()
    *frames, last = world.frames
    kept = data.draw(st.lists(st.booleans(), min_size=len(frames), max_size=len(frames)), label="kept")
    received = [frame for frame, keep in zip(frames, kept, strict=True) if keep]
    model = fold(received)
    assert_legal(model.snapshot())
    model.apply(last)
    damaged, whole = model.snapshot(), fold(world.frames).snapshot()
    assert_legal(damaged)
    assert damaged.lost_frames == len(frames) - len(received)
    for counted in ("at_s", "states", "counters", "statuses", "flows", "times_s", "phase", "illegal_moves"):
        assert getattr(damaged, counted) == getattr(whole, counted)
    assert list(damaged.queues.values()) == list(whole.queues.values())
    if kept[0]:
        assert damaged.threads == whole.threads
        assert damaged.queues == whole.queues


@given(STEPS, st.data())
def test_a_frame_that_comes_later_does_not_change_a_snapshot_taken_before(steps, data):
    frames = play(steps).frames
    cut = data.draw(st.integers(0, len(frames)), label="cut")
    model = fold(frames[:cut])
    early = model.snapshot()
    kept = copy.deepcopy(early)
    for frame in frames[cut:]:
        model.apply(frame)
        model.snapshot()
    assert early == kept


@given(STEPS)
def test_the_same_frames_give_the_same_snapshot_after_a_journey_through_json(steps):
    frames = play(steps).frames
    travelled = [json.loads(json.dumps(frame)) for frame in frames]
    assert fold(travelled).snapshot() == fold(frames).snapshot()


@given(STEPS)
def test_every_event_tells_what_the_next_table_tells(steps):
    world = World()
    world.spawn()
    world.send_table()
    world.send_events()
    for kind, thread, choice in steps:
        if kind == "spawn":
            world.spawn(choice % 2)
        else:
            world.wander(thread, choice)
    world.send_events()
    model = fold(world.frames)
    by_events = model.snapshot()
    world.send_table()
    model.apply(world.frames[-1])
    by_table = model.snapshot()
    assert by_events.states == by_table.states
    assert [(view.number, view.state, view.moves) for view in by_events.threads] == [
        (view.number, view.state, view.moves) for view in by_table.threads
    ]


@given(STEPS)
def test_emitted_events_are_received_or_counted_as_lost(steps):
    world = World()
    received = lost = 0
    for kind, thread, choice in steps:
        if kind != "table":
            world.wander(thread, choice)
            continue
        happened = sum(len(words) // 3 for words in world.events.values())
        world.send_events()
        if choice % 2:
            received += happened
        else:
            # What the publisher does with a queue that is full: the frame is dropped whole, then the loss is told.
            dropped = world.frames.pop()
            lost += happened
            world.serial += 1
            world.frames.append({"frame": "lost", "serial": world.serial, "frames": 1, "events": happened})
            assert dropped["frame"] == "events"
    shown = fold(world.frames).snapshot()
    pending = sum(len(words) // 3 for words in world.events.values())
    assert world.emitted == received + shown.lost_events + pending
    assert shown.lost_events == lost


# ---- single facts --------------------------------------------------------------------------------------------------


def test_before_any_frame_it_is_connecting_and_every_figure_is_zero():
    shown = Model().snapshot()
    assert shown == Snapshot()
    assert shown.phase == "connecting"
    assert shown.accepting == shown.serving == 0


def test_the_header_is_told_whole():
    told = fold([header()]).snapshot().header
    frame = header()
    for field in dataclasses.fields(told):
        expected = frame[field.name]
        assert getattr(told, field.name) == (tuple(expected) if isinstance(expected, list) else expected)


def test_a_table_alone_gives_threads_counters_queues_and_flows():
    threads = [row(2, S.ACCEPTING, moves=1, since=500_000), [1, 0, 77, S.READING.code, 9, -1, 12, 3, 4, 5]]
    counters = dict.fromkeys(COUNTERS, 0) | {"accepting": 3, "made": 2}
    frame = table(
        2_000_000, threads, queues=[[4, 9]], counters=counters, statuses={"503": 1}, phase="stopping",
        flows=[[S.STARTING.code, S.ACCEPTING.code, 2]], options={"delay": 0.5},
        times=[code * 1_000_000 for code in range(len(STATES))],
    )  # fmt: skip
    shown = fold([header(), frame]).snapshot()
    assert shown.threads == (
        ThreadView(1, "acceptor", 77, S.READING, None, 9, 12, 3, 4, 5),
        ThreadView(2, "worker", 9002, S.ACCEPTING, 0.5, 1, 0, 0, 0, 0),
    )
    assert [view.name for view in shown.threads] == ["acceptor-1", "worker-2"]
    assert [view.serving for view in shown.threads] == [True, False]
    assert (shown.accepting, shown.serving) == (3, 1)
    assert shown.at_s == 2.0
    assert shown.phase == "stopping"
    assert shown.queues == {"wanted": (4, 9)}
    assert shown.flows == {(S.STARTING, S.ACCEPTING): 2}
    assert shown.statuses == {"503": 1}
    assert shown.times_s[S.READING] == S.READING.code
    assert shown.options == {"standby": 8, "delay": 0.5}
    assert shown.thread(2) is shown.threads[1]
    assert shown.thread(3) is None


def test_a_new_role_names_the_threads_that_come_after_it():
    frames = [header(), {"frame": "roles", "roles": ["acceptor", "worker", "closer"]}]
    shown = fold([*frames, table(1, [row(1, S.LINGERING, role=2)])]).snapshot()
    assert shown.threads[0].name == "closer-1"


def test_a_role_that_was_lost_leaves_a_thread_with_a_name_all_the_same():
    assert fold([header(), table(1, [row(1, S.LINGERING, role=2)])]).snapshot().threads[0].name == "thread-1"


def test_rates_are_differences_over_the_last_second_of_the_servers_clock():
    frames = [header()]
    for tenth in range(31):
        done = 40 * tenth if tenth <= 15 else 600 + 10 * (tenth - 15)
        counters = dict.fromkeys(COUNTERS, 0) | {
            "requests": done, "connections": done // 2, "made": tenth, "recycled": 2 * tenth, "ended": tenth // 2,
        }  # fmt: skip
        flows = [[S.READING.code, S.HANDLING.code, done], [S.STARTING.code, S.ACCEPTING.code, 7]]
        frames.append(table(tenth * 100_000, counters=counters, flows=flows))
    early, late = fold(frames[:17]).snapshot(), fold(frames).snapshot()
    assert (early.at_s, early.window_s, early.requests_per_s) == (1.5, 1.0, 400.0)
    assert (late.at_s, late.window_s, late.requests_per_s) == (3.0, 1.0, 100.0)
    assert late.connections_per_s == 50.0
    assert (late.made_per_s, late.recycled_per_s, late.ended_per_s) == (10.0, 20.0, 5.0)
    assert late.flow_rates == {(S.READING, S.HANDLING): 100.0}
    assert late.flows[S.STARTING, S.ACCEPTING] == 7


def test_rates_span_what_is_known_in_the_first_second_and_over_a_gap():
    frames = [header()]
    frames += [table(at, counters=dict.fromkeys(COUNTERS, 0) | {"requests": at // 1000}) for at in (0, 200_000)]
    shown = fold(frames).snapshot()
    assert (shown.window_s, shown.requests_per_s) == (0.2, 1000.0)
    frames.append(table(4_200_000, counters=dict.fromkeys(COUNTERS, 0) | {"requests": 8200}))
    shown = fold(frames).snapshot()
    assert (shown.window_s, shown.requests_per_s) == (4.0, 2000.0)


def test_one_table_has_no_rate():
    shown = fold([header(), table(5, counters=dict.fromkeys(COUNTERS, 0) | {"requests": 9})]).snapshot()
    assert (shown.window_s, shown.requests_per_s, shown.flow_rates) == (0.0, 0.0, {})


def test_moves_that_the_table_of_moves_does_not_allow_are_counted():
    allowed, forbidden = [S.READING, S.HANDLING], [S.ENDED, S.ACCEPTING]
    flows = [[before.code, after.code, 3] for before, after in (allowed, forbidden)]
    shown = fold([header(), table(1, flows=flows)], strict=False).snapshot()
    assert shown.illegal_moves == 3
    with pytest.raises(IllegalMove, match="from ended to accepting"):
        fold([header(), table(1, flows=flows)], strict=True)


@pytest.mark.parametrize("before", STATES)
def test_every_move_of_the_stream_is_checked(before):
    for after in STATES:
        words = [10, CODES[before], 0, 20, CODES[after], 0]
        frames = [header(), events(30, [], [1, 0, words])]
        legal = after in TRANSITIONS[before]
        assert fold(frames, strict=False).snapshot().illegal_moves == (not legal)
        if not legal:
            with pytest.raises(IllegalMove, match="thread 1 went"):
                fold(frames, strict=True)


def test_an_illegal_move_is_counted_once_although_stream_and_table_both_tell_it():
    words = [10, S.READING.code, 1, 20, S.CREATING.code, 1, 30, S.LINGERING.code, 1]
    streamed = events(30, [[1, 1, 9001]], [1, 0, words])
    told = table(40, flows=[[S.CREATING.code, S.LINGERING.code, 1]])
    assert fold([header(), streamed], strict=False).snapshot().illegal_moves == 1
    assert fold([header(), streamed, told], strict=False).snapshot().illegal_moves == 1


def test_events_that_were_lost_break_the_chain_and_forge_no_illegal_move():
    began = [header(), events(10, [], [1, 0, [10, S.LINGERING.code, 0]])]
    read = [20, S.READING.code, 1]
    assert fold([*began, events(20, [], [1, 0, read])], strict=False).snapshot().illegal_moves == 1
    told_in_the_batch = fold([*began, events(20, [], [1, 4, read])]).snapshot()
    assert (told_in_the_batch.illegal_moves, told_in_the_batch.lost_events) == (0, 4)
    lost = {"frame": "lost", "frames": 1, "events": 7}
    told_apart = fold([*began, lost, events(20, [], [1, 0, read])]).snapshot()
    assert (told_apart.illegal_moves, told_apart.lost_events, told_apart.lost_frames) == (0, 7, 1)
    not_told_yet = fold([*began, events(20, [], [1, 0, read]) | {"serial": 5}]).snapshot()
    assert (not_told_yet.illegal_moves, not_told_yet.lost_frames) == (0, 3)


def test_a_lost_frame_shows_as_a_gap_and_is_told_and_counted_once():
    gap = [header(), table(1, serial=2), table(2, serial=6)]
    assert fold(gap).snapshot().lost_frames == 3
    told = {"frame": "lost", "serial": 7, "frames": 3, "events": 0}
    assert fold([*gap, told, table(3, serial=8)]).snapshot().lost_frames == 3


def test_tables_give_a_sample_of_events_with_the_state_left_only_where_it_is_known():
    frames = [
        header(),
        table(100, [row(1, S.ACCEPTING, moves=5, since=50), row(2, S.READING, moves=2, since=60, connection=9)]),
        table(200, [row(1, S.ACCEPTED, moves=6, since=150, connection=10), row(2, S.IDLE, moves=5, since=140)]),
        table(300, [row(1, S.ACCEPTED, moves=6, since=150, connection=10), row(3, S.STARTING, since=-1)]),
    ]
    events = fold(frames).snapshot().events
    assert [(event.thread_name, event.before, event.state) for event in events] == [
        ("worker-1", None, S.ACCEPTING),
        ("worker-2", None, S.READING),
        ("worker-2", None, S.IDLE),
        ("worker-1", S.ACCEPTING, S.ACCEPTED),
    ]
    assert events[-1] == EventView(150e-6, 1, "worker-1", S.ACCEPTING, S.ACCEPTED, None, 10, sampled=True)
    assert all(event.sampled for event in events)
    assert events[-1].name == "Accepted"


def test_while_streaming_every_event_is_shown_and_none_is_sampled():
    words = [10, S.ACCEPTING.code, 0, 20, S.ACCEPTED.code, 4, 25, 65, 4]
    streamed = events(30, [[1, 1, 9001]], [1, 0, words])
    told = table(40, [row(1, S.READING, moves=3, since=35)])
    shown = fold([header(), streamed, told]).snapshot()
    assert shown.streaming
    assert [(event.name, event.sampled, event.connection) for event in shown.events] == [
        ("EnteredAccepting", False, 0),
        ("Accepted", False, 4),
        ("Refused", False, 4),
    ]
    assert shown.events[2].mark is Mark.REFUSED
    back = [
        {"frame": "reply", "to": 2, "ok": True, "level": "table"},
        table(50, [row(1, S.HANDLING, moves=4, since=45)]),
    ]
    later = fold([header(), streamed, told, *back]).snapshot()
    assert not later.streaming
    assert (later.events[-1].name, later.events[-1].sampled) == ("EnteredHandling", True)


def test_events_that_a_table_overtook_replace_its_sample_and_move_no_thread_back():
    frames = [
        header(),
        table(100, [row(1, S.HANDLING, moves=3, since=90)]),
        events(100, [[1, 1, 9001]], [1, 0, [70, S.ACCEPTING.code, 0]]),
    ]
    shown = fold(frames).snapshot()
    assert (shown.threads[0].state, shown.threads[0].moves) == (S.HANDLING, 3)
    assert [(event.state, event.sampled) for event in shown.events] == [(S.ACCEPTING, False)]


def test_a_born_thread_stands_at_starting_until_it_moves():
    frames = [header(), table(1, [row(1, S.ACCEPTING)]), events(5, []), events(6, [[3, 0, 9003]])]
    assert fold(frames).snapshot().threads[-1] == ThreadView(3, "acceptor", 9003, S.STARTING, None, 0, 0, 0, 0, 0)
    moved = fold([*frames, events(9, [], [3, 0, [8, S.ACCEPTING.code, 0]])], strict=True).snapshot()
    assert moved.threads[-1] == ThreadView(3, "acceptor", 9003, S.ACCEPTING, 8e-6, 1, 0, 0, 0, 0)
    with pytest.raises(IllegalMove, match="from starting to accepted"):
        fold([*frames, events(9, [], [3, 0, [8, S.ACCEPTED.code, 0]])], strict=True)


def test_a_stream_that_begins_names_the_threads_that_live_and_does_not_take_them_for_new():
    begun = events(9, [[1, 1, 9001], [2, 0, 9002]], [1, 0, [8, S.ACCEPTED.code, 4]])
    shown = fold([header(), begun], strict=True).snapshot()
    assert (shown.threads, shown.illegal_moves) == ((), 0)
    assert [event.thread_name for event in shown.events] == ["worker-1"]
    known = fold([header(), table(5, [row(1, S.ACCEPTING, moves=3, since=4)]), begun], strict=True).snapshot()
    assert [(view.number, view.state, view.moves) for view in known.threads] == [(1, S.ACCEPTED, 4)]


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_thread_is_kept_for_six_seconds_beside_the_living(end):
    frames = [header(), table(1_000_000, [row(1, S.ACCEPTING), row(2, end, since=900_000)])]
    shown = fold(frames).snapshot()
    assert [view.number for view in shown.threads] == [1]
    assert [(view.number, view.state, view.ended_at) for view in shown.ended] == [(2, end, 0.9)]
    assert shown.thread(2).ended_at == 0.9
    assert fold([*frames, table(6_800_000)]).snapshot().ended
    assert not fold([*frames, table(6_900_001)]).snapshot().ended


def test_of_many_threads_that_ended_the_latest_256_are_kept():
    ended = [row(number, S.ENDED, since=number) for number in range(1, 401)]
    shown = fold([header(), table(1000, ended)]).snapshot()
    assert [view.number for view in shown.ended] == list(range(145, 401))


def test_an_end_told_by_the_stream_and_by_the_table_is_one_end():
    words = [10, S.ACCEPTING.code, 0, 20, S.ENDED.code, 0]
    streamed = events(30, [[1, 1, 9001]], [1, 0, words])
    frames = [header(), streamed, table(40, [row(1, S.ENDED, moves=2, since=20)])]
    for known in ([header(), events(5, []), *frames[1:2]], frames, [header(), frames[2], streamed]):
        shown = fold(known).snapshot()
        assert shown.threads == ()
        assert [view.number for view in shown.ended] == [1]


def test_only_the_last_fifty_lines_and_events_are_kept():
    world = World()
    number = world.spawn()
    for line in range(60):
        world.log(str(line))
        world.move(number, S.ACCEPTING)
        world.move(number, S.ACCEPTED)
    world.send_events()
    shown = fold(world.frames).snapshot()
    assert [line.text for line in shown.log] == [str(line) for line in range(10, 60)]
    assert isinstance(shown.log[0], LogLine)
    assert len(shown.events) == 50
    assert shown.events[-1].at_s == shown.log[-1].at_s + 10e-6


@pytest.mark.parametrize("reason", ["stopped", "abandoned"])
def test_after_the_end_nothing_brings_the_phase_back(reason):
    frames = [header(), table(1), {"frame": "end", "reason": reason}]
    assert fold(frames).snapshot().phase == reason
    assert fold([*frames, table(2)]).snapshot().phase == reason


def test_a_link_that_went_without_an_end_is_lost_and_says_so_in_the_log():
    shown = fold([header(), table(3_000_000), {"frame": "gone", "text": "the server went"}]).snapshot()
    assert shown.phase == "lost"
    assert shown.log[-1] == LogLine(3.0, "the server went")


def test_a_kind_of_frame_that_is_not_known_changes_nothing():
    frames = [header(), table(1, [row(1, S.IDLE)])]
    assert fold([*frames, {"frame": "weather", "serial": 2}]).snapshot() == fold(frames).snapshot()


def test_a_headless_run_reports_plain_values():
    world = World()
    number = world.spawn()
    for state in (S.ACCEPTING, S.ACCEPTED, S.READING, S.HANDLING, S.WRITING, S.RECYCLING, S.ACCEPTING):
        world.move(number, state)
    world.log("a line")
    world.send_table()
    report = to_json(fold(world.frames).snapshot())
    assert json.loads(json.dumps(report)) == report
    assert report["states"] == {"accepting": 1}
    assert report["flows"]["recycling -> accepting"] == 1
    assert report["flows"]["starting -> accepting"] == 1
    assert (report["made"], report["recycled"], report["ended"]) == (1, 1, 0)
    assert (report["lost_frames"], report["lost_events"], report["illegal_moves"]) == (0, 0, 0)
    assert report["architecture"] == "recycling"
    assert to_json(Snapshot())["architecture"] is None


def test_each_named_move_is_named_in_the_snapshot():
    for (before, after), name in EVENT_NAMES.items():
        assert EventView(0.0, 1, "worker-1", before, after, None, 0, False).name == name
