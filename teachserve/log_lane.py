"""A lane of the access log: where one thread makes its lines and leaves them until they are written.

A lane is a list. Its owner adds at the end, the log's thread removes at the front, and each of the two is one operation
on a list: atomic with a GIL, and without one by the list's own lock. (A bytearray has no such lock before Python 3.14:
two threads at it end in a crash.) Without a GIL an object is cheap only for the thread that made it, and dearest to free
for any other; so a line is one string, and when it has been copied it goes back to the lane's owner to be freed.
"""

import time
from time import monotonic_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teachserve.message import Request

MOST_WAITING = 8 << 20
"""Bytes of lines that may wait in all lanes together."""
LEAST_ROOM = 16 << 10
"""Bytes that may wait in a lane, however many wait in others; beyond it a lane asks for as many again."""
MOST_KNOWN, MOST_KNOWN_LENGTH = 64, 1000
"""Requests whose escaped words a lane keeps for the next that say the same, and how long these may be."""

_ESCAPES = {code: f"\\x{code:02X}" for code in (*range(0x20), *b'"\\', *range(0x7F, 0x100))}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Lane:
    """Where one thread leaves its lines. What many lines have in common is made once: the time, what the requests say.

    `all_lanes` are those of the same log. Only the owner writes `dropped`, how many lines were lost here.

    `add` looks up few attributes: without a GIL (3.13) each may miss the one cache of all types, which then is locked.
    """

    __slots__ = ("_all_lanes", "_copied", "_full", "_known", "_room", "_room_left", "_second", "dropped", "failure",
                 "lines")  # fmt: skip

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
