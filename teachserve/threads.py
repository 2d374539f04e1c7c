"""The thread table: births and ends, and which counter each of them moves.

`lock` guards every counter of a taskmaster; `changed` is notified when one that a stop waits for has sunk. Neither is
held over a blocking call, nor while a thread announces a move or stands at the gate.
"""

import itertools
import logging
import threading
import traceback
from collections.abc import Callable

from teachserve.counts import Counts
from teachserve.errors import Abandoned
from teachserve.events import State
from teachserve.gate import Gate
from teachserve.probe import Probe, ThreadRecord
from teachserve.slow_motion import SlowMotion

logger = logging.getLogger("teachserve")

SPAWN_TRIES = 3
PAUSE_S = 0.05
"""The first pause after the system refused a thread, or after a thread broke; doubled with each refusal."""

_ENDED = State.ENDED.code
_BROKEN = State.BROKEN.code
_RECYCLING = State.RECYCLING.code


class _Started(threading.Event):
    """Set by a new thread; `Thread.start` waits for it, and nobody else does.

    That wait is two hand-overs of the GIL for each thread. In a stand-in of 40 lines (thread per connection, close, 1 ms,
    100 clients, CPython 3.11) leaving it out took 3,100 requests/s to 4,900.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """Returns at once."""
        return True


class SwiftThread(threading.Thread):
    """A thread whose maker does not wait until it runs; from `start` to its end it counts as alive."""

    def __init__(self, target: Callable[..., None], args: tuple, name: str):
        super().__init__(target=target, args=args, name=name, daemon=True)
        self._started.__class__ = _Started  # not a second Event: it costs as much as the rest of a Thread

    def is_alive(self) -> bool:
        """True too while it is being born."""
        return not self._started.is_set() or super().is_alive()

    def join(self, timeout: float | None = None) -> None:
        """As Thread.join; a thread that is still being born is waited for first."""
        if threading.Event.wait(self._started, timeout):
            super().join(timeout)


class ThreadTable:
    """The threads of one taskmaster."""

    def __init__(self, gate: Gate | None):
        self.gate = gate
        self.slow: SlowMotion | None = None
        self._no_more_slow = False
        self.probe = Probe()
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.stopping = False
        self.counts = Counts()
        self.thread_shortage = False  # the system last refused a thread
        self._numbers = itertools.count(1)  # used under the lock
        self._local = threading.local()

    @property
    def this_thread(self) -> ThreadRecord:
        """The record of the thread that calls, which must be one of this table's."""
        return self._local.record

    def spawn_below(self, method: Callable[[], None], role: str) -> bool:
        """A thread of a lower room: shown like any other, but no part of the architecture nor of its stop.

        False: the system refused it. It is asked once, for the caller may not wait.
        """
        with self.lock:
            record = self._born(role, lower=True)
        return self._start(record, method, ())

    @property
    def slow_s(self) -> float:
        """How long slow motion holds each thread at each verb; 0 where it is off."""
        return 0.0 if (slow := self.slow) is None else slow.pause_s

    def slow_down(self, pause_s: float) -> bool:
        """Slow motion from here on, at another speed, or off: 0. Whoever pauses goes on at once. False: it is too late.

        Each thread reads from its own record what holds it, so that it costs nothing where it is off.
        """
        with self.lock:
            if pause_s and self._no_more_slow:
                return False
            before, self.slow = self.slow, SlowMotion(pause_s) if pause_s else None
            for record in self.probe.records.values():
                if not record.lower:
                    record.gate = self.slow
        if before is not None:
            before.open()
        return True

    def end_slow_motion(self) -> None:
        """No more slow motion: a stop has no time left for it."""
        with self.lock:
            self._no_more_slow = True
        if self.slow is not None:
            self.slow_down(0)

    def _born(self, role: str, *, lower: bool = False) -> ThreadRecord:
        """Count a thread that is about to be made. The caller holds the lock."""
        record = self.probe.birth(next(self._numbers), role)
        record.lower = lower
        record.gate = None if lower else self.gate or self.slow
        self.counts.made += 1
        if lower:
            self.counts.lower += 1
        else:
            self.counts.live[role] += 1
        return record

    def _died(self, record: ThreadRecord) -> None:
        """A thread is no more. The caller holds the lock."""
        if record.lower:
            self.counts.lower -= 1
        else:
            self.counts.live[record.role] -= 1
        self.probe.death(record)
        self.changed.notify_all()

    def _begun(self, record: ThreadRecord) -> None:
        """Give a thread, in itself, what it needs of its own."""

    def _let_go(self, record: ThreadRecord) -> None:
        """Give back what an ending thread still holds."""

    def _replace(self, method: Callable[..., None], args: tuple, role: str) -> None:
        """A thread broke: make another that runs the same method."""

    def _start(self, record: ThreadRecord, method: Callable[..., None], args: tuple) -> bool:
        """Start the thread; where the system refuses it, again after a pause. False: refused, and counted out.

        For one that broke there must be another, however long that takes; else its caller may not be held up for long.
        """
        gate = None if record.lower else self.gate
        tries = 1 if record.lower else SPAWN_TRIES
        for attempt in itertools.count(1):
            thread = SwiftThread(self._live, (record, method, args), f"{record.role}-{record.number}")
            record.thread = thread
            try:
                if gate is not None:
                    gate.expect(record.role, thread)
                thread.start()
            except (RuntimeError, MemoryError) as error:
                if not self.thread_shortage:
                    self.thread_shortage = True
                    logger.warning("no new %s: %s; tries again until there is room", record.role, error)
                if self.stopping or (attempt >= tries and not getattr(self._local, "replaces", False)):
                    break
                with self.changed:
                    self.changed.wait_for(lambda: self.stopping, PAUSE_S * 2 ** min(attempt, 5))
            else:
                self.thread_shortage = False
                if gate is not None:
                    gate.await_arrival(thread)
                return True
        with self.lock:
            self.counts.made -= 1
            self.counts.refused_threads += 1
            self._died(record)
        return False

    def _live(self, record: ThreadRecord, method: Callable[..., None], args: tuple) -> None:
        """A thread's whole life, around its method."""
        self._local.record = record
        record.begin()
        self._begun(record)
        end = _ENDED
        try:
            if (gate := record.gate) is not None:
                gate.hold("begin")
            method(*args)
        except Abandoned:
            logger.debug("%s-%d abandoned", record.role, record.number)
        except BaseException as error:
            end = _BROKEN
            logger.error("%s-%d broke: %s", record.role, record.number, "".join(traceback.format_exception(error)))
        finally:
            try:
                self._end(record, end, method, args)
            except Abandoned:
                logger.debug("%s-%d abandoned while it ended", record.role, record.number)  # `bury` does the rest
            finally:
                if self.gate is not None:
                    self.gate.leave()

    def bury(self, record: ThreadRecord) -> None:
        """Count out a thread that is dead and was cut short by an abandon before it could do so itself."""
        if record.number in self.probe.records and record.thread is not None and not record.thread.is_alive():
            self._let_go(record)
            with self.lock:
                self.counts.ended += 1
                self._died(record)

    def _end(self, record: ThreadRecord, end: int, method: Callable[..., None], args: tuple) -> None:
        surplus = record.state == _RECYCLING
        self._let_go(record)
        record.connection = 0
        record.enter(end)
        with self.lock:
            self.counts.ended += 1
            self.counts.surplus += surplus and not self.stopping
            self.counts.broken += end == _BROKEN
            replace = end == _BROKEN and not record.for_connection and not record.lower and not self.stopping
            self._died(record)
        del self._local.record
        if replace:
            with self.changed:  # a method that breaks at once must not spin
                self.changed.wait_for(lambda: self.stopping, PAUSE_S)
            self._local.replaces = True
            self._replace(method, args, record.role)
