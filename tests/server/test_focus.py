"""The focus on one thread: every event of it, whatever the level, nothing of the others, and nothing lost unsaid."""

import pytest
from shapes import SHAPES

from teachserve.conformance import Client, get
from teachserve.conformance.client import expect_hey
from teachserve.events import FIRST_MARK, State
from teachserve.observe.model import Model
from teachserve.probe import STREAM, TABLE
from teachserve.server import Server

HEY = get()
S = State


def focus(watcher, thread: int | None) -> dict:
    """Set it, and give the reply."""
    watcher.say(command="focus", thread=thread, number=5)
    return watcher.until("reply")


def number_of(watcher, role: str) -> int:
    """The first thread of this role that the next table shows."""
    roles = []

    def seen(frame: dict) -> bool:
        roles[:] = frame.get("roles", roles)
        return any(roles[row[1]] == role for row in frame.get("threads", ()))

    while True:
        frame = watcher.next()
        if frame["frame"] in ("header", "roles"):
            seen(frame)
        elif frame["frame"] == "table" and seen(frame):
            return min(row[0] for row in frame["threads"] if roles[row[1]] == role)


def ask(server: Server, times: int) -> None:
    with Client(server.port) as client:
        for _ in range(times):
            client.send(HEY)
            expect_hey(client.answer())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_event_of_the_thread_in_focus_is_told_and_of_no_other(publish, shape):
    architecture, options = SHAPES[shape]
    with Server(arch=architecture, **options) as server:
        one = publish(server)
        watcher = one.watch()
        role = server.taskmaster.accepting_role
        chosen = number_of(watcher, role)
        assert focus(watcher, chosen)["focus"] == chosen
        record = server.taskmaster.probe.records[chosen]
        assert server.taskmaster.probe.level == TABLE
        levels = {r.number: r.level for r in server.taskmaster.probe.records.values()}
        assert levels.pop(chosen) == STREAM
        assert set(levels.values()) <= {TABLE}
        for _ in range(20):
            ask(server, 3)
        server.stop()
        one.publisher.close("stopped")
        frames = watcher.rest()
    assert not [frame for frame in frames if frame["frame"] == "events"]
    told = [frame for frame in frames if frame["frame"] == "focused"]
    assert {frame["thread"] for frame in told} == {chosen}
    words = [word for frame in told for word in frame["words"]]
    assert record.emitted == len(words) // 3 > 0
    assert server.taskmaster.probe.emitted == record.emitted
    codes = [code for code in words[1::3] if code < FIRST_MARK]
    assert codes[-1] == S.ENDED.code
    counted = [move & 255 for move, count in record.flows.items() for _ in range(count)]
    missing = len(counted) - len(codes)  # what it did before it was in focus
    assert 0 <= missing <= 3, (counted, codes)


def test_two_watchers_look_at_two_threads_and_a_third_streams(publish):
    with Server(arch="thread-pool", threads=2) as server:
        one = publish(server)
        watchers = [one.watch() for _ in range(3)]
        first = number_of(watchers[0], "worker")
        for watcher, thread in zip(watchers, (first, first + 1), strict=False):
            assert focus(watcher, thread)["ok"]
        watchers[2].say(command="level", level="stream")
        watchers[2].until("reply")
        for _ in range(10):
            ask(server, 2)
        server.stop()
        one.publisher.close("stopped")
        told = [watcher.rest() for watcher in watchers]
    emitted = {first: 0, first + 1: 0}
    for frame in told[2]:
        for number, _, words in frame["batches"] if frame["frame"] == "events" else ():
            if number in emitted:
                emitted[number] += len(words) // 3
    for thread, frames in zip(emitted, told, strict=False):
        focused = [frame for frame in frames if frame["frame"] == "focused"]
        assert {frame["thread"] for frame in focused} == {thread}
        # The stream began later than the focus, at a moment when both had come to their first take.
        assert sum(len(frame["words"]) // 3 for frame in focused) >= emitted[thread] > 0
    assert not [frame for frame in told[2] if frame["frame"] == "focused"]


def test_a_focus_that_moves_on_leaves_nothing_behind(publish):
    """The law holds over every change: what was emitted is received by somebody, or known to have come too late."""
    with Server(arch="thread-pool", threads=2) as server:
        one = publish(server)
        watcher = one.watch()
        first = number_of(watcher, "worker")
        for thread in [first, first + 1, None, first] * 10:
            assert focus(watcher, thread)["focus"] == thread
            ask(server, 2)
        server.stop()
        one.publisher.close("stopped")
        watcher.rest()
        probe, stream = server.taskmaster.probe, one.publisher._stream
    assert probe.emitted > 40
    assert probe.emitted == sum(watcher.received.values()) + stream.unheard
    assert set(watcher.received) == {first, first + 1}


def test_what_a_slow_watcher_misses_is_counted(publish, monkeypatch):
    monkeypatch.setattr("teachserve.publish.watcher.MOST_FRAMES", 4)
    monkeypatch.setattr("teachserve.publish.stream.MOST_EVENTS", 10)
    with Server(arch="single-thread") as server:
        one = publish(server)
        watcher = one.watch()
        assert focus(watcher, 1)["ok"]
        (inside,) = one.publisher._watchers
        while not inside.lost_events:
            ask(server, 100)
        server.stop()
        one.publisher.close("stopped")
        frames = watcher.rest()
    received = sum(len(frame["words"]) // 3 for frame in frames if frame["frame"] == "focused")
    lost = inside.lost_events + sum(frame["events"] for frame in frames if frame["frame"] == "lost")
    assert server.taskmaster.probe.emitted == received + lost + server.taskmaster.probe.lost


def test_a_thread_that_is_born_meanwhile_announces_no_events_and_one_that_is_gone_cannot_be_looked_at(publish):
    with Server(arch="thread-per-connection") as server:
        watcher = publish(server).watch()
        acceptor = number_of(watcher, "acceptor")
        focus(watcher, acceptor)
        with Client(server.port) as client:
            client.send(HEY)
            client.answer()
            (worker,) = (r for r in server.taskmaster.probe.records.values() if r.role == "worker")
            assert (worker.level, worker.emitted) == (TABLE, 0)
        watcher.until("table", lambda frame: len(frame["threads"]) == 1)
        reply = focus(watcher, worker.number)
        assert (reply["ok"], reply["error"]) == (False, "there is no thread 2: it has ended, or was never made")
        assert focus(watcher, None) == {
            "frame": "reply",
            "serial": reply["serial"] + 1,
            "to": 5,
            "ok": True,
            "focus": None,
        }
        assert server.taskmaster.probe.records[acceptor].level == TABLE


@pytest.mark.parametrize("streaming", [False, True])
def test_the_model_shows_every_move_of_the_thread_in_focus_in_its_order(publish, streaming):
    with Server(arch="recycling", standby=1) as server:
        one = publish(server)
        watcher = one.watch()
        worker = number_of(watcher, "worker")
        model = Model(strict=True)
        if streaming:
            watcher.say(command="level", level="stream", number=1)
            model.apply(watcher.until("reply"))
        model.apply(focus(watcher, worker))
        for _ in range(5):
            ask(server, 1)
        server.stop()
        one.publisher.close("stopped")
        for frame in watcher.rest():
            model.apply(frame)
    shown = model.snapshot()
    assert (shown.focus, shown.focus_lost, shown.illegal_moves, shown.lost_events) == (worker, 0, 0, 0)
    assert {event.thread for event in shown.focused} == {worker}
    moves = [event for event in shown.focused if event.state is not None]
    assert [event.before for event in moves[1:]] == [event.state for event in moves[:-1]]
    assert not any(event.sampled for event in shown.focused)
    assert moves[-1].state is S.ENDED
    assert {S.ACCEPTED, S.HANDLING, S.WRITING} <= {event.state for event in moves}
