"""A short visit to a running server: attach, see what is asked for, leave. For what is printed once and not watched."""

import threading
from collections.abc import Callable
from pathlib import Path

from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.model import Model
from teachserve.observe.snapshot import Snapshot

PATIENCE_S = 5.0
"""How long a visit may take in all."""


class Visit:
    """Use it with `with`. Raises: LinkError where the server cannot be visited, or does not answer in time."""

    def __init__(self, link_file: Path, patience_s: float = PATIENCE_S):
        self._patience_s = patience_s
        self._link = Link.attach(link_file, patience_s)
        self._frames = self._link.frames()
        self._model = Model()
        self._late = False
        self._timer = threading.Timer(patience_s, self._give_up)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._timer.cancel()
        self._link.close()
        self._timer.join()

    def until(self, seen: Callable[[Snapshot], object]) -> Snapshot:
        """The first snapshot of which it holds. Raises: LinkError."""
        for frame in self._frames:
            self._model.apply(frame)
            if frame["frame"] == "reply" and not frame["ok"]:
                raise LinkError(frame["error"])
            if seen(snapshot := self._model.snapshot()):
                return snapshot
        if self._late:
            raise LinkError(
                f"the server (process {self._link.process}) did not answer within {self._patience_s:g} s: is it stopped?"
            )
        raise LinkError(f"the server (process {self._link.process}) has just ended")

    def table(self) -> Snapshot:
        """The server as its next table tells it. Raises: LinkError."""
        now_s = self._model.snapshot().at_s
        return self.until(lambda snapshot: snapshot.phase != "connecting" and snapshot.at_s > now_s)

    def ask(self, command: str, **fields: object) -> None:
        """Send a command; what it brings is in a later snapshot, and a refusal is raised there. Raises: LinkError."""
        self._link.send(command, **fields)

    def _give_up(self) -> None:
        self._late = True
        self._link.close()
