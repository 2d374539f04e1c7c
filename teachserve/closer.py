"""The closer: closes refused connections so that the client reads the answer and not a reset.

close(2) with unread bytes in the socket sends a reset, and a reset throws away what the client has not read yet. So a
refused connection is shut for sending, read until the client closes or `LINGER_S` seconds are over, and only then closed
(RFC 9112 section 9.6). One thread does that for all of them, made on first need: neither an acceptor nor an event loop
may wait here.
"""

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from teachserve.events import State
from teachserve.probe import ThreadRecord
from teachserve.queues import Tokens

if TYPE_CHECKING:
    from teachserve.taskmaster import Taskmaster

LINGER_S = 2.0
MOST_LINGERING = 512
"""Connections that may linger at once; beyond them one is closed at once, and counted."""

_WAITING = State.WAITING.code
_LINGERING = State.LINGERING.code


class Closer:
    """Takes refused sockets and closes them in its own time.

    `lingering` counts sockets in its care, `hurried` those closed at once because there were too many.
    """

    def __init__(self, taskmaster: "Taskmaster"):
        self._taskmaster = taskmaster
        self._lock = threading.Lock()
        self._arrivals: deque[tuple[socket.socket, bytes]] = deque()
        self._tokens: Tokens | None = None
        self._leaving = False
        self._ended = threading.Event()
        self.lingering = 0
        self.hurried = 0

    def take(self, sock: socket.socket, unsent: bytes = b"") -> None:
        """Close this socket politely, after sending `unsent`. Never waits."""
        with self._lock:
            if self._leaving or self._ended.is_set() or self.lingering >= MOST_LINGERING:
                self.hurried += 1
                sock.close()
                return
            self.lingering += 1
            self._arrivals.append((sock, unsent))
            if self._tokens is None:
                self._tokens = Tokens()
                if not self._taskmaster.spawn_below(self._work, role="closer"):
                    self._tokens.close()
                    self._tokens = None
                    self._arrivals.pop()
                    self.lingering -= 1
                    self.hurried += 1
                    sock.close()
                    return
            self._tokens.put()

    def leave(self, timeout_s: float) -> bool:
        """Let the thread end when the last socket in its care is closed; True when it has, within the time."""
        with self._lock:
            self._leaving = True
            if self._tokens is None or self._ended.is_set():
                return True
            self._tokens.put()
        return self._ended.wait(timeout_s)

    def _work(self) -> None:
        thread = self._taskmaster.this_thread
        tokens = self._tokens
        care: dict[socket.socket, tuple[float, bytes]] = {}
        try:
            self._tend(thread, tokens, care)
        finally:  # an abandon leaves sockets in care
            with self._lock:
                for sock in (*care, *(sock for sock, _ in self._arrivals)):
                    sock.close()
                tokens.close()
                self._ended.set()

    def _tend(self, thread: ThreadRecord, tokens: Tokens, care: dict[socket.socket, tuple[float, bytes]]) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(tokens.descriptor, selectors.EVENT_READ)
            while not self._taskmaster.abandoned:
                if not care and not self._arrivals:  # select may have taken an arrival's token, and then the last left
                    if self._leaving:
                        break
                    thread.enter(_WAITING, tokens.descriptor)
                    tokens.get()
                while self._arrivals:
                    sock, unsent = self._arrivals.popleft()
                    self._begin(selector, care, sock, unsent)
                if care:
                    if thread.state != _LINGERING:
                        thread.enter(_LINGERING, selector.fileno() if hasattr(selector, "fileno") else 0)
                    nearest = next(iter(care.values()))[0]  # all linger equally long: the first in ends first
                    for key, _ in selector.select(max(0.0, nearest - time.monotonic())):
                        if key.fileobj == tokens.descriptor:
                            tokens.get()
                        else:
                            self._attend(selector, care, key.fileobj)
                    while care and next(iter(care.values()))[0] <= time.monotonic():
                        self._end(selector, care, next(iter(care)))

    def _begin(self, selector: selectors.BaseSelector, care: dict, sock: socket.socket, unsent: bytes) -> None:
        care[sock] = (time.monotonic() + LINGER_S, unsent)
        try:
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0))
        except OSError:
            self._close(care, sock)
            return
        if not unsent:
            self._attend(selector, care, sock, first=True)

    def _attend(self, selector: selectors.BaseSelector, care: dict, sock: socket.socket, first: bool = False) -> None:
        """Send what is left, then read and drop what the client still says."""
        deadline, unsent = care[sock]
        try:
            if unsent:
                unsent = unsent[sock.send(unsent) :]
                care[sock] = (deadline, unsent)
                first = not unsent
            if first:
                selector.modify(sock, selectors.EVENT_READ)
                sock.shutdown(socket.SHUT_WR)
            if sock.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # the client is gone, which is all that was waited for
        self._end(selector, care, sock)

    def _end(self, selector: selectors.BaseSelector, care: dict, sock: socket.socket) -> None:
        with contextlib.suppress(KeyError):
            selector.unregister(sock)
        self._close(care, sock)

    def _close(self, care: dict, sock: socket.socket) -> None:
        sock.close()
        del care[sock]
        with self._lock:
            self.lingering -= 1
