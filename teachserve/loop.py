"""The event loop's driver: many connections in one thread, none of which may block it.

Readiness comes from epoll(7) through `selectors`; every recv and send is made with MSG_DONTWAIT, so the sockets need no
switch of their own. What a socket does not take now is kept until select finds room for it.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from time import monotonic_ns
from typing import TYPE_CHECKING

from teachserve.connection import RECEIVE_BYTES, Connection
from teachserve.driver import TOO_SLOW, Driver, close_answer, log_failure
from teachserve.errors import Abandoned, Refusal
from teachserve.events import State
from teachserve.framing import Framing, framed
from teachserve.gate import readable
from teachserve.message import Request, Response
from teachserve.probe import ThreadRecord
from teachserve.protocol import Machine
from teachserve.queues import NamedQueue

if TYPE_CHECKING:
    from teachserve.taskmaster import Taskmaster

TICK_S = 0.25
"""How often deadlines are looked at, and how long a listener rests after the system was short of descriptors."""

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_SELECTING = State.SELECTING.code
_ACCEPTING = State.ACCEPTING.code
_READING = State.READING.code


class _Seat:
    """What a loop keeps for one connection: its deadline, whether a request of it is in progress, what is still unsent.

    `streamed` is an answer that comes in pieces, `framing` how, `rest` what gives them, framed, until there are no more.
    """

    __slots__ = ("connection", "deadline", "framing", "in_progress", "interest", "rest", "streamed", "unsent")

    def __init__(self, connection: Connection, deadline: float):
        self.connection = connection
        self.deadline = deadline
        self.in_progress = False
        self.unsent: bytes | memoryview = b""
        self.streamed: Response | None = None
        self.framing: Framing | None = None
        self.rest: Iterator[bytes] | None = None
        self.interest = 0


class Loop(Driver):
    """The selector of one thread, and the connections that it watches."""

    def __init__(self, taskmaster: "Taskmaster", me: ThreadRecord, listener: socket.socket, queue: NamedQueue):
        super().__init__(taskmaster, me)
        self._listener = listener
        self._queue = queue
        self._selector = selectors.DefaultSelector()
        self.descriptor = self._selector.fileno() if hasattr(self._selector, "fileno") else 0
        self._seats: dict[Connection, _Seat] = {}
        self._ready: deque[object] = deque()
        self._listening = False
        self._rest_until = 0.0
        self._next_tick = 0.0
        listener.setblocking(False)
        self._selector.register(queue.tokens.descriptor, READ, queue)
        self._listen()

    # ---- the verbs, for this thread ----------------------------------------------------------------------------

    def select(self) -> object | None:
        """One ready thing; None when the server stops and nothing is in progress."""
        self.me.connection = 0
        while True:
            while self._ready:
                thing = self._ready.popleft()
                if not isinstance(thing, Connection) or thing in self._seats:
                    return thing
            if self.taskmaster.stopping:
                if self._settle():
                    return None
                if self._ready:  # the last look has found a request
                    continue
            self.me.enter(_SELECTING, self.descriptor)
            if (gate := self.me.gate) is not None:
                gate.hold("select", readable(self.descriptor))
            for key, events in self._selector.select(TICK_S):
                if isinstance(key.data, _Seat):
                    self._attend(key.data, events)
                else:
                    self._ready.append(key.data)
            self._tick()

    def accept(self) -> Connection | None:
        """Take a connection without waiting, and watch it from now on."""
        self.me.connection = 0
        self.me.enter(_ACCEPTING, self.taskmaster.listener_descriptor)
        if (gate := self.me.gate) is not None:
            gate.hold("accept")
        accepted = self.taskmaster.accept_once(self.me)
        if accepted is None:
            if self.taskmaster.shortage:
                self._rest()
            elif self.taskmaster.failed:
                self._leave()  # no wake will come over a broken listener
            return None
        sock, peer = accepted
        if self.taskmaster.stopping and peer in self.taskmaster.wakes:
            sock.close()
            self._leave()
            return None
        # The others in the queue first: one a turn, and every turn would serve all who are in before the next is let in.
        self._ready.appendleft(self._listener)
        connection = self.taskmaster.welcome(self.me, sock, peer)
        if not self.taskmaster.admit(connection):
            return None
        self.me.held = None
        connection.answers = self._queue
        seat = _Seat(connection, time.monotonic() + connection.limits.timeout_keep_alive)
        self._seats[connection] = seat
        self._watch(seat, READ)
        return connection

    def read(self, connection: Connection) -> Request | None:
        """A request, if a whole one has arrived. Closes the connection where nothing more will."""
        seat = self._seats[connection]
        machine = connection.machine
        self.me.enter(_READING, connection.descriptor)
        if (gate := self.me.gate) is not None:
            gate.hold("read")
        try:
            request = machine.next_request()
            if request is None and not machine.finished:
                self._receive(connection, machine)
                request = machine.next_request()
                if request is None and not (machine.finished or machine.awaiting):
                    self._bound_reading(seat)
        except Refusal as refusal:
            self._forget(seat)
            self.taskmaster.refuse(connection, refusal.status, str(refusal))
            return None
        except OSError:
            self._drop(seat)
            return None
        if request is None:
            if machine.finished:
                self._drop(seat)
            return None
        request.connection = connection
        if self.lane is not None:
            request.began_ns = monotonic_ns()
        connection.read_deadline = None
        seat.in_progress = True
        return request

    def send(self, connection: Connection, data: bytes) -> None:
        """Send what the socket takes now; the rest when there is room."""
        seat = self._seats.get(connection)
        if seat is None:  # it broke while its request was being handled elsewhere
            return
        seat.unsent = data
        seat.deadline = time.monotonic() + connection.limits.timeout_write
        self._flush(seat)

    def stream(self, connection: Connection, response: Response, framing: Framing) -> None:
        """Send the pieces as there is room, one a turn."""
        seat = self._seats.get(connection)
        if seat is None:
            close_answer(response)
            return
        seat.streamed, seat.framing = response, framing
        seat.rest = framed(framing, response.pieces)
        self.send(connection, b"")

    def close(self) -> None:
        """Close every connection and the selector."""
        for seat in list(self._seats.values()):
            self._drop(seat)
        self._selector.close()
        super().close()

    def watched(self) -> tuple[int, int]:
        """How many connections it watches, and how many of them have a request begun or an answer unsent; for any thread."""
        seats = self._seats.copy().values()
        return len(seats), sum(seat.in_progress or not seat.connection.machine.awaiting for seat in seats)

    def watching(self, number: int) -> Connection | None:
        """The connection of this number, if it watches it; for any thread."""
        return next((connection for connection in self._seats.copy() if connection.number == number), None)

    # ---- inside ------------------------------------------------------------------------------------------------

    def _attend(self, seat: _Seat, events: int) -> None:
        if events & WRITE:
            self.me.connection = seat.connection.number
            self._flush(seat)
            self.me.connection = 0
        elif seat.in_progress:
            self._watch(seat, 0)  # no further request before the last is answered; else this would spin
        else:
            self._ready.append(seat.connection)

    def _receive(self, connection: Connection, machine: Machine) -> None:
        """Take what has arrived. Raises: OSError when the client is gone."""
        try:
            machine.receive(connection.sock.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return

    def _bound_reading(self, seat: _Seat) -> None:
        """A request has begun to arrive: the whole of it has its time. Raises: Refusal 408 when that is over."""
        connection = seat.connection
        if interim := connection.machine.to_send():
            connection.send_at_once(interim)
        now = time.monotonic()
        if connection.read_deadline is None:
            connection.read_deadline = seat.deadline = now + connection.limits.timeout_request
        elif now >= connection.read_deadline:
            raise Refusal(408, TOO_SLOW)

    def _flush(self, seat: _Seat) -> None:
        connection = seat.connection
        machine = connection.machine
        if not seat.unsent and seat.rest is not None and not self._fetch(seat):
            self._drop(seat)
            return
        try:
            seat.unsent = connection.send_at_once(seat.unsent)
        except OSError:
            self._drop(seat)
            return
        if seat.unsent or seat.rest is not None:
            self._watch(seat, WRITE)
            return
        seat.in_progress = False
        if machine.finished:
            self._drop(seat)
            return
        seat.deadline = time.monotonic() + connection.limits.timeout_keep_alive
        self._watch(seat, READ)
        if not machine.awaiting:
            self._ready.append(connection)  # a whole request may be in the buffer already

    def _fetch(self, seat: _Seat) -> bool:
        """Take the next piece of an answer that comes in pieces. False: it is not what it was said to be."""
        try:
            seat.unsent = next(seat.rest, b"")
            if not seat.unsent:
                self._end_stream(seat)
        except Abandoned:
            raise
        except BaseException as error:
            request = seat.streamed.request
            log_failure(request, error)
            if not seat.framing.head:
                return False
            self._end_stream(seat)
            seat.unsent = seat.connection.machine.answer(Response.failure(request, "the handler failed"), last=True)
        return True

    def _end_stream(self, seat: _Seat) -> None:
        seat.rest = None
        close_answer(seat.streamed)
        self.log(seat.streamed, seat.framing.given)

    def _watch(self, seat: _Seat, interest: int) -> None:
        if interest == seat.interest:
            return
        if not seat.interest:
            self._selector.register(seat.connection.sock, interest, seat)
        elif interest:
            self._selector.modify(seat.connection.sock, interest, seat)
        else:
            self._selector.unregister(seat.connection.sock)
        seat.interest = interest

    def _forget(self, seat: _Seat) -> None:
        self._watch(seat, 0)
        if seat.rest is not None:
            self._end_stream(seat)
        del self._seats[seat.connection]

    def _drop(self, seat: _Seat) -> None:
        self._forget(seat)
        self.taskmaster.close(seat.connection)

    def _listen(self) -> None:
        self._selector.register(self._listener, READ, self._listener)
        self._listening = True

    def _rest(self) -> None:
        """Out of descriptors: do not watch the listener for a while, for it would be ready all the time."""
        self._selector.unregister(self._listener)
        self._listening = False
        self._rest_until = time.monotonic() + TICK_S

    def _leave(self) -> None:
        if self._listening:
            self._selector.unregister(self._listener)
            self._listening = False
        self._rest_until = float("inf")
        self.taskmaster.leave_accept(self.me)

    def _tick(self) -> None:
        """Close what has been idle or slow for too long."""
        now = time.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + TICK_S
        if not self._listening and now >= self._rest_until:
            self._listen()
        overdue = [seat for seat in self._seats.values() if seat.deadline <= now]
        # What has arrived is read before a deadline is judged: this process may have been suspended.
        ready = [key.data for key, _ in self._selector.select(0)] if overdue else []
        for seat in overdue:
            if seat.in_progress and not seat.unsent and seat.rest is None:
                continue  # its handler takes its time; that is not the client's fault
            if seat in ready and not seat.in_progress:
                continue  # `read` judges it
            if seat.connection.read_deadline is not None:
                self._forget(seat)
                self.taskmaster.refuse(seat.connection, 408, TOO_SLOW)
            else:
                self._drop(seat)

    def _settle(self) -> bool:
        """The server stops: close idle connections after one last look. True when nothing is left to do."""
        if not self._listening:
            self._leave()
        for seat in list(self._seats.values()):
            if seat.in_progress or not seat.connection.machine.awaiting:
                continue
            try:
                data = seat.connection.sock.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT)
            except OSError:  # BlockingIOError too: nothing has arrived
                data = b""
            if data:
                seat.connection.machine.receive(data)
                self._ready.append(seat.connection)
            else:
                self._drop(seat)
        return not self._listening and not self._seats and not self._ready
