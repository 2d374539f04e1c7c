"""Time-outs, refused clients that still talk, and the event loop that a handler stalls. All waits end with the socket."""

import socket
import threading

import pytest

from teachserve.architectures import NAMES
from teachserve.conformance import Client, get, serving
from teachserve.message import Response

EVERY = [(name, {}) for name in NAMES] + [("event-loop", {"offload": 1})]


@pytest.mark.parametrize(("architecture", "options"), EVERY)
def test_a_request_that_does_not_arrive_in_time_is_answered_408(architecture, options):
    with serving(architecture, timeout_request=0.05, **options) as server, Client(server.port) as client:
        client.send(get()[:20])
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert client.end() == b""


@pytest.mark.parametrize("body", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_arrive_in_time_is_answered_408(body):
    with serving("single-thread", timeout_request=0.05) as server, Client(server.port) as client:
        client.send(get("/echo", body, method="POST"))
        assert client.answer().status == 408


@pytest.mark.parametrize(("architecture", "options"), EVERY)
@pytest.mark.parametrize("requests", [0, 1])
def test_an_idle_connection_is_closed_without_a_word(architecture, options, requests):
    with serving(architecture, timeout_keep_alive=0.05, **options) as server, Client(server.port) as client:
        for _ in range(requests):
            client.send(get())
            assert client.answer().status == 200
        assert client.end() == b""


@pytest.mark.parametrize(("architecture", "options"), EVERY)
def test_a_client_that_does_not_read_is_given_up_on(architecture, options):
    def app(request):
        return Response(body=bytes(32 << 20 if request.path == "/big" else 1))

    with serving(architecture, app=app, timeout_write=0.1, **options) as server:  # noqa: SIM117
        with Client(server.port) as client:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.send(get("/big"))
            with Client(server.port) as next_one:  # of a single thread: only once it has given the first up
                next_one.send(get("/small", "Connection: close"))
                assert next_one.answer().body == b"\0"


@pytest.mark.parametrize(("architecture", "options"), EVERY)
def test_a_client_that_still_sends_reads_its_413_and_then_the_end(architecture, options):
    """close(2) with unread bytes would reset the connection, and throw the answer away."""
    with serving(architecture, limit_request_body=1000, **options) as server, Client(server.port) as client:
        client.send(get("/echo", "Content-Length: 1048576", method="POST"))
        client.send(bytes(1 << 20))
        answer = client.answer()
        assert answer.status == 413
        assert client.end() == b""
        client.sock.close()
        server.stop()
        assert server.taskmaster.closer.lingering == server.taskmaster.closer.hurried == 0


def test_many_refused_at_once_all_read_their_answer():
    with serving("thread-per-connection", limit_request_body=10, max_accepts=120, max_threads=100) as server:
        clients = [Client(server.port) for _ in range(60)]
        for client in clients:
            client.send(get("/echo", "Content-Length: 100", method="POST", body=bytes(100)))
        for client in clients:
            assert client.answer().status == 413
            assert client.end() == b""
            client.sock.close()


@pytest.mark.parametrize("offload", [0, 1])
def test_a_handler_that_blocks_stalls_its_loop_unless_it_is_offloaded(offload):
    inside, go_on, order = threading.Event(), threading.Event(), []

    def app(request):
        order.append(request.path)
        if request.path == "/slow":
            inside.set()
            go_on.wait(10)
        return Response.text("Hey!")

    with serving("event-loop", app=app, offload=offload) as server, Client(server.port) as slow:
        slow.send(get("/slow"))
        assert inside.wait(10)
        with Client(server.port) as other:
            other.send(get("/nowhere" * 30, "X: " + "x" * 70000))  # the loop itself refuses it, handler or not
            states = {thread["role"]: thread["state"] for thread in server.snapshot()["threads"]}
            if offload:
                assert other.answer().status == 431, "the loop goes on while the handler blocks"
                assert states["worker"] == "handling"
            else:
                assert states == {"loop": "handling"}, "the one thread there is stands in the handler"
                other.sock.setblocking(False)
                with pytest.raises(BlockingIOError):
                    other.sock.recv(1)
                other.sock.settimeout(10)
            go_on.set()
            assert slow.answer().status == 200
            if not offload:
                assert other.answer().status == 431
    assert order == ["/slow"]


def test_with_one_worker_more_the_other_client_is_answered_while_the_first_handler_blocks():
    inside, go_on = threading.Event(), threading.Event()

    def app(request):
        if request.path == "/slow":
            inside.set()
            go_on.wait(10)
        return Response.text(request.path)

    with serving("event-loop", app=app, offload=2) as server, Client(server.port) as slow, Client(server.port) as other:
        slow.send(get("/slow"))
        assert inside.wait(10)
        other.send(get("/fast"))
        assert other.answer().body == b"/fast"
        go_on.set()
        assert slow.answer().body == b"/slow"
