"""Sends bytes in pieces that a server receives as those pieces, without a sleep between them."""

import threading
import time

import pytest

from teachserve.conformance import Client
from teachserve.protocol import Machine

PATIENCE_S = 10.0
"""How long a server may be silent before it counts as silent for good. Reached only where something is wrong."""
FINISHED_POLL_S = 0.001
"""A machine that finishes tells nobody: it is looked at this often."""


class Arrivals:
    """Counts the bytes that reach the machine of the connection in hand, so that a client can wait for its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._changed = threading.Condition()
        self.begin()
        receive = Machine.receive

        def counting(machine: Machine, data: bytes) -> None:
            receive(machine, data)
            with self._changed:
                self._machine = machine
                self._count += len(data)
                self._changed.notify_all()

        monkeypatch.setattr(Machine, "receive", counting)

    def begin(self) -> None:
        """A new connection."""
        with self._changed:
            self._machine: Machine | None = None
            self._count = 0

    def send(self, client: Client, piece: bytes) -> None:
        """Send a piece, and return once the machine has received it, or has finished and receives nothing more."""
        with self._changed:
            wanted = self._count + len(piece)
            client.send(piece)
            deadline = time.monotonic() + PATIENCE_S
            while self._count < wanted and not (self._machine and self._machine.finished):
                assert time.monotonic() < deadline, f"{piece!r} was not received"
                self._changed.wait(FINISHED_POLL_S)
