"""What h11 makes of the same bytes: an independent reader, to compare ours with.

Where h11 refuses, we must refuse; where both accept, they must agree. We may refuse more. DIFFERENCES names all the
places where that is not so, with the reason; each is made up for below, so that it hides nothing else.
"""

import re

import h11

from teachserve.protocol import MOST_EMPTY_LINES
from tests.corpus.reading import OK, Answer, Reading

DIFFERENCES = {
    "empty lines before a request line": "h11 refuses them, RFC 9112 section 2.2 asks to ignore at least one",
    "blanks before a chunk extension": "h11 refuses them, RFC 9112 section 7.1.1 lets them stand (BWS)",
    "HTTP/1.0 with Connection: keep-alive": "h11 closes, RFC 9112 section 9.3 lets the connection live on",
    "CONNECT": "h11 reads on; we refuse it, and RFC 9931 asks to close",
    "framing fields among the trailers": "h11 refuses bad ones, we refuse all; no comparing from there",
    "Host with a whole address as the target": "h11 leaves it; the address is what counts (RFC 9112 section 3.2.2)",
    "the value of Transfer-Encoding": "h11 gives it in lower case; codings have no case (RFC 9112 section 7)",
}
_EMPTY_LINES = re.compile(rb"(?:\r\n){1,%d}" % MOST_EMPTY_LINES)
_BLANKS_BEFORE_EXTENSION = re.compile(rb"(\r\n[0-9A-Fa-f]{1,15})[ \t]+(?=;)")
_REFUSED = Answer(400)
UNDECIDED = Answer(0)
"""In the place of an answer: from here on h11 is not to be compared with."""


def read(data: bytes) -> Reading:
    """The answers to a client that sends this and then half-closes; a refusal's status is always 400."""
    answers: list[Answer] = []
    rest = _BLANKS_BEFORE_EXTENSION.sub(rb"\1", data)
    while rest := _EMPTY_LINES.sub(b"", rest, count=1) if rest.startswith(b"\r\n") else rest:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(rest) + 1)
        try:
            request, body = _receive(connection, rest)
        except _BadTrailer:
            return Reading((*answers, UNDECIDED), True)
        except h11.RemoteProtocolError:
            return Reading((*answers, _REFUSED), True)
        answers.append(_given(request, body))
        if not _lives(connection, request):
            break
        rest = connection.trailing_data[0]
    return Reading(tuple(answers), True)


class _BadTrailer(Exception):
    """h11 refused a framing field among the trailers."""


def _receive(connection: h11.Connection, data: bytes) -> tuple[h11.Request, bytes]:
    """The first request in the data, and its body. Raises: h11.RemoteProtocolError, _BadTrailer."""
    connection.receive_data(data)
    connection.receive_data(b"")
    request = connection.next_event()
    assert isinstance(request, h11.Request), request
    body = b""
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            body += event.data
    except h11.RemoteProtocolError as error:
        if "Content-Length" in str(error) or "Transfer-Encoding" in str(error):
            raise _BadTrailer from error
        raise
    return request, body


def _given(request: h11.Request, body: bytes) -> Answer:
    method = request.method.decode()
    fields = tuple((name, value.lower() if name == b"transfer-encoding" else value) for name, value in request.headers)
    return Answer(405 if method == "CONNECT" else OK, method, request.target, body, fields)


def _lives(connection: h11.Connection, request: h11.Request) -> bool:
    """Whether the connection lives on after an answer to this request."""
    if request.method == b"CONNECT":
        return False
    if request.http_version < b"1.1":
        values = b",".join(value for name, value in request.headers if name == b"connection")
        options = [option.strip(b" \t") for option in values.lower().split(b",")]
        return b"keep-alive" in options and b"close" not in options
    connection.send(h11.Response(status_code=OK, headers=[("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    return connection.our_state is h11.DONE
