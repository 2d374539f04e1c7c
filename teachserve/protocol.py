"""One HTTP/1.1 connection as a state machine without sockets: bytes in, requests and bytes to send out.

Where a message begins and ends is decided here and in the rooms below, once for every driver: `head` says what is refused
and how long a body is, `body` takes it apart, and this machine keeps the connection in step: what follows what, in which
order, and when it ends. A driver feeds it (`receive`), asks it (`next_request`, or `next_head` and then `next_piece` of the
body), and sends what it gives (`to_send`, `answer` or `begin_answer`).
"""

from typing import BinaryIO

from teachserve.body import ChunkedBody, SizedBody
from teachserve.errors import Refusal
from teachserve.files import SPOOL_BYTES, Spool
from teachserve.framing import Bodiless, Chunked, Framing, Sized, UntilClose
from teachserve.head import BodyForm, HeadParser, check_beginning
from teachserve.message import BODILESS, Request, Response, encode_head

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MOST_EMPTY_LINES = 8
"""Empty lines tolerated before a request line (RFC 9112 section 2.2)."""
MOST_DRAINED = 65536
"""Bytes of a body nobody read that are received and dropped for the sake of the next request; with more it closes."""


class Machine:
    """The protocol of one connection.

    `limits` has the attributes limit_request_line, limit_header_count, limit_header_bytes and limit_request_body.
    `finished` is True when nothing more will be read from this connection, `awaiting` while no byte of a next request
    has arrived. `body` is what the last request's body is taken from, until it is complete, `draining` is True while what
    nobody read of it is dropped. `refusal` is what was wrong with what came, once something was.
    """

    __slots__ = (
        "_buffer", "_continue", "_drained", "_empty_lines", "_eof", "_head", "_looked_at", "_request", "_whole",
        "answered", "awaiting", "body", "draining", "finished", "limits", "refusal",
    )  # fmt: skip

    def __init__(self, limits: object):
        self.limits = limits
        self._buffer: bytes | bytearray = b""
        self._head: HeadParser | None = None
        self.body: SizedBody | ChunkedBody | None = None
        self._continue = False  # the client waits for a 100 before it sends the body
        self._drained = 0
        self._request: Request | None = None  # whose body is still arriving, for next_request
        self._whole: BinaryIO | None = None
        self._empty_lines = 0  # before the next request, in however many pieces they come
        self._looked_at = 0  # bytes of an unfinished head that have been searched for its end
        self._eof = False
        self.awaiting = True
        self.draining = False
        self.finished = False
        self.refusal: Refusal | None = None
        self.answered = 0

    # ---- what comes in -------------------------------------------------------------------------------------------

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

    def next_head(self) -> Request | None:
        """The next request, its body not yet taken, or None: more bytes are needed, or `finished`.

        Raises: Refusal for what cannot be a request; after it nothing on this connection is interpreted.
        """
        if self.awaiting:
            self.finished = self.finished or self._eof
            return None
        if self.finished or (self.body is not None and not self._drain()):
            return None
        try:
            request = self._read_head()
            if request is None and not self._buffer:
                self.awaiting = True  # there were empty lines only
            if request is None and self._eof:
                if not self.awaiting:
                    raise Refusal(400, "the request ends in the middle of its head")
                self.finished = True
        except Refusal as refusal:
            raise self.refuse(refusal) from None
        if request is not None and self.body is None:
            self.awaiting = not self._buffer
        return request

    def next_piece(self) -> bytes | None:
        """What has arrived of the body; b"" once it is complete, None while more is needed. Raises: Refusal."""
        if self.refusal is not None:
            raise Refusal(self.refusal.status, self.refusal.reason)
        if self.body is None:
            return b""
        try:
            piece = self.body.take(self._buffer)
            if piece is None and self._eof:
                raise Refusal(400, "the request ends in the middle of its body")
        except Refusal as refusal:
            raise self.refuse(refusal) from None
        if piece is not None:
            self._continue = False
        if piece == b"" or self.body.left == 0:
            self.body = None
            self.awaiting = not self._buffer
        return piece

    def next_request(self) -> Request | None:
        """The next request with all of its body, or None: more bytes are needed, or `finished`. Raises: Refusal."""
        request = self._request or self.next_head()
        if request is not None and self.body is not None:
            self._request = request
            if self._whole is None:
                self._whole = Spool(SPOOL_BYTES)
            while piece := self.next_piece():
                self._whole.write(piece)
            if piece is None:
                return None
            self._whole.seek(0)
            request.arrive_by(self._whole)
            self._request = self._whole = None
        return request

    def to_send(self) -> bytes:
        """An interim response that is due before more of the body is waited for (100 Continue), once."""
        due, self._continue = self._continue, False
        return CONTINUE if due else b""

    def refuse(self, refusal: Refusal) -> Refusal:
        """Take nothing more from this client, for this reason. Returns it, to be raised."""
        # What is raised holds all of its way here, the connection and what it received too: until a collector came.
        self.refusal = Refusal(refusal.status, refusal.reason)
        self.finished = True
        self._request = None
        return refusal

    @property
    def unread(self) -> bool:
        """The client has sent, or will send, what nobody reads any more: a close must let it finish first."""
        return self.body is not None or bool(self._buffer)

    # ---- what goes out -------------------------------------------------------------------------------------------

    def answer(self, response: Response, *, last: bool) -> bytes:
        """A whole answer as bytes. `last`: the connection closes after it, whatever the client wished."""
        status, body, request = response.status, response.body, response.request
        if status != 200 and status in BODILESS:
            return self._answer_head(response, 0 if status == 205 else None, last)
        head = self._answer_head(response, len(body), last)
        return head if request is not None and request.method == "HEAD" else head + body

    def begin_answer(self, response: Response, *, last: bool) -> Framing:
        """An answer whose body comes in pieces: its head, and how the pieces are framed."""
        request, length = response.request, response.length
        if response.status == 205:
            return Bodiless(self._answer_head(response, 0, last))
        if response.status in BODILESS or request.method == "HEAD":
            return Bodiless(self._answer_head(response, length, last))
        if length is not None:
            return Sized(self._answer_head(response, length, last), length)
        if request.version == (1, 1):
            return Chunked(self._answer_head(response, None, last, chunked=True))
        return UntilClose(self._answer_head(response, None, last=True))

    def _answer_head(self, response: Response, length: int | None, last: bool, chunked: bool = False) -> bytes:
        request = response.request
        if request is None:  # a refusal: nobody knows what was asked
            self.finished = True
            return encode_head(response, length, "close")
        self.answered += 1
        if last or response.last or not request.keep_alive or (self.body is not None and not self._worth_draining()):
            self.finished = True
            connection = "close"
        else:
            connection = "keep-alive" if request.version == (1, 0) else ""
            self.draining = self.body is not None
        return encode_head(response, length, connection, chunked)

    # ---- inside --------------------------------------------------------------------------------------------------

    def _worth_draining(self) -> bool:
        """Whether what is left of a body that nobody read is received, so that the connection can live on."""
        # A client that waits for a 100 may or may not send its body now: where the next request begins is uncertain.
        return self.refusal is None and not self._continue and (self.body.left or 0) <= MOST_DRAINED

    def _drain(self) -> bool:
        """Drop what has arrived of a body that nobody read. True: the next request may be looked for."""
        try:
            while piece := self.next_piece():
                self._drained += len(piece)
                if self._drained > MOST_DRAINED:
                    self.finished = True
                    return False
        except Refusal:
            return False  # its request has been answered: there is nothing left to say
        if piece is None:
            return False
        self._drained = 0
        self.draining = False
        return not self.awaiting

    def _read_head(self) -> Request | None:
        buffer = self._buffer
        if buffer[0] <= 32:  # no request begins so
            buffer = self._skip_empty_lines()
        looked_at = self._looked_at
        end = buffer.find(b"\r\n\r\n", max(0, looked_at - 3) if looked_at else 0) + 4
        if not 4 <= end <= self.limits.least_head:
            self._bound_head(buffer, end)
            if end < 4:
                self._looked_at = len(buffer)
                return None
        if end == len(buffer):
            raw, self._buffer = bytes(buffer), b""
        else:
            raw, self._buffer = bytes(buffer[:end]), bytearray(buffer[end:])
        if looked_at or self._empty_lines:
            self._looked_at = self._empty_lines = 0
        head = self._head
        if head is None:
            self._head = head = HeadParser()
        request, form = head.parse(raw, self.limits.limit_header_count)
        if form is not None:
            self._begin_body(form)
        return request

    def _begin_body(self, form: BodyForm) -> None:
        limits = self.limits
        if form.length > limits.limit_request_body:
            raise Refusal(413, f"the body is longer than {limits.limit_request_body} bytes")
        if form.chunked:
            self.body = ChunkedBody(limits.limit_request_body, limits.limit_header_bytes, limits.limit_header_count)
        else:
            self.body = SizedBody(form.length)
        if not isinstance(self._buffer, bytearray):
            self._buffer = bytearray(self._buffer)
        self._continue = form.expects_continue and not self._buffer

    def _bound_head(self, buffer: bytes | bytearray, end: int) -> None:
        """Refuse a head that is too long, or cannot become one. `end` is where it ends, below 4 if it has not."""
        limits = self.limits
        most = limits.limit_request_line
        if len(buffer) - buffer.endswith(b"\r") > most and buffer.find(b"\r\n", 0, most + 2) < 0:
            raise Refusal(414, f"the request line is longer than {limits.limit_request_line} bytes")
        if (end if end >= 4 else len(buffer)) > limits.limit_header_bytes:
            raise Refusal(431, f"the head is longer than {limits.limit_header_bytes} bytes")
        if end < 4:
            check_beginning(buffer, self._looked_at)

    def _skip_empty_lines(self) -> bytes | bytearray:
        buffer = self._buffer
        skipped = 0
        while buffer.startswith(b"\r\n", skipped):
            skipped += 2
            self._empty_lines += 1
            if self._empty_lines > MOST_EMPTY_LINES:
                raise Refusal(400, "too many empty lines before a request")
        self._buffer = bytearray(buffer[skipped:])
        if self._buffer[:1].isspace() and self._buffer != b"\r":
            raise Refusal(400, "a request line begins with its method")
        return self._buffer
