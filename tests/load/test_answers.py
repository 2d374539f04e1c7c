"""Answers in every shape that HTTP allows."""

import email.utils
import threading
import time

import pytest

from teachserve.load import Generator, LoadPlan
from teachserve.load.answer import Answer, NotHttp, seconds_to_wait
from tests.load.servers import BUSY, OK, PATIENCE_S, Talk, TinyServer, always

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nHey\r\n1\r\n!\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"

WHOLE = [
    pytest.param(OK, 200, 4, True, id="with a length"),
    pytest.param(CHUNKED, 200, 4, True, id="chunked"),
    pytest.param(INTERIM, 200, 4, True, id="after an interim one"),
    pytest.param(LARGE, 200, 300_000, True, id="large"),
    pytest.param(NO_CONTENT, 204, 0, True, id="without a body"),
    pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, 2, False, id="HTTP/1.0"),
    pytest.param(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", 200, 2, True,
                 id="HTTP/1.0, kept"),
]  # fmt: skip


@pytest.mark.parametrize("step", [1, 7, 1_000_000])
@pytest.mark.parametrize(("data", "status", "size", "keep_alive"), WHOLE)
def test_an_answer_is_complete_exactly_at_its_last_byte(
    data: bytes, status: int, size: int, keep_alive: bool, step: int
):
    answer = Answer()
    step = max(step, len(data) // 1000)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert [answer.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert (answer.status, answer.size, answer.keep_alive, answer.extra) == (status, size, keep_alive, False)


@pytest.mark.parametrize("more", [b"junk", OK], ids=["junk", "another answer"])
def test_more_than_one_answer_makes_the_connection_unusable_but_not_the_answer(more: bytes):
    answer = Answer()
    assert answer.feed(OK.replace(b"200", b"404") + more)
    assert (answer.status, answer.size, answer.extra) == (404, 4, True)


def test_an_upgrade_is_refused():
    with pytest.raises(NotHttp):
        Answer().feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3.0), (" 10 ", 10.0), ("0", 0.0), ("", 0.0), ("soon", 0.0), ("-5", 0.0), ("1.5", 0.0)]
)
def test_retry_after_in_seconds(value: str, seconds: float):
    assert seconds_to_wait(value) == seconds


def test_retry_after_as_a_date():
    ahead = seconds_to_wait(email.utils.formatdate(time.time() + 3600, usegmt=True))
    assert 3500 < ahead <= 3600
    assert seconds_to_wait("Sun, 06 Nov 1994 08:49:37 GMT") == 0.0


@pytest.mark.parametrize(("data", "status", "size", "keep_alive"), WHOLE)
def test_over_a_socket_byte_by_byte_all_arrive(data: bytes, status: int, size: int, keep_alive: bool):
    def script(talk: Talk) -> None:
        while talk.read():
            for at in range(min(len(data), 400)):
                talk.send(data[at : at + 1])
            talk.send(data[400:])
            if not keep_alive:
                return

    with TinyServer(script) as server:
        result = Generator(LoadPlan(server.host, server.port, connections=2, requests=8)).run()
        assert (result.statuses, result.errors, server.requests) == ({status: 8}, {}, 8)
        assert result.body_bytes == (8 * size if status == 200 else 0)
        assert result.connects == (2 if keep_alive else 8)


def test_a_body_that_ends_with_the_connection():
    def script(talk: Talk) -> None:
        talk.read()
        talk.send(b"HTTP/1.0 200 OK\r\n\r\nHey")
        talk.send(b" Dude!")

    with TinyServer(script) as server:
        result = Generator(LoadPlan(server.host, server.port, connections=2, requests=6)).run()
        assert (result.requests, result.errors, result.body_bytes) == (6, {}, 54)
        assert server.connections == 6


def test_an_answer_with_more_behind_it_counts_and_its_connection_is_not_used_again():
    with TinyServer(always(OK + OK)) as server:
        result = Generator(LoadPlan(server.host, server.port, connections=1, requests=5)).run()
        assert (result.requests, result.errors) == (5, {})
        assert server.requests == server.connections == 5


def test_bytes_that_nobody_asked_for_are_no_answer_and_cost_the_connection():
    """1. The client knows OK. 2. It gets a 503, and is idle. 3. OK comes unasked. 4. It asks on a new connection."""
    idle = threading.Event()

    def script(talk: Talk) -> None:
        talk.read()
        talk.send(OK)
        if talk.number == 1:
            talk.read()
            talk.send(BUSY % 1)
            assert idle.wait(PATIENCE_S)
            talk.send(OK)
        talk.hold()

    with TinyServer(script) as server:
        generator = Generator(LoadPlan(server.host, server.port, connections=1, requests=3))
        result = generator.run(lambda progress: idle.set() if 503 in progress.statuses else None)
        assert (result.statuses, result.errors) == ({200: 2, 503: 1}, {})
        assert (server.connections, server.requests) == (2, 3)


def test_the_table_of_known_answers_stays_small():
    def script(talk: Talk) -> None:
        number = 0
        while talk.read():
            number += 1
            talk.send(b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 4\r\n\r\nHey!" % number)

    with TinyServer(script) as server:
        generator = Generator(LoadPlan(server.host, server.port, connections=1, requests=200))
        assert generator.run().requests == 200
        assert 0 < len(generator.known) <= 64
