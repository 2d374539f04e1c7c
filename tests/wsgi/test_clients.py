"""Clients that leave, do not read, or read slowly, while an application answers."""

import select
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable

import pytest

from .test_answers import TEXT, Closing
from .wire import PATIENCE_S, connect, one, request, reset

PIECE = b"x" * 65536


def endless(piece: bytes, source_closed: threading.Event, first_given: threading.Event):
    """Pieces for as long as anybody takes them."""
    try:
        while True:
            yield piece
            first_given.set()
    finally:
        source_closed.set()


def eventually(holds: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Look again and again whether this holds, and do something meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)
        meanwhile()


class Endless:
    """An application whose answer never ends, by its iterable or by write; it notes how that was ended."""

    def __init__(self, form: str, piece: bytes = PIECE):
        self.form = form
        self.piece = piece
        self.begun, self.ended = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != "/endless":
            start_response("200 OK", [*TEXT])
            return [b"alive"]
        write = start_response("200 OK", [*TEXT])
        if self.form == "iterable":
            return endless(self.piece, self.ended, self.begun)
        try:
            while True:
                write(self.piece)
                self.begun.set()
        except OSError as error:
            self.error = error
            raise
        finally:
            self.ended.set()


@pytest.fixture
def blocking_shape(looping: bool) -> None:
    """An event loop runs an iterable to its end before anything is sent: an answer without end never begins there."""
    if looping:
        pytest.skip("an answer without end is for architectures that send while the application runs")


@pytest.mark.usefixtures("blocking_shape")
@pytest.mark.parametrize("form", ["iterable", "write"])
@pytest.mark.parametrize("leave", [reset, lambda sock: sock.close()], ids=["reset", "close"])
def test_a_client_that_leaves_in_the_middle_of_an_answer_ends_the_application(serve, caplog, form, leave):
    """The iterable is closed, write raises an OSError; no traceback, and the thread serves on."""
    application = Endless(form)
    server = serve(application)
    sock = connect(server.port)
    sock.sendall(request("/endless"))
    assert application.begun.wait(PATIENCE_S)
    assert sock.recv(1000)
    leave(sock)
    assert application.ended.wait(PATIENCE_S)
    assert one(server.port, request()).body == b"alive"
    assert "Traceback" not in caplog.text
    assert server.taskmaster.counts.broken == 0
    if form == "write":
        assert isinstance(application.error, OSError)


@pytest.mark.usefixtures("blocking_shape")
@pytest.mark.parametrize("form", ["iterable", "write"])
def test_each_piece_is_with_the_client_before_the_next_is_asked_for(serve, form):
    """PEP 3333: no block may be held back. An answer can so be a stream of events."""
    read = threading.Semaphore(0)

    def application(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        for number in range(3):
            piece = b"event %d" % number
            if form == "write":
                write(piece)
            else:
                yield piece
            assert read.acquire(timeout=PATIENCE_S)

    def written(environ, start_response):
        return list(application(environ, start_response))

    server = serve(written if form == "write" else application)
    with connect(server.port) as sock:
        sock.sendall(request())
        for number in range(3):
            received = b""
            while b"event %d\r\n" % number not in received:
                data = sock.recv(1000)
                assert data, received
                received += data
            read.release()


@pytest.mark.usefixtures("blocking_shape")
@pytest.mark.parametrize("form", ["iterable", "write"])
def test_a_client_that_does_not_read_at_all(serve, caplog, form):
    application = Endless(form)
    server = serve(application, timeout_write=0.1)
    with connect(server.port) as sock:
        sock.sendall(request("/endless"))
        assert application.ended.wait(PATIENCE_S)
    assert one(server.port, request()).body == b"alive"
    assert "Traceback" not in caplog.text


def shrink_send_buffers(server) -> None:
    """Of the connections to come: the kernel takes little, and each piece waits for the client."""
    server.taskmaster.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)


@pytest.mark.usefixtures("blocking_shape")
@pytest.mark.parametrize("form", ["iterable", "write"])
def test_the_time_to_write_is_for_the_whole_answer(serve, form):
    """A client that takes a little of each piece in time, for ever, does not hold its thread for ever."""
    application = Endless(form, PIECE[:16384])
    server = serve(application, timeout_write=0.1)
    shrink_send_buffers(server)
    with connect(server.port, receive_bytes=4000) as sock:
        sock.sendall(request("/endless"))
        eventually(application.ended.is_set, meanwhile=lambda: sock.recv(2000))


@pytest.mark.parametrize("kind", ["list", "generator", "file"])
def test_a_slow_reader_of_a_long_answer_is_left_in_time(serve, tmp_path, kind):
    size = 8 << 20
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(size)
    source = Closing(*[PIECE] * (size // len(PIECE)))

    begun = threading.Event()

    def application(environ, start_response):
        begun.set()
        start_response("200 OK", [*TEXT])
        if kind == "list":
            source.close()
            return [bytes(size)]
        if kind == "generator":
            return source
        file = path.open("rb")
        close = file.close
        file.close = lambda: (source.close(), close())
        return environ["wsgi.file_wrapper"](file)

    server = serve(application, timeout_write=0.1)
    shrink_send_buffers(server)
    with connect(server.port, receive_bytes=4000) as sock:
        sock.sendall(request())
        assert begun.wait(PATIENCE_S)
        eventually(lambda: not at_work(server), meanwhile=lambda: sock.recv(2000))
    assert source.closed == 1


def at_work(server) -> bool:
    """A thread serves, or a loop watches a connection."""
    now = server.snapshot()
    return now["admitted"] > 0 or any(thread["state"] in ("handling", "writing") for thread in now["threads"])


@pytest.mark.parametrize("leave", [reset, lambda sock: sock.close()], ids=["reset", "close"])
@pytest.mark.parametrize("form", ["list", "generator", "write", "file"])
def test_a_client_that_leaves_before_the_answer(serve, caplog, tmp_path, leave, form):
    """The application is at work when the client goes; its answer is made, thrown away, and closed."""
    inside, go_on = threading.Event(), threading.Event()
    source = Closing(*[PIECE] * 100)
    (tmp_path / "file").write_bytes(PIECE * 100)

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/alive":
            start_response("200 OK", [*TEXT])
            return [b"alive"]
        inside.set()
        go_on.wait(PATIENCE_S)
        write = start_response("200 OK", [*TEXT])
        if form == "write":
            try:
                for _ in range(100):
                    write(PIECE)
            finally:
                source.close()
            return []
        if form == "list":
            source.close()
            return [PIECE] * 100
        if form == "file":
            file = (tmp_path / "file").open("rb")
            close = file.close
            file.close = lambda: (source.close(), close())
            return environ["wsgi.file_wrapper"](file)
        return source

    server = serve(application)
    sock = connect(server.port)
    sock.sendall(request("/"))
    assert inside.wait(PATIENCE_S)
    leave(sock)
    go_on.set()
    assert one(server.port, request("/alive")).body == b"alive"
    assert source.was_closed.wait(PATIENCE_S)
    server.stop()
    assert source.closed == 1
    assert "Traceback" not in caplog.text
    assert server.taskmaster.counts.broken == 0


@pytest.mark.parametrize("form", ["iterable", "write"])
def test_memory_is_bounded_while_a_long_answer_waits_for_its_reader(serve, form):
    """20 MB in pieces; an event loop spools them to a file."""
    count = 20 << 4

    def application(environ, start_response):
        write = start_response("200 OK", [*TEXT])
        if form == "iterable":
            return iter([PIECE] * count)
        for _ in range(count):
            write(bytes(len(PIECE)))
        return []

    server = serve(application)
    with connect(server.port, receive_bytes=20_000) as sock:
        tracemalloc.start()
        try:
            sock.sendall(request("/", "Connection: close"))
            select.select([sock], [], [], PATIENCE_S)
            received = 0
            buffer = bytearray(20_000)
            while size := sock.recv_into(buffer):
                received += size
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert received > count * len(PIECE)
    assert peak < 4 << 20
    eventually(lambda: not any(thread["connection"] for thread in server.snapshot()["threads"]))
