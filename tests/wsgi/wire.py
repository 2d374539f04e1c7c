"""What a client sends and reads, byte by byte: every byte that arrives belongs to an answer."""

import socket
import struct
from typing import NamedTuple

PATIENCE_S = 10.0


class Answer(NamedTuple):
    """One answer. `fields` by lower-case name, repeated ones joined; `complete`: the body ended as its framing says."""

    status: int
    reason: str
    fields: dict[str, str]
    body: bytes
    complete: bool


def request(target: str = "/", *fields: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """A request as bytes, to the host `localhost`; nothing is added to the fields but that."""
    lines = [f"{method} {target} HTTP/{version}", "Host: localhost", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def connect(port: int, host: str = "127.0.0.1", receive_bytes: int | None = None) -> socket.socket:
    """A connection; with `receive_bytes` one whose receive buffer is as small as that."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.settimeout(PATIENCE_S)
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.connect((host, port))
    return sock


def reset(sock: socket.socket) -> None:
    """Close so that the other side gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_to_end(sock: socket.socket) -> bytes:
    """Everything until the server closes. Raises: ConnectionResetError, for a server that closes impolitely."""
    received = bytearray()
    while data := sock.recv(262144):
        received += data
    return bytes(received)


def exchange(port: int, data: bytes, *methods: str, half_close: bool = True, host: str = "127.0.0.1") -> list[Answer]:
    """Send all of it, say that this was all, and read the answers until the server closes.

    `methods` are those of the requests, GET where there are fewer. Without `half_close` it is for the server to close.
    """
    with connect(port, host) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        return answers(read_to_end(sock), *methods)


def one(port: int, data: bytes, method: str = "GET") -> Answer:
    """As `exchange`, where there must be one answer."""
    (answer,) = exchange(port, data, method)
    return answer


def answers(received: bytes, *methods: str) -> list[Answer]:
    """All the answers in what was received up to the end of the connection; interim ones are answers too."""
    found: list[Answer] = []
    asked = list(methods)
    while received:
        head, end, rest = received.partition(b"\r\n\r\n")
        assert end, f"not an answer: {received!r}"
        line, *lines = head.decode("latin-1").split("\r\n")
        version, status, reason = line.split(" ", 2)
        assert version == "HTTP/1.1", line
        fields: dict[str, str] = {}
        for name, colon, value in (field.partition(": ") for field in lines):
            assert colon, f"not a field: {name!r}"
            key = name.lower()
            fields[key] = f"{fields[key]}, {value}" if key in fields else value
        interim = status.startswith("1")
        method = "GET" if interim or not asked else asked.pop(0)
        if interim or method == "HEAD" or status in ("204", "304"):
            body, complete, received = b"", True, rest
        elif "transfer-encoding" in fields:
            body, complete, received = _chunks(rest)
        elif "content-length" in fields:
            length = int(fields["content-length"])
            body, complete, received = rest[:length], len(rest) >= length, rest[length:]
        else:
            body, complete, received = rest, True, b""
        found.append(Answer(int(status), reason, fields, body, complete))
    return found


def _chunks(rest: bytes) -> tuple[bytes, bool, bytes]:
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return body, False, b""
        size = int(line, 16)
        if not size:
            return body, rest.startswith(b"\r\n"), rest[2:]
        body += rest[:size]
        if rest[size : size + 2] != b"\r\n":
            return body, False, b""
        rest = rest[size + 2 :]
