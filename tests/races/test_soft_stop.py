"""A soft stop loses nothing that was accepted: each sentence of that promise, with the interleaving that could break it."""

import errno
import socket

import pytest

from teachserve import stopping
from teachserve.conformance import Client, get, serving, step

from .conftest import HEY, LAST


def _refused(answers: list) -> bool:
    """One answer, a 503 that says when to come again and that the connection is over."""
    return [(a.status, a.headers.get("connection"), bool(a.headers.get("retry-after"))) for a in answers] == [
        (503, "close", True)
    ]


def _served(answers: list) -> bool:
    return [(a.status, a.body, a.headers.get("connection")) for a in answers] == [(200, b"Hey!", "close")]


# ---- the wake ------------------------------------------------------------------------------------------------------


def test_the_wake_is_known_by_its_port_and_never_served(stage):
    """1. w1 is about to accept. 2. stop sets the flag, sweeps, connects to itself. 3. w1 accepts that, and leaves."""
    s = stage("single-thread")
    s.stop()
    assert not s.blocks("w1:accept")
    assert s.at("w1") is None
    s.end()
    assert (s.counts.connections, s.server.report.answered_503) == (0, 0)


def test_a_real_connection_before_the_wake_is_returned_and_served(stage):
    """1. stop sets the flag. 2. A client connects. 3. stop sends the wake. 4. w1 accepts the client, then nothing more."""
    s = stage("single-thread")
    s.stopper = s.gate.thread("stop", s.server.stop)
    s.play("stop:begin,flag,sweep")
    client = s.connect(HEY)
    client.follow()
    s.play("stop:wake w1:accept")
    assert s.at("w1") == "accepted"
    s.end()
    assert _served(client.followed())
    assert s.counts.connections == 1


@pytest.mark.parametrize("architecture", ["single-thread", "thread-pool", "recycling"])
def test_a_lost_wake_has_a_net_below_it(architecture, monkeypatch):
    """No wake ever arrives: SO_RCVTIMEO on the listening socket lets accept return, and the thread sees the flag."""
    monkeypatch.setattr(stopping.Stopper, "_connect", lambda self: None)
    with serving(architecture, timeout_keep_alive=0.05) as server:
        assert server.stop().clean
        assert not server.report.abandoned


def test_a_wake_that_nobody_answered_is_sent_again(monkeypatch):
    """The first wake is lost; another follows after a bounded wait."""
    connect, lost = stopping.Stopper._connect, []

    def lose_the_first(self):
        if not lost:
            lost.append(None)
            return None
        return connect(self)

    monkeypatch.setattr(stopping.Stopper, "_connect", lose_the_first)
    monkeypatch.setattr(stopping, "WAKE_TIMEOUT_S", 0.05)
    with serving("single-thread", timeout_keep_alive=3600) as server:
        assert server.stop().clean
    assert lost


# ---- the end marker ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("architecture", "name"), [("single-thread", "w1"), ("thread-pool", "a1")])
def test_who_waits_in_the_queue_before_the_mark_is_answered_503(stage, architecture, name):
    """1. The last thread leaves accept. 2. Three clients connect. 3. stop connects its mark, drains up to it, closes."""
    s = stage(architecture)
    s.stop()
    s.play(f"{name}:accept")
    clients = [s.connect(HEY) for _ in range(3)]
    for client in clients:
        client.follow()
    s.end()
    assert all(_refused(client.followed()) for client in clients)
    assert (s.server.report.answered_503, s.counts.refused) == (3, 3)
    assert s.taskmaster.listener.fileno() == -1
    with socket.socket() as late:
        assert late.connect_ex(("127.0.0.1", s.server.port)) == errno.ECONNREFUSED


def test_the_drain_goes_no_further_than_its_mark(stage, monkeypatch):
    """1. A client connects. 2. stop connects its mark. 3. Another client connects. 4. The drain ends at the mark."""
    s = stage("single-thread")
    s.stop()
    s.play("w1:accept")
    before = s.connect(HEY)
    before.follow()
    late = []
    connect = s.server._stopper._connect

    def mark_and_one_more():
        address = connect()
        late.append(s.connect(HEY))
        return address

    monkeypatch.setattr(s.server._stopper, "_connect", mark_and_one_more)
    s.end()
    assert _refused(before.followed())
    assert len(late) == 1
    assert late[0].end() == b""
    assert s.server.report.answered_503 == 1


def test_a_full_backlog_gets_its_mark_once_it_is_empty():
    """The accept queue is full, so the first mark does not get in; emptied, the second does."""
    with serving("single-thread", backlog=1, timeout_keep_alive=3600) as server:
        holding = Client(server.port)
        holding.send(HEY)
        holding.answer()
        waiting = []
        for _ in range(2):
            waiting.append(Client(server.port))
            waiting[-1].follow()
        assert server.stop().clean
        holding.sock.close()
        assert all(_refused(client.followed()) for client in waiting)
        assert server.report.answered_503 == 2


# ---- the last look -------------------------------------------------------------------------------------------------


def stopping_while_idle(s, name):
    """1. The worker has answered and idles; its client, and who is about to stop the server, stand ready."""
    client = s.connect(HEY)
    s.gate.settle()
    assert client.answer().status == 200
    assert s.at(name) == "idle"
    client.follow()
    s.stopper = s.gate.thread("stop", s.server.stop)
    return s, client, s.stopper


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("single-thread", "w1"), ("thread-per-connection", "w1"), ("thread-pool", "w1"), ("recycling", "w1")],
)
@pytest.mark.parametrize("moment", ["before the flag", "before the sweep"])
def test_a_request_that_arrives_as_its_idle_connection_is_closed_is_answered(stage, architecture, name, moment):
    """1. w1 idles. 2. stop sets the flag. 3. A request arrives. 4. stop shuts the reading side. 5. w1 looks once more."""
    s, client, stopper = stopping_while_idle(stage(architecture), name)
    s.play("stop:begin" if moment == "before the flag" else "stop:begin,flag")
    client.send(HEY)
    while step(s.gate, ["stop"]):
        pass
    s.end()
    assert not stopper.is_alive()
    assert _served(client.followed())


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("single-thread", "w1"), ("thread-per-connection", "w1"), ("thread-pool", "w1"), ("recycling", "w1")],
)
def test_a_request_that_begins_as_its_idle_connection_is_closed_is_told_that_the_server_stops(
    stage, architecture, name
):
    """1. w1 idles. 2. A part of a request arrives. 3. stop shuts the reading side: the rest cannot come, by our doing."""
    s, client, stopper = stopping_while_idle(stage(architecture), name)
    s.play("stop:begin,flag")
    client.send(HEY[:10])
    while step(s.gate, ["stop"]):
        pass
    s.end()
    assert not stopper.is_alive()
    assert _refused(client.followed())


def test_an_event_loop_takes_a_last_look_too(stage):
    """1. l1 is about to handle A; B idles. 2. stop sets the flag. 3. B sends a request. 4. l1 answers A, then looks at B."""
    s = stage("event-loop")
    b = s.connect(HEY)
    s.gate.settle()
    assert b.answer().status == 200
    a = s.connect(HEY)
    s.until("l1", "handle")
    s.stop()
    for client in (a, b):
        client.follow()
    b.send(HEY)
    s.play("l1:handle,write")
    assert s.at("l1") == "read", "the last look found B's request before select did"
    s.end()
    assert _served(a.followed())
    assert _served(b.followed())


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("single-thread", "w1"), ("thread-per-connection", "w1"), ("thread-pool", "w1"), ("recycling", "w1"),
     ("event-loop", "l1")],
)  # fmt: skip
def test_the_request_in_progress_is_the_last_of_its_connection(stage, architecture, name):
    """1. Three pipelined requests arrive; w1 is in the handler with the first. 2. stop. 3. One answer, saying close."""
    s = stage(architecture)
    client = s.connect(HEY * 3)
    client.follow()
    while s.at(name) != "handle":
        assert step(s.gate)
    s.stop()
    s.end()
    assert _served(client.followed())


# ---- take ----------------------------------------------------------------------------------------------------------


def test_take_gives_none_only_when_all_others_have_ended_or_wait(stage):
    """1. a1 is about to hand over. 2. stop. 3. Neither worker is released. 4. a1 hands over and ends. 5. w1 takes and
    serves it, w2 still waits. 6. w1 waits too: now both are released."""
    s = stage("thread-pool", threads=2)
    client = s.connect(HEY)
    client.follow()
    s.until("a1", "hand_over")
    s.stop()
    assert s.blocks("w1:take")
    assert s.blocks("w2:take")
    s.play("a1:hand_over")
    assert s.at("a1") is None
    s.until("w1", "handle")
    assert s.blocks("w2:take")
    s.play("w1:handle,write")
    assert s.at("w1") == "take"
    assert not s.blocks("w2:take")
    s.end()
    assert _served(client.followed())


def test_nothing_queued_in_the_thread_pool_is_lost(stage):
    """1. Both workers are in the handler, four more connections on the queue. 2. stop. 3. All six are answered 200."""
    s = stage("thread-pool", threads=2, max_accepts=6)
    clients = [s.connect(LAST) for _ in range(6)]
    for client in clients:
        client.follow()
    s.let("a1")
    s.until("w1", "handle")
    s.until("w2", "handle")
    assert len(s.taskmaster.connections.items) == 4
    s.stop()
    s.end()
    assert all(_served(client.followed()) for client in clients)


def test_a_thread_maker_is_released_when_the_last_worker_has_ended(stage):
    """1. w1 is in the handler. 2. stop. 3. w2 leaves accept; m1 still waits. 4. w1 ends: m1 is released."""
    s = stage("recycling", standby=2)
    client = s.connect(HEY)
    client.follow()
    s.until("w1", "handle")
    s.stop()
    s.let("w2")
    assert s.at("w2") is None
    assert s.blocks("m1:take")
    s.let("w1")
    assert not s.blocks("m1:take")
    s.end()
    assert _served(client.followed())


def test_what_an_event_loop_offloaded_is_answered(stage):
    """1. w1 has taken A's request, B's is on the queue. 2. stop. 3. Both are answered."""
    s = stage("event-loop", offload=1)
    a, b = s.connect(HEY), s.connect(HEY)
    a.follow()
    b.follow()
    s.let("l1")
    s.until("w1", "handle")
    assert len(s.taskmaster.requests.items) == 1
    s.stop()
    s.end()
    assert _served(a.followed())
    assert _served(b.followed())


# ---- the other verbs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "name"), [("thread-per-connection", "a1"), ("thread-pool", "a1"), ("event-loop", "l1")]
)
def test_spawn_and_admit_let_nobody_in_any_more(stage, architecture, name):
    """1. The acceptor has a connection and has not decided. 2. stop. 3. spawn is False, admit is False: 503."""
    s = stage(architecture)
    client = s.connect(HEY)
    client.follow()
    s.until(name, "accepted")
    made = s.counts.made
    s.stop()
    s.end()
    assert _refused(client.followed())
    assert s.counts.made - s.counts.lower - made <= 1, "only the closer may have been made"


def test_nobody_is_short_of_acceptors_any_more(stage):
    """1. w1 took itself, the last one, out of accept. 2. stop. 3. w1 asks for no worker, serves, and does not recycle."""
    s = stage("recycling", standby=1)
    client = s.connect(LAST)
    client.follow()
    s.until("w1", "accepted")
    s.stop()
    s.until("w1", "recycle")
    s.play("w1:recycle")
    assert s.at("w1") is None
    s.end()
    assert _served(client.followed())
    assert s.taskmaster.wanted.handed_over == 0
    assert s.counts.surplus == 0


def test_who_waits_for_a_place_goes_on_in_turn(stage):
    """1. w1 serves, w2 and w3 wait for its place. 2. stop. 3. w1 ends, w2 goes on, then w3: all are answered 200."""
    s = stage("thread-per-connection", max_threads=1, max_accepts=3)
    clients = [s.connect(LAST) for _ in range(3)]
    for client in clients:
        client.follow()
    s.until("a1", "accept")
    s.let("a1")
    s.until("w1", "handle")
    s.until("w2", "wait_for_place")
    s.until("w3", "wait_for_place")
    s.stop()
    s.end()
    assert all(_served(client.followed()) for client in clients)
    steps = s.gate.history
    assert steps.index("w2:wait_for_place") < steps.index("w2:write") < steps.index("w3:wait_for_place")


def test_a_select_ends_when_nothing_is_in_progress(stage):
    """1. One connection idles, one is in the middle of a request. 2. stop. 3. The idle one is closed, l1 waits for the
    other's rest. 4. It comes: answered, and l1 ends."""
    s = stage("event-loop")
    idle, halfway = s.connect(HEY), s.connect(HEY[:20])
    s.gate.settle()
    assert idle.answer().status == 200
    idle.follow()
    s.stop()
    s.let("l1")
    assert idle.followed() == []
    assert s.at("l1") == "select"
    halfway.send(HEY[20:])
    halfway.follow()
    s.end()
    assert _served(halfway.followed())


@pytest.mark.parametrize("architecture", ["single-thread", "thread-per-connection", "thread-pool", "recycling"])
def test_a_body_that_nobody_reads_holds_up_no_stop(architecture):
    """Its request has been answered: the thread that drops what is left of it waits as on an idle connection."""
    patience = 3600.0
    limits = {"timeout_request": patience, "timeout_keep_alive": patience, "graceful_timeout": patience}
    with serving(architecture, **limits) as server, Client(server.port) as client:
        client.send(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        assert client.answer().status == 404
        assert server.stop().clean
        assert client.end() == b""


def test_a_request_never_completed_holds_a_stop_no_longer_than_its_time():
    """A request and a half have arrived when the server stops: 408 when timeout_request is over, and the stop ends."""
    with serving("single-thread", timeout_request=0.1) as server, Client(server.port) as client:
        client.send(HEY + get()[:20])
        assert client.answer().status == 200
        client.follow()
        assert server.stop().clean
        assert not server.report.abandoned
        assert [answer.status for answer in client.followed()] == [408]
