"""wsgi.input: the request's body as a stream that ends where the body ends, however it comes and whoever leaves it."""

import random
import socket
import threading

import pytest

from .wire import Answer, answers, chunked, connect, exchange, one, read_to_end, request, reset

BODY = b"first\nsecond\n\nlast"
pytestmark = pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")


def framed(body: bytes, how: str) -> bytes:
    """A POST with this body, sized or in chunks."""
    if how == "sized":
        return request("/", f"Content-Length: {len(body)}", method="POST", body=body)
    pieces = [body[at : at + 5] for at in range(0, len(body), 5)]
    return request("/", "Transfer-Encoding: chunked", method="POST", body=chunked(*pieces))


def reading(read):
    """An application that answers with what `read` makes of the stream."""

    def application(environ, start_response):
        told = repr(read(environ["wsgi.input"])).encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [told]

    return application


READS = {
    "read": (lambda body: body.read(), BODY),
    "read, and once more": (lambda body: (body.read(), body.read(), body.read(9), body.readline()), (BODY, b"", b"", b"")),
    "read(n)": (lambda body: (body.read(3), body.read(0), body.read(4), body.read(99)), (BODY[:3], b"", BODY[3:7], BODY[7:])),
    "read(-1)": (lambda body: body.read(-1), BODY),
    "read(None)": (lambda body: body.read(None), BODY),
    "readline": (lambda body: [body.readline() for _ in range(5)], [b"first\n", b"second\n", b"\n", b"last", b""]),
    "readline(n)": (lambda body: [body.readline(4) for _ in range(3)], [b"firs", b"t\n", b"seco"]),
    "readlines": (lambda body: body.readlines(), BODY.splitlines(keepends=True)),
    "readlines(hint)": (lambda body: body.readlines(7), [b"first\n", b"second\n"]),
    "iteration": (list, BODY.splitlines(keepends=True)),
    "a line, then the rest": (lambda body: (body.readline(), body.read()), (b"first\n", BODY[6:])),
}  # fmt: skip


@pytest.mark.parametrize("how", ["sized", "chunked"])
@pytest.mark.parametrize("way", READS)
def test_every_way_to_read_it_ends_with_the_body(serve, way: str, how: str):
    """Right behind it the next request stands: nothing of that may be read, and nothing may be lost."""
    read, expected = READS[way]
    found = exchange(serve(reading(read)).port, framed(BODY, how) + framed(b"second", how))
    assert found[0].body == repr(expected).encode()
    assert [answer.status for answer in found] == [200, 200]


def test_a_request_without_a_body_has_an_empty_one(serve):
    found = exchange(serve(reading(lambda body: body.read())).port, request() * 2)
    assert [answer.body for answer in found] == [b"b''"] * 2


@pytest.mark.parametrize("how", ["sized", "chunked"])
def test_a_body_that_comes_byte_by_byte(serve, how: str):
    data = framed(BODY, how) + request()
    server = serve(reading(lambda body: body.read()))
    with connect(server.port) as sock:
        for at in range(len(data)):
            sock.sendall(data[at : at + 1])
        sock.shutdown(socket.SHUT_WR)
        found = answers(read_to_end(sock))
    assert [answer.body for answer in found] == [repr(BODY).encode(), b"b''"]


@pytest.mark.parametrize("how", ["sized", "chunked"])
def test_a_body_of_two_megabytes_arrives_whole(serve, how: str):
    """In an event loop that is more than is kept in memory."""
    body = bytes(range(256)) * 8192
    server = serve(reading(lambda stream: stream.read() == body), limit_request_body=len(body))
    pieces = chunked(*[body[at : at + 50_000] for at in range(0, len(body), 50_000)])
    data = (
        framed(body, how) if how == "sized" else request("/", "Transfer-Encoding: chunked", method="PUT", body=pieces)
    )
    assert one(server.port, data).body == b"True"


def test_an_application_may_read_its_body_while_it_answers(serve):
    """What of the body is unread when the answer begins is not too much: the application is still at it."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return iter(lambda: environ["wsgi.input"].read(10_000), b"")

    body = bytes(range(256)) * 2000
    server = serve(application)
    with connect(server.port) as sock:
        received = []
        reader = threading.Thread(target=lambda: received.append(read_to_end(sock)))
        reader.start()
        sock.sendall(request("/", f"Content-Length: {len(body)}", "Connection: close", method="PUT", body=body))
        reader.join(10)
    (answer,) = answers(received[0])
    assert (answer.complete, answer.body == body) == (True, True)


@pytest.mark.parametrize("how", ["sized", "chunked"])
@pytest.mark.parametrize("size", [1, 7, 20_000])
def test_after_a_body_that_was_read_in_part_the_next_request_begins_right_behind_it(serve, how: str, size: int):
    body = b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    found = exchange(serve(reading(lambda stream: stream.read(size))).port, framed(body, how) * 3)
    assert [answer.body for answer in found] == [repr(body[:size]).encode()] * 3


def mixed(environ, start_response):
    """As the path says: read nothing, so many bytes, or all, before the answer or while it is given, and tell it again."""
    _, how, size = environ["PATH_INFO"].split("/")
    stream = environ["wsgi.input"]
    write = start_response("200 OK", [("Content-Type", "text/plain"), ("X-How", how)])
    if how == "pieces":
        return iter(lambda: stream.read(int(size)), b"")
    if how == "write":
        write(b"")
        write(stream.read(int(size)))
        return []
    if how == "lines":
        return stream.readlines()
    return [stream.read(int(size))] if how == "part" else [b"unread"]


def told(how: str, size: int, body: bytes) -> bytes:
    return {"pieces": body, "lines": body, "write": body[:size], "part": body[:size], "none": b"unread"}[how]


@pytest.mark.parametrize("seed", range(3))
def test_the_connection_stays_in_step_whatever_was_done_with_the_bodies_and_however_they_were_cut(serve, seed: int):
    chance = random.Random(seed)
    server = serve(mixed)
    data, expected = b"", []
    for _ in range(40):
        how, size = chance.choice(["pieces", "write", "lines", "part", "none"]), chance.choice([9, 1000, 50_000])
        body = (b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)[: chance.choice([0, 1, 40, 3000, 20_000])]
        data += framed(body, chance.choice(["sized", "chunked"])).replace(b" / ", b" /%b/%d " % (how.encode(), size), 1)
        expected.append(told(how, size, body))
    received = []
    with connect(server.port) as sock:
        reader = threading.Thread(target=lambda: received.append(read_to_end(sock)))
        reader.start()
        while data:
            size = chance.choice([1, 2, 17, 400, 20_000, 100_000])
            sock.sendall(data[:size])
            data = data[size:]
        sock.shutdown(socket.SHUT_WR)
        reader.join(30)
    assert [answer.body for answer in answers(received[0])] == expected


# ---- 100 Continue --------------------------------------------------------------------------------------------------

EXPECTING = request("/read", "Expect: 100-continue", "Content-Length: 3", method="POST")


def reading_only_at_read(environ, start_response):
    body = environ["wsgi.input"].read() if environ["PATH_INFO"] == "/read" else b"unread"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]


def test_100_continue_comes_when_the_application_reads(serve):
    """RFC 9110 section 10.1.1. The client sends its body only then."""
    server = serve(reading_only_at_read)
    with connect(server.port) as sock:
        sock.sendall(EXPECTING)
        interim = sock.recv(1000)
        assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc" + request("/read"))
        sock.shutdown(socket.SHUT_WR)
        found = answers(read_to_end(sock))
    assert [(answer.status, answer.body) for answer in found] == [(200, b"abc"), (200, b"")]


def test_without_100_continue_when_it_does_not_read(serve, looping):
    """The connection closes then: whether the body will still come is uncertain. A loop has read it before."""
    server = serve(reading_only_at_read)
    with connect(server.port) as sock:
        sock.sendall(EXPECTING.replace(b"/read", b"/skip"))
        if looping:
            assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"abc")
            sock.shutdown(socket.SHUT_WR)
        (answer,) = answers(read_to_end(sock))
    assert (answer.status, answer.body) == (200, b"unread")
    assert (answer.fields.get("connection") == "close") is not looping


def test_a_client_that_does_not_wait_for_it_gets_none(serve):
    found = exchange(serve(reading_only_at_read).port, EXPECTING + b"abc" + request("/read"))
    assert [(answer.status, answer.body) for answer in found] == [(200, b"abc"), (200, b"")]


# ---- bodies that nobody reads --------------------------------------------------------------------------------------


def unreading(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"unread"]


@pytest.mark.parametrize("how", ["sized", "chunked"])
def test_after_a_short_body_that_nobody_read_the_connection_lives(serve, how: str):
    found = exchange(serve(unreading).port, (framed(b"x" * 999, how) + request()) * 2)
    assert [answer.body for answer in found] == [b"unread"] * 4


def test_a_short_body_that_nobody_read_and_comes_late(serve, looping):
    """The answer is there before the body; the next request stands behind that all the same."""
    server = serve(unreading)
    with connect(server.port) as sock:
        sock.sendall(request("/", "Content-Length: 9", method="POST", body=b"GET "))
        if not looping:
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        sock.sendall(b"/ HT\n" + request())
        sock.shutdown(socket.SHUT_WR)
        assert len(answers(read_to_end(sock))) == (2 if looping else 1)


def test_a_short_body_that_nobody_read_and_never_comes(serve, looping):
    """Its request has been answered: there is nothing to add when the time is over, a 408 least of all."""
    server = serve(unreading, timeout_request=0.05)
    with connect(server.port) as sock:
        sock.sendall(request("/", "Content-Length: 9", method="POST", body=b"x"))
        (answer,) = answers(read_to_end(sock))
    assert answer.status == (408 if looping else 200)


@pytest.mark.parametrize("how", ["sized", "chunked"])
def test_a_long_body_that_nobody_reads_closes_the_connection_and_the_client_reads_the_answer(serve, looping, how: str):
    """Lingering: the client sends to the end, then reads the whole answer, then the end, and no reset before that."""
    body = b"x" * 400_000
    data = framed(body, "sized") if how == "sized" else request(
        "/", "Transfer-Encoding: chunked", method="POST", body=chunked(*[b"x" * 40_000] * 10))  # fmt: skip
    found = exchange(serve(unreading).port, data + request(), half_close=False) if not looping else exchange(
        serve(unreading).port, data + request())  # fmt: skip
    assert [answer.body for answer in found] == [b"unread"] * (2 if looping else 1)
    assert found[0].complete
    if how == "sized":
        assert (found[0].fields.get("connection") == "close") is not looping


# ---- bodies that are too long, too slow, or cut off ----------------------------------------------------------------


class Reader:
    """An application that reads all of its body and keeps the error that this raises; it answers in spite of it."""

    def __init__(self, swallow: bool = False):
        self.swallow = swallow
        self.error: BaseException | None = None
        self.begun = threading.Event()
        self.done = threading.Event()

    def __call__(self, environ, start_response):
        self.begun.set()
        try:
            environ["wsgi.input"].read()
        except BaseException as error:
            self.error = error
            if not self.swallow:
                raise
        finally:
            self.done.set()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"read"]


def refused_while_it_reads(port: int, reader: Reader, looping: bool, body: list[bytes]) -> Answer:
    """The answer to a chunked body, of which the last piece is sent when the application has begun to read."""
    with connect(port) as sock:
        sock.sendall(request("/", "Transfer-Encoding: chunked", method="POST", body=body[0]))
        assert looping or reader.begun.wait(10)
        sock.sendall(body[1] + request())
        (answer,) = answers(read_to_end(sock))
    assert answer.fields["connection"] == "close"
    assert reader.begun.is_set() is not looping
    return answer


@pytest.mark.parametrize("swallow", [False, True])
def test_chunks_beyond_the_limit_are_a_413_whatever_the_application_makes_of_it(serve, looping, swallow):
    reader = Reader(swallow)
    server = serve(reader, limit_request_body=1000)
    answer = refused_while_it_reads(server.port, reader, looping, [chunked(*[b"x" * 100] * 10)[:-5], chunked(b"x")])
    assert answer.status == 413
    assert isinstance(reader.error, OSError) is not looping


def test_a_length_beyond_the_limit_is_a_413_and_the_application_is_not_called(serve):
    reader = Reader()
    data = request("/", "Content-Length: 1001", method="POST", body=b"x" * 1001)
    (answer,) = exchange(serve(reader, limit_request_body=1000).port, data, half_close=False)
    assert (answer.status, reader.done.is_set()) == (413, False)


@pytest.mark.parametrize("swallow", [False, True])
def test_a_malformed_chunk_is_a_400(serve, looping, swallow):
    reader = Reader(swallow)
    answer = refused_while_it_reads(serve(reader).port, reader, looping, [b"3\r\nabc\r\n", b"-1\r\n\r\n"])
    assert answer.status == 400
    assert isinstance(reader.error, OSError) is not looping


def test_a_body_that_does_not_come_in_time_is_a_408(serve, looping):
    reader = Reader()
    server = serve(reader, timeout_request=0.05)
    with connect(server.port) as sock:
        sock.sendall(request("/", "Content-Length: 9", method="POST", body=b"x"))
        (answer,) = answers(read_to_end(sock))
    assert (answer.status, answer.fields["connection"]) == (408, "close")
    assert isinstance(reader.error, OSError) is not looping


@pytest.mark.parametrize("how", ["sized", "chunked"])
@pytest.mark.parametrize("way", ["half closed", "closed", "reset"])
def test_a_client_that_leaves_in_the_middle_of_its_body(serve, looping, caplog, how, way):
    """The application sees an OSError, the log no traceback, the client, where it still listens, a 400."""
    reader = Reader()
    server = serve(reader)
    sock = connect(server.port)
    sock.sendall(framed(b"x" * 99, how)[:-30])
    if way == "half closed":
        sock.shutdown(socket.SHUT_WR)
        (answer,) = answers(read_to_end(sock))
        assert answer.status == 400
        sock.close()
    elif way == "closed":
        sock.close()
    else:
        reset(sock)
    if not looping:
        assert reader.done.wait(10)
        assert isinstance(reader.error, OSError)
    server.stop()
    assert reader.done.is_set() is not looping
    assert "Traceback" not in caplog.text
    assert server.taskmaster.counts.broken == 0


def test_a_client_that_leaves_its_body_in_the_middle_of_the_answer(serve, looping, caplog):
    """The application is reading while it answers: its generator sees the OSError; the log holds no traceback."""
    seen = threading.Event()

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            yield environ["wsgi.input"].read(10)
            yield environ["wsgi.input"].read()
        except OSError:
            seen.set()
            raise

    server = serve(application)
    with connect(server.port) as sock:
        sock.sendall(request("/", "Content-Length: 99", method="POST", body=b"x" * 20))
        sock.shutdown(socket.SHUT_WR)
        (answer,) = answers(read_to_end(sock))
    server.stop()
    assert (answer.status, answer.complete) == ((400, True) if looping else (200, False))
    assert seen.is_set() is not looping
    assert "Traceback" not in caplog.text
