"""What a thread does with a request: read it, have it handled, send the answer. Here with blocking calls.

Each thread has a driver of its own. Without a GIL, looking into an object that all threads share means writing to its
reference count, and cores that write to one place wait for each other; so what a request needs lies with the thread.
"""

import io
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING

from teachserve.connection import Connection
from teachserve.errors import Abandoned, Refusal
from teachserve.events import State
from teachserve.files import SPOOL_BYTES, FilePieces
from teachserve.framing import Framing, Sized, framed
from teachserve.gate import readable
from teachserve.message import ArrivingBody, Request, Response
from teachserve.probe import ThreadRecord
from teachserve.protocol import Machine
from teachserve.threads import logger

if TYPE_CHECKING:
    from teachserve.taskmaster import Taskmaster

_READING = State.READING.code
_IDLE = State.IDLE.code
_HANDLING = State.HANDLING.code
_WRITING = State.WRITING.code

TOO_SLOW = "the request did not arrive in time"
NOT_THE_CLIENT_S = 0.05
"""Of the time that a piece takes to be sent so much does not count: other threads run too, and a stream may live for days."""


class Driver:
    """Has requests handled and answers written, for one thread. How it reads and sends is a subclass's."""

    def __init__(self, taskmaster: "Taskmaster", me: ThreadRecord):
        self.taskmaster = taskmaster
        self.me = me
        self.app: Callable[[Request], Response] = taskmaster.app
        self.lane = None if taskmaster.access_log is None else taskmaster.access_log.lane()

    def handle(self, request: Request) -> Response:
        """The handler's answer; 500 whatever it raised; a refusal if the body that it read was none."""
        me = self.me
        me.requests += 1
        me.enter(_HANDLING)
        if (gate := me.gate) is not None:
            gate.hold("handle")
        connection = request.connection
        machine = connection.machine
        try:
            response = self.app(request)
            response.request = request
            if response.pieces is not None and connection.answers is not None:
                response.spool(SPOOL_BYTES)  # a loop may not wait, neither for the application nor for the client
        except Abandoned:
            raise
        except BaseException as error:  # AttributeError too, for an answer that is no Response
            if machine.refusal is None:
                log_failure(request, error)
            response = Response.failure(request, "the handler failed")
        if machine.refusal is not None and connection.outgoing is None:
            close_answer(response)
            response = Response.refusal(machine.refusal)
            response.request = request
        return response

    def write(self, response: Response) -> None:
        """Encode the answer and send it."""
        request = response.request
        connection = request.connection
        machine = connection.machine
        me = self.me
        me.enter(_WRITING, connection.descriptor)
        if (gate := me.gate) is not None:
            gate.hold("write")
        pieces = response.pieces
        try:
            if pieces is None:
                data = machine.answer(response, last=self.taskmaster.stopping)
            else:
                framing = connection.outgoing or machine.begin_answer(response, last=self.taskmaster.stopping)
        except Exception as error:  # whatever a handler may have put into it
            log_failure(request, error)
            close_answer(response)
            response, pieces = Response.failure(request, "the answer was malformed"), None
            data = machine.answer(response, last=True)
        me.statuses[response.status] += 1
        if pieces is None:
            self.send(connection, data)
            if self.lane is not None:
                size = 0 if request.method == "HEAD" else len(response.body)
                self.lane.add(request.began_ns, connection.peer, request, response.status, size)
        else:
            connection.outgoing = None
            self.stream(connection, response, framing)

    def log(self, response: Response, size: int) -> None:
        """Leave a line for the access log: an answer was sent, or as much of it as could be, of `size` bytes of body."""
        if self.lane is not None:
            request = response.request
            self.lane.add(request.began_ns, request.connection.peer, request, response.status, size)

    def close(self) -> None:
        """The thread ends, or goes on with another driver: give back what it held for itself."""
        if self.lane is not None:
            self.taskmaster.access_log.give_back(self.lane)

    def read(self, connection: Connection) -> Request | None:
        """One request, or None."""
        raise NotImplementedError

    def send(self, connection: Connection, data: bytes) -> None:
        """Send an answer; a client that is gone ends its connection."""
        raise NotImplementedError

    def stream(self, connection: Connection, response: Response, framing: Framing) -> None:
        """Send an answer whose body comes in pieces, and close what gives them."""
        raise NotImplementedError


class BlockingDriver(Driver):
    """Reads and answers a connection that the thread holds for as long as it lives."""

    def read(self, connection: Connection) -> Request | None:
        """One request, its body still to be pulled, or None when the connection gives no more."""
        machine = connection.machine
        if connection.read_deadline is not None:
            connection.unbound_reading()
        request = None
        try:
            while machine.awaiting or (request := machine.next_head()) is None:
                if machine.finished or not self._receive(connection, machine):
                    return None
            if machine.body is not None:
                self._attach_body(connection, request)
        except Refusal as refusal:
            if request is not None or machine.body is None:  # else a body was dropped: its request has been answered
                self.taskmaster.refuse(connection, refusal.status, str(refusal))
            return None
        request.connection = connection
        if self.lane is not None:
            request.began_ns = monotonic_ns()
        return request

    def _attach_body(self, connection: Connection, request: Request) -> None:
        """Give the request the body that came with its head, or a stream that receives it. Raises: Refusal."""
        machine = connection.machine
        first = machine.next_piece() or b""
        if machine.body is None:
            request.arrive(first)
        else:
            request.arrive_by(io.BufferedReader(ArrivingBody(first, partial(self._pull, connection))))

    def _receive(self, connection: Connection, machine: Machine) -> bool:
        """Wait for more bytes. False: none will come. Raises: Refusal 408 when a request that has begun does not end.

        503 where a soft stop took the connection for idle in the very moment in which a request began.
        """
        awaiting = machine.awaiting
        connection.awaiting = awaiting or machine.draining  # before `stopping` is read: a stop sets that first
        me = self.me
        if awaiting and machine.answered:
            me.enter(_IDLE, connection.descriptor)
        elif me.state != _READING:
            me.enter(_READING, connection.descriptor)
        if awaiting:
            in_time = not self.taskmaster.stopping
        else:
            if interim := machine.to_send():
                connection.send(interim)
            in_time = connection.bound_reading() and not (machine.draining and self.taskmaster.stopping)
        if (gate := me.gate) is not None:
            gate.hold("idle" if awaiting else "read", readable(connection.descriptor))
        try:
            data = connection.receive(blocking=in_time)  # else it is one last look at what has arrived meanwhile
        except BlockingIOError:
            data = None
            if not connection.awaiting and not connection.swept:
                raise machine.refuse(Refusal(408, TOO_SLOW)) from None
        finally:
            connection.awaiting = False
        if data is None:
            return False
        if not data and connection.swept and not (awaiting or machine.draining):
            raise machine.refuse(Refusal(503, "the server stops, and the rest of the request cannot come any more"))
        machine.receive(data)
        return True

    def _pull(self, connection: Connection) -> bytes:
        """The next bytes of the request's body, for a handler that reads it. b"": that was all. Raises: Refusal."""
        machine = connection.machine
        piece = machine.next_piece()
        if piece is not None:
            return piece
        try:
            while piece is None:
                if not self._receive(connection, machine):
                    raise machine.refuse(Refusal(400, "the client left in the middle of the body"))
                piece = machine.next_piece()
        finally:
            self.me.enter(_HANDLING)
        return piece

    def send(self, connection: Connection, data: bytes) -> None:
        """Send the whole answer."""
        connection.send(data)

    def send_early(self, response: Response, piece: bytes) -> None:
        """Send a piece of the body while the handler still runs: WSGI's `write`. Raises: OSError when the client is gone."""
        connection = response.request.connection
        if connection.outgoing is None:
            connection.outgoing = connection.machine.begin_answer(response, last=self.taskmaster.stopping)
        if (data := connection.outgoing.frame(piece)) and not self._send_piece(connection, connection.outgoing, data):
            connection.machine.refuse(Refusal(400, "the client is gone"))
            raise ConnectionAbortedError("the client is gone")

    def _send_piece(self, connection: Connection, framing: Framing, data: bytes) -> bool:
        """Send a piece. False: the client is gone, or took too long for all the pieces together."""
        self.me.enter(_WRITING, connection.descriptor)
        began = time.monotonic()
        sent = connection.send(data)
        framing.sending_s += max(0.0, time.monotonic() - began - NOT_THE_CLIENT_S)
        self.me.enter(_HANDLING)  # what gives the next piece is the application
        if framing.sending_s > connection.limits.timeout_write:
            connection.machine.finished = True
            return False
        return sent

    def stream(self, connection: Connection, response: Response, framing: Framing) -> None:
        """Send the pieces as they come."""
        request = response.request
        try:
            with closing(response):
                if self._send_file(connection, response, framing):
                    return
                for data in framed(framing, response.pieces):
                    if not self._send_piece(connection, framing, data):
                        break
        except Abandoned:
            raise
        except BaseException as error:
            connection.machine.finished = True  # that the answer is cut short is all that can still be said
            if connection.machine.refusal is None:
                log_failure(request, error)
            if framing.head:
                connection.send(connection.machine.answer(Response.failure(request, "the handler failed"), last=True))
        finally:
            self.log(response, framing.given)

    def _send_file(self, connection: Connection, response: Response, framing: Framing) -> bool:
        """Let the kernel send the pieces of a file. False: it is none, or not of a length that is known."""
        if not (isinstance(response.pieces, FilePieces) and isinstance(framing, Sized)):
            return False
        position = response.pieces.position()
        if position is None:
            return False
        connection.send(framing.take_head())
        framing.sent(connection.send_file(*position, framing.left))
        if not connection.machine.finished:
            framing.end()
        return True


def close_answer(response: Response) -> None:
    """Close what gives the pieces of an answer that is not sent, or not to its end."""
    try:
        response.close()
    except Abandoned:
        raise
    except BaseException as error:
        log_failure(response.request, error)


def log_failure(request: Request, error: BaseException) -> None:
    """Say in the log what the application did wrong, for which request."""
    trace = "".join(traceback.format_exception(error))
    # The target as it came: decoded, it could write lines of its own into the log.
    logger.error("%s %s failed: %s", request.method, request.target.decode("latin-1"), trace)
