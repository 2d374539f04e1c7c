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
Batch = array
"""Events one behind the other, four machine words each: a tenth of what tuples take, and quick to pickle."""


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
    before: Mapping[int, Stand] = field(default_factory=dict)
    """Thread -> where it stood when the first of the events came; a thread that had not spoken yet is left out."""
    batches: tuple[Batch, ...] = ()

    def events(self, began: int = -1, ended: int | None = None) -> Iterator[Event]:
        """The events of began < at <= ended, by time."""
        last = self.ended if ended is None else ended
        return (
            Event._make(one)
            for one in chain.from_iterable(_split(batch) for batch in self.batches if batch[-4] > began)
            if began < one[0] <= last
        )

    def covers(self, began: int) -> bool:
        """Whether what the threads did from this moment on is known."""
        return self.began is not None and began >= self.began

    def standing(self, at: int) -> dict[int, Stand]:
        """Where every thread stood at this moment; a thread's first move is what makes it known."""
        stands = dict(self.before)
        for one in self.events(ended=at):
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
        for one in self.events(began, ended):
            if one.thread not in threads or one.code >= FIRST_MARK:
                continue
            if one.code in states:
                if since is not None:
                    spans.append((since, one.at))
                    since = None
                inside.add(one.thread)
            else:
                inside.discard(one.thread)
                if not inside and since is None:
                    since = one.at
        if since is not None:
            spans.append((since, ended))
        return [span for span in spans if span[1] > span[0]]


def follow(stands: dict[int, Stand], one: tuple[int, int, int, int]) -> None:
    """Move one thread by one event."""
    at, thread, code, about = one
    if code < FIRST_MARK:
        if code in ENDS:
            stands.pop(thread, None)
        else:
            stands[thread] = Stand(code, about, at)


def _split(batch: Batch) -> Iterator[tuple[int, int, int, int]]:
    return zip(batch[::4], batch[1::4], batch[2::4], batch[3::4], strict=True)


class Recorder:
    """Keeps what a Timeline is captured from. Events come by time."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self._before: dict[int, Stand] = {}
        self._began: int | None = None
        self._ended = self._count = 0

    def add(self, events: list[tuple[int, int, int, int]], ended: int) -> None:
        """Take events, by time; everything up to `ended` (us) is known with them."""
        self._ended = max(self._ended, ended)
        if events:
            self._batches.append(array("q", chain.from_iterable(events)))
            self._count += len(events)
        while self._batches and (self._count > KEPT_EVENTS or self._batches[0][-4] < self._ended - KEPT_US):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._batches.popleft()
        self._count -= len(oldest) // 4
        if self._began is not None:
            self._began = max(self._began, oldest[-4])
        for one in _split(oldest):
            follow(self._before, one)

    def stood(self, stands: Iterable[tuple[int, Stand]]) -> None:
        """Where threads stand that have not spoken yet: a table tells it."""
        self._before.update(stands)

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
        self._before.clear()
        self._count = 0
        self._began = None

    def capture(self) -> Timeline:
        """All of it as of now."""
        return Timeline(self._began, self._ended, dict(self._before), tuple(self._batches))
