"""The protocol machine, without a socket: bytes in, requests or a refusal out. The table names the RFC's section."""

from dataclasses import replace

import pytest

from teachserve.connection import Limits
from teachserve.errors import Refusal
from teachserve.framing import FramingError, framed
from teachserve.message import Request, Response, StreamedResponse
from teachserve.protocol import Machine

LIMITS = Limits(100, 10, 400, 64, 5.0, 10.0, 30.0)
GET = b"GET /yo HTTP/1.1\r\nHost: x\r\n\r\n"


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def post(*fields: str, body: bytes = b"") -> bytes:
    return head("POST /echo HTTP/1.1", "Host: x", *fields) + body


CHUNKED = "Transfer-Encoding: chunked"

# what, bytes, status, the rule's section
REFUSED = [
    ("no request line", b"\x16\x03\x01\r\n\r\n", 400, "RFC 9112 3"),
    ("bare LF", GET.replace(b"\r\n", b"\n"), 400, "RFC 9112 2.2"),
    ("bare CR in a field", head("GET /yo HTTP/1.1", "Host: x", "X: a\rb"), 400, "RFC 9112 2.2"),
    ("NUL in a field", head("GET /yo HTTP/1.1", "Host: x", "X: a\0b"), 400, "RFC 9110 5.5"),
    ("folded field", head("GET /yo HTTP/1.1", "Host: x", "X: a", " b"), 400, "RFC 9112 5.2"),
    ("space before colon", head("GET /yo HTTP/1.1", "Host : x"), 400, "RFC 9112 5.1"),
    ("no field name", head("GET /yo HTTP/1.1", "Host: x", ": b"), 400, "RFC 9112 5.1"),
    ("no Host", head("GET /yo HTTP/1.1"), 400, "RFC 9112 3.2"),
    ("two Hosts", head("GET /yo HTTP/1.1", "Host: x", "Host: x"), 400, "RFC 9112 3.2"),
    ("malformed Host", head("GET /yo HTTP/1.1", "Host: a b"), 400, "RFC 9112 3.2"),
    ("two different lengths", post("Content-Length: 1", "Content-Length: 2"), 400, "RFC 9112 6.3"),
    ("the same length twice", post("Content-Length: 2", "Content-Length: 2", body=b"ab"), 400, "RFC 9112 6.3"),
    ("length is no number", post("Content-Length: 1x"), 400, "RFC 9112 6.3"),
    ("length with a sign", post("Content-Length: +1"), 400, "RFC 9112 6.3"),
    ("length and chunked", post("Content-Length: 1", CHUNKED), 400, "RFC 9112 6.1"),
    ("chunked in HTTP/1.0", head("POST /echo HTTP/1.0", CHUNKED), 400, "RFC 9112 6.1"),
    ("chunk size is no number", post(CHUNKED, body=b"x\r\n"), 400, "RFC 9112 7.1"),
    ("chunk longer than its size", post(CHUNKED, body=b"1\r\nab\r\n"), 400, "RFC 9112 7.1"),
    ("chunk line with bare LF", post(CHUNKED, body=b"1\na\n"), 400, "RFC 9112 7.1"),
    ("endless chunk extension", post(CHUNKED, body=b"1;" + b"x" * 300), 400, "RFC 9112 7.1.1"),
    ("nine empty lines", b"\r\n" * 9 + GET, 400, "RFC 9112 2.2"),
    ("body too long", post("Content-Length: 65"), 413, "RFC 9110 15.5.14"),
    ("chunks too long", post(CHUNKED, body=b"41\r\n"), 413, "RFC 9110 15.5.14"),
    ("line too long", b"GET /" + b"x" * 100, 414, "RFC 9112 3"),
    ("line too long, complete", head("GET /" + "x" * 100 + " HTTP/1.1", "Host: x"), 414, "RFC 9112 3"),
    ("unknown expectation", post("Expect: coffee", "Content-Length: 1"), 417, "RFC 9110 10.1.1"),
    ("too many fields", head("GET /yo HTTP/1.1", "Host: x", *["A: b"] * 10), 431, "RFC 6585 5"),
    ("head too long", head("GET /yo HTTP/1.1", "Host: x", "X: " + "x" * 400), 431, "RFC 6585 5"),
    ("head too long, unfinished", b"GET /yo HTTP/1.1\r\nX: " + b"x" * 400, 431, "RFC 6585 5"),
    ("trailers too long", post(CHUNKED, body=b"0\r\n" + b"X: " + b"x" * 200 + b"\r\nY: " + b"x" * 230 + b"\r\n"), 431,
     "RFC 6585 5"),
    ("unknown method", head("BREW /pot HTTP/1.1", "Host: x"), 501, "RFC 9110 15.6.2"),
    ("unknown coding", post("Transfer-Encoding: gzip, chunked"), 501, "RFC 9112 6.1"),
    ("HTTP/2", head("GET /yo HTTP/2.0", "Host: x"), 505, "RFC 9110 15.6.6"),
]  # fmt: skip

# what, bytes, the bodies of the requests in it
UNDERSTOOD = [
    ("one", GET, [b""]),
    ("eight empty lines before it", b"\r\n" * 8 + GET, [b""]),
    ("no Host in HTTP/1.0", head("GET /yo HTTP/1.0"), [b""]),
    ("empty body", post("Content-Length: 0"), [b""]),
    ("chunks", post(CHUNKED, body=b"2\r\nab\r\n00A;x=y\r\n0123456789\r\n0\r\n\r\n"), [b"ab0123456789"]),
    ("trailers", post(CHUNKED, body=b"1\r\na\r\n0\r\nX: y\r\n\r\n"), [b"a"]),
    ("body of the greatest length", post("Content-Length: 64", body=b"x" * 64), [b"x" * 64]),
    ("pipelined", GET + post("Content-Length: 2", body=b"ab") + post(CHUNKED, body=b"1\r\na\r\n0\r\n\r\n") + GET,
     [b"", b"ab", b"a", b""]),
]  # fmt: skip


def to(request: object, headers: list[tuple[str, str]] | None = None) -> Response:
    """An empty answer to this request."""
    response = Response(headers=headers)
    response.request = request
    return response


def feed(pieces: list[bytes]) -> list:
    """The requests in these pieces, in order; a refusal's status is the last entry."""
    machine, found = Machine(LIMITS), []
    for piece in pieces:
        machine.receive(piece)
        try:
            while (request := machine.next_request()) is not None:
                found.append(request)
                machine.answer(to(request), last=False)
        except Refusal as refusal:
            assert machine.finished
            assert machine.next_request() is None, "nothing is interpreted after a refusal"
            return [*found, refusal.status]
    return found


@pytest.mark.parametrize(("what", "data", "status", "section"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused(what: str, data: bytes, status: int, section: str):
    assert feed([data]) == [status], section
    requests = feed([GET + data])
    assert [type(one) is int for one in requests] == [False, True], "a good request before it is still served"


@pytest.mark.parametrize(("what", "data", "bodies"), UNDERSTOOD, ids=[row[0] for row in UNDERSTOOD])
def test_what_is_understood(what: str, data: bytes, bodies: list[bytes]):
    assert [request.body for request in feed([data])] == bodies


@pytest.mark.parametrize(("what", "data", "bodies"), UNDERSTOOD, ids=[row[0] for row in UNDERSTOOD])
def test_it_is_understood_however_it_is_cut(what: str, data: bytes, bodies: list[bytes]):
    def told(requests: list) -> list:
        return [(r.method, r.target, r.headers, r.version, r.body, r.keep_alive) for r in requests]

    whole = told(feed([data]))
    for at in range(len(data) + 1):
        assert told(feed([data[:at], data[at:]] if 0 < at < len(data) else [data])) == whole, at
    assert told(feed([data[at : at + 1] for at in range(len(data))])) == whole


@pytest.mark.parametrize(("what", "data", "status", "section"), REFUSED, ids=[row[0] for row in REFUSED])
def test_it_is_refused_however_it_is_cut(what: str, data: bytes, status: int, section: str):
    for at in range(1, len(data)):
        assert feed([data[:at], data[at:]]) == [status], (section, at)


@pytest.mark.parametrize(
    ("version", "field", "keeps"),
    [("1.1", "", True), ("1.1", "Connection: close", False), ("1.1", "Connection: Close", False),
     ("1.0", "", False), ("1.0", "Connection: keep-alive", True)],
)  # fmt: skip
def test_how_long_a_connection_lives(version: str, field: str, keeps: bool):
    """RFC 9112 section 9.3."""
    machine = Machine(LIMITS)
    machine.receive(head(f"GET /yo HTTP/{version}", "Host: x", *filter(None, [field])))
    request = machine.next_request()
    answer = machine.answer(to(request), last=False)
    assert request.keep_alive is keeps
    assert machine.finished is not keeps
    assert (b"Connection: close" in answer) is not keeps
    assert (b"Connection: keep-alive" in answer) is (keeps and version == "1.0")


def test_the_last_answer_says_close_whatever_the_client_wished():
    machine = Machine(LIMITS)
    machine.receive(GET + GET)
    answer = machine.answer(to(machine.next_request()), last=True)
    assert b"\r\nConnection: close\r\n" in answer
    assert machine.next_request() is None


def test_100_continue_is_said_once_and_only_to_who_waits():
    """RFC 9110 section 10.1.1."""
    machine = Machine(LIMITS)
    asks = post("Expect: 100-continue", "Content-Length: 1")
    machine.receive(asks)
    assert machine.next_request() is None
    assert (machine.to_send(), machine.to_send()) == (b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    machine.receive(b"a")
    assert machine.next_request().body == b"a"
    machine.receive(asks + b"a")
    assert machine.next_request().body == b"a"
    assert machine.to_send() == b""


@pytest.mark.parametrize(
    ("words", "answers"),
    [(b"", []), (GET, [200]), (GET + GET[:9], [200, 400]), (post("Content-Length: 2", body=b"a"), [400]),
     (post(CHUNKED, body=b"1\r\na\r\n"), [400]), (b"\r\n", [])],
)  # fmt: skip
def test_a_client_that_ends_between_requests_and_in_the_middle_of_one(words: bytes, answers: list[int]):
    """Whoever has finished sending may still listen: half a request is answered, and not with silence."""
    machine, statuses = Machine(LIMITS), []
    machine.receive(words)
    machine.receive(b"")
    try:
        while machine.next_request() is not None:
            statuses.append(200)
    except Refusal as refusal:
        statuses.append(refusal.status)
    assert (statuses, machine.finished) == (answers, True)


def arriving(*fields: str, body: bytes = b"") -> tuple[Machine, Request]:
    """A machine and its request, of which only the head has been read."""
    machine = Machine(LIMITS)
    machine.receive(post(*fields, body=body))
    return machine, machine.next_head()


def test_a_body_can_be_read_as_it_arrives():
    machine, _request = arriving("Content-Length: 4", body=b"ab")
    assert (machine.next_piece(), machine.next_piece()) == (b"ab", None)
    machine.receive(b"cd" + GET)
    assert (machine.next_piece(), machine.next_piece()) == (b"cd", b"")
    assert machine.next_head().target == b"/yo"


def test_a_short_body_that_nobody_read_is_dropped_before_the_next_request():
    for fields, body in ((["Content-Length: 4"], b"abcd"), ([CHUNKED], b"2\r\nab\r\n0\r\n\r\n")):
        machine, request = arriving(*fields)
        assert b"Connection" not in machine.answer(to(request), last=False)
        for at in range(len(body)):
            assert machine.next_head() is None
            machine.receive(body[at : at + 1])
        machine.receive(GET)
        assert machine.next_head().target == b"/yo"


def test_a_long_body_that_nobody_read_ends_the_connection():
    limits = replace(LIMITS, limit_request_body=1 << 20)
    machine = Machine(limits)
    machine.receive(post("Content-Length: 65537"))
    answer = machine.answer(to(machine.next_head()), last=False)
    assert b"\r\nConnection: close\r\n" in answer
    assert (machine.finished, machine.unread) == (True, True)

    machine = Machine(limits)
    machine.receive(post(CHUNKED))
    machine.answer(to(machine.next_head()), last=False)
    machine.receive(b"10001\r\n" + b"x" * 65537)
    assert machine.next_head() is None
    assert (machine.finished, machine.unread) == (True, True)


def test_an_answer_before_the_100_ends_the_connection():
    """RFC 9110 section 10.1.1: whether the body comes now is uncertain, and so where the next request begins."""
    machine, request = arriving("Expect: 100-continue", "Content-Length: 1")
    assert b"\r\nConnection: close\r\n" in machine.answer(to(request), last=False)
    assert machine.finished


def sent(response: Response, request: bytes = GET) -> tuple[list[bytes], bool]:
    """What goes over the wire for an answer in pieces, as [fields of the head.., body], and whether it ends there."""
    machine = Machine(LIMITS)
    machine.receive(request)
    response.request = machine.next_request()
    data = b"".join(framed(machine.begin_answer(response, last=False), response.pieces))
    fields, _, body = data.partition(b"\r\n\r\n")
    return [*fields.split(b"\r\n")[1:], body], machine.finished


def in_pieces(*pieces: bytes, status: int = 200, length: int | None = None) -> StreamedResponse:
    return StreamedResponse(status, pieces, length)


def test_how_an_answer_in_pieces_is_framed():
    """RFC 9112 section 6.3."""
    wire, finished = sent(in_pieces(b"ab", b"", b"c"))
    assert b"Transfer-Encoding: chunked" in wire
    assert (wire[-1], finished) == (b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", False)
    wire, finished = sent(in_pieces(b"ab", b"c"), head("GET /yo HTTP/1.0", "Connection: keep-alive"))
    assert (wire[-1], finished) == (b"abc", True)
    assert not any(field.startswith((b"Transfer-Encoding", b"Content-Length")) for field in wire)
    wire, finished = sent(in_pieces(b"ab", b"c", length=3))
    assert b"Content-Length: 3" in wire
    assert (wire[-1], finished) == (b"abc", False)
    wire, finished = sent(in_pieces(b"abc", length=3), GET.replace(b"GET", b"HEAD"))
    assert b"Content-Length: 3" in wire
    assert (wire[-1], finished) == (b"", False)
    for status in (204, 304):
        wire, finished = sent(in_pieces(b"abc", status=status))
        assert (wire[-1], finished) == (b"", False)
        assert not any(field.startswith((b"Transfer-Encoding", b"Content-Length")) for field in wire)


def test_an_answer_of_another_length_than_announced_is_an_error():
    with pytest.raises(FramingError, match="1 bytes fewer"):
        sent(in_pieces(b"ab", length=3))
    machine = Machine(LIMITS)
    machine.receive(GET)
    response = in_pieces(b"ab", b"cd", b"never asked for", length=3)
    response.request = machine.next_request()
    pieces = framed(machine.begin_answer(response, last=False), response.pieces)
    assert next(pieces).endswith(b"\r\n\r\nab")
    assert next(pieces) == b"c"
    with pytest.raises(FramingError, match="at least 1 bytes more"):
        next(pieces)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "a\r\nSet-Cookie: b"])
def test_a_header_that_would_split_the_response_is_refused(value: str):
    """RFC 9112 section 11.1."""
    machine = Machine(LIMITS)
    machine.receive(GET)
    with pytest.raises(ValueError, match="may not hold line ends"):
        machine.answer(to(machine.next_request(), [("X", value)]), last=False)
