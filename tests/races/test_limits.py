"""Deciding and acting are one: who asks for a worker, who goes back to accept, who gets a place, who gets a 503."""

import pytest

from .conftest import HEY, LAST

# ---- recycling -----------------------------------------------------------------------------------------------------


def test_a_need_is_asked_for_once(stage):
    """1. w1 and w2 are both out of accept before either looks. 2. Only w2, which took the last one out, asks."""
    s = stage("recycling", standby=2, max_threads=6)
    s.connect(HEY)
    s.connect(HEY)
    s.play("w1:accept w2:accept")
    assert s.counts.accepting == 0
    s.play("w1:accepted w2:accepted")
    assert (s.at("w1"), s.at("w2")) == ("idle", "hand_over")
    s.gate.settle()
    assert s.taskmaster.wanted.handed_over == 1
    assert s.counts.live["worker"] == 3


def test_nobody_asks_again_while_a_worker_is_on_its_way(stage):
    """1. w1 takes itself out of accept and asks. 2. m1 has not moved. 3. w1 serves, recycles, takes itself out again.
    4. It does not ask again. 5. m1 makes w2."""
    s = stage("recycling", standby=1, max_threads=6)
    s.connect(LAST)
    s.until("w1", "hand_over")
    s.play("w1:hand_over")
    s.until("w1", "accept")
    s.connect(HEY)
    s.play("w1:accept,accepted")
    assert s.at("w1") == "idle"
    assert s.taskmaster.wanted.handed_over == 1
    s.gate.settle()
    assert (s.counts.live["worker"], s.taskmaster.wanted.handed_over) == (2, 1)


def test_the_next_need_is_asked_for_again(stage):
    """1. w1 asks, w2 is made. 2. w2 takes itself out of accept: a new need. 3. w2 asks, w3 is made."""
    s = stage("recycling", standby=1, max_threads=6)
    for made in (2, 3):
        s.connect(HEY)
        s.gate.settle()
        assert (s.counts.live["worker"], s.taskmaster.wanted.handed_over) == (made, made - 1)


def test_nobody_asks_where_there_is_no_room(stage):
    """1. max_threads workers live. 2. The last of them leaves accept. 3. It does not ask."""
    s = stage("recycling", standby=1, max_threads=1)
    s.connect(HEY)
    s.until("w1", "idle")
    assert s.taskmaster.wanted.handed_over == 0


@pytest.mark.parametrize("order", [("w1", "w2"), ("w2", "w1")])
def test_of_two_that_recycle_while_nobody_accepts_one_goes_back(stage, order):
    """1. w1, w2 and w3 are out of accept. 2. w1 and w2 are both about to recycle. 3. One goes back, the other is surplus:
    at no moment do both decide that the other will accept."""
    s = stage("recycling", standby=1, max_threads=3)
    for name in ("w1", "w2"):
        s.connect(LAST)
        s.until(name, "handle")
        s.let("m1")
    s.connect(HEY)
    s.until("w3", "idle")
    s.until("w1", "recycle")
    s.until("w2", "recycle")
    assert s.counts.accepting == 0
    first, second = order
    s.play(f"{first}:recycle")
    assert (s.at(first), s.counts.accepting) == ("accept", 1)
    s.play(f"{second}:recycle")
    assert (s.at(second), s.counts.accepting, s.counts.surplus) == (None, 1, 1)


# ---- places and admission ------------------------------------------------------------------------------------------


def test_a_place_is_handed_on_when_serve_ends_and_to_one_only(stage):
    """1. w1 serves, w2 and w3 wait. 2. w1 ends: one of them may go on. 3. w2 does; w3 waits until w2 has ended."""
    s = stage("thread-per-connection", max_threads=1, max_accepts=4)
    clients = [s.connect(LAST) for _ in range(3)]
    s.let("a1")
    s.until("w1", "handle")
    s.until("w2", "wait_for_place")
    s.until("w3", "wait_for_place")
    assert s.blocks("w2:wait_for_place")
    assert (s.counts.placed, s.counts.queueing) == (1, 2)
    s.let("w1")
    s.play("w2:wait_for_place")
    assert s.blocks("w3:wait_for_place")
    assert (s.counts.placed, s.counts.queueing) == (1, 1)
    s.gate.settle()
    assert [client.answer().status for client in clients] == [200] * 3
    assert (s.counts.placed, s.counts.queueing) == (0, 0)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("thread-per-connection", {"max_threads": 1, "max_accepts": 2}),
        ("thread-pool", {"threads": 1, "max_accepts": 2}),
        ("event-loop", {"max_accepts": 2}),
        ("event-loop", {"max_accepts": 2, "offload": 1}),
    ],
)
def test_one_more_than_max_accepts_is_answered_503(stage, architecture, options):
    """1. Two connections are in. 2. The third is answered 503. 3. One of the two leaves. 4. The fourth is let in."""
    s = stage(architecture, **options)
    first = s.connect(HEY)
    second = s.connect()
    s.gate.settle()
    assert first.answer().status == 200
    assert s.counts.admitted == 2
    third = s.connect(HEY)
    s.gate.settle()
    answer = third.answer()
    assert (answer.status, answer.headers["connection"], answer.headers["retry-after"]) == (503, "close", "1")
    assert third.end() == b""
    third.sock.close()
    first.sock.close()
    s.gate.settle()
    fourth = s.connect(LAST)
    second.send(LAST)
    s.gate.settle()
    assert second.answer().status == 200
    s.gate.settle()
    assert fourth.answer().status == 200
    assert s.counts.refused == 1


def test_beyond_max_threads_recycling_leaves_the_rest_in_the_kernel_and_never_says_503(stage):
    """1. Both workers serve. 2. Three more connect: nobody answers. 3. The first two leave. 4. All three are answered."""
    s = stage("recycling", standby=1, max_threads=2)
    first = [s.connect(HEY) for _ in range(2)]
    s.gate.settle()
    rest = [s.connect(LAST) for _ in range(3)]
    s.gate.settle()
    assert s.counts.connections == 2
    for client in first:
        assert client.answer().status == 200
        client.sock.close()
    s.gate.settle()
    assert [client.answer().status for client in rest] == [200] * 3
    assert (s.counts.refused, s.counts.live["worker"]) == (0, 1)


def test_a_client_that_keeps_its_connection_keeps_a_single_thread(stage):
    """1. A idles on its kept-alive connection. 2. B connects and asks. 3. Nobody can move. 4. A leaves: B is answered."""
    s = stage("single-thread")
    a = s.connect(HEY)
    s.gate.settle()
    b = s.connect(LAST)
    assert s.gate.settle() == {"w1": "idle"}
    assert s.counts.connections == 1
    a.sock.close()
    s.gate.settle()
    assert b.answer().status == 200
