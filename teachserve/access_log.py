"""The access log: a line for each answer, in the combined format with the duration in microseconds at its end.

`%h - - [%t] "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D` in the words of Apache's mod_log_config; %t is when the
request was there to be handled. What a client chose is escaped as nginx does it, so that nobody can forge a line.

The threads that serve never wait for it. Each makes its lines itself and leaves them in a lane of its own. One thread
empties the lanes every `ROUND_S` and writes what was in them, lane by lane: in the file the lines of different threads
are in order to `ROUND_S`, not nearer. While the destination takes nothing the lanes fill; beyond `MOST_WAITING` bytes,
or when writing fails, lines are dropped, counted and spoken of once, and serving goes on.

A lane is a list. Its owner adds at the end, the log's thread removes at the front, and each of the two is one operation
on a list: atomic with a GIL, and without one by the list's own lock. (A bytearray has no such lock before Python 3.14:
two threads at it end in a crash.) Without a GIL an object is cheap only for the thread that made it, and dearest to free
for any other; so a line is one string, and when it has been copied it goes back to the lane's owner to be freed.
"""

import logging
import threading
import time
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
MOST_WAITING = 8 << 20
"""Bytes of lines that may wait in all lanes together."""
LEAST_ROOM = 16 << 10
"""Bytes that may wait in a lane, however many wait in others; beyond it a lane asks for as many again."""
QUIET_S = 1.0
"""How long nothing may be lost before the log is said to work again."""
MOST_KNOWN, MOST_KNOWN_LENGTH = 64, 1000
"""Requests whose escaped words a lane keeps for the next that say the same, and how long these may be."""
CLOSE_S = 1.0
"""How long `close` may take; what the destination has not taken by then is dropped."""

_ESCAPES = {code: f"\\x{code:02X}" for code in (*range(0x20), *b'"\\', *range(0x7F, 0x100))}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Lane:
    """Where one thread leaves its lines. What many lines have in common is made once: the time, what the requests say.

    `all_lanes` are those of the same log. Only the owner writes `dropped`, how many lines were lost here.

    `add` looks up few attributes: without a GIL (3.13) each may miss the one cache of all types, which then is locked.
    """

    __slots__ = (
        "_all_lanes",
        "_copied",
        "_full",
        "_known",
        "_room",
        "_room_left",
        "_second",
        "dropped",
        "failure",
        "lines",
    )

    def __init__(self, all_lanes: "list[Lane]"):
        self._all_lanes = all_lanes
        self.lines: list[str] = []
        self._room = self._room_left = LEAST_ROOM
        self._full = False
        self._copied: list[str] | None = None  # by the log's thread, for the owner to free
        self.dropped = 0
        self.failure = ""
        self.begin()

    def begin(self) -> None:
        """A thread begins to own the lane. It makes anew what it often looks into: another's is dear without a GIL."""
        self._second = 0, 0, ""
        self._known: dict[tuple, tuple[str, str]] = {}

    @property
    def waiting(self) -> int:
        """Bytes of the lines that are here."""
        return 0 if self._copied else self._room - self._room_left

    def add(self, began_ns: int, peer: object, request: "Request | None", status: int, size: int) -> None:
        """Note one answer. Never blocks, never raises.

        `began_ns` is when the request was there to be handled (`time.monotonic_ns`), `peer` the client's address as
        accept(2) gave it, `request` None where it could not be understood, `size` the bytes of the answer's body.
        """
        try:
            if self._copied is not None:
                self._copied = None
                self._room = self._room_left = LEAST_ROOM
                self._full = False
            room_left = self._room_left
            if room_left <= 0 and not (room_left := self._more_room()):
                self.dropped += 1
                return
            from_ns, until_ns, stamp = self._second
            if not from_ns <= began_ns < until_ns:
                stamp = self._read_clock(began_ns)
            if request is None:
                before, behind = '"-"', '"-" "-"'
            else:
                referer = agent = b"-"
                for name, value in request.headers:
                    if name == b"referer":
                        referer = value
                    elif name == b"user-agent":
                        agent = value
                said = request.method, request.target, request.version, referer, agent
                try:
                    before, behind = self._known[said]
                except KeyError:
                    before, behind = self._escaped(said)
            host = peer[0] if type(peer) is tuple else "-"  # no address: a Unix socket's
            duration_us = (monotonic_ns() - began_ns) // 1000
            line = f"{host} - - [{stamp}] {before} {status} {size or '-'} {behind} {duration_us}\n"
            self.lines.append(line)
            self._room_left = room_left - len(line)
        except Exception as error:  # MemoryError, if no other: whoever serves must not suffer for a log
            self.dropped += 1
            self.failure = f"no line can be made: {error!r}"

    def take(self) -> bytes:
        """The lines that are here, and no longer. Only for the log's own thread."""
        lines = self.lines[:]
        taken = "".join(lines).encode("ascii", "backslashreplace")
        del self.lines[: len(lines)]
        self._copied = lines
        return taken

    def _more_room(self) -> int:
        """Bytes that may be added. After a 0 the other lanes, there may be hundreds, are not asked again until `take`."""
        if self._full or sum([lane.waiting for lane in tuple(self._all_lanes)]) >= MOST_WAITING:
            self._full = True
            return 0
        self._room += LEAST_ROOM - self._room_left
        return LEAST_ROOM

    def _read_clock(self, began_ns: int) -> str:
        """Make the time of day for the second of `began_ns`. The offset of the two clocks anew, for the wall's may be set."""
        wall_ns = time.time_ns() - monotonic_ns()
        second = (wall_ns + began_ns) // 1_000_000_000
        from_ns = second * 1_000_000_000 - wall_ns
        self._second = from_ns, from_ns + 1_000_000_000, time_stamp(second)
        return self._second[2]

    def _escaped(self, said: tuple[str, bytes, tuple[int, int], bytes, bytes]) -> tuple[str, str]:
        """What the client said, as it stands before the status and behind the size."""
        method, target, version, referer, agent = said
        before = f'"{escape(method)} {escape_bytes(target)} HTTP/{version[0]}.{version[1]}"'
        behind = f'"{escape_bytes(referer)}" "{escape_bytes(agent)}"'
        if len(before) + len(behind) <= MOST_KNOWN_LENGTH:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[said] = before, behind
        return before, behind


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


def time_stamp(second: int) -> str:
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


def _lines(data: bytes | memoryview) -> int:
    return bytes(data).count(b"\n")
