"""Input without measure: memory stays bounded, and the work grows as the input does."""

import pytest

from teachserve.conformance import Client, get

from .child import Child

MEGABYTE = 1 << 20
MOST_MORE = 10 * MEGABYTE
SAFETY = 1.3
"""Twice the input may take so many times more than twice the time: measured times are never quite even."""

ENDLESS = {
    "request line": (b"GET /" + b"x" * 2 * MEGABYTE, {414}),
    "head": (get("/yo", *(f"X-{number}: {'x' * 1000}" for number in range(2000))), {431}),
    "field": (get("/yo", "X: " + "x" * 2 * MEGABYTE), {431}),
    "fields": (get("/yo", *(f"X{number}: x" for number in range(200_000))), {431}),
    "empty lines": (b"\r\n" * MEGABYTE, {400}),
    "chunk extension": (
        get("/echo", "Transfer-Encoding: chunked", method="POST") + b"1;" + b"x" * MEGABYTE + b"\r\n",
        {400, 413},
    ),
    "trailers": (
        get("/echo", "Transfer-Encoding: chunked", method="POST") + b"0\r\n" + b"X: x\r\n" * 200_000 + b"\r\n",
        {400, 413, 431},
    ),
    "body": (get("/echo", "Content-Length: 10000000", method="POST") + bytes(10_000_000), {413}),
}


def told(client: Client, data: bytes) -> int:
    """Send it all, or as much as the server takes; the status of the answer."""
    try:
        client.send(data)
    except ConnectionError:
        return int(client.answer().status)
    return int(client.answer().status)


def test_what_has_no_end_is_refused_and_not_kept(launch, architecture):
    child = launch(architecture=architecture).serving()
    before = child.resident_bytes()
    for what, (data, statuses) in ENDLESS.items():
        with child.client() as client:
            assert told(client, data) in statuses, what
    assert child.resident_bytes(highest=True) - before < MOST_MORE
    child.is_as_before()
    child.stop()


def cpu_for_chunks(child: Child, chunks: int) -> float:
    """The CPU time that a body in so many chunks of one byte takes it."""
    before = child.cpu_s()
    with child.client() as client:
        client.send(get("/echo", "Transfer-Encoding: chunked", "Connection: close", method="POST"))
        client.send(b"1\r\nx\r\n" * chunks + b"0\r\n\r\n")
        assert client.answer().body == b"x" * chunks
    return child.cpu_s() - before


@pytest.mark.parametrize("chunks", [100_000, pytest.param(500_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("architecture", ["recycling", "event-loop"])
def test_a_body_in_chunks_of_one_byte_takes_time_in_proportion(launch, architecture, chunks):
    """One architecture that blocks, and one that does not: the rest is the same code."""
    child = launch(architecture=architecture).serving()
    cpu_for_chunks(child, 1000)
    before = child.resident_bytes()
    once = min(cpu_for_chunks(child, chunks) for _ in range(2))
    twice = min(cpu_for_chunks(child, 2 * chunks) for _ in range(2))
    assert twice < 2 * SAFETY * once, (once, twice)
    assert child.resident_bytes(highest=True) - before < MOST_MORE
    child.is_as_before()
    child.stop()
