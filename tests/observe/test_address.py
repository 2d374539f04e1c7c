"""Where a server serves, as people write it."""

from pathlib import Path

import pytest

from teachserve.observe.address import Address
from teachserve.observe.link_file import LinkFile


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":8080", "", 8080), ("127.0.0.1:8080", "127.0.0.1", 8080), ("localhost:80", "localhost", 80),
        ("http://127.0.0.1:8080", "127.0.0.1", 8080), ("http://127.0.0.1:8080/yo?n=1", "127.0.0.1", 8080),
        ("[::1]:8080", "::1", 8080), ("http://[::1]:8080/", "::1", 8080),
    ],
)  # fmt: skip
def test_an_address_can_be_written_in_many_ways(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", "8080", "host", "host:", ":0", ":70000", "host:port", "a b:80", "::1:8080", "http://h"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Address.parse(text)


@pytest.mark.parametrize(
    ("written", "url", "same"),
    [
        (":8080", "http://127.0.0.1:8080", True), (":8081", "http://127.0.0.1:8080", False),
        ("localhost:8080", "http://127.0.0.1:8080", True), ("127.0.0.1:8080", "http://0.0.0.0:8080", True),
        ("127.0.0.2:8080", "http://127.0.0.1:8080", False), ("[::1]:8080", "http://[::1]:8080", True),
        (":8080", "None", False), (f"{'h' * 300}:8080", "http://127.0.0.1:8080", False),
    ],
)  # fmt: skip
def test_a_server_is_known_by_where_it_serves(written: str, url: str, same: bool) -> None:
    server = LinkFile(Path("1.link"), "1.sock", b"", 1, url, "recycling")
    assert Address.parse(written).is_of(server) is same


@pytest.mark.parametrize("text", [":8080", "127.0.0.1:8080", "[::1]:8080"])
def test_it_is_shown_as_it_was_written(text: str) -> None:
    assert str(Address.parse(text)) == text
