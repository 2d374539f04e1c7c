"""The probe: what each thread announces of itself, kept where announcing costs next to nothing.

A thread writes only its own record and its own word in the shared table; nobody else writes there, so no lock is needed,
with a GIL or without one. Readers (the publisher in this process, the kernel witness in another) may see a record a few
nanoseconds old, never half a word. Three levels: nobody watches (state, word, counts), `TABLE` (time by state as well),
`STREAM` (every event as well).
"""

import mmap
import os
import struct
import sys
import threading
from collections import defaultdict, deque
from time import monotonic_ns

from teachserve.events import (
    FIRST_QUEUE,
    MARK_CODES,
    ROW_WORDS,
    ROWS,
    STATES,
    WORD_SEQUENCE_SHIFT,
    WORD_STATE_BITS,
    Mark,
    State,
)

UNWATCHED, TABLE, STREAM = range(3)

CHUNK = 3 * 2048
"""Machine words in a full chunk of events: three an event (time, code, connection)."""
MOST_CHUNKS = 64
"""Full chunks that a thread may have waiting for the publisher; beyond them a chunk is dropped and counted."""

_STARTING = State.STARTING.code
_STATE = (1 << WORD_STATE_BITS) - 1
# A word is written in two halves, the sequence first: a reader that sees only the first takes it for a move in progress,
# which it is. Numbers of 32 bits are half the work of numbers of 64.
_NOW, _MOVES = (0, 1) if sys.byteorder == "little" else (1, 0)
_HALF = (1 << WORD_SEQUENCE_SHIFT) - 1
assert WORD_SEQUENCE_SHIFT == 32


class ThreadRecord:
    """What one thread announces. Written by that thread alone.

    `word` is its word in the shared table, in two halves; `flows` counts each transition (before << 8 | after); `since`
    is the time at which the state was entered (CLOCK_MONOTONIC in ns, -1: before watching began); `times` the ns spent
    by state while watched. `connection` is the number of the connection held, 0 for none.
    """

    __slots__ = (
        "asked", "buffer", "chunks", "connection", "connections", "counted", "driver", "emitted", "flows",
        "for_connection", "gate", "held", "leaving", "level", "loop", "lost", "lower", "native", "number", "pending",
        "placed", "probe", "recycled", "requests", "role", "row", "since", "statuses", "taking", "thread", "times", "word",
    )  # fmt: skip

    def __init__(self, probe: "Probe", number: int, role: str):
        self.probe = probe
        self.number = number
        self.role = role
        self.native = 0
        self.thread: threading.Thread | None = None
        self.flows: defaultdict[int, int] = defaultdict(int)
        self.connection = 0
        self.connections = self.requests = self.recycled = 0
        self.statuses: defaultdict[int, int] = defaultdict(int)
        # What the taskmaster keeps with the thread: counted as accepting, told to end, asked for a worker, holds a place,
        # was made for one connection, is of a lower room, the connection in hand, a loop's request in hand, the queue
        # it waits on, what reads and writes for it, its event loop if that is one.
        self.counted = self.leaving = self.asked = self.placed = self.for_connection = self.lower = False
        self.gate: object | None = (
            None  # what holds it at each verb; anybody may change it, under the taskmaster's lock
        )
        self.held: object | None = None
        self.pending: object | None = None
        self.taking: object | None = None
        self.driver: object | None = None
        self.loop: object | None = None
        self.level = UNWATCHED
        self.since = -1
        self.times = [0] * len(STATES)
        self.buffer: list[int] = []
        self.chunks: deque[list[int]] = deque()
        self.emitted = self.lost = 0
        self.row, self.word = probe.take_row()
        self.word[_NOW], self.word[_MOVES] = _STARTING, 0

    def begin(self) -> None:
        """Called first in the thread itself: from here on the kernel can be asked about it."""
        self.native = threading.get_native_id()
        self.probe.publish_row(self.row, self.number, self.native)

    def enter(self, state: int, descriptor: int = 0) -> None:
        """Announce a move. Call it just before the blocking call, and never while a lock is held."""
        word = self.word
        before = word[_NOW] & _STATE
        word[_MOVES] = word[_MOVES] + 1 & _HALF
        word[_NOW] = descriptor << WORD_STATE_BITS | state
        self.flows[before << 8 | state] += 1
        if self.level:
            self._observe(before, state)

    @property
    def state(self) -> int:
        """The code of the state that it is in."""
        return self.word[_NOW] & _STATE

    @property
    def moves(self) -> int:
        """How many moves it has made, modulo 2**32."""
        return self.word[_MOVES]

    def mark(self, mark: Mark, about: int, at_ns: int | None = None) -> None:
        """Announce what happened without the thread having moved: now, or at another moment of CLOCK_MONOTONIC.

        `about` is the number of a connection, or of a thread, as Mark says.
        """
        if self.level == STREAM:
            self._emit(monotonic_ns() if at_ns is None else at_ns, MARK_CODES[mark], about)

    def mark_queue(self, queue: int, connection: int) -> None:
        """Announce that something is about to be on the named queue of this position."""
        if self.level == STREAM:
            self._emit(monotonic_ns(), FIRST_QUEUE + queue, connection)

    def _observe(self, before: int, state: int) -> None:
        now = monotonic_ns()
        if self.since >= 0:
            self.times[before] += now - self.since
        self.since = now
        if self.level == STREAM:
            self._emit(now, state, self.connection)

    def _emit(self, now: int, code: int, connection: int) -> None:
        self.emitted += 1
        buffer = self.buffer
        buffer.extend((self.probe.us(now), code, connection))
        if len(buffer) >= CHUNK:
            if len(self.chunks) < MOST_CHUNKS:
                self.chunks.append(buffer)  # before the buffer is replaced: the publisher reads them in that order
            else:
                self.lost += len(buffer) // 3
            self.buffer = []


class Probe:
    """All thread records of one server, the shared table of words, and the sums over threads that have ended.

    `records` holds the threads that are alive, by number; it changes under the taskmaster's lock.
    """

    def __init__(self) -> None:
        self.epoch_ns = monotonic_ns()
        self.level = UNWATCHED
        self.records: dict[int, ThreadRecord] = {}
        self.ended: deque[ThreadRecord] = deque()
        self.flows: defaultdict[int, int] = defaultdict(int)
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.times = [0] * len(STATES)
        self.requests = self.recycled = self.emitted = self.lost = 0
        size = ROWS * ROW_WORDS * 8
        self.descriptor: int | None = None
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("teachserve-words", os.MFD_CLOEXEC)
            os.ftruncate(self.descriptor, size)
            self._memory = mmap.mmap(self.descriptor, size)
        else:
            self._memory = mmap.mmap(-1, size)
        self._words = memoryview(self._memory).cast("Q")
        self._halves = memoryview(self._memory).cast("I")
        self._views: list[memoryview] = []
        self._free_rows: list[int] = []
        assert (struct.calcsize("Q"), struct.calcsize("I")) == (8, 4)

    def us(self, time_ns: int) -> int:
        """A time of CLOCK_MONOTONIC as microseconds since this probe's epoch."""
        return (time_ns - self.epoch_ns) // 1000

    def now_us(self) -> int:
        """Now, in microseconds since this probe's epoch."""
        return self.us(monotonic_ns())

    def take_row(self) -> tuple[int, memoryview | list[int]]:
        """A free row of the shared table and its word; -1 and private memory where every row is taken.

        The caller holds the taskmaster's lock. A row's view is made once and kept: without a GIL (3.13) the count of
        views that a memoryview keeps goes wrong when threads make and drop them at the same time.
        """
        if self._free_rows:
            row = self._free_rows.pop()
        elif len(self._views) < ROWS:
            row = len(self._views)
            at = 2 * (row * ROW_WORDS + 2)
            self._views.append(self._halves[at : at + 2])
        else:
            return -1, [0, 0]
        return row, self._views[row]

    def publish_row(self, row: int, number: int, native: int) -> None:
        """From here on the row speaks for this thread."""
        if row >= 0:
            self._words[row * ROW_WORDS + 1] = native
            self._words[row * ROW_WORDS] = number

    def birth(self, number: int, role: str) -> ThreadRecord:
        """A record for a thread that is about to be made. The caller holds the taskmaster's lock."""
        record = ThreadRecord(self, number, role)
        record.level = self.level
        if self.level:
            record.since = monotonic_ns()
        self.records[number] = record
        return record

    def death(self, record: ThreadRecord) -> None:
        """Fold an ended thread into the sums and free its row. The caller holds the taskmaster's lock."""
        del self.records[record.number]
        for move, count in record.flows.items():
            self.flows[move] += count
        for status, count in record.statuses.items():
            self.statuses[status] += count
        self.requests += record.requests
        self.recycled += record.recycled
        self.emitted += record.emitted
        self.lost += record.lost
        if self.level:
            self.times = [total + own for total, own in zip(self.times, record.times, strict=True)]
            self.ended.append(record)  # until the publisher has drained its last events
        if record.row >= 0:
            self._words[record.row * ROW_WORDS] = 0
            record.word = record.word.tolist()  # before the row is somebody else's
            self._free_rows.append(record.row)

    def watch(self, level: int, focused: frozenset[int] = frozenset()) -> None:
        """Set what every thread announces from now on; those `focused` every event. The caller holds the taskmaster's lock."""
        if level and not self.level:
            self.ended.clear()
        self.level = level
        for record in self.records.values():
            record.since = -1 if not level else record.since
            record.level = STREAM if record.number in focused else level

    def close(self) -> None:
        """Give the shared table back. No thread of the server may be alive."""
        if not self.level:  # else a watcher is still owed their last events
            self.ended.clear()
        for view in (*self._views, self._halves, self._words):
            view.release()
        self._memory.close()
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
