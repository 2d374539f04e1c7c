"""The body of a request as it arrives: sized, or in chunks. Each takes its bytes from the front of a buffer.

llhttp could do this, but does not say where in its input a message ended, and the next request begins exactly there.
"""

import re

from teachserve.errors import Refusal

MOST_CHUNK_LINE = 256
"""Bytes of one chunk-size line with its extensions, or of one trailer line."""

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")


class SizedBody:
    """A body of `size` bytes (Content-Length)."""

    def __init__(self, size: int):
        self.received = bytearray()
        self._left = size

    def take(self, buffer: bytearray) -> bool:
        """Take what has arrived. True: it is complete."""
        piece = buffer[: self._left]
        del buffer[: self._left]
        self.received += piece
        self._left -= len(piece)
        return not self._left


class ChunkedBody:
    """A body in chunks (RFC 9112 section 7.1), of at most `most` bytes, with at most `most_trailers` bytes of trailers.

    The trailers are read and dropped.
    """

    def __init__(self, most: int, most_trailers: int):
        self.received = bytearray()
        self._most = most
        self._most_trailers = most_trailers
        self._left = 0  # bytes of the chunk still to come; -1: its line end is next
        self._trailing = 0  # trailer bytes seen, once the last chunk was

    def take(self, buffer: bytearray) -> bool:
        """Take what has arrived. True: the last chunk and the trailers are in. Raises: Refusal."""
        while buffer:
            if self._left > 0:
                piece = buffer[: self._left]
                del buffer[: self._left]
                self.received += piece
                self._left = self._left - len(piece) or -1
                continue
            line = _take_line(buffer)
            if line is None:
                return False
            if self._trailing:
                if not line:
                    return True
                self._trailing += len(line)
                if self._trailing > self._most_trailers:
                    raise Refusal(431, f"the trailers are longer than {self._most_trailers} bytes")
            elif self._left == -1:
                if line:
                    raise Refusal(400, "a chunk is longer than its size says")
                self._left = 0
            else:
                self._begin(line)
        return False

    def _begin(self, line: bytes) -> None:
        match = _CHUNK_SIZE.fullmatch(line)
        if not match:
            raise Refusal(400, "a chunk size is malformed")
        self._left = int(match[1], 16)
        if len(self.received) + self._left > self._most:
            raise Refusal(413, f"the body is longer than {self._most} bytes")
        if not self._left:
            self._trailing = 1


def _take_line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n", 0, MOST_CHUNK_LINE)
    if end < 0:
        if len(buffer) >= MOST_CHUNK_LINE:
            raise Refusal(400, "a chunk-size or trailer line is too long")
        return None
    line = bytes(buffer[: end + 1])
    if not line.endswith(b"\r\n"):
        raise Refusal(400, "a line ends without CR")
    del buffer[: end + 1]
    return line[:-2]
