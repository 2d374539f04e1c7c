"""Every case over real sockets, against every architecture; a dozen of them cut at every byte."""

import itertools
import socket
from collections.abc import Iterable, Iterator

import pytest

from teachserve import architectures
from teachserve.conformance import Client, serving
from teachserve.message import Request, Response
from tests.corpus import cases
from tests.corpus.arrivals import PATIENCE_S, Arrivals
from tests.corpus.cases import LIMITS, Answer, Case
from tests.corpus.reading import AFTERWARDS, Reading, given, mismatch, status

CASES = cases.load()
CHAPTERS = {
    chapter: list(group) for chapter, group in itertools.groupby(CASES, lambda case: case.name.partition("/")[0])
}
CUT = [case for case in CASES if case.name in {
    "chunk-extensions/bare-lf-smuggles", "chunk-extensions/quoted-value", "chunks/several", "connection/close-after-a-body",
    "content-length/on-get", "empty-lines/between-requests", "field-values/blanks-around", "line-ends/cr-cr-lf-throughout",
    "pipelining/good-before-bad", "trailers/one", "transfer-encoding/with-content-length", "truncated/last-line-end",
}]  # fmt: skip
every_architecture = pytest.mark.parametrize("architecture", architectures.NAMES)


class Application:
    """Answers each request with its body, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Answer] = []

    def __call__(self, request: Request) -> Response:
        self.given.append(given(request))
        return Response(status(request), b"" if request.method == "HEAD" else request.body)


def talk(
    port: int, application: Application, case: Case, pieces: Iterable[bytes], arrivals: Arrivals | None
) -> Reading:
    """Send the pieces, then what the client does afterwards; what it was answered until the server closed."""
    application.given.clear()
    if arrivals:
        arrivals.begin()
    with Client(port) as client:
        client.sock.settimeout(PATIENCE_S)
        try:
            for piece in pieces:
                if arrivals:
                    arrivals.send(client, piece)
                else:
                    client.send(piece)
            if case.half_closes:
                client.sock.shutdown(socket.SHUT_WR)
            else:
                client.send(AFTERWARDS)
        except (BrokenPipeError, ConnectionResetError):
            assert case.closed, "the server closed a connection that lives on"
        answers = list(_answers(client.end(), application))
    closed = answers[-1:] != [Answer(200, "GET", b"/afterwards", fields=((b"host", b"x"), (b"connection", b"close")))]
    return Reading(tuple(answers if closed else answers[:-1]), closed)


def _answers(received: bytes, application: Application) -> Iterator[Answer]:
    """The answers on the wire in order; for one of the application's, with what it was given."""
    asked = iter(application.given)
    while received:
        head, found, received = received.partition(b"\r\n\r\n")
        assert found, f"an answer was cut off: {head!r}"
        status = int(head.split(b" ", 2)[1])
        if status < 200:
            continue
        fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[1:])}
        length = int(fields[b"content-length"])
        body, received = received[:length], received[length:]
        if status in (200, 405):
            answer = next(asked)
            assert body == (b"" if answer.method == "HEAD" else answer.body)
            yield answer
        else:
            assert fields[b"connection"] == b"close", "a refusal says that it closes"
            assert body.startswith(b"%d " % status), f"a refusal says in one line what is wrong: {body!r}"
            yield Answer(status)
    assert not list(asked), "the application was asked something that was not answered"


@every_architecture
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_case_over_a_socket(architecture: str, chapter: str):
    application = Application()
    wrong = {}
    with serving(architecture, app=application, **LIMITS) as server:
        for case in CHAPTERS[chapter]:
            try:
                told = mismatch(case, talk(server.port, application, case, [case.data], None))
            except (AssertionError, OSError) as error:
                told = repr(error)
            if told:
                wrong[case.name] = told
    assert not wrong


@every_architecture
@pytest.mark.parametrize("case", CUT, ids=[case.name for case in CUT])
def test_a_dozen_cut_at_every_byte_over_a_socket(architecture: str, case: Case, monkeypatch: pytest.MonkeyPatch):
    application, arrivals = Application(), Arrivals(monkeypatch)
    data = case.data
    with serving(architecture, app=application, **LIMITS) as server:
        for pieces in [*([data[:at], data[at:]] for at in range(1, len(data))), [bytes([byte]) for byte in data]]:
            told = mismatch(case, talk(server.port, application, case, pieces, arrivals))
            assert not told, (pieces[0][-20:], told)
