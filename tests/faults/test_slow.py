"""Clients that are slow on purpose, and clients that go away in the middle."""

import socket
from collections.abc import Callable

import pytest

from teachserve.conformance import Client, get

from .child import Child, reset, until

TIMES = ("--timeout-request", "200ms", "--timeout-keep-alive", "200ms", "--timeout-write", "200ms")
LAST = get("/yo", "Connection: close")
BODY = get("/echo", "Content-Length: 100000", method="POST")
BIG = get("/big")
BIG_BYTES = 10_000_000
PIECE_BYTES = 50_000
"""So much at a time that the server can go on sending, and so little that it needs longer than it may."""
BEGINNINGS = {
    "nothing": b"",
    "a head": get("/yo", "Slow: " + "x" * 100)[:40],
    "a body": BODY + b"x",
    "a chunked body": get("/echo", "Transfer-Encoding: chunked", method="POST") + b"ffff\r\nx",
}


def all_closed(clients: list[Client], say: Callable[[Client], object]) -> None:
    """Each says its next word now and then, until the server has closed on all of them."""
    open_ones = set(clients)

    def none_is_left() -> bool:
        for client in list(open_ones):
            try:
                say(client)
                client.sock.setblocking(False)
                if client.sock.recv(65536):
                    continue
            except BlockingIOError:
                continue
            except OSError as reset_too:
                assert isinstance(reset_too, ConnectionError)
            client.sock.close()
            open_ones.remove(client)
        return not open_ones

    until(none_is_left, lambda: f"{len(open_ones)} of {len(clients)} are still there")


@pytest.mark.parametrize("what", BEGINNINGS)
def test_who_drips_byte_after_byte_is_given_up_on(on_every, clients, what):
    """As many as there are threads: another client is answered only when some of them have been given up."""

    def scene(child: Child) -> None:
        child.serving()
        slow = [clients.enter_context(child.client(BEGINNINGS[what])) for _ in range(4)]
        honest = clients.enter_context(child.client(LAST))
        all_closed(slow, lambda client: client.sock.send(b"x") if what != "nothing" else None)
        assert honest.answer().body == b"Hey!"
        child.is_as_before()
        child.stop()

    on_every(scene, *TIMES)


@pytest.mark.parametrize("pace", ["never", "a little at a time"])
def test_who_does_not_read_the_answer_is_given_up_on(on_every, clients, pace):
    def scene(child: Child) -> None:
        child.serving()
        slow = [clients.enter_context(child.client()) for _ in range(2)]
        for client in slow:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE_BYTES)
            client.send(BIG)
        if pace == "a little at a time":
            all_given_up(child, slow)
        child.is_as_before()  # while they are still there
        child.stop()

    on_every(scene, *TIMES)


def all_given_up(child: Child, slow: list[Client]) -> None:
    """They read on, until the server has closed on both before the end: the whole answer has its time, and not each write."""
    received = 0

    def closed() -> bool:
        nonlocal received
        for client in slow:
            received += len(client.sock.recv(PIECE_BYTES))
        return len(child.descriptors()) <= child.start_descriptors

    until(closed, "they are still being served")
    assert received < BIG_BYTES


def test_more_idle_connections_than_there_is_room_for(on_every, clients):
    def scene(child: Child) -> None:
        child.serving()
        idle = [clients.enter_context(child.client()) for _ in range(12)]
        all_closed(idle, lambda client: None)
        child.is_as_before()
        child.stop()

    on_every(scene, *TIMES)


POINTS: dict[str, Callable[[Child], Client]] = {
    "at once": lambda child: child.client(),
    "in the head": lambda child: child.client(LAST[:20]),
    "after the head": lambda child: child.client(LAST),
    "after one of two": lambda child: child.client(get() + LAST[:20]),
    "in the body": lambda child: child.client(BODY + bytes(50_000)),
    "in a chunk": lambda child: child.client(BEGINNINGS["a chunked body"]),
    "before a big answer": lambda child: child.client(BIG),
    "in a big answer": lambda child: begun(child.client(BIG)),
    "after a refusal": lambda child: begun(child.client(b"GET /yo HTTP/1.1\r\n\r\n")),
    "between two requests": lambda child: begun(child.client(get())),
}


def begun(client: Client) -> Client:
    """Once the answer has begun to arrive."""
    assert client.sock.recv(1000)
    return client


def test_a_reset_at_any_point_is_the_clients_business(launch, architecture):
    child = launch("--timeout-request", "1s", architecture=architecture).serving()
    for point in POINTS.values():
        for leave in (reset, lambda client: client.sock.close()):
            leave(point(child))
    child.is_as_before()
    assert "ERROR" not in child.log() and "Traceback" not in child.log()
    child.stop()


@pytest.mark.parametrize(
    ("closes", "resets", "halves"), [(200, 100, 40), pytest.param(10_000, 1000, 1000, marks=pytest.mark.long)]
)
def test_many_of_them_leave_nothing(launch, architecture, closes, resets, halves):
    child = launch(*TIMES, architecture=architecture).serving()
    memory = []
    for _ in range(3):
        for _ in range(closes):
            assert child.ask().status == 200
        for _ in range(resets):
            reset(child.client(get()))
        for _ in range(halves):
            child.client(LAST[:20]).sock.shutdown(socket.SHUT_WR)
        child.is_as_before()
        memory.append(child.resident_bytes())
    assert memory[2] - memory[1] < 2 << 20, memory
    child.stop()
