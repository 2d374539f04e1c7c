"""What a client can make grow costs us in proportion: four times as much of it, about four times the time."""

import time
from collections.abc import Callable

import pytest

from teachserve.connection import Limits
from teachserve.message import Response
from teachserve.protocol import Machine
from teachserve.server import Server

DEFAULT_LIMITS = Limits.of(Server(None, "recycling").options)
FEW = 4000
MOST_RATIO = 7
"""Linear is 4, quadratic 16, and 9 to 13 as long as the linear part is still felt."""
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


GROWING: dict[str, Callable[[int], list[bytes]]] = {
    "a field, byte by byte": lambda n: byte_by_byte(HEAD + b"X: " + b"a" * n + b"\r\n\r\n"),
    "a request line, byte by byte": lambda n: byte_by_byte(b"GET /" + b"a" * (n // 2) + HEAD[5:] + b"\r\n"),
    "fields, line by line": lambda n: [HEAD, *[b"X: %s\r\n" % (b"a" * (n // 40))] * 90, b"\r\n"] * 5,
    "a sized body, byte by byte": lambda n: [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % n, *byte_by_byte(b"a" * n)
    ],
    "a chunk, byte by byte": lambda n: [CHUNKED, *byte_by_byte(b"%x\r\n%s\r\n0\r\n\r\n" % (n, b"a" * n))],
    "chunks of one byte, in one packet": lambda n: [CHUNKED + b"1\r\na\r\n" * n + b"0\r\n\r\n"],
    "chunks of one byte, byte by byte": lambda n: [CHUNKED, *byte_by_byte(b"1\r\na\r\n" * (n // 4) + b"0\r\n\r\n")],
    "requests in one packet": lambda n: [(HEAD + b"\r\n") * (n // 32)] * 4,
}  # fmt: skip


def seconds(pieces: list[bytes]) -> float:
    """The time that a machine takes for these pieces, the shortest of three; they must all be understood."""
    taken = []
    for _ in range(3):
        machine = Machine(DEFAULT_LIMITS)
        begin = time.thread_time()
        for piece in pieces:
            machine.receive(piece)
            while (request := machine.next_request()) is not None:
                response = Response()
                response.request = request
                machine.answer(response, last=False)
        taken.append(time.thread_time() - begin)
        assert machine.awaiting
        assert machine.answered
    return min(taken)


@pytest.mark.parametrize("what", GROWING)
def test_four_times_as_much_costs_about_four_times_the_time(what: str):
    few, many = (seconds(GROWING[what](count)) for count in (FEW, 4 * FEW))
    assert many / few < MOST_RATIO, f"{many * 1000:.1f} ms for {what}, {few * 1000:.1f} ms for a quarter of it"
