"""100 Continue: said to whom it is due, before the body, and to nobody else (RFC 9110 section 10.1.1)."""

import re
import socket

import pytest

from teachserve import architectures
from teachserve.conformance import Client, serving
from teachserve.message import Request, Response
from tests.corpus.arrivals import Arrivals

HEAD = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
LENGTH, CHUNKED, CLOSE = "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"
END = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def answer(request: Request) -> Response:
    assert len(request.body) in (0, 5)
    return Response(200)


def answer_unread(request: Request) -> Response:
    return Response(200)


@pytest.mark.parametrize("architecture", architectures.NAMES)
@pytest.mark.parametrize(
    ("head", "body", "statuses"),
    [
        (f"{HEAD}{LENGTH}\r\n", "hello" + END, [100, 200, 200]),
        (f"{HEAD}{CHUNKED}\r\n", "5\r\nhello\r\n0\r\n\r\n" + END, [100, 200, 200]),
        (f"{HEAD}{LENGTH}{CLOSE}\r\n", "hello", [100, 200]),
        (f"{HEAD}{LENGTH}\r\n".replace("100-c", "100-C"), "hello" + END, [100, 200, 200]),
        (f"{HEAD}{LENGTH}\r\n".replace("HTTP/1.1", "HTTP/1.0"), "hello", [200]),
        (f"{HEAD}Content-Length: 0\r\n\r\n", END, [200, 200]),
        (f"{HEAD}\r\n", END, [200, 200]),
        (f"{HEAD}{LENGTH}\r\n".replace("100-continue", "coffee"), "", [417]),
        (f"{HEAD}Content-Length: 99999999\r\n\r\n", "", [413]),
        (f"{HEAD}{LENGTH}{CHUNKED}\r\n", "", [400]),
        (f"{HEAD}{LENGTH}\r\n", "hel", [100, 400]),
        (f"{HEAD}{LENGTH}\r\nhe", "llo" + END, [200, 200]),
    ],
    ids=["sized", "chunked", "close", "any case", "HTTP 1.0", "length zero", "no body", "another expectation", "too long",
         "both lengths", "body cut off", "body begun"],
)  # fmt: skip
def test_who_is_told_to_continue(architecture: str, head: str, body: str, statuses: list[int], monkeypatch):
    arrivals = Arrivals(monkeypatch)
    with serving(architecture, app=answer) as server, Client(server.port) as client:
        arrivals.send(client, head.encode())
        if statuses[0] == 100:
            assert client.answer().status == 100, "it is said before the body comes"
            statuses = statuses[1:]
        client.send(body.encode())
        client.sock.shutdown(socket.SHUT_WR)
        received = client.end()
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)] == statuses


@pytest.mark.parametrize("architecture", [name for name in architectures.NAMES if name != "event-loop"])
def test_nobody_is_told_to_send_a_body_that_is_not_wanted(architecture: str):
    """An event loop wants every body: it is read whole before the handler runs."""
    with serving(architecture, app=answer_unread) as server, Client(server.port) as client:
        client.send(f"{HEAD}{LENGTH}\r\n".encode())
        found = client.answer()
        assert (found.status, found.headers["connection"]) == (200, "close")
