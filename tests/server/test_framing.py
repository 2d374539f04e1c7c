"""What goes out, read by an independent client (h11): where each answer ends, and what it says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import h11
import pytest

from teachserve import architectures
from teachserve.conformance import Client, serving
from teachserve.conformance.client import PATIENCE_S
from teachserve.message import Request, Response

every_architecture = pytest.mark.parametrize("architecture", architectures.NAMES)
BODY = b"Hey!\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
"""A body that would pass for the next answer, were the framing wrong."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer as the client understood it."""

    status: int
    fields: dict[bytes, list[bytes]]
    body: bytes


class Reader:
    """A client of HTTP/1.1 that is not ours. Raises: h11.RemoteProtocolError for an answer that is none."""

    def __init__(self, port: int):
        self._client = Client(port)
        self._connection = h11.Connection(h11.CLIENT)

    def __enter__(self) -> "Reader":
        self._client.sock.settimeout(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()

    def ask(self, path: str, method: str = "GET", fields: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Read:
        """The answer to a request."""
        if self._connection.our_state is h11.DONE:
            self._connection.start_next_cycle()
        length = [("Content-Length", str(len(body)))] if body else []
        self._say(h11.Request(method=method, target=path, headers=[("Host", "x"), *length, *fields]))
        if body:
            self._say(h11.Data(body))
        self._say(h11.EndOfMessage())
        return self._answer()

    def ends(self) -> bool:
        """Whether the server has closed, with nothing behind the last answer."""
        return isinstance(self._event(), h11.ConnectionClosed)

    def _say(self, event: h11.Event) -> None:
        self._client.send(self._connection.send(event))

    def _answer(self) -> Read:
        response = self._event()
        while isinstance(response, h11.InformationalResponse):
            response = self._event()
        fields: dict[bytes, list[bytes]] = {}
        for name, value in response.headers:
            fields.setdefault(name, []).append(value)
        return Read(response.status_code, fields, b"".join(event.data for event in self._until_the_end()))

    def _until_the_end(self) -> Iterator[h11.Data]:
        while not isinstance(event := self._event(), h11.EndOfMessage):
            yield event

    def _event(self) -> h11.Event:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            self._connection.receive_data(self._client.sock.recv(65536))
        return event


def application(request: Request) -> Response:
    """/200 answers with that status and BODY, /empty with none; /header?NAME=VALUE with that field."""
    name = request.path[1:]
    if name == "header":
        ((field, values),) = request.query.items()
        return Response(200, BODY, [(field, values[0])])
    return Response(200) if name == "empty" else Response(int(name), BODY)


@every_architecture
def test_every_answer_ends_where_it_says(architecture: str):
    """RFC 9112 section 6.3: after each of them the next is found, on the same connection."""
    with serving(architecture, app=application) as server, Reader(server.port) as client:
        for method, path, length, body in [
            ("GET", "/200", len(BODY), BODY), ("POST", "/201", len(BODY), BODY), ("GET", "/404", len(BODY), BODY),
            ("GET", "/empty", 0, b""), ("HEAD", "/200", len(BODY), b""), ("HEAD", "/empty", 0, b""),
            ("HEAD", "/404", len(BODY), b""), ("GET", "/204", None, b""), ("HEAD", "/204", None, b""),
            ("GET", "/304", None, b""), ("GET", "/205", 0, b""),
            ("OPTIONS", "/200", len(BODY), BODY), ("GET", "/500", len(BODY), BODY),
        ]:  # fmt: skip
            answer = client.ask(path, method)
            said = [b"%d" % length] if length is not None else None
            assert (answer.status, answer.body) == (200 if path == "/empty" else int(path[1:]), body), (method, path)
            assert answer.fields.get(b"content-length") == said, (method, path)
            assert b"transfer-encoding" not in answer.fields


def is_a_failure_that_closes(client: Reader, path: str) -> None:
    """The answer to this path is a 500 that is framed, tells nothing of the inside, and ends the connection."""
    answer = client.ask(path)
    assert answer.status == 500
    assert answer.fields[b"connection"] == [b"close"]
    assert answer.body.startswith(b"500 Internal Server Error: ")
    assert b"Traceback" not in answer.body
    assert client.ends()


@every_architecture
@pytest.mark.parametrize("status", [100, 101, 103, 199, 0, 42, 99, 600, 999, -200])
def test_a_status_that_ends_no_exchange_becomes_a_500(architecture: str, status: int):
    """RFC 9110 section 15: a final answer has a status from 200 to 599; after another the client would wait for more."""
    with serving(architecture, app=application) as server, Reader(server.port) as client:
        is_a_failure_that_closes(client, f"/{status}")


@every_architecture
@pytest.mark.parametrize(
    "field",
    ["Content-Length=5", "content-length=27", "Transfer-Encoding=chunked", "Connection=keep-alive", "X=a%0D%0ASet-Cookie:b",
     "X=a%0Ab", "X=a%0Db", "X=a%00b", "X%0D%0AY=a", "X:%20y%0D%0AZ=a", "X%20=a", "X%00=a", "X(=a",
     "X%C3%A9=a", "X=a%01b", "X=a%7Fb"],
)  # fmt: skip
def test_a_field_that_would_break_the_framing_becomes_a_500(architecture: str, field: str):
    """RFC 9112 section 11.1, response splitting; RFC 9110 sections 5.1 and 5.5; framing is the server's to write."""
    with serving(architecture, app=application) as server, Reader(server.port) as client:
        is_a_failure_that_closes(client, f"/header?{field}")


@every_architecture
def test_every_answer_is_dated_and_signed(architecture: str):
    """RFC 9110 sections 6.6.1 and 10.2.4: refusals and failures too."""
    with serving(architecture, app=application) as server:
        for path, fields, status in [
            ("/200", (), 200), ("/204", (), 204), ("/none", (), 500), ("/200", (("Expect", "coffee"),), 417),
        ]:  # fmt: skip
            with Reader(server.port) as client:
                answer = client.ask(path, "GET", fields)
                assert answer.status == status
                assert len(answer.fields[b"date"]) == len(answer.fields[b"server"]) == 1
                assert answer.fields[b"date"][0].endswith(b" GMT")


@every_architecture
def test_an_answer_says_close_where_the_connection_ends_and_only_there(architecture: str):
    """RFC 9112 section 9.6."""
    with serving(architecture, app=application) as server, Reader(server.port) as client:
        assert b"connection" not in client.ask("/200").fields
        assert b"connection" not in client.ask("/200", "POST", body=b"hello").fields
        assert client.ask("/200", "GET", (("Connection", "x, Close"),)).fields[b"connection"] == [b"close"]
        assert client.ends()
