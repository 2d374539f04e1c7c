"""A server whose threads move only when it is their turn, led through a scenario with clients that speak bytes."""

import contextlib
import selectors
import socket
import threading
from pathlib import Path

import teachserve
from teachserve.conformance import step, stop_as_far_as_it_goes
from teachserve.gate import Divergence, Gate
from teachserve.server import Server

HOST = "127.0.0.1"
PATIENCE_S = 5.0
"""How long anything may take before it counts as hanging. Reached only where something is wrong."""


class Hangs(Exception):
    """The server did not do what every taskmaster must, in time: one sentence."""


class Stage:
    """A server whose threads move only when it is their turn, and its clients."""

    def __init__(self, server: Server, gate: Gate) -> None:
        self.server, self.gate = server, gate
        self._clients: list[socket.socket] = []
        self._listening: threading.Thread | None = None
        self._stopper: threading.Thread | None = None

    def connect(self, words: bytes = b"") -> socket.socket:
        """A client that has connected and sent these words."""
        client = socket.create_connection((HOST, self.server.port), PATIENCE_S)
        self._clients.append(client)
        self.send(client, words)
        return client

    def send(self, client: socket.socket, words: bytes) -> None:
        """Send more, if the server has not closed the connection."""
        with contextlib.suppress(OSError):
            client.sendall(words)

    def settle(self) -> None:
        """Let everybody go on until nobody can. Raises: Hangs."""
        try:
            self.gate.settle()
        except Divergence as divergence:
            raise Hangs(_in_a_line(divergence)) from None

    def steps(self, count: int) -> None:
        """Let everybody go on for so many steps, the first that can move first."""
        for _ in range(count):
            if step(self.gate) is None:
                return

    def stop(self) -> None:
        """Begin a soft stop, and let it alone go on until it waits for a thread; the clients hear the server out."""
        self._listening = threading.Thread(target=_hear_out, args=(self._clients,), name="clients", daemon=True)
        self._listening.start()
        self._stopper = stop_as_far_as_it_goes(self.gate, self.server)

    def end(self) -> None:
        """Stop softly, if nobody has yet, and see it through. Raises: Hangs."""
        if self.server.report is not None:
            return
        if self._stopper is None:
            self.stop()
        self.settle()
        if "stop" in self.gate.standing():  # at the gate a last look at a silent client waits for the client
            self._leave()
            self.settle()
        stands = {name: verb for name, verb in self.gate.standing().items() if name != "stop"}
        if stands:
            where = ", ".join(f"{name} in {verb}" for name, verb in stands.items())
            raise Hangs(f"a soft stop does not end: {where}")
        self._stopper.join(PATIENCE_S)
        if self._stopper.is_alive():
            raise Hangs("a soft stop does not end, though no thread is left")

    def close(self) -> None:
        """The clients are gone."""
        self._leave()
        if self._listening is not None:
            self._listening.join(PATIENCE_S)
        for client in self._clients:
            client.close()

    def _leave(self) -> None:
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def _hear_out(clients: list[socket.socket]) -> None:
    """Read what comes until the server closes, and say goodbye: for that it waits before it closes after a refusal."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            with contextlib.suppress(ValueError):  # it has left
                selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                try:
                    over = not key.fileobj.recv(65536)
                except OSError:
                    over = True
                if over:
                    selector.unregister(key.fileobj)
                    with contextlib.suppress(OSError):
                        key.fileobj.shutdown(socket.SHUT_WR)


def _in_a_line(divergence: Divergence) -> str:
    """Which line of the architecture's keeps a thread, if that is to be seen."""
    lines = (line.strip() for line in str(divergence).splitlines())
    where = [line for line in lines if line.startswith("File") and not _below(line.split('"')[1])]
    return f"a thread does not come back to a verb{': ' if where else ''}{''.join(where[-1:])}"


def _below(file: str) -> bool:
    """Whether the file is one of the rooms below the architectures, or of Python's own."""
    ours = Path(teachserve.__file__).parent
    stdlib = Path(threading.__file__).parent
    path = Path(file)
    return "architectures" not in path.parts and (path.is_relative_to(ours) or path.is_relative_to(stdlib))
