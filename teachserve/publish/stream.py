"""Every event of every thread, drained from the threads' own buffers, for those who watch at the level `stream`."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from teachserve.probe import STREAM, ThreadRecord
from teachserve.publish.account import Roles
from teachserve.publish.watcher import Frame

if TYPE_CHECKING:
    from teachserve.taskmaster import Taskmaster

MOST_EVENTS = 2000
"""Events encoded in one call: json holds the GIL."""


class EventStream:
    """What has been drained of each thread, and what is still to be told. For the publishing thread only."""

    def __init__(self, taskmaster: "Taskmaster", roles: Roles):
        self._taskmaster = taskmaster
        self._probe = taskmaster.probe
        self._roles = roles
        self._offsets: dict[int, int] = {}
        self._told_lost: dict[int, int] = {}
        self._born: set[int] = set()
        self._streamed_out: list[ThreadRecord] = []  # ended, their last events sent, and not yet in a table

    def take_ended(self) -> list[ThreadRecord]:
        """The threads whose end the next table is to tell: while streaming, those whose last events are sent.

        Call it under the taskmaster's lock.
        """
        ended = self._pop_ended() if self._probe.level != STREAM else []
        ended, self._streamed_out = ended + self._streamed_out, []
        return ended

    def drain(self, send: Callable[[Frame, int], None]) -> None:
        """Drain every thread's events and send them, at most MOST_EVENTS a frame; `send` gets a frame and its events."""
        with self._taskmaster.lock:
            records = list(self._probe.records.values())
            ended = self._pop_ended()
        births = [record for record in (*ended, *records) if record.number not in self._born]
        self._born.update(record.number for record in births)
        threads = [(record.number, self._roles.number(record.role), record.native) for record in births]
        batches, size = [], 0
        for record in (*ended, *records):
            for words in self._drain_thread(record):
                for start in range(0, len(words), 3 * MOST_EVENTS):
                    piece = words[start : start + 3 * MOST_EVENTS]
                    batches.append((record.number, record.lost - self._told_lost.get(record.number, 0), piece))
                    self._told_lost[record.number] = record.lost
                    size += len(piece) // 3
                    if size >= MOST_EVENTS:
                        send(self._frame(threads, batches), size)
                        threads, batches, size = [], [], 0
        if batches or threads:
            send(self._frame(threads, batches), size)
        for record in ended:
            self._born.discard(record.number)
            self._offsets.pop(record.number, None)
            self._told_lost.pop(record.number, None)
        self._streamed_out = ended

    def _pop_ended(self) -> list[ThreadRecord]:
        return [self._probe.ended.popleft() for _ in range(len(self._probe.ended))]

    def _frame(self, threads: list, batches: list) -> Frame:
        return {"frame": "events", "at": self._probe.now_us(), "threads": threads, "batches": batches}

    def _drain_thread(self, record: ThreadRecord) -> Iterator[list[int]]:
        """What the thread has announced since the last time. It goes on writing meanwhile, and is never waited for."""
        offset = self._offsets.get(record.number, 0)
        current = record.buffer  # before the chunks: one that fills up meanwhile is found among them
        while record.chunks:
            chunk = record.chunks.popleft()
            yield chunk[offset:]
            offset = 0
            if chunk is current:
                current = None
        if current is not None:
            words = current[offset:]
            offset += len(words)
            yield words
        self._offsets[record.number] = offset
