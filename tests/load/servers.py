"""A server of a page for the tests: plain sockets, a thread for each connection, a script for what it answers."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHey!"
OK_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nHey!"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n"
PATIENCE_S = 20.0
"""No test waits so long; it is there so that a broken one fails instead of hanging."""


class Talk:
    """The server's side of one connection. `number` counts the connections from 1."""

    def __init__(self, server: "TinyServer", sock: socket.socket, number: int) -> None:
        self.server = server
        self.sock = sock
        self.number = number
        self._rest = b""

    def read(self) -> bytes:
        """The head of the next request, b"" if the client has gone."""
        while b"\r\n\r\n" not in self._rest:
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            if not data:
                return b""
            self._rest += data
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        with self.server.lock:
            self.server.requests += 1
            self.server.heads.append(head)
        return head

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            self.sock.sendall(data)

    def reset(self) -> None:
        """End the connection with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hold(self) -> None:
        """Say nothing until the client goes, or the server stops."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                continue


Script = Callable[[Talk], None]


def always(answer: bytes) -> Script:
    """Answer every request so; hang up after it if the answer says so."""

    def script(talk: Talk) -> None:
        while talk.read():
            talk.send(answer)
            if b"Connection: close" in answer:
                return

    return script


def silent(talk: Talk) -> None:
    """Read one request and never answer it."""
    if talk.read():
        with talk.server.lock:
            talk.server.held.release()
        talk.hold()


class TinyServer:
    """Counts what it got: `connections`, `requests`, their `heads`; `held` is released for each that is held."""

    def __init__(self, script: Script, host: str = "127.0.0.1") -> None:
        self._script = script
        self.lock = threading.Lock()
        self.connections = self.requests = 0
        self.heads: list[bytes] = []
        self.held = threading.Semaphore(0)
        self._talks: list[Talk] = []
        self._threads: list[threading.Thread] = []
        self.host, self.port = host, 0
        self.listen()

    def listen(self) -> None:
        """Listen, again on the same port if it has done so before."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=512)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept, self._listener)

    def _start(self, target: Callable, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                talk = Talk(self, sock, self.connections)
                self._talks.append(talk)
            self._start(self._serve, talk)

    def _serve(self, talk: Talk) -> None:
        try:
            self._script(talk)
        finally:
            talk.sock.close()

    def wait_held(self, count: int) -> None:
        """Until so many requests are held."""
        for _ in range(count):
            assert self.held.acquire(timeout=PATIENCE_S)

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> "TinyServer":
        return self

    def __exit__(self, *ending: object) -> None:
        self.stop_listening()
        for thread in list(self._threads):
            for talk in self._talks:
                with contextlib.suppress(OSError):
                    talk.sock.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
