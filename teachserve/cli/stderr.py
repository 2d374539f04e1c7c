"""The log of `teachserve serve`, on stderr. A pipe that nobody reads, a full disk or no stderr at all must stop no thread."""

import logging
import os
import select
import sys

PATIENCE_MS = 100
"""How long a reader may take to make room, before messages are dropped until it does."""
FORMAT = "%(asctime)s %(levelname)s %(message)s"


class StderrHandler(logging.Handler):
    """Writes each message whole if the reader keeps up, else drops it; the next that is written says how many were.

    (logging.StreamHandler waits for the reader, and every thread that has something to say waits behind it.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        self._descriptor = sys.stderr.fileno()
        self._room = select.poll()
        self._room.register(self._descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, or count it as dropped."""
        try:
            text = self.format(record) + "\n"
        except Exception:
            self.handleError(record)
            return
        if self.dropped:
            text = f"{self.dropped} messages were dropped: stderr took no more\n{text}"
        if self._write(text.encode(errors="backslashreplace")):
            self.dropped = 0
        else:
            self.dropped += 1

    def _write(self, data: bytes) -> bool:
        patience_ms = 0 if self.dropped else PATIENCE_MS
        try:
            while data:
                if not self._room.poll(patience_ms):
                    return False
                # A pipe that has room takes as much as this without waiting (pipe(7)).
                data = data[os.write(self._descriptor, data[: select.PIPE_BUF]) :]
        except OSError:
            return False
        return True


def log_to_stderr(level: str) -> None:
    """Send the log to stderr, if there is one. `level` in lower case."""
    handler = logging.NullHandler() if sys.stderr is None else StderrHandler()
    logging.basicConfig(format=FORMAT, level=level.upper(), handlers=[handler])
