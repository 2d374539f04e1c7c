"""The listening socket, and one accepted connection: bytes between its socket and its protocol machine.

Time-outs are the kernel's (SO_RCVTIMEO, SO_SNDTIMEO): `socket.settimeout` would put a poll(2) before every call, and with
a GIL each blocking call is a chance to lose it. Set once on the listening socket, Linux hands them on to what it accepts.
"""

import errno
import os
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from teachserve.options import Options
from teachserve.protocol import Machine

if TYPE_CHECKING:
    from teachserve.driver import BlockingDriver
    from teachserve.framing import Framing
    from teachserve.queues import NamedQueue

RECEIVE_BYTES = 16384
BODY_BYTES = 262144
FILE_BYTES = 131072
FILE_FAILS = frozenset(
    {errno.EBADF, errno.EINVAL, errno.EIO, errno.EISDIR, errno.EOVERFLOW, errno.ESPIPE, errno.ENOSYS}
)
"""What sendfile(2) says of the file; whatever else it says concerns the client."""


@dataclass(slots=True)
class Limits:
    """The limits and time-outs of a connection: bytes, counts, seconds. Options of the same names."""

    limit_request_line: int
    limit_header_count: int
    limit_header_bytes: int
    limit_request_body: int
    timeout_keep_alive: float
    timeout_request: float
    timeout_write: float
    least_head: int = field(init=False)
    """A head of no more bytes is within both of its limits."""

    def __post_init__(self) -> None:
        self.least_head = min(self.limit_request_line, self.limit_header_bytes)

    @classmethod
    def of(cls, options: Options) -> "Limits":
        """The limits among the options in force."""
        return cls(*(getattr(options, limit.name) for limit in fields(cls) if limit.init))


def timeval(seconds: float) -> bytes:
    """Seconds as a struct timeval, for SO_RCVTIMEO and SO_SNDTIMEO. Never zero, which would mean for ever."""
    microseconds = max(1, round(seconds * 1e6))
    return struct.pack("@ll", microseconds // 1_000_000, microseconds % 1_000_000)


_TCP_INFO_BYTES = 48
_LAST_DATA_SENT = 44  # offset in struct tcp_info (linux/tcp.h): ms
_CLOCK_MONOTONIC_COARSE = 6  # linux/time.h; its resolution is the length of a tick


def waited_ns(sock: socket.SocketType) -> int | None:
    """How long, at least, a connection that was accepted just now has waited in the kernel's accept queue: ns.

    While a server has sent nothing, Linux counts the time since its last segment from the end of the handshake
    (tcp_create_openreq_child in net/ipv4/tcp_minisocks.c), in whole ticks: one less is certain. None: only Linux tells.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        waited_ms: int = struct.unpack_from("=I", info, _LAST_DATA_SENT)[0]
    except (OSError, struct.error):
        return None
    return max(0, waited_ms * 1_000_000 - round(time.clock_getres(_CLOCK_MONOTONIC_COARSE) * 1e9))


class ListeningSocket(socket.socket):
    """A listening socket that accepts with less ado.

    `socket.socket.accept` makes enums of family and type, anew for each connection, and an object of Python for what the
    bare socket of C does as well.
    """

    def __init__(self, family: socket.AddressFamily):
        super().__init__(family, socket.SOCK_STREAM)
        self._kind = int(family), int(socket.SOCK_STREAM), self.proto

    def accept(self) -> tuple[socket.SocketType, tuple]:
        """accept(2): the connection's socket, and the client's address. Raises: OSError."""
        descriptor, peer = self._accept()
        return socket.SocketType(*self._kind, descriptor), peer


class Connection:
    """An accepted connection.

    `number` is serial for the process and never reused, `descriptor` the socket's. `awaiting` is True while a thread may
    be blocked in recv(2) with no byte of a request received that is still to be answered: then, and only then, a soft stop
    may shut it.
    `admitted` says that it counts towards max_accepts, `answers` is the queue that its event loop selects, `driver` what
    reads from it, `outgoing` an answer that has begun to be sent before its handler was done.
    """

    __slots__ = (
        "admitted", "answers", "awaiting", "descriptor", "driver", "limits", "lock", "machine", "number", "outgoing",
        "peer", "read_deadline", "sock", "swept",
    )  # fmt: skip

    def __init__(self, sock: socket.SocketType, peer: object, number: int, limits: Limits):
        self.sock = sock
        self.descriptor = sock.fileno()
        self.peer = peer
        self.number = number
        self.limits = limits
        self.machine = Machine(limits)
        # Held while the descriptor is shut or closed, so that a stop never shuts a number that has been reused.
        self.lock = threading.Lock()
        self.awaiting = False
        self.swept = False
        self.admitted = False
        self.answers: NamedQueue | None = None
        self.driver: BlockingDriver | None = None
        self.outgoing: Framing | None = None
        self.read_deadline: float | None = None

    def receive(self, *, blocking: bool) -> bytes | None:
        """What has arrived; b"" when the client has finished sending, None when it is gone.

        Raises: BlockingIOError when nothing came in time; without `blocking`, when there is nothing now.
        """
        size = RECEIVE_BYTES if self.read_deadline is None else BODY_BYTES
        try:
            data = self.sock.recv(size) if blocking else self.sock.recv(size, socket.MSG_DONTWAIT)
            if not data and self.swept:
                # A soft stop woke us; what arrived in that very moment still counts.
                data = self.sock.recv(size, socket.MSG_DONTWAIT)
            return data
        except BlockingIOError:
            raise
        except OSError:
            return None

    def bound_reading(self) -> bool:
        """A request has begun to arrive: from here the whole of it has `timeout_request` seconds. False: they are over."""
        now = time.monotonic()
        if self.read_deadline is None:
            self.read_deadline = now + self.limits.timeout_request
        if now >= self.read_deadline:
            return False
        self._set_timeout(socket.SO_RCVTIMEO, self.read_deadline - now)
        return True

    def unbound_reading(self) -> None:
        """The request is complete: the next wait is a keep-alive's again."""
        self.read_deadline = None
        self._set_timeout(socket.SO_RCVTIMEO, self.limits.timeout_keep_alive)

    def send(self, data: bytes) -> bool:
        """Send all of it within `timeout_write` seconds. False: the client is gone or does not read."""
        try:
            sent = self.sock.send(data)
            if sent == len(data):
                return True
            deadline = time.monotonic() + self.limits.timeout_write
            rest = memoryview(data)[sent:]
            while rest:
                self._bound_sending(deadline)
                rest = rest[self.sock.send(rest) :]
            self._set_timeout(socket.SO_SNDTIMEO, self.limits.timeout_write)
            return True
        except OSError:  # BlockingIOError too: the time is over
            self.machine.finished = True
            return False

    def send_file(self, descriptor: int, offset: int, count: int) -> int:
        """Send so many bytes of a file, by the kernel (sendfile(2)), within `timeout_write` seconds. Returns how many went.

        Raises: OSError, where it is the file that fails. socket.sendfile is not used: it waits for room without a limit when
        the time-out is the kernel's.
        """
        end = offset + count
        at = offset
        deadline = time.monotonic() + self.limits.timeout_write
        try:
            while at < end and (sent := os.sendfile(self.descriptor, descriptor, at, min(end - at, FILE_BYTES))):
                at += sent
                if at < end:
                    self._bound_sending(deadline)
            self._set_timeout(socket.SO_SNDTIMEO, self.limits.timeout_write)
        except OSError as error:
            self.machine.finished = True
            if error.errno in FILE_FAILS:
                raise
        return at - offset

    def send_at_once(self, data: bytes | memoryview) -> bytes | memoryview:
        """Send what the socket takes without waiting; what it did not take. Raises: OSError when the client is gone."""
        try:
            sent = self.sock.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return data
        return memoryview(data)[sent:] if sent < len(data) else b""  # a copy each time would be quadratic

    def shut(self, how: int) -> None:
        """shutdown(2), from any thread; nothing where it is closed already or the client is gone."""
        with self.lock:
            if self.sock.fileno() >= 0:
                self.swept = True
                try:
                    self.sock.shutdown(how)
                except OSError:
                    self.swept = True  # the client was faster: recv says so itself

    def close(self) -> None:
        """close(2), once."""
        with self.lock:
            self.sock.close()

    def detach(self) -> socket.socket | None:
        """Give the socket to somebody else; this connection is closed from then on. None where it was closed before."""
        with self.lock:
            descriptor = self.sock.detach()
        return socket.socket(fileno=descriptor) if descriptor >= 0 else None

    def _bound_sending(self, deadline: float) -> None:
        """Let the next call wait until then at most. Raises: TimeoutError, for even the shortest wait lets some bytes go."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._set_timeout(socket.SO_SNDTIMEO, left)

    def _set_timeout(self, which: int, seconds: float) -> None:
        # A client that has gone makes this fail; the next call on the socket says it better.
        if self.sock.fileno() >= 0:
            try:
                self.sock.setsockopt(socket.SOL_SOCKET, which, timeval(seconds))
            except OSError:
                self.machine.finished = True
