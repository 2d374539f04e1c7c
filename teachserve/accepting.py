"""How threads come to their connections: accept, the limits, and going back to accept.

Deciding and acting on it is one critical section each time: `accept` counts its thread out and sees whether that left
nobody, `recycle` counts in if there is room. Looked at first and acted on later, two workers ask for one need, or the last
two that accept both leave as surplus.
"""

import errno
import logging
import socket
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING

from teachserve.closer import Closer
from teachserve.connection import Connection, Limits, waited_ns
from teachserve.errors import Abandoned, Refusal
from teachserve.events import Mark, State
from teachserve.gate import Gate, readable
from teachserve.message import Request, Response
from teachserve.options import Options
from teachserve.places import Places
from teachserve.probe import STREAM, ThreadRecord
from teachserve.threads import PAUSE_S, logger

if TYPE_CHECKING:
    from teachserve.access_log import AccessLog

# accept(2) passes on errors that concern one client only, and says when the machine is short of something.
ONE_CLIENT = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.EPERM, errno.ENETDOWN, errno.ENETUNREACH,
                        errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENOPROTOOPT})  # fmt: skip
SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_ACCEPTING = State.ACCEPTING.code
_ACCEPTED = State.ACCEPTED.code
_BACKING_OFF = State.BACKING_OFF.code
_RECYCLING = State.RECYCLING.code


class Accepting(Places):
    """The verbs around accept(2), and what refuses or closes a connection."""

    def __init__(
        self, listener: socket.socket, app: Callable[[Request], Response], options: Options, gate: Gate | None
    ):
        super().__init__(options, gate)
        self.listener = listener
        self.listener_descriptor = listener.fileno()
        self.app = app
        self.limits = Limits.of(options)
        self.closer = Closer(self)
        self.access_log: AccessLog | None = None
        self.shortage = False  # accept(2) last failed for want of descriptors or memory
        self.on_failure: Callable[[], object] = lambda: None  # called once, when accept(2) fails for good
        self.failed = False  # accept(2) has failed for good
        self.wakes: set[tuple] = set()  # local addresses of a stop's own connects

    def accept(self) -> Connection | None:
        """Take the next connection from the listening socket. In a loop: without waiting, and `select` watches it.

        While it blocks: accepting; backing off when the system is short of descriptors. Event: Accepted.
        Once the server stops: a connection that accept(2) still returns is returned; then None.
        """
        me = self._local.record
        if me.loop is not None:
            return me.loop.accept()
        if not me.counted:
            with self.lock:
                if self.stopping:
                    return None
                self.counts.accepting += 1
                me.counted = True
                self.counts.asked = False
                if me.leaving:
                    self._stays(me)
        me.connection = 0
        me.enter(_ACCEPTING, self.listener_descriptor)
        while True:
            if (gate := me.gate) is not None:
                gate.hold("accept", readable(self.listener_descriptor))
            accepted = self.accept_once(me)
            if accepted is not None:
                break
            if self.stopping:
                self.leave_accept(me)
                return None
        sock, peer = accepted
        if self.stopping and peer in self.wakes:
            sock.close()
            self.leave_accept(me)
            return None
        return self.welcome(me, sock, peer)

    def welcome(self, me: ThreadRecord, sock: socket.socket, peer: tuple) -> Connection:
        """Number the connection, count a thread out of accepting, and see in the same section whether it was the last."""
        counts = self.counts
        with self.lock:
            number = counts.connections = counts.connections + 1
            if me.loop is None:
                me.counted = False
                accepting = counts.accepting = counts.accepting - 1
                if self.stopping:
                    self.changed.notify_all()
                elif not (accepting or counts.asked or self._full()):
                    counts.asked = me.asked = True
        if me.level == STREAM and (waited := waited_ns(sock)) is not None:
            me.mark(Mark.ARRIVED, number, monotonic_ns() - waited)
        connection = Connection(sock, peer, number, self.limits)
        me.connections += 1
        me.connection = number
        me.held = connection
        me.enter(_ACCEPTED)
        if (gate := me.gate) is not None:
            gate.hold("accepted")
        return connection

    def accept_once(self, me: ThreadRecord) -> tuple[socket.socket, tuple] | None:
        """One accept(2); None when it gave nothing and may be tried again, or the server stops. Raises: Abandoned."""
        try:
            accepted = self.listener.accept()
            self.shortage = False
            return accepted
        except BlockingIOError:  # SO_RCVTIMEO, the net under a lost wake
            return None
        except OSError as error:
            if self.abandoned:
                raise Abandoned from None
            if error.errno in SHORTAGE:
                self._back_off(me, error)
            elif error.errno not in ONE_CLIENT:
                self._fail(error)
            return None

    def _back_off(self, me: ThreadRecord, error: OSError) -> None:
        if not self.shortage:
            self.shortage = True
            logger.warning("cannot accept: %s; tries again until there is room", error.strerror)
        if me.loop is not None:
            return
        me.enter(_BACKING_OFF)
        with self.changed:
            self.changed.wait_for(lambda: self.stopping, 4 * PAUSE_S)
        me.enter(_ACCEPTING, self.listener_descriptor)

    def _fail(self, error: OSError) -> None:
        """No later accept(2) will do better: have the server stopped, and wait until it begins to."""
        with self.lock:
            first = not (self.failed or self.stopping)
            self.failed = True
        if first:
            logger.error("cannot accept any more: %s; the server stops", error.strerror)
            self.on_failure()
        with self.changed:
            self.changed.wait_for(lambda: self.stopping)

    def leave_accept(self, me: ThreadRecord) -> None:
        """This thread accepts no more."""
        with self.lock:
            if me.counted:
                me.counted = False
                self.counts.accepting -= 1
            self.changed.notify_all()

    def admit(self, connection: Connection) -> bool:
        """Let the connection in, unless `max_accepts` are in already: then it is answered 503 and closed.

        Never waits. Event: Refused. Once the server stops: 503 and False.
        """
        with self.lock:
            room = not self.stopping and self.counts.admitted < self.options.max_accepts
            if room:
                self.counts.admitted += 1
                connection.admitted = True
        if not room:
            reason = "the server is stopping" if self.stopping else f"{self.options.max_accepts} connections are in"
            self.refuse(connection, 503, reason)
        return room

    def short_of_acceptors(self) -> bool:
        """True once for each need: nobody accepts, nobody is on the way, and there is room for one more.

        Never waits: it reads what `accept` decided. Once the server stops: False.
        """
        me = self._local.record
        asked, me.asked = me.asked, False
        return asked and not self.stopping

    def recycle(self) -> bool:
        """Go back to accept if fewer than `standby` others accept, counted as accepting at once; else end as surplus.

        Surplus too are those that live beyond `max_threads`, where it was lowered.
        State: recycling. Event: Recycled. Once the server stops: False.
        """
        me = self._local.record
        me.enter(_RECYCLING)
        if (gate := me.gate) is not None:
            gate.hold("recycle")
        counts, standby = self.counts, self.options.standby
        with self.lock:
            if self.stopping:
                return False
            if counts.accepting >= standby or (self._too_many and self._still_too_many()):
                counts.leaving += not me.leaving
                me.leaving = True
                return False
            if me.leaving:
                self._stays(me)
            counts.accepting += 1
            me.counted = True
        me.recycled += 1
        return True

    # ---- what the lower rooms use ----------------------------------------------------------------------------------

    def refuse(self, connection: Connection, status: int, reason: str) -> None:
        """Answer with an error and close, so that the client can read the answer. Never waits."""
        me = getattr(self._local, "record", None)
        headers = [("Retry-After", str(self.options.retry_after))] if status == 503 else []
        response = Response.refusal(Refusal(status, reason), headers)
        # A 503 is the server's doing, and under load there are thousands.
        level = logging.DEBUG if status == 503 else logging.INFO
        logger.log(level, "connection %d refused: %d, %s", connection.number, status, reason)
        if self.access_log is not None:
            lane = self.access_log.lane()
            lane.add(monotonic_ns(), connection.peer, None, status, len(response.body))
            self.access_log.give_back(lane)
        with self.lock:
            self.counts.refused += status == 503
            if connection.admitted:
                connection.admitted = False
                self.counts.admitted -= 1
        if me is not None:
            me.statuses[status] += 1
            me.mark(Mark.REFUSED, connection.number)
            if me.held is connection:
                me.held = None
        try:
            unsent = connection.send_at_once(connection.machine.answer(response, last=True))
        except OSError:
            connection.close()
        else:
            self._linger(connection, unsent)

    def close(self, connection: Connection) -> None:
        """Close the connection, once, and count it out. Never waits: where the client still sends, it lingers elsewhere."""
        if connection.machine.unread:
            self._linger(connection)
        else:
            connection.close()
        if connection.admitted:
            with self.lock:
                connection.admitted = False
                self.counts.admitted -= 1
        me = getattr(self._local, "record", None)
        if me is not None and me.level:
            me.mark(Mark.CLOSED, connection.number)

    def _linger(self, connection: Connection, unsent: bytes = b"") -> None:
        sock = connection.detach()
        if sock is not None:
            self.closer.take(sock, unsent)
