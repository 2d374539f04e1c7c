"""Requests and responses, and how a response becomes bytes."""

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from urllib.parse import parse_qs, unquote_to_bytes

from teachserve import __version__

REASONS: dict[int, str] = {status.value: status.phrase for status in HTTPStatus}
BODILESS = frozenset({204, 304})
"""Statuses whose responses never have a body (RFC 9110 section 6.4.1); 1xx are not final responses."""

_SERVER = f"Server: teachserve/{__version__}\r\n"


class Request:
    """One whole request.

    `method` is a str, `target` the request target as it came (bytes), `headers` a list of (lower-case name, value) in
    bytes, `version` (1, 0) or (1, 1), `body` all of its bytes, `keep_alive` whether the client lets the connection live.
    """

    def __init__(self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], version: tuple[int, int]):
        self.method = method
        self.target = target
        self.headers = headers
        self.version = version
        self.keep_alive = False
        self.body = b""
        self.connection: object | None = None

    @cached_property
    def path(self) -> str:
        """The decoded path. Bytes that are not UTF-8 become U+FFFD."""
        raw = self.target.partition(b"?")[0]
        if raw[:1] != b"/" and b"://" in raw:
            raw = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8", "replace")

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The decoded query string: each name with its values, in order."""
        return parse_qs(self.target.partition(b"?")[2].decode("latin-1"), keep_blank_values=True)

    def header(self, name: str) -> str | None:
        """The field's value, or None; of a repeated field the first."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)


@dataclass(slots=True)
class Response:
    """What a handler answers: status, body in bytes, header fields as (name, value) pairs.

    Content-Length, Date, Server and Connection are the server's to write and may not be among `headers`.
    """

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    request: Request | None = None

    @classmethod
    def text(cls, text: str, status: int = 200, headers: list[tuple[str, str]] | None = None) -> "Response":
        """A plain text response in UTF-8."""
        return cls(status, text.encode(), [("Content-Type", "text/plain; charset=utf-8"), *(headers or [])])


class _Clock:
    """The Date field, made once a second."""

    second = 0
    line = ""


def date_line() -> str:
    """The Date field of this second (RFC 9110 section 6.6.1), with its line end."""
    second = int(time.time())
    if second != _Clock.second:
        # The line first: a thread that sees the new second then also sees the new line, or makes its own.
        _Clock.line = f"Date: {formatdate(second, usegmt=True)}\r\n"
        _Clock.second = second
    return _Clock.line


def encode_response(response: Response, *, head_only: bool, connection: str) -> bytes:
    """The response as bytes. `connection` is the Connection field's value, or "" to leave it out.

    Raises: ValueError for a header field that would break the framing (RFC 9112 section 11.1, response splitting).
    """
    status, body = response.status, response.body
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\n", date_line(), _SERVER]
    for name, value in response.headers:
        line = f"{name}: {value}\r\n"
        if "\n" in value or "\r" in line[:-2] or "\0" in line or "\n" in name or ":" in name or not name:
            raise ValueError(f"a response header field may not hold line ends or NUL: {name!r}: {value!r}")
        lines.append(line)
    if status not in BODILESS:
        lines.append(f"Content-Length: {len(body)}\r\n")
    if connection:
        lines.append(f"Connection: {connection}\r\n")
    lines.append("\r\n")
    head = "".join(lines).encode("latin-1")
    return head if head_only or status in BODILESS else head + body
