"""The verbs: all that a taskmaster is written in.

An architecture is a class of these verbs. A role is a method, a thread's whole life; returning from it ends the thread.
Each verb announces itself (probe), is a place where a thread can be held (gate), and knows what to do once the server
stops, so that an architecture's file need not.

What guards what:
  * `lock` guards every counter, and the items and takers of every queue. Deciding and acting on it is one critical
    section: `accept` counts out and sees whether it left nobody, `recycle` counts in if there is room.
  * A thread's record is written by that thread alone. `stopping` and `abandoned` are set once, under the lock; a thread
    may read them without it, and a stop looks again at whoever read them too early.
  * Nothing leans on the GIL.
"""

import socket
from collections.abc import Callable

from teachserve.accepting import Accepting
from teachserve.connection import Connection
from teachserve.driver import BlockingDriver
from teachserve.errors import Abandoned, TeachserveError
from teachserve.events import Mark, State
from teachserve.gate import Gate, readable
from teachserve.loop import Loop
from teachserve.message import Request, Response
from teachserve.options import Options, names_used, options_used
from teachserve.probe import ThreadRecord
from teachserve.queues import NamedQueue, Queue

__all__ = ["WORKER_WANTED", "Queue", "Taskmaster"]

WORKER_WANTED = "worker wanted"
"""What a worker hands to a thread-maker."""

_OVERRIDDEN = {"start", "accepting_role"}

_CREATING = State.CREATING.code
_HANDING_OVER = State.HANDING_OVER.code
_WAITING = State.WAITING.code


class Taskmaster(Accepting):
    """Decides which thread does what. Write a subclass in the verbs; `start` spawns the first threads.

    `accepting_role` names the role whose threads call `accept`. `options` holds the values in force, `listener` is the
    listening socket, for `select`. The verbs around accept stand in `accepting.py`.
    """

    def __init__(self, listener: socket.socket, app: Callable[[Request], Response], options: Options,
                 gate: Gate | None = None):  # fmt: skip
        super().__init__(listener, app, options, gate)
        self.queues: dict[str, NamedQueue] = {}
        for cls in reversed(type(self).__mro__[: type(self).__mro__.index(Taskmaster)]):
            for name, member in vars(cls).items():
                hides = name in self.__dict__ or hasattr(Taskmaster, name)
                if hides and name not in _OVERRIDDEN and not name.startswith("__"):
                    self.probe.close()
                    self.places.close()
                    raise TeachserveError(f"{cls.__name__}.{name} hides a name of Taskmaster: call it something else")
                if isinstance(member, Queue):
                    self.queues[name] = NamedQueue(name)
        for position, (name, queue) in enumerate(self.queues.items()):
            queue.position = position
            setattr(self, name, queue)
        self._asks = "short_of_acceptors" in names_used(type(self), Taskmaster)
        self._acceptor: tuple[Callable[..., None], tuple] | None = None  # what the last thread spawned to accept runs

    @classmethod
    def used_options(cls) -> frozenset[str]:
        """The architecture options that this class uses, read from its own code."""
        return options_used(cls, Taskmaster)

    def start(self) -> None:
        """Spawn the first threads. The architecture's own."""
        raise TypeError(f"{type(self).__name__} must define start, which spawns the first threads")

    # ---- threads -----------------------------------------------------------------------------------------------

    def spawn(self, method: Callable[..., None], *args: object, role: str) -> bool:
        """Make a new thread that runs `method(*args)`.

        While it blocks: creating. Event: the new thread's first move. Once the server stops: False.
        False too at `max_threads`, or when the system refuses; a connection among `args` is then answered 503.
        """
        connection = next((arg for arg in args if isinstance(arg, Connection)), None)
        me = getattr(self._local, "record", None)
        if me is not None:
            me.enter(_CREATING)
            if (gate := me.gate) is not None:
                gate.hold("spawn")
            if connection is not None:
                me.held = None
        accepts = role == self.accepting_role
        record = None
        with self.lock:
            full = accepts and connection is None and self._full()
            if not self.stopping and not full:
                record = self._born(role)
                record.held = connection
                if connection is not None:
                    record.for_connection = True
                    record.connection = connection.number
                if accepts:
                    self.counts.accepting += 1
                    record.counted = True
                    self._acceptor = (method, args)
            if accepts:
                self.counts.asked = False
        if record is not None and me is not None:
            me.mark(Mark.SPAWNED, record.number)
        if record is not None and self._start(record, method, args):
            return True
        if connection is not None:
            self.refuse(connection, 503, "no thread can be made for this connection")
        return False

    def change_option(self, name: str, value: object) -> None:
        """Put another value of `standby` or `max_threads` in force, under the threads that run. Raises: OptionError.

        Where accept found no room for one more, nobody asks again before the next connection, and that may wait for a
        thread that a client holds: so whoever makes the room spawns the one for which nobody was asked.
        """
        counts = self.counts
        with self.lock:
            self.options.change(name, value)
            if name == "max_threads":
                self._limit_threads()
            wanting = self._asks and not (counts.accepting or counts.asked or self._full())
            short = wanting and self._acceptor is not None and not self.stopping
            if short:
                counts.asked = True
        if short:
            method, args = self._acceptor
            self.spawn(method, *args, role=self.accepting_role)

    def _begun(self, record: ThreadRecord) -> None:
        record.driver = BlockingDriver(self, record)

    def _replace(self, method: Callable[..., None], args: tuple, role: str) -> None:
        self.spawn(method, *args, role=role)

    def _died(self, record: ThreadRecord) -> None:
        if record.taking is not None:  # abandoned while it waited
            self._count_out_taker(record)
        super()._died(record)
        if self.stopping:
            self.release_takers()

    def _let_go(self, record: ThreadRecord) -> None:
        if record.held is not None:
            self.close(record.held)
        if record.pending is not None and (queue := record.pending.connection.answers) is not None:
            # It took a loop's request and broke: the loop would wait for the answer for ever.
            response = Response.failure(record.pending, "the worker broke")
            record.pending = None
            with self.lock:
                queue.items.append(response)
                queue.handed_over += 1
            queue.tokens.put()
        if record.driver is not None:
            record.driver.close()
        record.driver = record.loop = None  # they hold the record: no cycle for the collector

    # ---- handing over ------------------------------------------------------------------------------------------

    def hand_over(self, item: object, queue: NamedQueue) -> None:
        """Put something on a named queue. Never refuses, and hardly waits.

        State: handing over. Once the server stops: the same.
        """
        me = self._local.record
        me.enter(_HANDING_OVER)
        if (gate := me.gate) is not None:
            gate.hold("hand_over")
        if me.level:  # before it is there: whoever takes it speaks of it later
            me.mark_queue(queue.position, _connection_in(item))
        with self.lock:
            if item is me.held:
                me.held = None
            me.pending = None
            queue.items.append(item)
            queue.handed_over += 1
        queue.tokens.put()

    def take(self, queue: NamedQueue) -> object | None:
        """Take the first thing from a named queue.

        While it blocks: waiting. Once the server stops: None when the queue is empty and every other thread has ended
        or waits in a take, so that nobody is left who could hand anything over.
        """
        me = self._local.record
        me.connection = 0
        me.enter(_WAITING, queue.tokens.descriptor)
        with self.lock:
            if self.abandoned:  # its tokens went to those who waited then
                raise Abandoned
            self.counts.taking += 1
            queue.takers += 1
            me.taking = queue
            if self.stopping:
                self.release_takers()
        if (gate := me.gate) is not None:
            gate.hold("take", readable(queue.tokens.descriptor))
        queue.tokens.get()
        with self.lock:
            self._count_out_taker(me)
            item = queue.items.popleft() if queue.items else None
            if isinstance(item, Connection):
                me.held = item
            elif isinstance(item, Request):
                me.pending = item
        if self.abandoned:
            raise Abandoned
        if (gate := me.gate) is not None:
            gate.hold("taken")
        return item

    def _count_out_taker(self, me: ThreadRecord) -> None:
        """This thread is no longer in take. The caller holds the lock."""
        self.counts.taking -= 1
        me.taking.takers -= 1
        me.taking = None

    def release_takers(self) -> None:
        """Wake every taker if none can be handed anything any more. The caller holds the lock."""
        waited_for = [queue for queue in self.queues.values() if queue.takers]
        if self.counts.taking == self.counts.live.total() and not any(queue.items for queue in waited_for):
            for queue in waited_for:
                queue.tokens.put(queue.takers)

    # ---- serving -----------------------------------------------------------------------------------------------

    def serve(self, connection: Connection) -> None:
        """Read, handle and write one request after the other, then close the connection.

        States: reading or idle, handling, writing. Once the server stops: the request in progress is the last.
        """
        me = self._local.record
        connection.driver = driver = me.driver
        me.connection = connection.number
        try:
            while (request := driver.read(connection)) is not None:
                driver.write(driver.handle(request))
        finally:
            self.close(connection)
            me.held = None
            me.connection = 0
            if me.placed:
                with self.lock:
                    self._free_place(me)

    def read(self, connection: Connection) -> Request | None:
        """One whole request; None when the connection gives no more. In a loop it never blocks, and None means: not yet.

        While it blocks: reading, or idle between two requests.
        Once the server stops: None for a connection on which no request has begun.
        """
        me = self._local.record
        me.connection = connection.number
        connection.driver = me.driver
        return me.driver.read(connection)

    def handle(self, request: Request) -> Response:
        """The handler's answer, or 500 whatever the handler raised.

        State: handling. Once the server stops: the same.
        """
        me = self._local.record
        me.connection = request.connection.number
        return me.driver.handle(request)

    def write(self, response: Response) -> None:
        """Send the answer. In a loop: what the socket takes now, the rest when `select` finds room.

        While it blocks: writing. Once the server stops: the answer says `Connection: close`.
        """
        me = self._local.record
        me.connection = response.request.connection.number
        me.driver.write(response)

    def select(self, listener: socket.socket, queue: NamedQueue) -> object | None:
        """One ready thing: the listener, a connection (bytes or a whole buffered request), or the queue.

        While it blocks: selecting. Once the server stops: None when nothing is in progress.
        """
        me = self._local.record
        if me.loop is None:
            me.driver.close()
            me.driver = me.loop = Loop(self, me, listener, queue)
        return me.loop.select()


def _connection_in(item: object) -> int:
    """The number of the connection that something on a queue holds; 0: none."""
    if isinstance(item, Response):
        item = item.request
    if isinstance(item, Request):
        item = item.connection
    return item.number if isinstance(item, Connection) else 0
