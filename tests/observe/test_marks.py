"""What the stream tells beside the moves: when a connection arrived, on which queue it was put, which thread was spawned."""

import select
import socket
import sys
import threading
import time
from itertools import groupby

import pytest

from teachserve.conformance import Client, get
from teachserve.connection import waited_ns
from teachserve.gate import Gate
from teachserve.probe import TABLE

from .streamed import Streamed, streamed

ONCE = get("/yo", "Connection: close")
TICK_S = time.clock_getres(6) if sys.platform.startswith("linux") else 0.0
linux = pytest.mark.skipif(not TICK_S, reason="only Linux tells how long a connection waited")


def answered(server: Streamed) -> list[tuple[str, int]]:
    """One connection, served to its end: the words of the events after it arrived, and what each is about."""
    with Client(server.server.port) as client:
        client.send(ONCE)
        client.end()
        server.until(lambda: any(word == "closed" for _, _, word, _ in server.events()))
    told = [(word, about) for _at, _thread, word, about in server.events()]
    return told[told.index(("arrived", 1)) if ("arrived", 1) in told else 0 :]


@linux
@pytest.mark.parametrize("held_s", [0.0, 0.3])
def test_the_kernel_says_how_long_a_connection_waited_at_least(held_s):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = time.monotonic()
        with socket.create_connection(listener.getsockname()):
            assert select.select([listener], [], [], 10)[0]
            queued = time.monotonic()
            threading.Event().wait(held_s)
            called = time.monotonic()
            accepted, _ = listener.accept()
            with accepted:
                least_s = waited_ns(accepted) / 1e9
            over = time.monotonic()
    assert called - queued - 2 * TICK_S - 0.001 <= least_s <= over - begun


@linux
@pytest.mark.parametrize("architecture", ["single-thread", "event-loop"])
def test_a_connection_has_arrived_before_it_is_accepted(architecture):
    """1. It is in the accept queue. 2. accept(2) is held back for 300 ms. 3. Its mark lies as long before, less two ticks."""
    gate = Gate()
    with streamed(architecture, gate) as server:
        first = "l1:select" if architecture == "event-loop" else "w1:accept"
        with Client(server.server.port):
            assert select.select([server.server.taskmaster.listener_descriptor], [], [], 10)[0]
            queued = server.server.taskmaster.probe.now_us()
            threading.Event().wait(0.3)
            gate.play(first)
            gate.settle()
            server.tell()
        times = {word: at for at, _thread, word, about in server.events() if about == 1}
    assert times["arrived"] < times["accepted"]
    assert times["arrived"] <= queued + (2 * TICK_S + 0.001) * 1e6


def test_nothing_is_asked_of_the_kernel_below_the_level_stream(monkeypatch):
    monkeypatch.setattr("teachserve.accepting.waited_ns", lambda _sock: pytest.fail("asked"))
    with streamed("single-thread") as server:
        with server.server.taskmaster.lock:
            server.server.taskmaster.probe.watch(TABLE)
        with Client(server.server.port) as client:
            client.send(ONCE)
            client.end()


def test_where_the_kernel_does_not_tell_nothing_has_arrived(monkeypatch):
    monkeypatch.setattr("teachserve.connection.sys.platform", "darwin")
    with streamed("single-thread") as server:
        assert "arrived" not in [word for word, _ in answered(server)]


def test_a_connection_is_handed_over_with_its_number():
    with streamed("thread-pool") as server:
        told = answered(server)
        assert told.index(("handing over", 1)) < told.index(("handed over", 1)) < told.index(("reading", 1))


def test_a_request_is_handed_over_and_comes_back_with_its_connection():
    with streamed("event-loop", offload=2) as server:
        told = answered(server)
        # The loop may have looked before the request was there.
        assert [word for (word, about), _ in groupby(told) if about == 1] == [
            "arrived", "accepted", "reading", "handing over", "handed over", "handling", "handing over", "handed over",
            "writing", "closed",
        ]  # fmt: skip
        words = [words for frame in server.frames if frame["frame"] == "events" for *_, words in frame["batches"]]
        codes = {code for each in words for code in each[1::3] if code >= 128}
        assert [server.frames[0]["queues"][code - 128] for code in sorted(codes)] == ["requests", "answers"]


def test_a_wanted_worker_is_no_connection_and_the_spawned_one_is_named():
    with streamed("recycling", standby=1) as server:
        answered(server)
        server.until(lambda: any(word == "spawned" for _, _, word, _ in server.events()))
        server.tell()
        told = [(word, about) for _at, _thread, word, about in server.events()]
        born = [number for frame in server.frames if frame["frame"] == "events" for number, *_ in frame["threads"]]
        spawned = ("spawned", max(born))
        assert told.index(("handing over", 1)) < told.index(("handed over", 0)) < told.index(spawned)


def test_the_thread_of_a_connection_speaks_of_it_from_its_first_move():
    with streamed("thread-per-connection", max_threads=1) as server, Client(server.server.port) as holder:
        holder.send(get())
        holder.answer()
        with Client(server.server.port):
            server.until(lambda: ("waiting for a place", 2) in [told[2:] for told in server.events()])
