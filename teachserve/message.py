"""Requests and responses, and how a response becomes bytes."""

import time
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs, unquote_to_bytes

from teachserve.version import __version__

REASONS: tuple[str, ...] = tuple(
    next((known.phrase for known in HTTPStatus if known == status), "") for status in range(600)
)
"""Reason phrases by status. A tuple: without a GIL, looking an int up in a shared dict takes a lock, a tuple none."""
BODILESS = (204, 304)
"""Statuses whose responses never have a body (RFC 9110 section 6.4.1); 1xx are not final responses."""

_SERVER = f"Server: teachserve/{__version__}\r\n"


class Request:
    """One whole request.

    `method` is a str, `target` the request target as it came (bytes), `headers` a list of (lower-case name, value) in
    bytes, `version` (1, 0) or (1, 1), `body` all of its bytes, `keep_alive` whether the client lets the connection live.
    """

    # No functools.cached_property below: without a GIL (3.13) its look-ups wait for each other across threads.
    __slots__ = ("_path", "_query", "body", "connection", "headers", "keep_alive", "method", "target", "version")

    def __init__(self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], version: tuple[int, int]):
        self.method = method
        self.target = target
        self.headers = headers
        self.version = version
        self.keep_alive = False
        self.body = b""
        self.connection: object | None = None
        self._path: str | None = None
        self._query: dict[str, list[str]] | None = None

    @property
    def path(self) -> str:
        """The decoded path. Bytes that are not UTF-8 become U+FFFD."""
        if self._path is None:
            self._path = self._decode_path()
        return self._path

    def _decode_path(self) -> str:
        raw = self.target.partition(b"?")[0]
        if raw[:1] != b"/" and b"://" in raw:
            raw = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8", "replace")

    @property
    def query(self) -> dict[str, list[str]]:
        """The decoded query string: each name with its values, in order."""
        if self._query is None:
            self._query = parse_qs(self.target.partition(b"?")[2].decode("latin-1"), keep_blank_values=True)
        return self._query

    def header(self, name: str) -> str | None:
        """The field's value, or None; of a repeated field the first."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)


class Response:
    """What a handler answers: status, body in bytes, header fields as (name, value) pairs.

    Content-Length, Date, Server and Connection are the server's to write and may not be among `headers`.
    """

    # No dataclass: without a GIL, its generated __init__ takes a lock for each default factory.
    __slots__ = ("body", "headers", "request", "status")

    def __init__(self, status: int = 200, body: bytes = b"", headers: list[tuple[str, str]] | None = None):
        self.status = status
        self.body = body
        self.headers = headers or []
        self.request: Request | None = None

    @classmethod
    def text(cls, text: str, status: int = 200, headers: list[tuple[str, str]] | None = None) -> "Response":
        """A plain text response in UTF-8."""
        return cls(status, text.encode(), [("Content-Type", "text/plain; charset=utf-8"), *(headers or [])])

    @classmethod
    def failure(cls, request: Request, what: str) -> "Response":
        """The 500 for a request whose handling went wrong on our side, in a way that the log tells more of."""
        response = cls.text(f"500 Internal Server Error: {what}; the log says why\n", 500)
        response.request = request
        return response


_date_made = (0, "")


def date_line() -> str:
    """The Date field of this second (RFC 9110 section 6.6.1), with its line end."""
    global _date_made
    now = int(time.time())
    second, line = _date_made
    if second != now:
        line = f"Date: {formatdate(now, usegmt=True)}\r\n"
        _date_made = (now, line)  # in one piece: two threads may be here at once, and both are right
    return line


def encode_response(response: Response, *, head_only: bool, connection: str) -> bytes:
    """The response as bytes. `connection` is the Connection field's value, or "" to leave it out.

    Raises: ValueError for a header field that would break the framing (RFC 9112 section 11.1, response splitting).
    """
    status, body = response.status, response.body
    fields = ""
    for name, value in response.headers:
        if not name or ":" in name:
            raise ValueError(f"{name!r} is no name for a header field")
        fields += f"{name}: {value}\r\n"
    ends = len(response.headers)
    if fields.count("\n") != ends or fields.count("\r") != ends or "\0" in fields:
        raise ValueError(f"a response header field may not hold line ends or NUL: {response.headers!r}")
    if status not in BODILESS:
        fields += f"Content-Length: {len(body)}\r\n"
    if connection:
        fields += f"Connection: {connection}\r\n"
    head = f"HTTP/1.1 {status} {REASONS[status]}\r\n{date_line()}{_SERVER}{fields}\r\n".encode("latin-1")
    return head if head_only or status in BODILESS else head + body
