"""Whatever a client sends, its connection is freed when it is over, and not when the collector comes for it."""

import gc
import socket

import pytest
from shapes import SHAPES

from teachserve.conformance import Client, get, serving
from teachserve.connection import Connection
from teachserve.protocol import Machine

SENT = {
    "answered": get("/yo", "Connection: close"),
    "no Host": b"GET /yo HTTP/1.1\r\n\r\n",
    "no line end": b"GET /yo HTTP/1.1\nHost: x\n\n",
    "two lengths": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "too long": b"GET /yo HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "cut off": b"GET /yo HTTP/1.1\r\nHo",
}


@pytest.fixture
def uncollected():
    """No collector until the end, and then what it finds is kept."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield
    gc.set_debug(0)
    gc.enable()
    gc.garbage.clear()


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_connection_is_no_garbage_once_it_is_over(uncollected, shape, sent):
    architecture, options = SHAPES[shape]
    with serving(architecture, **options) as server:
        for _ in range(3):
            with Client(server.port) as client:
                client.send(sent)
                if sent == SENT["cut off"]:
                    client.sock.shutdown(socket.SHUT_WR)
                client.end()
    gc.collect()
    assert [one for one in gc.garbage if isinstance(one, Connection | Machine)] == []
