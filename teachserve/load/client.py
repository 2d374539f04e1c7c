"""One client slot: a connection, and at most one request in hand.

Everything here runs once a request or more, in one thread, and is written for that: the usual answer costs one `recv`,
one look into a table and one `send`.
"""

import errno
import socket
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic_ns
from typing import TYPE_CHECKING

from teachserve.load.answer import Answer, NotHttp
from teachserve.load.outcomes import ABORTED, FAILED
from teachserve.load.plan import LoadError
from teachserve.load.result import Failure

if TYPE_CHECKING:
    from teachserve.load.generator import Generator

NS = 1_000_000_000
RECEIVE = 16_384
"""Bytes a `recv`. More are not cheaper: the buffer is made anew each time."""

CONNECTING = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)
WHY_NOT = {errno.EADDRNOTAVAIL: Failure.NO_PORT, errno.EADDRINUSE: Failure.NO_PORT}


class Client:
    """A client slot.

    `served` its answers with status 200; `asked` whether it ever had a request. `began`, `sent` and `planned` are the
    ns at which its request was taken in hand (0: there is none), last attempted, and due. `wake` is when it goes on
    after a pause (0: it is in none), `gone` that its slot was taken away. `number` is its request's in the plan.
    """

    __slots__ = (
        "_answer", "_connecting", "_run", "_sock", "_tried", "_unsent", "_used", "asked", "began", "gone", "number",
        "planned", "sent", "served", "wake",
    )  # fmt: skip

    def __init__(self, run: "Generator") -> None:
        self._run = run
        self._sock: socket.socket | None = None
        self._tried: tuple = ()  # the address that it connected to last
        self._connecting = False
        self._unsent = b""
        self._used = 0  # answers that came over this connection
        self._answer: Answer | None = None  # the answer of which a part has arrived
        self.served = self.began = self.sent = self.planned = self.number = self.wake = 0
        self.asked = self.gone = False

    def begin(self, planned: int, number: int, now: int) -> None:
        """Take a request in hand that was due at `planned`, the plan's `number`-th."""
        self.asked = True
        self.number = number
        self.began = now
        self.planned = planned
        self.attempt(now)

    def attempt(self, now: int) -> None:
        """Send the request, on the connection that there is or else on a new one."""
        self.sent = now
        run = self._run
        if self._sock is not None:
            run.tally.reused += 1
            self._send(run.request)
            return
        try:
            sock = self._sock = socket.socket(run.family, socket.SOCK_STREAM)
        except OSError as error:
            raise LoadError(f"the system gives no more sockets ({error.strerror}): lower -c") from error
        sock.setblocking(False)
        self._tried = run.address
        error = sock.connect_ex(run.address)
        if error and error not in CONNECTING:
            self._not_connected(error)
            return
        # On the loopback the handshake is over by now, and trying saves a wait for "writable" and two system calls.
        try:
            unsent = run.request[sock.send(run.request) :]
        except (BrokenPipeError, ConnectionResetError):
            unsent = b""  # connected, and hung up on already: what there is to read tells
        except OSError as failure:
            if failure.errno not in (errno.EAGAIN, errno.ENOTCONN, errno.EINPROGRESS):
                self._not_connected(failure.errno)
                return
            self._connecting = True
            run.selector.register(sock, EVENT_WRITE, self)
            return
        tally = run.tally
        tally.connects += 1
        tally.connect.batch.append(monotonic_ns() - now)
        run.selector.register(sock, EVENT_READ, self)
        if unsent:
            self._wait_to_send(unsent)

    def _connected(self) -> None:
        error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._not_connected(error)
            return
        run = self._run
        self._connecting = False
        run.tally.connects += 1
        run.tally.connect.batch.append(monotonic_ns() - self.sent)
        run.selector.modify(self._sock, EVENT_READ, self)
        self._send(run.request)

    def _not_connected(self, error: int) -> None:
        self.close()
        run = self._run
        if run.has_other_address(self._tried, error):
            self.attempt(monotonic_ns())
        elif error == errno.ECONNREFUSED:
            run.tally.refused += 1
            run.pause(self, monotonic_ns())
        else:
            self.fail(WHY_NOT.get(error, Failure.UNREACHABLE))

    def _send(self, data: bytes) -> None:
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # what the server said before it hung up, or that it did, is there to read
        if sent < len(data):
            self._wait_to_send(data[sent:])

    def _wait_to_send(self, data: bytes) -> None:
        self._unsent = data
        self._run.selector.modify(self._sock, EVENT_READ | EVENT_WRITE, self)

    def _go_on_sending(self) -> None:
        data, self._unsent = self._unsent, b""
        self._run.selector.modify(self._sock, EVENT_READ, self)
        self._send(data)

    def ready(self, events: int) -> None:
        """The socket has something to read, or has room to write."""
        if self._connecting:
            self._connected()
            return
        if self._unsent and events & EVENT_WRITE:
            self._go_on_sending()
            return
        if self._sock is None:
            return  # closed earlier in the same batch of events
        try:
            data = self._sock.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            self._ended(Failure.RESET)
            return
        if self._answer is None and self.began:
            # The same bytes mean the same, so the usual answer is parsed once and then found in a table.
            known = self._run.known.get(data)
            if known is not None:
                self._answered(*known)
                return
        if data:
            self._read(data)
        else:
            self._ended(Failure.CLOSED)

    def _read(self, data: bytes) -> None:
        if not self.began:
            self.close()  # bytes that nobody asked for
            return
        whole = self._answer is None
        answer = self._answer = self._answer or Answer()
        try:
            if not answer.feed(data):
                return
        except NotHttp:
            self.close()
            self.fail(Failure.NOT_HTTP)
            return
        outcome = answer.status, answer.size, answer.keep_alive and not answer.extra, answer.retry_after
        if whole and not answer.retry_after:  # which may be a date, and mean something else later
            self._run.learn(data, outcome)
        self._answered(*outcome)

    def _ended(self, how: Failure) -> None:
        """The server has closed or reset the connection."""
        used, answer = self._used, self._answer
        self.close()
        if not self.began:
            self._run.tally.reset += 1
        elif answer is not None and how is Failure.CLOSED and answer.end():
            self._answered(answer.status, answer.size, False, answer.retry_after)
        elif answer is not None:
            self.fail(Failure.CUT_SHORT)
        elif used:
            # It had answered before: the server gave it up while it was idle, perhaps as we sent (RFC 9112, 9.3.1).
            self._run.tally.reset += 1
            self.attempt(monotonic_ns())
        else:
            self.fail(how)

    def _answered(self, status: int, size: int, keep_alive: bool, retry_after: float) -> None:
        run = self._run
        tally = run.tally
        now = monotonic_ns()
        tally.statuses[status] += 1
        tally.finished += 1
        if status == 200:
            self.served += 1
            tally.body_bytes += size
            tally.from_send.batch.append(now - self.sent)
            if run.open_loop:
                tally.from_plan.batch.append(now - self.planned)
        if run.outcomes is not None:
            run.outcomes.add(self.number, status, now - self.planned)
        self.began = 0
        self._answer = None
        self._used += 1
        if self._sock is not None and not (
            keep_alive and run.keep_alive and not self._unsent and self._tried is run.address
        ):
            self.close()
        if status == 503 and retry_after and run.plan.backoff:
            run.wake_at(self, now + int(retry_after * NS))
        else:
            run.next_request(self, now)

    def move(self, now: int) -> None:
        """New connections go to another address from now on: leave this one, unless a request of it was sent there."""
        if not self.began:
            self.close()
        elif self._connecting:
            self.close()
            self.attempt(now)

    @property
    def moving(self) -> bool:
        """Whether it still has a request in hand at an address that the load has left."""
        return self._sock is not None and self._tried is not self._run.address

    def fail(self, how: Failure) -> None:
        """The request comes to an end without an answer. The next follows after a pause: failing must never spin."""
        run, now = self._run, monotonic_ns()
        run.tally.errors[how] += 1
        run.tally.finished += 1
        if run.outcomes is not None:
            run.outcomes.add(self.number, FAILED, now - self.planned)
        self.began = 0
        run.pause(self, now)

    def abort(self, now: int) -> None:
        """The request, if there is one in hand, is given up: neither success nor error."""
        if self.began:
            self._run.tally.aborted += 1
            if self._run.outcomes is not None:
                self._run.outcomes.add(self.number, ABORTED, now - self.planned)
        self.began = 0

    def time_out(self) -> None:
        """The request has taken too long."""
        self.close()
        self.fail(Failure.TIMED_OUT)

    def close(self) -> None:
        """Close the connection, if there is one."""
        sock = self._sock
        if sock is None:
            return
        self._run.forget(sock)
        sock.close()
        self._sock = self._answer = None
        self._connecting = False
        self._unsent = b""
        self._used = 0
