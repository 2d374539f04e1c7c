"""What the threads did lately: the last streamed events in the order of their time, and where each thread stood before.

It is what a sentence about one connection is made from: who accepted when, who served whom, which thread was asked for.
A capture never changes, so that one thread may fold on while another explains.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from teachserve.events import FIRST_MARK, State

KEPT_US = 60_000_000
KEPT_EVENTS = 100_000
ENDS = frozenset({State.ENDED.code, State.BROKEN.code})
BLOCK_EVENTS = 2000
BLOCK_US = 5_000_000
"""How far apart the places are from which one can begin to read; the oldest events are dropped a block at a time."""

Words = tuple[int, int, int, int]
"""An event as the frames tell it, with its thread: us, thread, code, about."""


class Event(NamedTuple):
    """One event of the stream: `code` and `about` as in the frame, `at` in us of the server's clock."""

    at: int
    thread: int
    code: int
    about: int


class Stand(NamedTuple):
    """Where a thread is: the code of its state, the connection that it speaks of (0: none), since when in us."""

    state: int
    connection: int
    since: int


class Batch(NamedTuple):
    """The events of began <= at < ended, by time; a connection's arrival, told late, lies before.

    `words` has four machine words for each: a tenth of what tuples take, and quick to pickle. `before` is where each
    thread stood at `began`, in the first batch of a block; else None.
    """

    began: int
    ended: int
    before: dict[int, "Stand"] | None
    words: array

    def events(self) -> Iterator[Words]:
        """One after the other."""
        words = self.words
        return zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True)


class Stay(NamedTuple):
    """A thread in one state, from one moment to another, in us."""

    state: int
    connection: int
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The last minute, or the last 100,000 events, whichever is less."""

    began: int | None = None
    """us: from here on it is known of every thread where it stood; None: of some thread it is not known yet."""
    ended: int = 0
    """us: everything up to here is known."""
    now: Mapping[int, Stand] = field(default_factory=dict)
    """Thread -> where it stands at `ended`."""
    batches: tuple[Batch, ...] = ()

    def events(self, began: int = -1, ended: int | None = None) -> Iterator[Event]:
        """The events of began < at <= ended, by time."""
        return (Event._make(one) for one in self.words(began, ended))

    def words(self, began: int = -1, ended: int | None = None) -> Iterator[Words]:
        """The same without their names, in a third of the time."""
        last = self.ended if ended is None else ended
        overlapping = (batch.events() for batch in self.batches if batch.ended > began and batch.began <= last)
        return (one for one in chain.from_iterable(overlapping) if began < one[0] <= last)

    def covers(self, began: int) -> bool:
        """Whether what the threads did from this moment on is known."""
        return self.began is not None and began >= self.began

    def standing(self, at: int) -> dict[int, Stand]:
        """Where every thread stood at this moment; a thread's first move is what makes it known."""
        first = next(
            (batch for batch in reversed(self.batches) if batch.before is not None and batch.began <= at), None
        )
        if first is None:
            return dict(self.now) if not self.batches else {}
        stands = dict(first.before)
        for one in self.words(first.began - 1, at):
            follow(stands, one)
        return stands

    def stays(self, thread: int, began: int, ended: int) -> list[Stay]:
        """What one thread did between two moments, cut off at both."""
        at, stand = began, self.standing(began).get(thread)
        stays = []
        for one in self.events(began, ended):
            if one.thread == thread and one.code < FIRST_MARK:
                if stand is not None and one.at > at:
                    stays.append(Stay(stand.state, stand.connection, at, one.at))
                at, stand = one.at, None if one.code in ENDS else Stand(one.code, one.about, one.at)
        if stand is not None and ended > at:
            stays.append(Stay(stand.state, stand.connection, at, ended))
        return stays

    def without(self, threads: frozenset[int], states: frozenset[int], began: int, ended: int) -> list[tuple[int, int]]:
        """Each span between two moments, in us, in which none of these threads was in one of these states."""
        stands = self.standing(began)
        inside = {thread for thread, stand in stands.items() if thread in threads and stand.state in states}
        spans, since = [], None if inside else began
        for at, thread, code, _ in self.words(began, ended):
            if thread not in threads or code >= FIRST_MARK:
                continue
            if code in states:
                if since is not None:
                    spans.append((since, at))
                    since = None
                inside.add(thread)
            else:
                inside.discard(thread)
                if not inside and since is None:
                    since = at
        if since is not None:
            spans.append((since, ended))
        return [span for span in spans if span[1] > span[0]]


def follow(stands: dict[int, Stand], one: Words) -> None:
    """Move one thread by one event."""
    at, thread, code, about = one
    if code < FIRST_MARK:
        if code in ENDS:
            stands.pop(thread, None)
        else:
            stands[thread] = Stand(code, about, at)


class Recorder:
    """Keeps what a Timeline is captured from. Events come by time."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self._now: dict[int, Stand] = {}
        self._began: int | None = None
        self._ended = self._count = 0
        self._block_began = self._block_count = 0

    def add(self, events: list[Words], ended: int) -> None:
        """Take events, by time; everything up to `ended` (us) is known with them."""
        began, self._ended = self._ended, max(self._ended, ended)
        if events:
            begins = (
                not self._batches or self._block_count >= BLOCK_EVENTS or self._ended - self._block_began >= BLOCK_US
            )
            if begins:
                self._block_began, self._block_count = began, 0
            before = dict(self._now) if begins else None
            self._batches.append(Batch(began, self._ended, before, array("q", [*chain.from_iterable(events)])))
            self._count += len(events)
            self._block_count += len(events)
            last = {one[1]: one for one in events if one[2] < FIRST_MARK}
            for one in last.values():
                follow(self._now, one)
        self._drop_old()

    def _drop_old(self) -> None:
        """Drop blocks that are too old or too many, never the newest, for reading begins at a block."""
        while self._count > KEPT_EVENTS or (self._batches and self._batches[0].ended < self._ended - KEPT_US):
            length = next(
                (number for number, batch in enumerate(self._batches) if number and batch.before is not None), 0
            )
            if not length:
                break
            for _ in range(length):
                self._count -= len(self._batches.popleft().words) // 4
            if self._began is not None:
                self._began = max(self._began, self._batches[0].began)

    def stood(self, stands: Iterable[tuple[int, Stand]]) -> None:
        """Where threads stand that have not spoken yet: a table tells it."""
        self._now.update(stands)

    @property
    def whole(self) -> bool:
        """Whether it is known of every thread where it stands."""
        return self._began is not None

    def complete(self, at: int) -> None:
        """From this moment on, in us, it is known of every thread."""
        self._began = at

    def forget(self) -> None:
        """Something was lost: until `complete` nothing is known for certain."""
        self._batches.clear()
        self._now.clear()
        self._count = 0
        self._began = None

    def capture(self) -> Timeline:
        """All of it as of now."""
        return Timeline(self._began, self._ended, dict(self._now), tuple(self._batches))
