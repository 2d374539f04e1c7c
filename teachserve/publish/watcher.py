"""One watcher as the server sees it: a bounded queue of encoded frames, and the thread that sends them."""

import json
import threading
from collections import deque
from multiprocessing import connection as link

from teachserve.probe import TABLE

MOST_FRAMES = 128
"""Encoded frames that may wait for one watcher."""

Frame = dict[str, object]


class Watcher:
    """One watcher: its level, its queue of encoded frames, the thread that sends them."""

    def __init__(self, wire: link.Connection):
        self.wire = wire
        self.level = TABLE
        self.focus: int | None = None  # the thread of which it wants every event, whatever its level
        self.serial = 0
        self.lost_frames = self.lost_events = 0
        self.frames: deque[bytes] = deque()
        self.changed = threading.Condition()
        self.closing = False
        self.gone = False
        self.repair = False  # what it lost may have named a role

    def put(self, frame: Frame, events: int = 0) -> None:
        """Queue a frame; dropped and counted where the queue is full. Never waits."""
        with self.changed:
            self.serial += 1
            if len(self.frames) >= MOST_FRAMES or self.gone:
                self.lost_frames += 1
                self.lost_events += events
                return
            if self.lost_frames:
                lost = {"frame": "lost", "frames": self.lost_frames, "events": self.lost_events}
                self.lost_frames = self.lost_events = 0
                self.frames.append(json.dumps({"serial": self.serial, **lost}).encode())
                self.serial += 1
                self.repair = True
            self.frames.append(json.dumps({"serial": self.serial, **frame}, separators=(",", ":")).encode())
            self.changed.notify()

    def send_all(self) -> None:
        """The sender thread's life: blocks on this watcher, and on no other."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.frames or self.closing or self.gone)
                if self.gone or not self.frames:
                    break
                data = self.frames.popleft()
            try:
                self.wire.send_bytes(data)
            except OSError:
                break
        with self.changed:
            self.gone = True
            self.changed.notify_all()
        self.wire.close()

    def left(self) -> None:
        """It reads no more. Its last frames may still be on their way, where it is being closed."""
        with self.changed:
            self.gone = self.gone or not self.closing
            self.changed.notify_all()

    def close(self) -> None:
        """Send what is queued, and then no more."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()

    def wait(self, timeout: float) -> None:
        """Until everything is sent, or it is gone; at most so many seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.gone, timeout)
