"""Over real sockets: what ends a connection, and that its client reads everything that was said before."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from shapes import SHAPES
from wsgi.wire import answers, connect, exchange, read_to_end, request

from teachserve.conformance import serving
from teachserve.handlers import Routes
from teachserve.server import Server

LIMITS = {"limit_request_line": 200, "limit_header_count": 20, "limit_header_bytes": 1000, "limit_request_body": 1000}
MEGABYTE = b"x" * (1 << 20)

REFUSED = {
    "a malformed request": (b"GET nonsense\r\n\r\n", 400),
    "a malformed chunk": (request("/echo", "Transfer-Encoding: chunked", method="POST", body=b"no\r\n"), 400),
    "a long body": (request("/echo", f"Content-Length: {1 << 20}", method="POST"), 413),
    "a long chunk": (request("/echo", "Transfer-Encoding: chunked", method="POST", body=b"fffff\r\n"), 413),
    "a long line": (b"GET /" + b"x" * 300, 414),
    "a long head": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 2000, 431),
    "an unknown method": (request(method="BREW"), 501),
}


@pytest.fixture(params=SHAPES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with the built-in routes and small limits, in every shape."""
    architecture, options = SHAPES[request.param]
    with serving(architecture, **LIMITS, **options) as server:
        yield server


Start = Callable[..., Server]


@pytest.fixture(params=SHAPES)
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """As `server`, with options of the test's."""
    architecture, options = SHAPES[request.param]
    with ExitStack() as servers:
        yield lambda **more: servers.enter_context(serving(architecture, **options, **more))


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_client_that_goes_on_sending_reads_the_whole_answer(server: Server, what: str):
    """A megabyte more, through a small window. Then the end, and no ECONNRESET before it (RFC 9112 section 9.6)."""
    data, status = REFUSED[what]
    (answer,) = exchange(server.port, data + MEGABYTE, half_close=False)
    assert (answer.status, answer.complete, answer.fields["connection"]) == (status, True, "close")
    assert "date" in answer.fields
    assert answer.body.startswith(b"%d " % status) and answer.body.count(b"\n") == 1


@pytest.mark.parametrize(
    "field",
    ["Connection: close", "connection:CLOSE", "Connection: Keep-Alive, Close", "Connection:\tclose\t", "Connection: ,close,",
     "Connection: x\r\nConnection: close", "Connection: close, x-other", "CONNECTION: cLoSe"],
)  # fmt: skip
def test_after_a_close_in_any_spelling_nothing_more_is_processed(server: Server, field: str):
    (answer,) = exchange(server.port, request("/yo", field) + request("/yo?name=never") + MEGABYTE, half_close=False)
    assert (answer.body, answer.fields["connection"]) == (b"Hey!", "close")


@pytest.mark.parametrize(
    "field", ["Connection: closed", "Connection: x-close", 'Connection: "close"', "X-Connection: close"]
)
def test_what_only_looks_like_a_close_is_none(server: Server, field: str):
    assert len(exchange(server.port, request("/yo", field) * 2)) == 2


@pytest.mark.parametrize(
    ("data", "methods", "statuses"),
    [(request("/yo"), [], [200]), (request("/yo") * 5, [], [200] * 5), (request("/yo", version="1.0"), [], [200]),
     (request("/yo", method="HEAD") + request("/yo"), ["HEAD"], [200, 200]),
     (request("/echo", "Content-Length: 3", method="POST", body=b"abc"), [], [200]),
     (request("/echo", "Content-Length: 3", method="POST", body=b"ab"), [], [400]),
     (request("/yo") + b"GET /yo HT", [], [200, 400]), (b"", [], []), (b"\r\n\r\n", [], [])],
    ids=["one", "five", "HTTP/1.0", "HEAD", "a body", "half a body", "one and a half", "nothing", "empty lines"],
)  # fmt: skip
def test_a_client_that_has_finished_sending_gets_its_answers(server: Server, data, methods, statuses):
    assert [answer.status for answer in exchange(server.port, data, *methods)] == statuses


def test_a_client_that_has_finished_sending_waits_for_a_slow_handler(start: Start):
    routes = Routes()
    waiting = threading.Semaphore(0)

    @routes.route("/slow")
    def slow(request):
        waiting.acquire(timeout=10)
        return "slow"

    server = start(app=routes)
    with connect(server.port) as sock:
        sock.sendall(request("/slow") * 2)
        sock.shutdown(1)
        waiting.release(2)
        assert [answer.body for answer in answers(read_to_end(sock))] == [b"slow"] * 2


@pytest.mark.parametrize("bad", [b"GET nonsense\r\n\r\n", request("/yo", "A : b"), b"\x16\x03\x01\x00\r\n\r\n"])
@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_bad_request_in_the_middle_of_pipelined_ones(server: Server, before: int, bad: bytes):
    """Those before it are answered in order, it gets its 400, and nothing behind it is interpreted."""
    good = b"".join(request(f"/yo?name={number}") for number in range(before))
    data = good + bad + request("/yo?name=never") * 3
    for size in (len(data), 11):
        with connect(server.port) as sock:
            for at in range(0, len(data), size):
                sock.sendall(data[at : at + size])
            found = answers(read_to_end(sock))
        assert [answer.status for answer in found] == [200] * before + [400]
        assert [answer.body for answer in found[:before]] == [b"Hey %d!" % number for number in range(before)]


def test_a_head_in_every_place_of_a_pipeline(server: Server):
    methods = ["HEAD", "GET", "HEAD", "HEAD", "GET"]
    found = exchange(server.port, b"".join(request("/yo", method=method) for method in methods), *methods)
    assert [answer.body for answer in found] == [b"", b"Hey!", b"", b"", b"Hey!"]
    assert {answer.fields["content-length"] for answer in found} == {"4"}
    (missing,) = exchange(server.port, request("/nowhere", method="HEAD"), "HEAD")
    assert (missing.status, int(missing.fields["content-length"]) > 0) == (404, True)
