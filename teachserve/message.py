"""Requests and responses, and how the head of a response becomes bytes."""

import io
import re
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import parse_qs, unquote_to_bytes

from teachserve.errors import Refusal
from teachserve.files import FilePieces, Spool
from teachserve.version import __version__

REASONS: tuple[str, ...] = tuple(
    next((known.phrase for known in HTTPStatus if known == status), "") for status in range(600)
)
"""Reason phrases by status. A tuple: without a GIL, looking an int up in a shared dict takes a lock, a tuple none."""
BODILESS = (204, 205, 304)
"""Statuses whose responses never have a body (RFC 9110 sections 6.4.1 and 15.3.6); 1xx are not final responses."""

PLAIN_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})
_SERVER = f"Server: teachserve/{__version__}\r\n"


class ArrivingBody(io.RawIOBase):
    """A request's body as a raw stream: `first`, then what `pull` gives, b"" being its end. Raises: OSError for a Refusal."""

    def __init__(self, first: bytes, pull: Callable[[], bytes]):
        self._pull = pull
        self._rest = memoryview(first)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        """As RawIOBase.readinto. An OSError and not a Refusal: that is what frameworks take for a client's fault."""
        if not self._rest:
            try:
                self._rest = memoryview(self._pull())
            except Refusal as refusal:
                raise OSError(str(refusal)) from refusal
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


class Request:
    """One request.

    `method` is a str, `target` the request target as it came (bytes), `headers` a list of (lower-case name, value) in
    bytes, `version` (1, 0) or (1, 1), `keep_alive` whether the client lets the connection live. The body: `stream` reads it
    as it arrives, `body` is all of it; use one or the other. `began_ns` is when it was read, if there is an access log.
    """

    # No functools.cached_property below: without a GIL (3.13) its look-ups wait for each other across threads.
    __slots__ = ("_body", "_path", "_query", "_stream", "began_ns", "connection", "headers", "keep_alive", "method",
                 "target", "version")  # fmt: skip

    def __init__(self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], version: tuple[int, int]):
        self.method = method
        self.target = target
        self.headers = headers
        self.version = version
        self.keep_alive = False
        self.connection: object | None = None
        self._body: bytes | None = b""
        self._path: str | None = None
        self._query: dict[str, list[str]] | None = None

    def arrive(self, body: bytes) -> None:
        """The body, whole."""
        self._body = body

    def arrive_by(self, stream: BinaryIO) -> None:
        """The file from which the body is read."""
        self._body = None
        self._stream = stream

    @property
    def body(self) -> bytes:
        """All of the body. Raises: OSError when the client does not send it, or more than the limit."""
        if self._body is None:
            self._body = self.stream.read()
        return self._body

    @property
    def stream(self) -> BinaryIO:
        """The body as a binary file that cannot be sought. Its methods raise OSError as `body` does."""
        return self._stream if self._body is None else io.BytesIO(self._body)

    @property
    def path(self) -> str:
        """The decoded path. Bytes that are not UTF-8 become U+FFFD."""
        if self._path is None:
            self._path = self.path_bytes().decode("utf-8", "replace")
        return self._path

    def path_bytes(self) -> bytes:
        """The path, percent-decoded; of a whole address its path, "/" where it has none; `*` is itself."""
        raw = self.target.partition(b"?")[0]
        if raw[:1] != b"/" and b"://" in raw:
            raw = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
        return unquote_to_bytes(raw) if b"%" in raw else raw

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

    Content-Length, Transfer-Encoding and Connection are the server's to write and may not be among `headers`; Date and
    Server may.
    """

    # No dataclass: without a GIL, its generated __init__ takes a lock for each default factory.
    __slots__ = ("body", "headers", "request", "status")

    pieces: Iterable[bytes] | None = None
    length: int | None = None
    reason: str | None = None
    last = False

    def __init__(self, status: int = 200, body: bytes = b"", headers: list[tuple[str, str]] | None = None):
        self.status = status
        self.body = body
        self.headers = headers or []
        self.request: Request | None = None

    @classmethod
    def text(cls, text: str, status: int = 200, headers: list[tuple[str, str]] | None = None) -> "Response":
        """A plain text response in UTF-8."""
        return cls(status, text.encode(), [PLAIN_TEXT, *(headers or [])])

    @classmethod
    def failure(cls, request: Request, what: str) -> "Response":
        """The 500 for a request whose handling went wrong on our side, in a way that the log tells more of."""
        response = cls.text(f"500 Internal Server Error: {what}; the log says why\n", 500)
        response.request = request
        return response

    @classmethod
    def refusal(cls, refusal: Refusal, headers: list[tuple[str, str]] | None = None) -> "Response":
        """The answer to a request that is refused, one line."""
        status = refusal.status
        return cls.text(f"{status} {REASONS[status]}: {refusal.reason}\n", status, headers)

    def close(self) -> None:
        """Give back what the body is made of: nothing here."""


class StreamedResponse(Response):
    """An answer whose body an iterable gives, in `pieces` of which there are `length` bytes together (None: not known).

    Without `pieces` the body is in `body`. `reason` replaces the status's usual phrase, `last` ends the connection after it.
    """

    __slots__ = ("last", "length", "pieces", "reason")

    def __init__(self, status: int = 200, pieces: Iterable[bytes] | None = None, length: int | None = None):
        super().__init__(status)
        self.pieces = pieces
        self.length = length
        self.reason = None
        self.last = False

    def spool(self, most_in_memory: int) -> None:
        """Take all pieces now, beyond `most_in_memory` bytes into a temporary file, from which they are then given."""
        if self.status in BODILESS or self.request.method == "HEAD":
            self.close()
            self.pieces = ()
            return
        if isinstance(self.pieces, FilePieces) and self.pieces.size_left() is not None:
            return
        spool = Spool(most_in_memory)
        try:
            for piece in self.pieces:
                spool.write(piece)
        finally:
            self.close()
        if self.length is None:
            self.length = spool.tell()
        spool.seek(0)
        self.pieces = FilePieces(spool)

    def close(self) -> None:
        """Close what gives the pieces, if it can be closed (PEP 3333: whatever happened)."""
        if hasattr(self.pieces, "close"):
            self.pieces.close()


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


def encode_head(response: Response, length: int | None, connection: str, chunked: bool = False) -> bytes:
    """The head of a response. `connection` is the Connection field's value, or "" to leave it out.

    Raises: ValueError for a status or header field that would break the framing (RFC 9112 section 11.1, response
    splitting).
    """
    status = response.status
    if not 200 <= status < 600:
        raise ValueError(f"{status} is no status of a final response")
    fields = ""
    date, server = None, _SERVER
    for field in response.headers:
        name, value = field
        if field is not PLAIN_TEXT:
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is no name for a header field")
            lowered = name.lower()
            if lowered in _OURS:
                raise ValueError(f"{name} is the server's to write")
            if not value.isprintable() and _CONTROLS.search(value):
                raise ValueError(f"a response header field may not hold line ends or other controls: {value!r}")
            if lowered == "date":
                date = ""
            elif lowered == "server":
                server = ""
        fields += f"{name}: {value}\r\n"
    if length is not None and status != 204:
        fields += f"Content-Length: {length}\r\n"
    elif chunked:
        fields += "Transfer-Encoding: chunked\r\n"
    if connection:
        fields += f"Connection: {connection}\r\n"
    reason = response.reason
    if reason is None:
        reason = REASONS[status]
    elif not reason.isprintable():
        raise ValueError(f"{reason!r} is no reason phrase")
    if date is None:
        date = date_line()
    return f"HTTP/1.1 {status} {reason}\r\n{date}{server}{fields}\r\n".encode("latin-1")
