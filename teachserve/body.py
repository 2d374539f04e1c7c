"""The body of a request as it arrives: sized, or in chunks. Each takes its bytes from the front of a buffer.

llhttp could do this, but does not say where in its input a message ended, and the next request begins exactly there.
"""

import re

from teachserve.errors import Refusal
from teachserve.head import TOKEN, check_field

MOST_CHUNK_LINE = 256
"""Bytes of one chunk-size line with its extensions."""

_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_EXTENSION = rb"[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb"|" + _QUOTED + rb"))?"
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:" + _EXTENSION + rb")*")
_NOT_IN_TRAILERS = frozenset({b"content-length", b"transfer-encoding", b"host", b"trailer", b"te", b"authorization"})
"""Fields on which framing, routing or access rest: as trailers they come too late (RFC 9110 section 6.5.1)."""


class SizedBody:
    """A body of `size` bytes (Content-Length). `left` of them are still to come."""

    def __init__(self, size: int):
        self.left = size

    def take(self, buffer: bytearray) -> bytes | None:
        """Take what has arrived off the front of the buffer: b"" when it is complete, None when more is needed."""
        if not self.left:
            return b""
        if not buffer:
            return None
        piece = bytes(buffer[: self.left])
        del buffer[: len(piece)]
        self.left -= len(piece)
        return piece


class ChunkedBody:
    """A body in chunks (RFC 9112 section 7.1) of at most `most` bytes.

    At most `trailer_count` trailers of `trailer_bytes` in all may follow; they are checked and dropped.
    """

    left = None
    """How much is still to come, nobody knows."""

    def __init__(self, most: int, trailer_bytes: int, trailer_count: int):
        self._most = most
        self._trailer_bytes = trailer_bytes
        self._trailers_left = trailer_count
        self._taken = 0
        self._chunk = 0  # bytes of the chunk still to come; -1: its line end is next
        self._trailing = 0  # trailer bytes seen, once the last chunk was
        self._complete = False

    def take(self, buffer: bytearray) -> bytes | None:
        """As SizedBody.take. Raises: Refusal, for what cannot be a body; there was no more than `most` before it."""
        pieces = bytearray()
        at = 0  # deleting line by line would move the rest each time
        while not self._complete and at < len(buffer):
            if self._chunk > 0:
                piece = buffer[at : at + self._chunk]
                at += len(piece)
                pieces += piece
                self._chunk = self._chunk - len(piece) or -1
                continue
            end = self._line_end(buffer, at)
            if end < 0:
                break
            self._next_line(bytes(buffer[at:end]))
            at = end + 2
        del buffer[:at]
        if pieces:
            return bytes(pieces)
        return b"" if self._complete else None

    def _next_line(self, line: bytes) -> None:
        if self._trailing:
            if not line:
                self._complete = True
                return
            self._trailing += len(line)
            self._trailers_left -= 1
            if self._trailers_left < 0:
                raise Refusal(431, "there are too many trailers")
            if check_field(line)[0] in _NOT_IN_TRAILERS:
                raise Refusal(400, "a field that comes as a trailer is allowed in the head only")
        elif self._chunk == -1:
            if line:
                raise Refusal(400, "a chunk is longer than its size says")
            self._chunk = 0
        else:
            self._begin(line)

    def _begin(self, line: bytes) -> None:
        match = _CHUNK_SIZE.fullmatch(line)
        if not match:
            raise Refusal(400, "a chunk size is malformed")
        self._chunk = int(match[1], 16)
        self._taken += self._chunk
        if self._taken > self._most:
            raise Refusal(413, f"the body is longer than {self._most} bytes")
        if not self._chunk:
            self._trailing = 1

    def _line_end(self, buffer: bytearray, at: int) -> int:
        """Where the line that begins at `at` ends, -1 if it has not yet."""
        most = self._trailer_bytes - self._trailing if self._trailing else MOST_CHUNK_LINE
        end = buffer.find(b"\n", at, at + most)
        if end < 0:
            if b"\r" in buffer[at : at + most][:-1]:
                raise Refusal(400, "a bare CR is not a line end")
            if len(buffer) - at < most:
                return -1
            if self._trailing:
                raise Refusal(431, f"the trailers are longer than {self._trailer_bytes} bytes")
            raise Refusal(400, f"a chunk-size line is longer than {MOST_CHUNK_LINE} bytes")
        if end == at or buffer[end - 1] != ord("\r"):
            raise Refusal(400, "a line ends without CR")
        return end - 1
