"""The access log: a line for each answer, in the combined format with the duration in microseconds at its end.

`%h - - [%t] "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D` in the words of Apache's mod_log_config; %t is when the
request was there to be handled. What a client chose is escaped as nginx does it, so that nobody can forge a line.

The threads that serve never wait for it. Each leaves what it knows in a lane of its own, which needs no lock because no
other thread adds there (`deque.append` and `popleft` do not disturb each other, with a GIL or without one). One thread
collects every `ROUND_S`, makes the lines and writes them. While the destination takes nothing the lanes fill; beyond
`MOST_WAITING` lines, or when writing fails, lines are dropped, counted and spoken of once, and serving goes on.
"""

import logging
import threading
import time
from collections import deque
from operator import itemgetter
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

from teachserve.errors import AccessLogError
from teachserve.log_file import LogFile

if TYPE_CHECKING:
    from teachserve.message import Request

logger = logging.getLogger("teachserve")

ROUND_S = 0.1
"""How often the lanes are emptied: no line is older when it is written, unless the destination is slow."""
MOST_WAITING = 50_000
"""Lines that may wait, shared out among the lanes. A line that waits keeps its request's head, commonly 1 kB."""
LEAST_ROOM = 256
"""Lines that may wait in a lane, however many lanes there are."""
QUIET_S = 1.0
"""How long nothing may be lost before the log is said to work again."""
MOST_KNOWN, MOST_KNOWN_LENGTH = 1024, 1000
"""Requests whose escaped words are kept for the next that say the same, and how long these may be."""
CLOSE_S = 1.0
"""How long `close` may take; what the destination has not taken by then is dropped."""

_ESCAPES = {code: f"\\x{code:02X}" for code in (*range(0x20), *b'"\\', *range(0x7F, 0x100))}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Lane:
    """Where one thread leaves what is to be logged. Only its owner adds; only the log's own thread takes out."""

    __slots__ = ("_log", "entries", "room")

    def __init__(self, log: "AccessLog", room: int):
        self._log = log
        self.entries: deque[tuple] = deque()
        self.room = room

    def add(self, began_ns: int, peer: object, request: "Request | None", status: int, size: int) -> None:
        """Note one answer. Never blocks, never raises.

        `began_ns` is when the request was there to be handled (`time.monotonic_ns`), `peer` the client's address as
        accept(2) gave it, `request` None where it could not be understood, `size` the bytes of the answer's body.
        """
        entries = self.entries
        if len(entries) >= self.room:
            self._log.drop(1)
        elif request is None:
            entries.append((monotonic_ns(), began_ns, peer, "", b"", (1, 1), (), status, size))
        else:  # not the request itself: its body would live as long as the line waits
            entries.append(
                (monotonic_ns(), began_ns, peer, request.method, request.target, request.version, request.headers,
                 status, size)
            )  # fmt: skip


class AccessLog:
    """Writes what is added to its lanes to a destination: a file, opened for append, or "-", which is stdout.

    A file that was moved or removed (logrotate) is opened anew. `dropped` counts the lines that were lost.

    Raises: AccessLogError when the file cannot be opened or no thread can be had.
    """

    def __init__(self, destination: str | Path):
        self._file = LogFile(destination)
        self._format = LineFormat()
        self._lanes: list[Lane] = []
        self._free: list[Lane] = []
        self._collected: list[tuple] = []
        self._unwritten = memoryview(b"")
        self._lock = threading.Lock()  # guards `dropped`
        self.dropped = 0
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
            return self._free.pop()
        except IndexError:
            lane = Lane(self, _room(len(self._lanes) + 1))
            self._lanes.append(lane)
            return lane

    def give_back(self, lane: Lane) -> None:
        """The lane's owner ends. What is in it will be written; the next thread that asks goes on with it."""
        self._free.append(lane)

    def drop(self, lines: int) -> None:
        """Count lines as lost. Only the log's own thread speaks of them: whoever serves must not wait for a log."""
        with self._lock:
            self.dropped += lines

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
        self.drop(self._waiting())
        self._file.close()
        if self.dropped > self._reported:
            logger.warning("access log %s: %d lines were lost", self._file.name, self.dropped - self._reported)

    def _round(self) -> None:
        """Write what is left of the round before, then what is in the lanes."""
        try:
            self._file.follow()
            self._push()
            if not self._unwritten:
                self._collect()
                wall_ns = time.time_ns() - monotonic_ns()
                text = "".join([self._format.line(wall_ns, *entry) for entry in self._collected])
                self._unwritten = memoryview(text.encode("ascii"))
                self._collected.clear()
                self._push()
            self._report()
        except Exception:  # MemoryError, if no other: the next round may have more luck
            self.drop(len(self._collected))
            self._collected.clear()
            logger.exception("access log %s: a round failed, and its lines are lost", self._file.name)

    def _collect(self) -> None:
        """Take what is in the lanes, in the order of the answers, and share the room out anew."""
        lanes = tuple(self._lanes)
        room = _room(len(lanes))
        for lane in lanes:
            lane.room = room
            take = lane.entries.popleft
            self._collected += [take() for _ in range(len(lane.entries))]
        self._collected.sort(key=itemgetter(0))

    def _push(self) -> None:
        """Write until all is written, the destination takes no more, or it fails."""
        while self._unwritten:
            try:
                written = self._file.write(self._unwritten, ROUND_S)
            except OSError as error:
                self.drop(_lines(self._unwritten))
                self._unwritten = memoryview(b"")
                self._failure = error.strerror
                return
            if not written:
                return
            self._unwritten = self._unwritten[written:]
            self._failure = ""

    def _waiting(self) -> int:
        return _lines(self._unwritten) + sum(len(lane.entries) for lane in self._lanes)

    def _report(self) -> None:
        """Say once that lines are lost, and once that it works again."""
        now = time.monotonic()
        dropped = self.dropped
        if dropped > self._noticed:
            self._noticed = dropped
            self._lost_at = now
            if not self._in_trouble:
                self._in_trouble = True
                why = self._failure or "it takes them too slowly"
                logger.warning("access log %s: lines are dropped until it works again: %s", self._file.name, why)
        elif self._in_trouble and not self._failure and not self._unwritten and now - self._lost_at > QUIET_S:
            self._in_trouble = False
            logger.warning("access log %s: works again; %d lines were lost", self._file.name, dropped - self._reported)
            self._reported = dropped


class LineFormat:
    """Makes lines. What many lines have in common is made once: the time within a second, what the same requests say."""

    def __init__(self) -> None:
        self._stamp = ""
        self._stamp_from_ns = self._stamp_until_ns = 0
        self._known: dict[tuple, tuple[str, str]] = {}

    def line(self, wall_ns: int, ended_ns: int, began_ns: int, peer: object, method: str, target: bytes,
             version: tuple[int, int], headers: list[tuple[bytes, bytes]], status: int, size: int) -> str:  # fmt: skip
        """One line with its end. `wall_ns` is what to add to the monotonic clock for the time of day."""
        referer = agent = b"-"
        for name, value in headers:
            if name == b"referer":
                referer = value
            elif name == b"user-agent":
                agent = value
        said = method, target, version, referer, agent
        first, last = self._known.get(said) or self._escaped(said)
        if not self._stamp_from_ns <= began_ns < self._stamp_until_ns:
            second = (wall_ns + began_ns) // 1_000_000_000
            self._stamp = stamp(second)
            self._stamp_from_ns = second * 1_000_000_000 - wall_ns
            self._stamp_until_ns = self._stamp_from_ns + 1_000_000_000
        host = peer[0] if type(peer) is tuple else "-"  # no address: a Unix socket's
        return f"{host} - - [{self._stamp}] {first} {status} {size or '-'} {last} {(ended_ns - began_ns) // 1000}\n"

    def _escaped(self, said: tuple[str, bytes, tuple[int, int], bytes, bytes]) -> tuple[str, str]:
        """What the client said, as it stands before the status and behind the size."""
        method, target, version, referer, agent = said
        first = f'"{escape(method)} {escape_bytes(target)} HTTP/{version[0]}.{version[1]}"' if method else '"-"'
        last = f'"{escape_bytes(referer)}" "{escape_bytes(agent)}"'
        if len(first) + len(last) <= MOST_KNOWN_LENGTH:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[said] = first, last
        return first, last


def stamp(second: int) -> str:
    """Local time as the combined format has it, `10/Oct/2000:13:55:36 -0700`; English in any locale."""
    at = time.localtime(second)
    sign, minutes = "-" if at.tm_gmtoff < 0 else "+", abs(at.tm_gmtoff) // 60
    clock = f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    return f"{at.tm_mday:02}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year}:{clock} {sign}{minutes // 60:02}{minutes % 60:02}"


def escape(text: str) -> str:
    r"""Controls, quotes, backslashes and what is not ASCII as \xHH. `str.translate` alone takes ten times as long."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.translate(_ESCAPES)


def escape_bytes(raw: bytes) -> str:
    """The same for bytes."""
    return escape(raw.decode("latin-1"))


def _room(lanes: int) -> int:
    return max(LEAST_ROOM, MOST_WAITING // max(1, lanes))


def _lines(data: memoryview) -> int:
    return bytes(data).count(b"\n")
