"""What a thread does with a request: read it whole, have it handled, send the answer. Here with blocking calls.

Each thread has a driver of its own. Without a GIL, looking into an object that all threads share means writing to its
reference count, and cores that write to one place wait for each other; so what a request needs lies with the thread.
"""

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from teachserve.connection import Connection
from teachserve.errors import Abandoned, Refusal
from teachserve.events import State
from teachserve.gate import readable
from teachserve.message import Request, Response
from teachserve.probe import ThreadRecord
from teachserve.protocol import Machine
from teachserve.threads import logger

if TYPE_CHECKING:
    from teachserve.taskmaster import Taskmaster

_READING = State.READING.code
_IDLE = State.IDLE.code
_HANDLING = State.HANDLING.code
_WRITING = State.WRITING.code


class Driver:
    """Has requests handled and answers written, for one thread. How it reads and sends is a subclass's."""

    def __init__(self, taskmaster: "Taskmaster", me: ThreadRecord):
        self.taskmaster = taskmaster
        self.me = me
        self.gate = taskmaster.gate
        self.app: Callable[[Request], Response] = taskmaster.app

    def handle(self, request: Request) -> Response:
        """The handler's answer, or 500 whatever the handler raised."""
        me = self.me
        me.requests += 1
        me.enter(_HANDLING)
        if self.gate is not None:
            self.gate.hold("handle")
        try:
            response = self.app(request)
            response.request = request
        except Abandoned:
            raise
        except BaseException as error:  # AttributeError too, for an answer that is no Response
            logger.error("%s %s failed: %s", request.method, request.path, "".join(traceback.format_exception(error)))
            response = Response.failure(request, "the handler failed")
        return response

    def write(self, response: Response) -> None:
        """Encode the answer and send it."""
        me = self.me
        connection = response.request.connection
        me.enter(_WRITING, connection.descriptor)
        if self.gate is not None:
            self.gate.hold("write")
        try:
            data = connection.machine.answer(response, last=self.taskmaster.stopping)
        except Exception as error:  # whatever a handler may have put into it
            logger.error("%s %s: %s", response.request.method, response.request.path, error)
            response = Response.failure(response.request, "the answer was malformed")
            data = connection.machine.answer(response, last=True)
        me.statuses[response.status] += 1
        self.send(connection, data)

    def read(self, connection: Connection) -> Request | None:
        """One whole request, or None."""
        raise NotImplementedError

    def send(self, connection: Connection, data: bytes) -> None:
        """Send an answer; a client that is gone ends its connection."""
        raise NotImplementedError


class BlockingDriver(Driver):
    """Reads and answers a connection that the thread holds for as long as it lives."""

    def read(self, connection: Connection) -> Request | None:
        """One whole request, or None when the connection gives no more."""
        machine = connection.machine
        try:
            while machine.awaiting or (request := machine.next_request()) is None:
                if not self._receive(connection, machine):
                    return None
        except Refusal as refusal:
            self.taskmaster.refuse(connection, refusal.status, str(refusal))
            return None
        if connection.read_deadline is not None:
            connection.unbound_reading()
        request.connection = connection
        return request

    def _receive(self, connection: Connection, machine: Machine) -> bool:
        """Wait for more bytes. False: none will come."""
        if machine.finished:
            return False
        awaiting = machine.awaiting
        connection.awaiting = awaiting  # before `stopping` is read: a stop sets that first, then looks at this
        me = self.me
        if awaiting and machine.answered:
            me.enter(_IDLE, connection.descriptor)
        elif me.state != _READING:
            me.enter(_READING, connection.descriptor)
        if not awaiting:
            if interim := machine.to_send():
                connection.send(interim)
            connection.bound_reading()
        if self.gate is not None:
            self.gate.hold("idle" if awaiting else "read", readable(connection.descriptor))
        data = connection.receive(blocking=not (awaiting and self.taskmaster.stopping))
        connection.awaiting = False
        if data is None:
            return False
        machine.receive(data)
        return True

    def send(self, connection: Connection, data: bytes) -> None:
        """Send the whole answer."""
        connection.send(data)
