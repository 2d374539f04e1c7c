"""Changes a byte sequence a little, in the ways in which readers of HTTP have been fooled."""

import random

ATOMS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b"\r\n\t", b"\0", b"\x0b", b"\x0c", b"\x7f", b"\x85", b"\xa0",
    b" ", b"\t", b"  ", b":", b",", b";", b"=", b'"', b"\\", b"#", b"/", b"*", b"@", b"_", b"-", b"+", b"0", b"1",
    b"5", b"0x", b"f", b"ffffffffffffffff", b"Host: x\r\n", b"Host: y\r\n", b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n", b"Content-Length:", b"content-length: 05\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding:", b"chunked", b"CHUNKED", b", chunked",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Proxy-Connection: close\r\n", b"Upgrade: h2c\r\n",
    b"Connection: Upgrade\r\n", b"Expect: 100-continue\r\n", b"TE: trailers\r\n", b"Trailer: x\r\n", b"X: y\r\n",
    b"X : y\r\n", b": y\r\n", b" X: y\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"5;a=b\r\nhello\r\n",
    b"0\r\nX: y\r\n\r\n", b"hello", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"GET", b"POST", b"HEAD",
    b"CONNECT", b"OPTIONS", b"http://x", b"x:443", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip


def mutate(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """One to four changes: bytes inserted, removed, replaced, flipped, lines repeated or moved, another sequence joined."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice((_insert, _replace, _remove, _flip, _repeat_line, _swap_lines, _shorten))(data, chance)
    if chance.random() < 0.2:
        data += chance.choice(others)
    return data


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(data))


def _insert(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(ATOMS) + data[at:]


def _replace(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.choice(ATOMS) + data[at + chance.randint(1, 8) :]


def _remove(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.randint(1, 8) :]


def _flip(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + bytes(byte ^ 1 << chance.randint(0, 7) for byte in data[at : at + 1]) + data[at + 1 :]


def _repeat_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], lines[at], *lines[at:]])


def _swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _shorten(data: bytes, chance: random.Random) -> bytes:
    return data[: _place(data, chance)]
