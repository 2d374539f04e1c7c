"""A server whose threads move only when the test says so."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from teachserve.conformance import Client, get, serving, step, stop_as_far_as_it_goes
from teachserve.gate import Divergence, Gate

HEY = get()
LAST = get("/yo", "Connection: close")


class Stage:
    """One server under a gate, its clients, and the schedule so far. Leaving it stops the server and checks all is gone."""

    def __init__(self, architecture: str, options: dict[str, object], close: contextlib.ExitStack):
        self.gate = Gate()
        self.server = close.enter_context(serving(architecture, self.gate, **options))
        self._clients = close.enter_context(contextlib.ExitStack())
        self.taskmaster = self.server.taskmaster
        self.counts = self.taskmaster.counts
        self.stopper: threading.Thread | None = None
        close.callback(self._finish)
        self.gate.settle()

    def connect(self, words: bytes = b"") -> Client:
        """A client that has connected and sent these words: both are in the kernel when this returns."""
        client = self._clients.enter_context(Client(self.server.port))
        client.send(words)
        return client

    def play(self, schedule: str) -> None:
        """Make exactly these steps."""
        self.gate.play(schedule)

    def blocks(self, part: str) -> bool:
        """Whether this step would block now."""
        try:
            self.gate.play(part)
        except Divergence as divergence:
            assert "would block" in str(divergence), divergence
            return True
        return False

    def at(self, name: str) -> str | None:
        """The gate where this thread stands; None: there is no such thread."""
        return self.gate.standing().get(name)

    def let(self, *names: str) -> None:
        """Let only these threads go on until none of them can."""
        while step(self.gate, names):
            pass

    def let_one(self) -> None:
        """Let the first thread that can move make one step."""
        assert step(self.gate), f"nobody can move: {self.gate.standing()}"

    def until(self, name: str, verb: str) -> None:
        """Let this thread alone go on until it stands at this gate."""
        while self.at(name) != verb:
            assert step(self.gate, [name]), f"{name} does not get to {verb}: {self.gate.standing()}"

    def stop(self) -> None:
        """Start a soft stop, and let it alone go on until it waits for a thread."""
        self.stopper = stop_as_far_as_it_goes(self.gate, self.server)

    def _finish(self) -> None:
        """However the test ended: nobody may stay behind at the gate."""
        if self.stopper is None and self.server.report is None:
            self.stop()
            self.gate.settle()
        if self.stopper is None or self.stopper.is_alive():
            self.server.abandon()

    def end(self) -> None:
        """Let everybody go on until the stop is over."""
        standing = self.gate.settle()
        self.stopper.join(10)
        assert not self.stopper.is_alive(), standing


@pytest.fixture
def stage() -> Iterator[Callable[..., Stage]]:
    with contextlib.ExitStack() as close:
        yield lambda architecture, **options: Stage(architecture, options, close)
