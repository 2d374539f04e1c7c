"""Where threads come from and where they go; the end of the server; and the report at the end."""

import json

import pytest

from teachserve.events import State
from teachserve.observe.model import IllegalMove, LogLine, Snapshot, ThreadView, to_json

from .world import ENDS, World, events, fold, header, row, table

S = State


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


@pytest.mark.parametrize("reason", ["stopped", "abandoned"])
def test_after_the_end_nothing_brings_the_phase_back(reason):
    frames = [header(), table(1), {"frame": "end", "reason": reason}]
    assert fold(frames).snapshot().phase == reason
    assert fold([*frames, table(2)]).snapshot().phase == reason


def test_the_last_table_of_a_server_that_has_ended_is_not_yet_its_end():
    """Else whoever waits for the end leaves before the report has come."""
    shown = fold([header(), table(1, phase="stopped")]).snapshot()
    assert (shown.phase, shown.alive) == ("stopping", True)


def test_the_report_of_the_stop_is_in_the_log():
    lines = ["abandoned in 0.20 s, not clean", "thread worker-3 could not be ended: handling, at app.py:7 in work"]
    end = {"frame": "end", "reason": "abandoned", "report": lines}
    shown = fold([header(), table(2_000_000), end]).snapshot()
    assert shown.log == tuple(LogLine(2.0, line) for line in lines)


def test_a_link_that_went_without_an_end_is_lost_and_says_so_in_the_log():
    shown = fold([header(), table(3_000_000), {"frame": "gone", "text": "the server went"}]).snapshot()
    assert shown.phase == "lost"
    assert shown.log[-1] == LogLine(3.0, "the server went")


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
