"""One HTTP/1.1 connection as a state machine without sockets: bytes in, requests and bytes to send out.

Every rule about connections stands here, once: how long a message is, when the connection lives on, what is refused.
A driver feeds it (`receive`), asks it (`next_request`, until None), and sends what it gives (`to_send`, `answer`).
httptools (llhttp) parses the head. Where a head ends and how long a body is we find ourselves: llhttp neither bounds
what it reads nor says where in its input a message ended, and the next request begins exactly there.
"""

import contextlib
import re

import httptools

from teachserve.errors import Refusal
from teachserve.message import Request, Response, encode_response

HEAD_END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MOST_EMPTY_LINES = 8
"""Empty lines tolerated before a request line (RFC 9112 section 2.2)."""
MOST_CHUNK_LINE = 256
"""Bytes of one chunk-size line with its extensions, or of one trailer line."""

# RFC 9112 section 2.2 and RFC 9110 section 5.5: no control character but tab in a head, CR and LF only as line ends.
_HEAD = re.compile(rb"(?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*\r\n)+\r\n")
_HEAD_BYTES = bytes(byte for byte in range(256) if byte >= 32 and byte != 127) + b"\t\r\n"
_DIGITS = re.compile(rb"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class _Head:
    """Collects what httptools calls back while it parses one head."""

    __slots__ = ("headers", "keep_alive", "parser", "target")

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        # Only here: once the message is complete llhttp has forgotten it and says True.
        self.keep_alive = self.parser.should_keep_alive()


class Machine:
    """The protocol of one connection.

    `limits` has the attributes limit_request_line, limit_header_count, limit_header_bytes and limit_request_body.
    `finished` is True when nothing more will be read from this connection, `awaiting` while no byte of a next request
    has arrived.
    """

    __slots__ = (
        "_body", "_buffer", "_chunk_left", "_empty_lines", "_eof", "_head", "_left", "_outgoing", "_parser", "_request",
        "_trailing", "answered", "finished", "limits",
    )  # fmt: skip

    def __init__(self, limits: object):
        self.limits = limits
        self._buffer: bytes | bytearray = b""
        self._head: _Head | None = None
        self._parser: httptools.HttpRequestParser | None = None
        self._outgoing = b""
        self._request: Request | None = None  # whose body is still arriving
        self._body = b""
        self._left = 0  # bytes of a sized body still to come; -1: chunked
        self._chunk_left = 0  # bytes of the chunk still to come; -1: its line end is next
        self._trailing = 0  # trailer bytes seen, once the last chunk was
        self._empty_lines = 0  # before the next request, in however many pieces they come
        self._eof = False
        self.finished = False
        self.answered = 0

    @property
    def awaiting(self) -> bool:
        """No byte of a next request has arrived."""
        return not self._buffer and self._request is None

    def receive(self, data: bytes) -> None:
        """Bytes from the client; b"" when it has finished sending."""
        if not data:
            self._eof = True
        elif self._buffer or self._request is not None:
            if isinstance(self._buffer, bytes):
                self._buffer = bytearray(self._buffer)
            self._buffer += data
        else:
            self._buffer = data  # as a rule a whole head, and then nothing is copied

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
        try:
            if self._request is None:
                self._request = self._read_head()
            request = self._request
            if request is not None and self._read_body(request):
                self._request = None
                return request
        except Refusal:
            self.finished = True
            raise
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
        if not buffer:
            return None
        if buffer.startswith(b"\r\n"):
            buffer = self._skip_empty_lines()
        end = buffer.find(HEAD_END)
        limits = self.limits
        line_end = buffer.find(b"\r\n", 0, limits.limit_request_line + 2)
        if line_end < 0 and len(buffer) > limits.limit_request_line:
            raise Refusal(414, f"the request line is longer than {limits.limit_request_line} bytes")
        if end < 0:
            if len(buffer) > limits.limit_header_bytes:
                raise Refusal(431, f"the head is longer than {limits.limit_header_bytes} bytes")
            if b"\n" in buffer:
                _check_lines(bytes(buffer))
            return None
        end += len(HEAD_END)
        if end > limits.limit_header_bytes:
            raise Refusal(431, f"the head is longer than {limits.limit_header_bytes} bytes")
        if end == len(buffer):
            head, self._buffer = bytes(buffer), b""
        else:
            head, self._buffer = bytes(buffer[:end]), bytearray(buffer[end:])
        self._empty_lines = 0
        return self._parse_head(head)

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
        if not _HEAD.fullmatch(raw):
            _check_lines(raw)
        head, parser = self._head, self._parser
        if parser is None:
            self._head = head = _Head()
            self._parser = parser = httptools.HttpRequestParser(head)
        head.target, head.headers, head.parser = b"", [], parser
        try:
            # We speak nothing but HTTP/1: an offer to upgrade is ignored (RFC 9110 section 7.8).
            with contextlib.suppress(httptools.HttpParserUpgrade):
                parser.feed_data(raw)
        except httptools.HttpParserInvalidMethodError:
            raise Refusal(501, "the method is not implemented") from None
        except httptools.HttpParserError as error:
            raise Refusal(400, f"the request is malformed: {error}") from None
        finally:
            head.parser = None  # no cycle: garbage that only the collector can find costs more than the parsing
        version = _version(raw)
        headers = head.headers
        if len(headers) > self.limits.limit_header_count:
            raise Refusal(431, f"there are more than {self.limits.limit_header_count} header fields")
        request = Request(parser.get_method().decode("ascii"), head.target, headers, version)
        request.keep_alive = head.keep_alive
        self._frame(request)
        if self._left:
            self._parser = None  # it waits for a body, which we read without it
        return request

    def _frame(self, request: Request) -> None:
        """Decide how long the body is (RFC 9112 section 6.3), and check what the framing rests on."""
        hosts = length = coding = expect = None
        for name, value in request.headers:
            if name == b"host":
                if hosts is not None:
                    raise Refusal(400, "there is more than one Host field")
                hosts = value
            elif name == b"content-length":
                if length is not None and length != value:
                    raise Refusal(400, "there are two different Content-Length fields")
                length = value
            elif name == b"transfer-encoding":
                coding = value if coding is None else coding + b"," + value
            elif name == b"expect":
                expect = value
            elif name == b"connection" and b"close" in value.lower():
                request.keep_alive = False
        if hosts is None and request.version != (1, 0):
            raise Refusal(400, "the Host field is missing")
        if hosts is not None and not _HOST.fullmatch(hosts):
            raise Refusal(400, "the Host field is malformed")
        self._left = 0
        if coding is not None:
            if length is not None or request.version == (1, 0):
                raise Refusal(400, "Transfer-Encoding is not allowed here: the length would be uncertain")
            if coding.strip(b" \t").lower() != b"chunked":
                raise Refusal(501, "of the transfer codings only chunked is implemented")
            self._left, self._chunk_left, self._trailing = -1, 0, 0
        elif length is not None:
            if not _DIGITS.fullmatch(length):
                raise Refusal(400, "Content-Length is not a number")
            self._left = int(length)
            if self._left > self.limits.limit_request_body:
                raise Refusal(413, f"the body is longer than {self.limits.limit_request_body} bytes")
        self._body = bytearray() if self._left else b""
        if expect is not None and request.version != (1, 0):
            if expect.lower() != b"100-continue":
                raise Refusal(417, "the only expectation met here is 100-continue")
            if self._left and not self._buffer:
                self._outgoing += CONTINUE

    def _read_body(self, request: Request) -> bool:
        """Take what has arrived of the body. True: it is complete."""
        if self._left == 0 or (self._left < 0 and self._read_chunks()):
            if self._body:
                request.body = bytes(self._body)
            return True
        if self._left > 0 and self._buffer:
            piece = self._buffer[: self._left]
            del self._buffer[: self._left]
            self._body += piece
            self._left -= len(piece)
            if not self._left:
                request.body = bytes(self._body)
                return True
        return False

    def _read_chunks(self) -> bool:
        """Decode chunks (RFC 9112 section 7.1) as far as they have arrived. True: the last one and the trailers are in."""
        buffer = self._buffer
        while buffer:
            if self._chunk_left > 0:
                piece = buffer[: self._chunk_left]
                del buffer[: self._chunk_left]
                self._body += piece
                self._chunk_left = self._chunk_left - len(piece) or -1
                continue
            line = self._take_line()
            if line is None:
                return False
            if self._trailing:
                if not line:
                    return True
                self._trailing += len(line)
                if self._trailing > self.limits.limit_header_bytes:
                    raise Refusal(431, f"the trailers are longer than {self.limits.limit_header_bytes} bytes")
            elif self._chunk_left == -1:
                if line:
                    raise Refusal(400, "a chunk is longer than its size says")
                self._chunk_left = 0
            else:
                match = _CHUNK_SIZE.fullmatch(line)
                if not match:
                    raise Refusal(400, "a chunk size is malformed")
                self._chunk_left = int(match[1], 16)
                if len(self._body) + self._chunk_left > self.limits.limit_request_body:
                    raise Refusal(413, f"the body is longer than {self.limits.limit_request_body} bytes")
                if not self._chunk_left:
                    self._trailing = 1
        return False

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, MOST_CHUNK_LINE)
        if end < 0:
            if len(self._buffer) >= MOST_CHUNK_LINE:
                raise Refusal(400, "a chunk-size or trailer line is too long")
            return None
        line = bytes(self._buffer[: end + 1])
        if not line.endswith(b"\r\n"):
            raise Refusal(400, "a line ends without CR")
        del self._buffer[: end + 1]
        return line[:-2]


def _check_lines(raw: bytes) -> None:
    """Refuse bare CR or LF, control characters and folded lines (RFC 9112 sections 2.2 and 5.2)."""
    line_ends = raw.count(b"\r\n")
    if raw.count(b"\n") != line_ends or raw.count(b"\r") - raw.endswith(b"\r") > line_ends:
        raise Refusal(400, "a bare CR or LF is not a line end")
    if raw.translate(None, _HEAD_BYTES):
        raise Refusal(400, "the head holds control characters")
    if b"\r\n " in raw or b"\r\n\t" in raw:
        raise Refusal(400, "a header field is folded over two lines")


def _version(raw: bytes) -> tuple[int, int]:
    """The version at the end of the request line, which llhttp has parsed already."""
    line_end = raw.index(b"\r\n")
    version = raw[line_end - 8 : line_end]
    if version == b"HTTP/1.1":
        return 1, 1
    if version == b"HTTP/1.0":
        return 1, 0
    raise Refusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
