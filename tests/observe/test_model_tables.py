"""What one table tells, and what two of them tell: threads, counters, queues, and the rates between."""

import dataclasses

from teachserve.events import STATES, State
from teachserve.observe.model import Model, Snapshot, ThreadView
from teachserve.observe.snapshot import COUNTERS, QueueView

from .world import fold, header, row, table

S = State


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
    threads = [row(2, S.ACCEPTING, moves=1, since=500_000), [1, 0, 77, S.READING.code, 9, -1, 12, 3, 4, 5, -1]]
    counters = dict.fromkeys(COUNTERS, 0) | {"accepting": 3, "made": 2}
    frame = table(
        2_000_000, threads, queues=[[4, 9, 1, 3]], counters=counters, statuses={"503": 1}, phase="stopping",
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
    assert shown.queues == {"wanted": QueueView(length=4, handed_over=9, takers=1, connections=3)}
    assert shown.flows == {(S.STARTING, S.ACCEPTING): 2}
    assert shown.statuses == {"503": 1}
    assert shown.times_s[S.READING] == S.READING.code
    assert shown.options == {"standby": 8, "delay": 0.5}
    assert shown.thread(2) is shown.threads[1]
    assert shown.thread(3) is None


def test_a_thread_that_waits_names_its_queue_until_it_moves_on():
    frames = [header(queues=["requests", "answers"]), table(10, [row(1, S.WAITING, moves=1, since=5, queue=1)])]
    assert fold(frames).snapshot().threads[0].queue == "answers"
    moved = {"frame": "events", "at": 30, "threads": [], "batches": [[1, 0, [20, S.HANDLING.code, 3]]]}
    assert fold([*frames, moved]).snapshot().threads[0].queue == ""


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


def test_after_the_end_nothing_moves_any_more_and_the_counts_stay():
    flows = [[S.READING.code, S.HANDLING.code, 40]]
    counters = dict.fromkeys(COUNTERS, 0) | {"requests": 40}
    frames = [header(), table(0), table(900_000, counters=counters, flows=flows), {"frame": "end", "reason": "stopped"}]
    shown = fold(frames).snapshot()
    assert (shown.requests_per_s, shown.flow_rates, shown.window_s) == (0.0, {}, 0.0)
    assert (shown.counters["requests"], shown.flows[S.READING, S.HANDLING]) == (40, 40)


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


def test_a_kind_of_frame_that_is_not_known_changes_nothing():
    frames = [header(), table(1, [row(1, S.IDLE)])]
    assert fold([*frames, {"frame": "weather", "serial": 2}]).snapshot() == fold(frames).snapshot()
