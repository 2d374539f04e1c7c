"""One HTTP/1.1 connection as a state machine without sockets: bytes in, requests and bytes to send out.

Every rule about connections stands here, once: how long a message is, when the connection lives on, what is refused.
A driver feeds it (`receive`), asks it (`next_request`, until None), and sends what it gives (`to_send`, `answer`).
httptools (llhttp) parses the head, strictly in every version that we take; where a head ends we find ourselves, for it
does not bound what it reads.
"""

import re

import httptools

from teachserve.body import ChunkedBody, SizedBody
from teachserve.errors import Refusal
from teachserve.message import Request, Response, encode_response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MOST_EMPTY_LINES = 8
"""Empty lines tolerated before a request line (RFC 9112 section 2.2)."""

_CONTROLS = bytes({*range(32), 127} - {*b"\t\r\n"})
_DIGITS = re.compile(rb"[0-9]{1,18}")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class _Fields:
    """Collects the header fields that httptools calls back."""

    __slots__ = ("received",)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.received.append((name.lower(), value))


class Machine:
    """The protocol of one connection.

    `limits` has the attributes limit_request_line, limit_header_count, limit_header_bytes and limit_request_body.
    `finished` is True when nothing more will be read from this connection, `awaiting` while no byte of a next request
    has arrived.
    """

    __slots__ = (
        "_body", "_buffer", "_empty_lines", "_eof", "_fields", "_outgoing", "_parser", "_request", "answered", "awaiting",
        "finished", "limits",
    )  # fmt: skip

    def __init__(self, limits: object):
        self.limits = limits
        self._buffer: bytes | bytearray = b""
        self._fields: _Fields | None = None
        self._parser: httptools.HttpRequestParser | None = None
        self._outgoing = b""
        self._request: Request | None = None  # whose body is still arriving
        self._body: SizedBody | ChunkedBody | None = None
        self._empty_lines = 0  # before the next request, in however many pieces they come
        self._eof = False
        self.awaiting = True
        self.finished = False
        self.answered = 0

    def receive(self, data: bytes) -> None:
        """Bytes from the client; b"" when it has finished sending."""
        if not data:
            self._eof = True
            self.finished = self.finished or self.awaiting
        elif self.awaiting:
            self._buffer = data  # as a rule a whole head, and then nothing is copied
            self.awaiting = False
        else:
            if not isinstance(self._buffer, bytearray):
                self._buffer = bytearray(self._buffer)
            self._buffer += data

    def to_send(self) -> bytes:
        """An interim response that has become due (100 Continue), once."""
        outgoing, self._outgoing = self._outgoing, b""
        return outgoing

    def next_request(self) -> Request | None:
        """The next whole request, or None: more bytes are needed, or `finished`.

        Raises: Refusal for what cannot be a request; after it nothing on this connection is interpreted.
        """
        if self.finished:
            return None
        if not self.awaiting:
            try:
                request = self._request or self._read_head()
                if request is not None and (self._body is None or self._read_body(request)):
                    self._request = None
                    self.awaiting = not self._buffer
                    return request
            except Refusal:
                self.finished = True
                raise
            self._request = request
            self.awaiting = request is None and not self._buffer
        if self._eof:
            self.finished = True
        return None

    def answer(self, response: Response, *, last: bool) -> bytes:
        """The answer as bytes. `last`: the connection closes after it, whatever the client wished."""
        request = response.request
        if request is None:  # a refusal: nobody knows what was asked
            self.finished = True
            return encode_response(response, head_only=False, connection="close")
        self.answered += 1
        if last or not request.keep_alive:
            self.finished = True
            connection = "close"
        else:
            connection = "keep-alive" if request.version == (1, 0) else ""
        return encode_response(response, head_only=request.method == "HEAD", connection=connection)

    def _read_head(self) -> Request | None:
        buffer = self._buffer
        if buffer.startswith(b"\r\n"):
            buffer = self._skip_empty_lines()
        end = buffer.find(b"\r\n\r\n") + 4
        if not 4 <= end <= self.limits.least_head:
            self._bound_head(buffer, end)
            if end < 4:
                return None
        if end == len(buffer):
            head, self._buffer = bytes(buffer), b""
        else:
            head, self._buffer = bytes(buffer[:end]), bytearray(buffer[end:])
        self._empty_lines = 0
        return self._parse_head(head)

    def _bound_head(self, buffer: bytes | bytearray, end: int) -> None:
        """Refuse a head that is too long, or cannot become one. `end` is where it ends, below 4 if it has not."""
        limits = self.limits
        if buffer.find(b"\r\n", 0, limits.limit_request_line + 2) < 0 and len(buffer) > limits.limit_request_line:
            raise Refusal(414, f"the request line is longer than {limits.limit_request_line} bytes")
        if (end if end >= 4 else len(buffer)) > limits.limit_header_bytes:
            raise Refusal(431, f"the head is longer than {limits.limit_header_bytes} bytes")
        if end < 4 and b"\n" in buffer:
            _check_lines(bytes(buffer))

    def _skip_empty_lines(self) -> bytes | bytearray:
        buffer = self._buffer
        skipped = 0
        while buffer.startswith(b"\r\n", skipped):
            skipped += 2
            self._empty_lines += 1
            if self._empty_lines > MOST_EMPTY_LINES:
                raise Refusal(400, "too many empty lines before a request")
        self._buffer = bytearray(buffer[skipped:])
        return self._buffer

    def _parse_head(self, raw: bytes) -> Request:
        fields, parser = self._fields, self._parser
        if parser is None:
            self._fields = fields = _Fields()
            self._parser = parser = httptools.HttpRequestParser(fields)
        fields.received = headers = []
        try:
            parser.feed_data(raw)
        except httptools.HttpParserUpgrade:
            self._parser = None  # the offer is ignored: we speak nothing but HTTP/1 (RFC 9110 section 7.8)
        except httptools.HttpParserError as error:
            _check_lines(raw)
            if isinstance(error, httptools.HttpParserInvalidMethodError):
                raise Refusal(501, "the method is not implemented") from None
            raise Refusal(400, f"the request is malformed: {error}") from None
        line = raw[: raw.find(b"\r\n")].split(b" ")
        if len(line) != 3:
            raise Refusal(400, "the request line is not method, target and version with one space between")
        if line[2] == b"HTTP/1.1":
            version = (1, 1)
        elif line[2] == b"HTTP/1.0":
            version = (1, 0)
        else:
            raise Refusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        if len(headers) > self.limits.limit_header_count:
            raise Refusal(431, f"there are more than {self.limits.limit_header_count} header fields")
        request = Request(line[0].decode("ascii"), line[1], headers, version)
        self._frame(request)
        if self._body is not None:
            self._parser = None  # it waits for a body, which we read without it
        return request

    def _frame(self, request: Request) -> None:
        """Decide how long the body is (RFC 9112 section 6.3) and whether the connection lives on (section 9.3)."""
        version = request.version
        fields = dict(request.headers)
        if len(fields) != len(request.headers):
            fields = _combine(request.headers)
        host = fields.get(b"host")
        if host is None:
            if version == (1, 1):
                raise Refusal(400, "the Host field is missing")
        else:
            name, _, port = host.partition(b":")
            ordinary = name.replace(b".", b"").replace(b"-", b"").isalnum() and (not port or port.isdigit())
            # The pattern only where it is needed: it is one object for all threads, and so its reference count.
            if not ordinary and not _HOST.fullmatch(host):
                raise Refusal(400, "the Host field is malformed")
        connection = fields.get(b"connection")
        if connection is None:
            request.keep_alive = version == (1, 1)
        else:
            options = _tokens(connection)
            request.keep_alive = b"close" not in options and (version == (1, 1) or b"keep-alive" in options)
        length, coding, expect = fields.get(b"content-length"), fields.get(b"transfer-encoding"), fields.get(b"expect")
        if coding is not None:
            if length is not None or version == (1, 0):
                raise Refusal(400, "Transfer-Encoding is not allowed here: the length would be uncertain")
            if coding.strip(b" \t").lower() != b"chunked":
                raise Refusal(501, "of the transfer codings only chunked is implemented")
            self._body = ChunkedBody(self.limits.limit_request_body, self.limits.limit_header_bytes)
        elif length is not None:
            if not _DIGITS.fullmatch(length):
                raise Refusal(400, "Content-Length is not a number")
            size = int(length)
            if size > self.limits.limit_request_body:
                raise Refusal(413, f"the body is longer than {self.limits.limit_request_body} bytes")
            if size:
                self._body = SizedBody(size)
        if expect is not None and version == (1, 1):
            if set(_tokens(expect)) != {b"100-continue"}:
                raise Refusal(417, "the only expectation met here is 100-continue")
            if self._body is not None and not self._buffer:
                self._outgoing += CONTINUE

    def _read_body(self, request: Request) -> bool:
        """Take what has arrived of the body. True: it is complete."""
        if not self._buffer or not self._body.take(self._buffer):
            return False
        request.body, self._body = bytes(self._body.received), None
        return True


def _check_lines(raw: bytes) -> None:
    """Refuse bare CR or LF, control characters and folded lines (RFC 9112 sections 2.2 and 5.2)."""
    ends = raw.count(b"\r\n")
    if raw.count(b"\n") != ends or raw.count(b"\r") - raw.endswith(b"\r") > ends:
        raise Refusal(400, "a bare CR or LF is not a line end")
    if raw.translate(None, _CONTROLS) != raw:
        raise Refusal(400, "the head holds control characters")
    if b"\r\n " in raw or b"\r\n\t" in raw:
        raise Refusal(400, "a header field is folded over two lines")


def _combine(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields by name, those that came more than once as one list (RFC 9110 section 5.3)."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in fields:
            fields[name] = value
        elif name == b"host":
            raise Refusal(400, "there is more than one Host field")
        elif name != b"content-length":
            fields[name] += b", " + value
        elif value != fields[name]:
            raise Refusal(400, "there are two different Content-Length fields")
    return fields


def _tokens(value: bytes) -> list[bytes]:
    """The members of a list field, in lower case."""
    return value.lower().translate(None, b" \t").split(b",")
