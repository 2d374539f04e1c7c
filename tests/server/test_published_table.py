"""What one table says of a server whose threads and connections stand where the test has put them."""

import contextlib

import pytest

from teachserve.conformance import Client, get
from teachserve.conformance.client import expect_hey
from teachserve.events import State
from teachserve.gate import Gate
from teachserve.server import Server
from teachserve.wsgi import Wsgi

HEY = get()
WAITING = State.WAITING.code


def waiting_on(header: dict, table: dict) -> list[str]:
    """The named queue of each thread that waits, by the thread's number."""
    queue = {-1: "", **dict(enumerate(header["queues"]))}
    return [queue[row[10]] for row in sorted(table["threads"]) if row[3] == WAITING]


def test_a_thread_that_waits_names_its_queue_and_the_queue_counts_who_waits(publish):
    with Server(arch="event-loop", offload=2) as server:
        watcher = publish(server).watch()
        header = watcher.next()
        table = watcher.until("table", lambda frame: waiting_on(header, frame) == ["requests"] * 2)
        assert dict(zip(header["queues"], table["queues"], strict=True)) == {
            "requests": [0, 0, 2, 0],
            "answers": [0, 0, 0, 0],
        }
        assert [row[10] for row in table["threads"] if row[3] != WAITING] == [-1]


def test_connections_on_a_queue_are_counted(publish):
    """A pool whose only worker is held by a connection that stays: two more wait on the queue."""
    with Server(arch="thread-pool", threads=1, max_accepts=9) as server:
        watcher = publish(server).watch()
        clients = [Client(server.port) for _ in range(3)]
        clients[0].send(HEY)
        expect_hey(clients[0].answer())
        table = watcher.until("table", lambda frame: frame["counters"]["connections"] == 3 and frame["queues"][0][0])
        table = watcher.until("table", lambda frame: frame["queues"] == [[2, 3, 0, 2]])
        assert table["counters"]["admitted"] == 3
        for client in clients:
            client.sock.close()


def test_the_wish_for_a_worker_is_no_connection(publish):
    gate = Gate()
    with Server(arch="recycling", gate=gate, standby=1) as server, contextlib.ExitStack() as close:
        close.callback(gate.open)
        gate.settle()
        client = close.enter_context(Client(server.port))
        client.send(get("/yo", "Connection: close"))
        gate.play("w1:accept,accepted,hand_over")
        assert publish(server).watch().until("table")["queues"] == [[1, 1, 1, 0]]


def test_places_are_counted_while_they_are_held(publish):
    with Server(arch="thread-per-connection", max_threads=1, max_accepts=9) as server:
        watcher = publish(server).watch()
        clients = [Client(server.port) for _ in range(2)]
        table = watcher.until("table", lambda frame: frame["counters"]["waiting_for_place"])
        assert (table["counters"]["placed"], table["counters"]["admitted"]) == (1, 2)
        for client in clients:
            client.sock.close()
        watcher.until("table", lambda frame: not frame["counters"]["placed"] and not frame["counters"]["admitted"])


def test_a_loop_tells_how_many_connections_it_watches_and_of_how_many_a_request_has_begun(publish):
    with Server(arch="event-loop") as server:
        watcher = publish(server).watch()
        clients = [Client(server.port) for _ in range(3)]
        clients[0].send(HEY[:10])
        counters = watcher.until("table", lambda frame: frame["counters"]["watched_in_progress"])["counters"]
        counters = watcher.until("table", lambda frame: frame["counters"]["watched"] == 3)["counters"]
        assert counters["watched_in_progress"] == 1
        clients[0].send(HEY[10:])
        expect_hey(clients[0].answer())
        watcher.until("table", lambda frame: not frame["counters"]["watched_in_progress"])
        for client in clients:
            client.sock.close()
        watcher.until("table", lambda frame: not frame["counters"]["watched"])


def test_an_answer_that_the_client_does_not_read_is_in_progress(publish):
    body = b"x" * 20_000_000

    def long_answer(environ, start_response):
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    with Server(Wsgi(long_answer), arch="event-loop") as server:
        watcher = publish(server).watch()
        with Client(server.port) as client:
            client.send(HEY)
            assert client.sock.recv(1)
            table = watcher.until("table", lambda frame: frame["counters"]["watched_in_progress"])
            assert table["counters"]["watched"] == 1


@pytest.mark.parametrize("way", ["stop", "abandon"])
def test_the_end_carries_the_report(publish, way):
    with Server(arch="recycling") as server:
        one = publish(server)
        watcher = one.watch()
        watcher.next()
        getattr(server, way)()
        one.publisher.close("stopped" if way == "stop" else "abandoned")
        end = watcher.until("end")
        assert end["report"] == server.report.lines()
        assert end["report"][0].endswith("clean")
