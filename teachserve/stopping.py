"""How a server stops: softly, losing nothing that was accepted, or abandoned, as the last resort.

A thread blocked in accept(2) is woken by a connect to ourselves, known by its local address, which is bound before it
connects. (close(2) would not wake it, and shutdown(2) would reset what is queued.) When the last thread has left accept,
one more connect marks the end of the queue: whoever came before the mark is answered 503, later ones find the port closed.
"""

import contextlib
import ctypes
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from teachserve.connection import Connection
from teachserve.errors import Abandoned, CorruptedError
from teachserve.events import STATES
from teachserve.interpreter import gil_enabled
from teachserve.probe import ThreadRecord
from teachserve.taskmaster import Taskmaster

logger = logging.getLogger("teachserve")

WAKE_TIMEOUT_S = 1.0
"""How long a wake may go unanswered before another is sent."""
MARK_TRIES = 3
SWEEP_S = 0.05
ABANDON_JOIN_S = 2.0
POLITE_S = 0.2
"""How long an abandoned thread may take to end by itself: an exception out of nowhere can cut anything in two."""
SLOW_SHARE = 0.5
"""The part of the grace time after which slow motion ends, so that what was accepted is still served in time."""
UNMADE_S = 0.001
"""How often an abandon looks again for a thread that is being made: nobody says when."""
NO_LINE = "n/a (nobody can read it without the GIL)"
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class ThreadLeft:
    """A thread that could not be ended: its name, its state's word, and the source line on which it stands, or n/a."""

    name: str
    state: str
    line: str


@dataclass(frozen=True, slots=True)
class StopReport:
    """What a stop came to.

    `counters` are those that should be zero and are not, `threads` those that could not be ended, `answered_503` the
    connections that waited in the accept queue when the server stopped, `seconds` how long it took.
    """

    abandoned: bool
    seconds: float
    answered_503: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    threads: tuple[ThreadLeft, ...] = ()

    @property
    def clean(self) -> bool:
        """Every thread ended and every counter is back to zero."""
        return not self.counters and not self.threads

    @property
    def corrupted(self) -> CorruptedError | None:
        """The error that names the counters, if there are any."""
        return CorruptedError(self.counters) if self.counters else None

    def lines(self) -> list[str]:
        """The report for people, a sentence a line."""
        how = "abandoned" if self.abandoned else "stopped"
        lines = [f"{how} in {self.seconds:.2f} s, {'clean' if self.clean else 'not clean'}"]
        if self.corrupted:
            lines.append(str(self.corrupted))
        lines += [f"thread {left.name} could not be ended: {left.state}, at {left.line}" for left in self.threads]
        return lines


class Stopper:
    """Stops one taskmaster. `soft_stop` and `abandon` run in the caller's thread; an abandon cuts a soft stop short."""

    def __init__(self, taskmaster: Taskmaster):
        self._taskmaster = taskmaster
        self._listener = taskmaster.listener
        self._connects: list[socket.socket] = []
        self._slow_until = 0.0

    def soft_stop(self, grace_s: float) -> StopReport:
        """Stop accepting, finish what was accepted, close the listening socket. Waits at most `grace_s` seconds."""
        taskmaster = self._taskmaster
        began = time.monotonic()
        deadline = began + grace_s
        self._slow_until = began + SLOW_SHARE * grace_s
        self._gate("flag")
        with taskmaster.lock:
            taskmaster.stopping = True
            taskmaster.release_takers()
            taskmaster.changed.notify_all()
        self._gate("sweep")
        self._sweep()
        self._wake(deadline)
        answered = 0
        if not taskmaster.abandoned:
            self._gate("close queue")
            answered = self._drain()
        self._until("drain", lambda: not taskmaster.counts.live.total(), deadline, SWEEP_S)
        taskmaster.end_slow_motion()
        self._gate("close")
        left_s = max(0.0, deadline - time.monotonic())
        taskmaster.closer.leave(left_s)
        for connect in self._connects:
            connect.close()
        return StopReport(False, time.monotonic() - began, answered, self._counters(), self._threads_left())

    def abandon(self) -> StopReport:
        """End every thread by force: shut everything, release every wait, raise `Abandoned` in each. At most 2 s."""
        taskmaster = self._taskmaster
        began = time.monotonic()
        with taskmaster.lock:
            taskmaster.stopping = taskmaster.abandoned = True
            records = list(taskmaster.probe.records.values())
            for queue in taskmaster.queues.values():
                queue.tokens.put(queue.takers)
            taskmaster.places.put(taskmaster.counts.queueing)
            taskmaster.counts.placed += taskmaster.counts.queueing  # each gives its place back as it ends
            taskmaster.counts.queueing = 0
            taskmaster.changed.notify_all()
        if taskmaster.gate is not None:
            taskmaster.gate.open()
        taskmaster.end_slow_motion()
        with contextlib.suppress(OSError):  # a soft stop may have closed it
            self._listener.shutdown(socket.SHUT_RDWR)
        for record in records:
            if record.held is not None:
                record.held.shut(socket.SHUT_RDWR)
        taskmaster.closer.leave(0)
        _join(records, began + POLITE_S)
        for record in records:
            if record.thread is not None and record.thread.is_alive():
                _raise_in(record.thread, Abandoned)
        _join(records, began + ABANDON_JOIN_S)
        for record in records:
            taskmaster.bury(record)
        self._empty_queues()
        self._listener.close()
        for connect in self._connects:
            connect.close()
        return StopReport(True, time.monotonic() - began, 0, self._counters(), self._threads_left())

    def _empty_queues(self) -> None:
        """Close every connection that was handed over and never taken."""
        taskmaster = self._taskmaster
        with taskmaster.lock:
            queued = [item for queue in taskmaster.queues.values() for item in queue.items]
            for queue in taskmaster.queues.values():
                queue.items.clear()
        for item in queued:
            if isinstance(item, Connection):
                taskmaster.close(item)

    # ---- the steps of a soft stop ------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Wake the threads that wait on a connection where no request has begun; each takes one last look itself."""
        with self._taskmaster.lock:
            held = [record.held for record in self._taskmaster.probe.records.values()]
        for connection in held:
            if connection is not None and connection.awaiting and not connection.swept:
                connection.shut(socket.SHUT_RD)

    def _wake(self, deadline: float) -> None:
        """Connect to ourselves once for each thread that accepts, until none does."""
        taskmaster = self._taskmaster
        while taskmaster.counts.accepting and not taskmaster.abandoned:
            for _ in range(taskmaster.counts.accepting):
                self._gate("wake")
                self._let_it_be_seen()
                self._connect()
            limit = min(deadline, time.monotonic() + WAKE_TIMEOUT_S + taskmaster.slow_s)
            if not self._until("woken", lambda: not taskmaster.counts.accepting, limit, SWEEP_S):
                if time.monotonic() >= deadline:
                    logger.warning("threads that did not leave accept in time: %d", taskmaster.counts.accepting)
                    return
                logger.info("a wake was not answered: connecting again")

    def _let_it_be_seen(self) -> None:
        """In slow motion, wake one thread after the other."""
        if (slow := self._taskmaster.slow) is not None:
            slow.pause(max(0.0, self._slow_until - time.monotonic()))
            self._end_slow_motion_in_time()

    def _end_slow_motion_in_time(self) -> None:
        if self._taskmaster.slow is not None and time.monotonic() >= self._slow_until:
            self._taskmaster.end_slow_motion()

    def _drain(self) -> int:
        """Answer 503 to every connection that came before our mark, then close the listening socket."""
        taskmaster = self._taskmaster
        listener = self._listener
        answered = tries = 0
        mark = None
        with contextlib.suppress(OSError):
            listener.setblocking(False)
            while True:
                if mark is None:
                    mark = self._connect()
                    tries += 1
                try:
                    sock, peer = listener.accept()
                except BlockingIOError:
                    if tries >= MARK_TRIES:
                        break
                    mark = None  # the queue was full when we connected; now it is empty
                    continue
                except ConnectionAbortedError:
                    continue
                if peer in taskmaster.wakes:
                    sock.close()
                    if peer == mark:
                        break
                    continue
                with taskmaster.lock:
                    taskmaster.counts.connections += 1
                    number = taskmaster.counts.connections
                taskmaster.refuse(Connection(sock, peer, number, taskmaster.limits), 503, "the server is stopping")
                answered += 1
        listener.close()
        return answered

    def _connect(self) -> tuple | None:
        """Connect to ourselves without waiting; the local address by which accept knows it, None where that failed."""
        connect = socket.socket(self._listener.family, socket.SOCK_STREAM)
        try:
            host, port, *rest = self._listener.getsockname()
            host = WILDCARDS.get(host, host)
            connect.setblocking(False)
            connect.bind((host, 0, *rest))
            address = connect.getsockname()
            self._taskmaster.wakes.add(address)
            connect.connect_ex((host, port, *rest))
        except OSError as error:
            logger.warning("cannot connect to ourselves: %s", error)
            connect.close()
            return None
        self._connects.append(connect)
        return address

    def _until(self, verb: str, reached: Callable[[], object], deadline: float, every_s: float) -> bool:
        """Wait until `reached`, the deadline, or an abandon; sweep now and then, for whoever read `stopping` too early."""
        taskmaster = self._taskmaster
        if taskmaster.gate is not None:
            taskmaster.gate.hold(verb, lambda: reached() or taskmaster.abandoned)
        while not taskmaster.abandoned:
            with taskmaster.changed:
                wait_s = min(every_s, deadline - time.monotonic())
                if taskmaster.changed.wait_for(lambda: reached() or taskmaster.abandoned, wait_s):
                    return bool(reached())
            if time.monotonic() >= deadline:
                return False
            self._end_slow_motion_in_time()
            self._sweep()
        return False

    def _gate(self, verb: str) -> None:
        if self._taskmaster.gate is not None:
            self._taskmaster.gate.hold(verb)

    # ---- the report --------------------------------------------------------------------------------------------

    def _counters(self) -> dict[str, int]:
        """Every counter that is not zero and should be."""
        taskmaster = self._taskmaster
        with taskmaster.lock:
            counters = taskmaster.counts.should_be_zero()
            counters |= {f"queue {name}": len(queue.items) for name, queue in taskmaster.queues.items()}
        return {name: value for name, value in counters.items() if value}

    def _threads_left(self) -> tuple[ThreadLeft, ...]:
        with self._taskmaster.lock:
            records = [record for record in self._taskmaster.probe.records.values() if not record.lower]
        # Without the GIL a thread may take its frame down while we read it. CPython 3.13 died of whole stacks in one of two
        # runs of 8 s; of the top frames alone it did not in a million reads, but nothing keeps it from that.
        readable = gil_enabled()
        frames = sys._current_frames() if readable else {}
        left = []
        for record in records:
            frame = frames.get(record.thread.ident) if record.thread is not None else None
            line = "n/a" if readable else NO_LINE
            if frame is not None:
                line = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
            left.append(ThreadLeft(f"{record.role}-{record.number}", STATES[record.state].value, line))
        return tuple(left)


def _join(records: list[ThreadRecord], deadline: float) -> None:
    for record in records:
        while (thread := record.thread) is None and time.monotonic() < deadline:
            time.sleep(UNMADE_S)  # counted in, and its maker has not come to make it
        if thread not in (None, threading.current_thread()):
            thread.join(max(0.0, deadline - time.monotonic()))


def _raise_in(thread: threading.Thread, exception: type[BaseException]) -> None:
    """Raise in another thread, at its next bytecode (CPython's PyThreadState_SetAsyncExc)."""
    if thread.ident is not None and thread is not threading.current_thread():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(exception))
