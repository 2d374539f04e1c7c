"""How an answer that comes in pieces goes over the wire (RFC 9112 section 6.3), one class a way.

`frame` gives the bytes to send for a piece, before the first the head; `end` gives what ends the body.
"""

from collections.abc import Iterable, Iterator


class FramingError(Exception):
    """An application gave another number of bytes than its Content-Length says: the connection cannot go on."""


class Framing:
    """An answer that is being sent. `excess` says that the application need not be asked for more.

    `head` is the answer's, until it has been given to be sent; then b"". `given` counts the bytes of the body so far;
    `sending_s` is how long the client let them wait to be sent (seconds).
    """

    excess = False

    def __init__(self, head: bytes):
        self.head = head
        self.given = 0
        self.sending_s = 0.0

    def frame(self, piece: bytes) -> bytes:
        """What to send for this piece of the body."""
        if not piece:
            return b""
        data = self.head + self._framed(piece)
        self.head = b""  # not before: where the piece is of no use, another head can still be sent
        return data

    def end(self) -> bytes:
        """What to send last. Raises: FramingError."""
        return self.take_head()

    def take_head(self) -> bytes:
        """The head, once; then b""."""
        head, self.head = self.head, b""
        return head

    def _framed(self, piece: bytes) -> bytes:
        self.given += len(piece)
        return piece


class UntilClose(Framing):
    """Of unknown length, for HTTP/1.0: it ends with the connection."""


class Chunked(Framing):
    """Of unknown length, for HTTP/1.1 (section 7.1)."""

    def _framed(self, piece: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(piece), super()._framed(piece))

    def end(self) -> bytes:
        return self.take_head() + b"0\r\n\r\n"


class Bodiless(Framing):
    """The answer to a HEAD, a 204 or a 304: whatever the application gives, only the head is sent."""

    excess = True

    def _framed(self, piece: bytes) -> bytes:
        return b""


class Sized(Framing):
    """Of `length` bytes. What the application gives beyond them is not sent; `left` are still to come."""

    def __init__(self, head: bytes, length: int):
        super().__init__(head)
        self.left = length

    @property
    def excess(self) -> bool:
        return self.left < 0

    def _framed(self, piece: bytes) -> bytes:
        fitting = piece[: max(0, self.left)]
        self.left -= len(piece)
        return super()._framed(fitting)

    def end(self) -> bytes:
        if self.left:
            how = f"{self.left} bytes fewer" if self.left > 0 else f"at least {-self.left} bytes more"
            raise FramingError(f"the application gave {how} than its Content-Length says")
        return super().end()

    def sent(self, count: int) -> None:
        """So many bytes went to the socket by another way (sendfile)."""
        self.left -= count
        self.given += count


def framed(framing: Framing, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What to send, piece after piece. Raises: FramingError, and whatever the pieces raise."""
    for piece in pieces:
        if data := framing.frame(piece):
            yield data
        if framing.excess:
            break
    if data := framing.end():
        yield data
