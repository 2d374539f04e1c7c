"""A trace file: the frames of a watch, one JSON object a line, gzipped; `zcat FILE` shows them.

The first line says what the file is; then come the frames in the order in which they were folded, those made on the
watcher's side (`teachserve.demo.fold`) among them. Each second is a gzip member of its own: a recorder that is killed
leaves everything up to the last second, and a reader can begin at any of them. Source: RFC 1952, section 2.2.
"""

import json
import re
import stat
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from teachserve import __version__
from teachserve.events import STATES
from teachserve.observe.link import FORMAT, MOST_BYTES, Frame
from teachserve.observe.verdict import Verdict

TRACE_FORMAT = 1
BLOCK = 1 << 16
"""Compressed bytes that are read at once: a thousand times as much may come of them."""
_START = re.compile(rb'\{(?:"serial":\d+,)?"frame":"(\w+)"(?:,"at":(\d+))?[,}]')


class TraceError(Exception):
    """There is no trace, or none that can be written or read: one sentence that says why and what to do."""


def encode(frame: Mapping[str, Any]) -> bytes:
    """One line."""
    return json.dumps(frame, separators=(",", ":")).encode() + b"\n"


def first_line(recorded: str) -> bytes:
    """What the file says of itself; `recorded` is an ISO 8601 moment in UTC."""
    return encode(
        {
            "trace": TRACE_FORMAT,
            "teachserve": __version__,
            "what": "a watch of a teachserve server, a frame a line; to see it: teachserve replay FILE",
            "recorded": recorded,
            "verdicts": list(Verdict),
        }
    )


class Member(NamedTuple):
    """Where a gzip member begins in the file, and the number of its first frame."""

    offset: int
    frame: int


class Trace:
    """A trace file that can be read from any frame. Frames are numbered from 0.

    `moments_us[n]` is the moment of frame n: microseconds since the first table, never falling. A frame that tells no
    time has that of the one before it; a server that took another's place goes on with the time (both clocks are
    CLOCK_MONOTONIC). `kinds[n]` is the word in its `frame`. `damage` says in a sentence what of the file could not be read.
    """

    def __init__(self, path: Path) -> None:
        """Read the whole file once, without keeping it. Raises: TraceError."""
        self.path = path
        self.about: dict[str, Any] = {}
        self.kinds: list[str] = []
        self.moments_us = array("q")
        self.damage = ""
        self._members: list[Member] = []
        self._clock = _Clock()
        try:
            _require_seekable(path)
            for offset, line in self._lines(0):
                self._note(offset, line)
        except OSError as error:
            raise TraceError(f"the trace {path} cannot be read: {error.strerror}") from None
        except (zlib.error, EOFError, ValueError, KeyError, TypeError) as error:
            if not self.about:
                raise _foreign(path) from None
            self.damage = f"{'is cut off' if isinstance(error, EOFError) else 'is damaged'}"
        if not self.about:
            raise _foreign(path)
        if self.damage:
            read = f"{len(self)} frames, {self.length_s:.1f} s, could be read"
            self.damage = f"the trace {path} {self.damage} at its line {len(self) + 2}: {read}"
        if "table" not in self.kinds:
            raise TraceError(self.damage or f"the trace {path} has no table: there is nothing to show")

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def length_s(self) -> float:
        """Seconds from the first table to the last frame."""
        return self.moments_us[-1] / 1e6 if self.moments_us else 0.0

    @property
    def zero_us(self) -> int:
        """The first table on CLOCK_MONOTONIC: what the moments are counted from."""
        return self._clock.zero or 0

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """The frames from that number on. Raises: TraceError where the file has changed since it was opened."""
        member = self._members[bisect_right(self._members, first, key=lambda one: one.frame) - 1]
        lines = self._lines(member.offset)
        try:
            if member is self._members[0]:
                next(lines)
            for number in range(member.frame, len(self)):
                _, line = next(lines)
                if number >= first:
                    yield json.loads(line)
        except (OSError, zlib.error, EOFError, StopIteration, ValueError) as error:
            raise TraceError(f"the trace {self.path} has changed while it was shown: {error}") from None

    def _note(self, offset: int, line: bytes) -> None:
        if not self.about:
            self.about = _checked(self.path, json.loads(line))
            self._members.append(Member(offset, 0))
            return
        start = _START.match(line)
        if start is None or start[1] == b"header":
            frame = json.loads(line)
            kind, at = frame["frame"], frame.get("at")
            if kind == "header":
                _check_header(self.path, frame)
                self._clock.begin(frame["epoch_ns"])
        else:
            if not line.endswith(b"}\n"):
                raise ValueError("not a whole object")
            kind, at = start[1].decode(), start[2]
        if not self.kinds and kind != "header":
            raise ValueError("the first frame is no header")
        if offset != self._members[-1].offset:
            self._members.append(Member(offset, len(self.kinds)))
        self.moments_us.append(self._clock.moment(kind, at))
        self.kinds.append(kind)

    def _lines(self, offset: int) -> Iterator[tuple[int, bytes]]:
        """Each line with the offset of the member that it begins in, or of an earlier one where that began in a line.

        Raises: EOFError at the end of a file that is cut off.
        """
        with self.path.open("rb") as file:
            file.seek(offset)
            rest = b""
            begin = offset
            packed = file.read(BLOCK)
            while packed:
                if not rest:
                    begin = offset
                member = zlib.decompressobj(wbits=31)
                while not member.eof:
                    if not packed:
                        raise EOFError
                    *lines, rest = (rest + member.decompress(packed)).split(b"\n")
                    offset += len(packed) - len(member.unused_data)
                    for line in lines:
                        yield begin, line + b"\n"
                    packed = member.unused_data or file.read(BLOCK)
                    if len(rest) > MOST_BYTES:
                        raise ValueError("no line is so long")
            if rest:
                raise EOFError


class _Clock:
    """Puts the times of one server after another on one axis, in us since the first table."""

    def __init__(self) -> None:
        self._epoch_us = 0
        self.zero: int | None = None
        self._newest = 0

    def begin(self, epoch_ns: int) -> None:
        self._epoch_us = epoch_ns // 1000

    def moment(self, kind: str, at: int | bytes | None) -> int:
        if at is not None:
            now = self._epoch_us + int(at)
            if self.zero is None and kind == "table":
                self.zero = now
            if self.zero is not None:
                self._newest = max(self._newest, now - self.zero)
        return self._newest


def _require_seekable(path: Path) -> None:
    """Before it is opened: a pipe without a writer would never open. Raises: OSError, TraceError."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a directory, reading says it better
        raise TraceError(
            f"the trace {path} cannot be read: it is a pipe or a device, and a trace is read more than once; "
            "put it into a file first"
        )


def _foreign(path: Path) -> TraceError:
    return TraceError(f"{path} is not a trace; record one with: teachserve demo --record FILE")


def _checked(path: Path, about: object) -> dict[str, Any]:
    if not isinstance(about, dict) or "trace" not in about:
        raise _foreign(path)
    if about["trace"] != TRACE_FORMAT or about.get("verdicts") != list(Verdict):
        raise _other(path, about)
    return about


def _check_header(path: Path, frame: Frame) -> None:
    if frame.get("format") != FORMAT or frame.get("states") != [str(state) for state in STATES]:
        raise TraceError(f"the trace {path} holds frames of another version of teachserve: replay it with that one")


def _other(path: Path, about: Mapping[str, Any]) -> TraceError:
    return TraceError(
        f"the trace {path} was recorded by teachserve {about.get('teachserve')}, in another format than "
        f"{__version__} reads: replay it with that version"
    )
