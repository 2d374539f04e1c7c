"""Events, drained from the threads' own buffers: every thread's for those who watch at the level `stream`, one thread's
for those who have set their focus on it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teachserve.probe import STREAM, UNWATCHED, ThreadRecord
from teachserve.publish.account import Roles
from teachserve.publish.watcher import Frame

if TYPE_CHECKING:
    from teachserve.taskmaster import Taskmaster

MOST_EVENTS = 2000
"""Events encoded in one call: json holds the GIL."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What watchers want to know: the level of every thread, and the numbers of those of which they want every event."""

    level: int = UNWATCHED
    focused: frozenset[int] = frozenset()

    def __contains__(self, record: ThreadRecord) -> bool:
        return self.level == STREAM or record.number in self.focused

    def __and__(self, other: "Wanted") -> "Wanted":
        every, either = [one.focused for one in (self, other) if one.level != STREAM], self.focused | other.focused
        return Wanted(min(self.level, other.level), either.intersection(*every))


class EventStream:
    """What has been drained of each thread, and what is still to be told. One thread at a time may use it.

    `unheard` counts the events that a thread emitted just when nobody wanted them any more.
    """

    def __init__(self, taskmaster: "Taskmaster", roles: Roles):
        self._taskmaster = taskmaster
        self._probe = taskmaster.probe
        self._roles = roles
        self._wanted = Wanted()
        self._offsets: dict[int, int] = {}
        self._told_lost: dict[int, int] = {}
        self._born: set[int] = set()
        self._streamed_out: list[ThreadRecord] = []  # ended, their last events sent, and not yet in a table
        self.unheard = 0

    def want(self, wanted: Wanted) -> None:
        """From here on the threads announce what is wanted. What is left of an earlier time is old: nobody is told."""
        with self._taskmaster.lock:
            for record in self._probe.records.values():
                if record in wanted and record not in self._wanted:
                    self.unheard += sum(len(words) // 3 for words in self._drain_thread(record))
            self._wanted = wanted
            self._probe.watch(wanted.level, wanted.focused)

    def hush(self, wanted: Wanted) -> None:
        """Before `want`: threads that are not wanted by then announce no more; what they have announced is to be drained."""
        still = self._wanted & wanted
        with self._taskmaster.lock:
            self._probe.watch(still.level, still.focused)

    def take_ended(self) -> list[ThreadRecord]:
        """The threads whose end the next table is to tell: of those whose events are wanted, the ones whose last are sent.

        Call it under the taskmaster's lock.
        """
        ended = self._pop_ended(wanted=False)
        for record in ended:
            self._forget(record)
        ended, self._streamed_out = ended + self._streamed_out, []
        return ended

    def drain(self, tell_all: Callable[[Frame, int], None], tell_focused: Callable[[Frame, int], None]) -> None:
        """Drain the events that are wanted and tell them, at most MOST_EVENTS a frame, with how many there are in it."""
        with self._taskmaster.lock:
            records = [record for record in self._probe.records.values() if record in self._wanted]
            ended = self._pop_ended(wanted=True)
        births = [record for record in (*ended, *records) if record.number not in self._born]
        threads = [(record.number, self._roles.number(record.role), record.native) for record in births]
        if every := self._wanted.level == STREAM:
            self._born.update(record.number for record in births)
        batches, size = [], 0
        for record in (*ended, *records):
            for lost, words in self._pieces(record):
                if record.number in self._wanted.focused:
                    tell_focused(self._of_one(record, lost, words), len(words) // 3)
                if every:
                    batches.append((record.number, lost, words))
                    size += len(words) // 3
                if size >= MOST_EVENTS:
                    tell_all(self._of_all(threads, batches), size)
                    threads, batches, size = [], [], 0
        if every and (batches or threads):
            tell_all(self._of_all(threads, batches), size)
        for record in ended:
            self._forget(record)
        self._streamed_out += ended

    def _pop_ended(self, wanted: bool) -> list[ThreadRecord]:
        ended = [self._probe.ended.popleft() for _ in range(len(self._probe.ended))]
        self._probe.ended.extend(record for record in ended if (record in self._wanted) != wanted)
        return [record for record in ended if (record in self._wanted) == wanted]

    def _forget(self, record: ThreadRecord) -> None:
        self._born.discard(record.number)
        self._offsets.pop(record.number, None)
        self._told_lost.pop(record.number, None)

    def _of_all(self, threads: list, batches: list) -> Frame:
        return {"frame": "events", "at": self._probe.now_us(), "threads": threads, "batches": batches}

    def _of_one(self, record: ThreadRecord, lost: int, words: list[int]) -> Frame:
        return {"frame": "focused", "at": self._probe.now_us(), "thread": record.number,
                "role": self._roles.number(record.role), "lost": lost, "words": words}  # fmt: skip

    def _pieces(self, record: ThreadRecord) -> Iterator[tuple[int, list[int]]]:
        """What is new of a thread, in pieces of at most MOST_EVENTS, each with how many events were lost before it."""
        for words in self._drain_thread(record):
            for start in range(0, len(words), 3 * MOST_EVENTS):
                lost = record.lost - self._told_lost.get(record.number, 0)
                self._told_lost[record.number] = record.lost
                yield lost, words[start : start + 3 * MOST_EVENTS]

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
