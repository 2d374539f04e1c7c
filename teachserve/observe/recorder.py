"""Writes a trace file in a thread of its own, so that a slow disk never holds up who reads the frames."""

import contextlib
import gzip
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from teachserve.observe.link import Frame
from teachserve.observe.trace import TraceError, encode, first_line

MEMBER_S = 1.0
MEMBER_BYTES = 1 << 20
LEVEL = 1
"""Of gzip: a fifth of the time that level 6 takes, for a quarter more bytes. What is watched runs on the same cores."""
MOST_FRAMES = 256
"""Frames that may wait for the disk: some ten seconds of them."""
MAY_BE_LOST = ("table", "observed", "events")
"""The next table repairs what these told. The others are few, and kept."""
LAST_LINE_BYTES = 512
CLOSE_S = 5.0


class Recorder:
    """One recording. `put` is for one thread, and never waits; `close` is for any.

    `on_end` is called in the recorder's thread with a sentence, should the recording end before it is closed.
    """

    def __init__(self, path: Path, most_bytes: int, overwrite: bool = False, events: bool = True) -> None:
        """Make the file with its first line; `start` begins the thread. Raises: TraceError."""
        self.path = path
        self.events = events
        """Whether it wants every event, or tables alone."""
        self.on_end: Callable[[str], object] = lambda text: None
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._frames: deque[Frame] = deque()
        self._lost_frames = self._lost_events = self._lost = 0
        self._closing = self._over = False
        self._ended = ""
        self._written = self._bytes = 0
        self._at = 0
        self._thread: threading.Thread | None = None
        try:
            self._file = path.open("wb" if overwrite else "xb", buffering=0)
            self._append(first_line(datetime.now(UTC).isoformat(timespec="seconds")))
        except FileExistsError:
            raise TraceError(f"there is a file {path} already: name another, or add --overwrite") from None
        except OSError as error:
            raise TraceError(f"cannot record into {path}: {error.strerror}; name another file") from None

    def start(self) -> "Recorder":
        """From now on what is put is written. A thread that was made before a fork could not be started after it."""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        return self

    def put(self, frame: Frame) -> None:
        """Record this frame, which nobody changes any more; lost and counted where the disk is too slow."""
        with self._changed:
            if self._over:
                return
            if len(self._frames) >= MOST_FRAMES and frame["frame"] in MAY_BE_LOST:
                self._lost_frames += 1
                self._lost_events += sum(len(words) // 3 for _, _, words in frame.get("batches", ()))
                return
            self._tell_lost()
            self._frames.append(frame)
            self._changed.notify()

    def close(self) -> str:
        """Write what waits, and end. What was recorded, in a sentence, and why it ended before.

        Where nothing was recorded the file is removed; "" if there was nothing to record, either.
        """
        with self._changed:
            self._tell_lost()
            self._closing = True
            self._changed.notify()
        if self._thread is None:
            self._file.close()
        else:
            self._thread.join(CLOSE_S)
        if not self._written:
            if self.path.is_file():  # not /dev/null
                self.path.unlink()
            return self._ended
        lost = f", {self._lost} lost because the disk was slow" if self._lost else ""
        size = f"{self._bytes / 1e6:.1f} MB"
        ended = f"{self._ended}; " if self._ended else ""
        return f"{ended}recorded {self._written} frames{lost}, {size}; to see them: teachserve replay {self.path}"

    def _tell_lost(self) -> None:
        if self._lost_frames:
            self._frames.append({"frame": "lost", "frames": self._lost_frames, "events": self._lost_events})
            self._lost += self._lost_frames
            self._lost_frames = self._lost_events = 0

    def _run(self) -> None:
        lines: list[bytes] = []
        size, due = 0, 0.0
        while not self._over:
            with self._changed:
                patience = max(0.0, due - time.monotonic()) if lines else None
                self._changed.wait_for(lambda: self._frames or self._closing, patience)
                frames, self._frames = self._frames, deque()
                closing = self._closing
            if frames and not lines:
                due = time.monotonic() + MEMBER_S
            for frame in frames:
                self._at = frame.get("at", self._at)
                lines.append(encode(frame))
                size += len(lines[-1])
                if size >= MEMBER_BYTES:
                    self._write(lines)
                    lines, size = [], 0
            if lines and (closing or time.monotonic() >= due):
                self._write(lines)
                lines, size = [], 0
            if closing:
                break
        self._over = True
        self._file.close()

    def _write(self, lines: list[bytes]) -> None:
        if self._over:
            return
        member = gzip.compress(b"".join(lines), LEVEL, mtime=0)
        fits = self._bytes + len(member) + LAST_LINE_BYTES <= self._most_bytes
        if not fits and len(lines) > 1:
            half = len(lines) // 2
            self._write(lines[:half])
            self._write(lines[half:])
            return
        try:
            if fits:
                self._append_member(member)
                self._written += len(lines)
            else:
                text = f"the recording has ended: {self.path} has as much as --max-size allows"
                self._append(encode({"frame": "log", "at": self._at, "text": text}))
                self._end(text)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._bytes)  # no half of a member
            self._end(f"the recording has ended: {self.path} cannot be written: {error.strerror}")

    def _append(self, line: bytes) -> None:
        self._append_member(gzip.compress(line, LEVEL, mtime=0))

    def _append_member(self, member: bytes) -> None:
        left = memoryview(member)
        while left:
            left = left[self._file.write(left) :]
        self._bytes += len(member)

    def _end(self, text: str) -> None:
        with self._changed:
            self._over = True
            self._ended = text
            self._frames.clear()
        self.on_end(text)
