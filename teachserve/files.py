"""Bodies that are files: one that an application gives, and one in which a body is kept."""

import io
import os
import stat
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

PIECE_BYTES = 65536
SPOOL_BYTES = 1 << 20
"""Of a body or an answer kept whole, how much stays in memory; what is longer goes to a temporary file."""


class Spool(SpooledTemporaryFile):
    """A temporary file, in memory up to a size. Whoever has it keeps it; it is closed when nobody does any more."""

    def __del__(self) -> None:
        self.close()


class FilePieces:
    """A file's bytes, from where it stands, `size` of them at a time, and `most` in all, None for no bound.

    WSGI's `wsgi.file_wrapper`. It can be sought if the file can: werkzeug does so for a part of it.
    """

    def __init__(self, file: BinaryIO, size: int = PIECE_BYTES):
        self.file = file
        self.size = size
        self.most: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self  # frameworks close, and seek, what iter() gave them

    def __next__(self) -> bytes:
        if self.most is None:
            piece = self.file.read(self.size)
        else:
            piece = self.file.read(min(self.size, self.most))
            self.most -= len(piece)
        if not piece:
            raise StopIteration
        return piece

    def close(self) -> None:
        """Close the file, if it can be closed."""
        if hasattr(self.file, "close"):
            self.file.close()

    def seekable(self) -> bool:
        """As the file's own."""
        return hasattr(self.file, "seekable") and self.file.seekable()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As the file's own."""
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        """As the file's own."""
        return self.file.tell()

    def position(self) -> tuple[int, int] | None:
        """Its descriptor, and how far it has been read (bytes); None where it is no file of the system's."""
        if not isinstance(getattr(self.file, "raw", self.file), io.FileIO):
            return None  # one that unpacks, say, has a descriptor too, but other bytes
        try:
            return self.file.fileno(), self.file.tell()
        except OSError:
            return None

    def size_left(self) -> int | None:
        """How many bytes it still has; None where that cannot be known."""
        position = self.position()
        if position is None:
            return None
        descriptor, at = position
        status = os.fstat(descriptor)
        return max(0, status.st_size - at) if stat.S_ISREG(status.st_mode) else None
