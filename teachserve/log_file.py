"""Where a log goes: a file that may be moved away and opened anew, or stdout. Writing to it never blocks for long."""

import errno
import logging
import os
import select
import stat
import sys
import time
from pathlib import Path

from teachserve.errors import AccessLogError

logger = logging.getLogger("teachserve")

STDOUT = "-"
FOLLOW_S = 1.0
"""How often it is looked whether the file is still where it was."""
PIECE_BYTES = select.PIPE_BUF
"""What a pipe takes without blocking once poll(2) calls it writable (pipe(7))."""


class LogFile:
    """A descriptor that only one thread writes to.

    `name` is what people call it. After an error whoever writes must begin with a new line of the log.

    Raises: AccessLogError when the file cannot be opened.
    """

    def __init__(self, destination: str | Path):
        self._path = None if str(destination) == STDOUT else Path(destination)
        self.name = "on stdout" if self._path is None else str(self._path)
        self._amid_line = self._torn = False
        self._reported = False
        self._next_look = 0.0
        if self._path is not None:
            try:
                self._use(self._open())
            except OSError as error:
                why = "nobody reads this pipe" if error.errno == errno.ENXIO else os.strerror(error.errno)
                raise AccessLogError(f"the access log {self._path} cannot be opened: {why}; see --access-log") from None
        elif sys.__stdout__ is None:  # closed before we began: the number 1 may be anybody's by now
            logger.warning("stdout is closed: there is no access log")
            self._use(os.open(os.devnull, os.O_WRONLY))
        else:
            self._use(os.dup(1))

    def follow(self) -> None:
        """Open the file anew if it was moved or removed. At most once in `FOLLOW_S` seconds."""
        now = time.monotonic()
        if self._path is None or now < self._next_look:
            return
        self._next_look = now + FOLLOW_S
        try:
            if self._is_there():
                return
            descriptor = self._open()
        except OSError as error:
            if not self._reported:
                self._reported = True
                logger.warning("access log %s: cannot be opened anew, the old file is used: %s", self.name, error)
            return
        os.close(self._descriptor)
        self._use(descriptor)
        self._reported = False

    def write(self, data: memoryview, patience_s: float) -> int:
        """Write some of it, all of it to a file; how many bytes. 0: within that time there was no room. Raises: OSError."""
        if self._poll is not None:
            if not self._poll.poll(patience_s * 1000):
                return 0
            data = data[:PIECE_BYTES]
        try:
            if self._torn:  # an error cut a line short: the next must not run into it
                os.write(self._descriptor, b"\n")
                self._amid_line = self._torn = False
            written = os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:
            self._torn = self._amid_line
            raise
        self._amid_line = data[written - 1] != ord("\n")
        return written

    def close(self) -> None:
        """Close it, once."""
        os.close(self._descriptor)

    def _open(self) -> int:
        # O_NONBLOCK: opening a FIFO that nobody reads is an error then, and no wait. For a file it means nothing.
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY | os.O_NONBLOCK, 0o644)

    def _use(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = None
        self._amid_line = self._torn = False
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLOUT)

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False
