"""Limits that change under the threads that run: a raised one lets on who waits, a lowered one strands nobody."""

import pytest

from teachserve.architectures.recycling import Recycling

from .conftest import HEY, LAST


def everybody_serves(stage, workers):
    """A recycling server at `max_threads`, each worker held by a connection that stays: nobody accepts, nobody is asked."""
    s = stage("recycling", standby=1, max_threads=workers)
    clients = [s.connect(HEY) for _ in range(workers)]
    s.gate.settle()
    assert (s.counts.live["worker"], s.counts.accepting, s.counts.asked) == (workers, 0, False)
    return s, clients


# ---- recycling -----------------------------------------------------------------------------------------------------


def test_a_raised_limit_is_used_though_every_worker_is_held(stage):
    """1. Both workers are held, a third client waits in the kernel. 2. max_threads is raised: it is answered."""
    s, _ = everybody_serves(stage, 2)
    third = s.connect(LAST)
    s.gate.settle()
    s.server.change("max_threads", 3)
    s.gate.settle()
    assert third.answer().status == 200
    assert s.counts.live["worker"] == 3


def test_a_raised_limit_makes_one_worker_and_the_next_is_asked_for_as_ever(stage):
    """1. Both are held. 2. The limit is raised by three: one worker is spawned. 3. It leaves accept, and asks for the next."""
    s, _ = everybody_serves(stage, 2)
    handed_over = s.taskmaster.wanted.handed_over
    s.server.change("max_threads", 5)
    assert (s.counts.live["worker"], s.counts.accepting, s.counts.asked) == (3, 1, False)
    s.server.change("max_threads", 6)
    assert s.counts.live["worker"] == 3, "one accepts: nobody is needed"
    s.connect(HEY)
    s.gate.settle()
    assert (s.counts.live["worker"], s.taskmaster.wanted.handed_over) == (4, handed_over + 1)


def test_a_raised_limit_makes_nobody_while_one_is_on_its_way(stage):
    """1. w1 leaves accept and asks. 2. m1 has not moved. 3. The limit is raised: no second worker for one need."""
    s = stage("recycling", standby=1, max_threads=2)
    s.connect(HEY)
    s.until("w1", "hand_over")
    s.server.change("max_threads", 5)
    assert s.counts.live["worker"] == 1
    s.gate.settle()
    assert s.counts.live["worker"] == 2


def test_a_limit_raised_while_the_server_stops_makes_nobody(stage):
    s, clients = everybody_serves(stage, 2)
    s.stop()
    s.server.change("max_threads", 5)
    assert s.counts.live["worker"] == 2
    for client in clients:
        client.sock.close()
    s.end()


@pytest.mark.parametrize("order", [("w1", "w2"), ("w2", "w1")])
def test_of_two_workers_when_one_may_live_one_goes_back_to_accept(stage, order):
    """1. w1 and w2 are about to recycle. 2. max_threads is lowered to 1. 3. The first ends, and the second, which finds the
    first still alive or not, goes back: at no moment do both end as one too many."""
    s = stage("recycling", standby=1, max_threads=2)
    clients = [s.connect(LAST) for _ in range(2)]
    s.until("w1", "handle")
    s.let("m1")
    s.until("w1", "recycle")
    s.until("w2", "recycle")
    s.server.change("max_threads", 1)
    first, second = order
    s.play(f"{first}:recycle")
    assert s.at(first) is None
    s.play(f"{second}:recycle")
    assert (s.at(second), s.counts.accepting, s.counts.surplus) == ("accept", 1, 1)
    assert [client.answer().status for client in clients] == [200] * 2
    later = s.connect(LAST)
    s.gate.settle()
    assert later.answer().status == 200
    assert s.counts.live["worker"] == 1


class Ponderous(Recycling):
    """A worker that was told to end does one thing more, so that it can be held between the two."""

    def work(self):
        super().work()
        self.hand_over("farewell", self.wanted)

    def make_workers(self):
        while (item := self.take(self.wanted)) is not None:
            if item != "farewell":
                self.spawn(self.work, role="worker")


def test_who_was_told_to_end_and_still_lives_is_not_counted_when_the_next_decides(stage):
    """1. The limit is 1, w1 was told to end and is held. 2. w2 recycles: two live, yet one of them is gone already."""
    s = stage(Ponderous, standby=1, max_threads=2)
    [s.connect(LAST) for _ in range(2)]
    s.until("w1", "handle")
    s.let("m1")
    s.until("w1", "recycle")
    s.until("w2", "recycle")
    s.server.change("max_threads", 1)
    s.play("w1:recycle")
    assert (s.at("w1"), s.counts.live["worker"], s.counts.leaving) == ("hand_over", 2, 1)
    s.play("w2:recycle")
    assert (s.at("w2"), s.counts.accepting) == ("accept", 1)
    s.gate.settle()
    assert (s.counts.live["worker"], s.counts.leaving) == (1, 0)


def test_there_is_room_for_another_as_soon_as_one_was_told_to_end(stage):
    """1. w1 is surplus and held. 2. w2, which accepts, leaves accept: it asks, though two live and two may."""
    s = stage(Ponderous, standby=1, max_threads=2)
    first = s.connect(LAST)
    s.until("w1", "handle")
    s.let("m1")
    s.until("w2", "accept")
    s.until("w1", "recycle")
    s.play("w1:recycle")
    assert (s.at("w1"), s.counts.leaving) == ("hand_over", 1)
    s.connect(HEY)
    s.until("w2", "hand_over")
    s.gate.settle()
    assert first.answer().status == 200
    assert (s.counts.accepting, s.counts.live["worker"]) == (1, 2)


def test_a_lowered_limit_sends_nobody_away(stage):
    """1. Three serve connections that stay. 2. The limit is lowered to 1. 3. All three are answered again. 4. As they
    leave, two end, and the last one accepts."""
    s, clients = everybody_serves(stage, 3)
    s.server.change("max_threads", 1)
    for client in clients:
        client.answer()
        client.send(HEY)
    s.gate.settle()
    assert [client.answer().status for client in clients] == [200] * 3
    waiting = s.connect(LAST)
    for client in clients:
        client.sock.close()
        s.gate.settle()
    assert waiting.answer().status == 200
    assert (s.counts.live["worker"], s.counts.accepting, s.counts.surplus) == (1, 1, 2)


def test_standby_is_read_at_each_recycle(stage):
    """1. Three workers, one stays in accept. 2. With a standby of 3 both others go back. 3. With 1 the next one ends."""
    s = stage("recycling", standby=1, max_threads=3)
    for name in ("w1", "w2"):
        s.connect(LAST)
        s.until(name, "handle")
        s.let("m1")
    s.server.change("standby", 3)
    s.gate.settle()
    assert (s.counts.accepting, s.counts.surplus) == (3, 0)
    s.server.change("standby", 1)
    s.connect(LAST)
    s.gate.settle()
    assert (s.counts.accepting, s.counts.surplus) == (2, 1)


# ---- thread per connection -----------------------------------------------------------------------------------------


def three_want_one_place(stage):
    s = stage("thread-per-connection", max_threads=1, max_accepts=6)
    clients = [s.connect(LAST) for _ in range(3)]
    s.let("a1")
    s.until("w1", "handle")
    s.until("w2", "wait_for_place")
    s.until("w3", "wait_for_place")
    return s, clients


def test_a_raised_limit_lets_on_as_many_as_there_are_places_now(stage):
    """1. w1 serves, w2 and w3 wait. 2. The limit is raised by one: w2 goes on. 3. By one more: w3 too."""
    s, clients = three_want_one_place(stage)
    s.server.change("max_threads", 2)
    assert (s.counts.placed, s.counts.queueing) == (2, 1)
    s.play("w2:wait_for_place")
    assert s.blocks("w3:wait_for_place")
    s.server.change("max_threads", 3)
    s.play("w3:wait_for_place")
    assert (s.counts.placed, s.counts.queueing) == (3, 0)
    s.gate.settle()
    assert [client.answer().status for client in clients] == [200] * 3
    assert (s.counts.placed, s.counts.queueing) == (0, 0)


def test_a_raised_limit_makes_no_second_acceptor(stage):
    """The acceptor is out of accept, about to spawn: that nobody accepts is no need of another."""
    s = stage("thread-per-connection", max_threads=1, max_accepts=6)
    s.connect(LAST)
    s.until("a1", "spawn")
    s.server.change("max_threads", 2)
    assert s.counts.live["acceptor"] == 1
    s.gate.settle()


def test_a_place_beyond_a_lowered_limit_is_not_handed_on_but_the_last_one_is(stage):
    """1. w1 and w2 serve, w3 waits. 2. The limit is lowered to 1. 3. w1 leaves: w3 still waits. 4. w2 leaves: it goes on."""
    s, clients = three_want_one_place(stage)
    s.server.change("max_threads", 2)
    s.play("w2:wait_for_place")
    s.until("w2", "handle")
    s.server.change("max_threads", 1)
    s.let("w1")
    assert s.blocks("w3:wait_for_place")
    assert (s.counts.placed, s.counts.queueing) == (1, 1)
    s.let("w2")
    s.play("w3:wait_for_place")
    s.gate.settle()
    assert [client.answer().status for client in clients] == [200] * 3
    assert (s.counts.placed, s.counts.queueing) == (0, 0)
