"""The suite's client: bytes over a real socket, and answers cut out of what comes back."""

import contextlib
import socket
import threading
from typing import NamedTuple

HOST = "127.0.0.1"
PATIENCE_S = 10.0
"""How long anything may take before it counts as hanging. Reached only where something is wrong."""


class Answer(NamedTuple):
    """One response: its status, its header fields by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A client that speaks bytes over a real socket. `heads_only`: its requests are HEAD, so no answer has a body."""

    def __init__(self, port: int, heads_only: bool = False):
        self.sock = socket.create_connection((HOST, port), PATIENCE_S)
        self._received = bytearray()
        self._heads_only = heads_only
        self._follower: threading.Thread | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        if self._follower is not None:
            self._follower.join(PATIENCE_S)
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.sock.sendall(data)

    def answer(self) -> Answer:
        """The next whole answer. Raises: AssertionError where the connection ends first."""
        while (answer := self._parse()) is None:
            data = self.sock.recv(65536)
            assert data, f"the connection ended without an answer; received {bytes(self._received)!r}"
            self._received += data
        return answer

    def end(self) -> bytes:
        """Whatever else arrives until the server closes; a reset counts as an end."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                self._received += data
        return bytes(self._received)

    def follow(self) -> None:
        """Read to the end in a thread of its own, and close: for whoever directs the server at the same time."""

        def read_and_close() -> None:
            self.end()
            self.sock.close()

        self._follower = threading.Thread(target=read_and_close, name="client", daemon=True)
        self._follower.start()

    def followed(self) -> list[Answer]:
        """Every answer, once the server has closed the connection that is followed."""
        self._follower.join(PATIENCE_S)
        assert not self._follower.is_alive(), "the server did not close the connection"
        answers = []
        while (answer := self._parse()) is not None:
            answers.append(answer)
        return answers

    def _parse(self) -> Answer | None:
        head, found, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if self._heads_only else int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._received[:] = rest[length:]
        return Answer(int(first.split()[1]), headers, rest[:length])


def get(path: str = "/yo", *fields: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


def expect_hey(answer: Answer, body: bytes = b"Hey!") -> None:
    """Raises: AssertionError unless this is what /yo answers, or another route with this body."""
    assert (answer.status, answer.body) == (200, body), f"expected 200 with {body!r}, got {answer}"
