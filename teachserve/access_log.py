"""The access log: a line for each answer, in the combined format with the duration in microseconds at its end.

`%h - - [%t] "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D` in the words of Apache's mod_log_config; %t is when the
request was there to be handled. What a client chose is escaped as nginx does it, so that nobody can forge a line.

The threads that serve never wait for it. Each makes its lines itself and leaves them in a lane of its own. One thread
empties the lanes every `ROUND_S` and writes what was in them, lane by lane: in the file the lines of different threads
are in order to `ROUND_S`, not nearer. While the destination takes nothing the lanes fill; beyond
`log_lane.MOST_WAITING` bytes, or when writing fails, lines are dropped, counted and spoken of once, and serving goes on.
"""

import logging
import threading
import time
from pathlib import Path

from teachserve.errors import AccessLogError
from teachserve.log_file import LogFile
from teachserve.log_lane import Lane

logger = logging.getLogger("teachserve")

ROUND_S = 0.1
"""How often the lanes are emptied: no line is older when it is written, unless the destination is slow."""
QUIET_S = 1.0
"""How long nothing may be lost before the log is said to work again."""
CLOSE_S = 1.0
"""How long `close` may take; what the destination has not taken by then is dropped."""


class AccessLog:
    """Writes what is added to its lanes to a destination: a file, opened for append, or "-", which is stdout.

    A file that was moved or removed (logrotate) is opened anew.

    Raises: AccessLogError when the file cannot be opened or no thread can be had.
    """

    def __init__(self, destination: str | Path):
        self._file = LogFile(destination)
        self._lanes: list[Lane] = []
        self._free: list[Lane] = []
        self._collected: list[bytes] = []
        self._unwritten = memoryview(b"")
        self._lost = 0  # of those that were taken from their lanes
        self._noticed = self._reported = 0  # of those that were dropped
        self._lost_at = 0.0
        self._failure = ""
        self._in_trouble = False
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._work, name="access-log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._file.close()
            raise AccessLogError(f"the access log gets no thread: {error}") from None

    def lane(self) -> Lane:
        """A lane for the thread that calls; it gives it back when it ends."""
        try:
            lane = self._free.pop()
        except IndexError:
            lane = Lane(self._lanes)
            self._lanes.append(lane)
        else:
            lane.begin()
        return lane

    def give_back(self, lane: Lane) -> None:
        """The lane's owner ends. What is in it will be written; the next thread that asks goes on with it."""
        self._free.append(lane)

    @property
    def dropped(self) -> int:
        """How many lines were lost, at the destination and in the lanes."""
        return self._lost + sum(lane.dropped for lane in tuple(self._lanes))

    def close(self) -> None:
        """Write what is left and end the thread, within `CLOSE_S` seconds. What is added later is not written."""
        self._deadline = min(self._deadline, time.monotonic() + CLOSE_S)
        self._closing.set()
        self._thread.join(CLOSE_S + ROUND_S)
        if self._thread.is_alive():  # a disk that hangs; the thread is a daemon and keeps nobody from ending
            logger.warning("access log %s: it hangs, and its last lines are lost", self._file.name)

    # ---- in the log's own thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.wait(ROUND_S):
            self._round()
        self._round()
        while self._waiting() and time.monotonic() < self._deadline:
            self._round()
        self._lost += self._waiting()
        self._file.close()
        if (dropped := self.dropped) > self._reported:
            logger.warning("access log %s: %d lines were lost", self._file.name, dropped - self._reported)

    def _round(self) -> None:
        """Write what is left of the round before, then what is in the lanes."""
        try:
            self._file.follow()
            self._push()
            if not self._unwritten:
                self._collect()
                self._unwritten = memoryview(b"".join(self._collected))
                self._collected.clear()
                self._push()
            self._report()
        except Exception:  # MemoryError, if no other: the next round may have more luck
            self._lost += sum(map(_lines, self._collected))
            self._collected.clear()
            logger.exception("access log %s: a round failed, and its lines are lost", self._file.name)

    def _collect(self) -> None:
        """Take what is in the lanes."""
        for lane in tuple(self._lanes):
            if lane.lines:
                self._collected.append(lane.take())

    def _push(self) -> None:
        """Write until all is written, the destination takes no more, or it fails."""
        while self._unwritten:
            try:
                written = self._file.write(self._unwritten, ROUND_S)
            except OSError as error:
                self._lost += _lines(self._unwritten)
                self._unwritten = memoryview(b"")
                self._failure = error.strerror
                return
            if not written:
                return
            self._unwritten = self._unwritten[written:]
            self._failure = ""

    def _waiting(self) -> int:
        return _lines(self._unwritten) + sum(len(lane.lines) for lane in self._lanes)

    def _report(self) -> None:
        """Say once that lines are lost, and once that it works again."""
        now = time.monotonic()
        dropped = self.dropped
        if dropped > self._noticed:
            self._noticed = dropped
            self._lost_at = now
            why = self._failure or self._lanes_failure() or "it takes them too slowly"
            if not self._in_trouble:
                self._in_trouble = True
                logger.warning("access log %s: lines are dropped until it works again: %s", self._file.name, why)
        elif self._in_trouble and not self._failure and not self._unwritten and now - self._lost_at > QUIET_S:
            self._in_trouble = False
            logger.warning("access log %s: works again; %d lines were lost", self._file.name, dropped - self._reported)
            self._reported = dropped

    def _lanes_failure(self) -> str:
        """What went wrong in a lane since it was last asked, if anything did."""
        last = ""
        for lane in tuple(self._lanes):
            if lane.failure:
                last, lane.failure = lane.failure, ""
        return last


def _lines(data: bytes | memoryview) -> int:
    return bytes(data).count(b"\n")
