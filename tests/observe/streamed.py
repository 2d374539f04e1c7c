"""A real server in this process, and the frames that a watcher gets of it, without a link."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from operator import itemgetter

from teachserve.conformance import serving
from teachserve.events import FIRST_MARK, STATES, mark_of
from teachserve.gate import Gate
from teachserve.probe import STREAM
from teachserve.publish import account
from teachserve.publish.stream import EventStream, Wanted
from teachserve.server import Server

PATIENCE_S = 20.0


class Streamed:
    """`frames` are all frames so far; `tell` takes those that the publisher would send now."""

    def __init__(self, server: Server, take: Callable[[dict], object] | None = None, level: int = STREAM):
        self.server = server
        self.frames: list[dict] = []
        self._take = take or (lambda frame: None)
        self._roles = account.Roles(self._send)
        self._stream = EventStream(server.taskmaster, self._roles)
        self._send(account.header(server, self._roles))
        if level == STREAM:
            self._send({"frame": "reply", "to": 1, "ok": True, "level": "stream"})
        self._stream.want(Wanted(level))

    def tell(self) -> None:
        """What the publisher does ten times a second."""
        self._stream.drain(lambda frame, _events: self._send(frame), lambda frame, _events: None)
        self._send(account.table(self.server, self._roles, self._stream.take_ended))

    def until(self, seen: Callable[[], object]) -> None:
        """Tell, until it was seen."""
        patience = time.monotonic() + PATIENCE_S
        while True:
            self.tell()
            if seen():
                return
            assert time.monotonic() < patience, "it was never seen"

    def events(self) -> list[tuple[int, int, str, int]]:
        """Every event by time: (us, thread, state's or mark's word, number that it is about).

        What a thread says in one us stays in its order.
        """
        told = [
            (at, thread, word(code), about)
            for frame in self.frames
            if frame["frame"] == "events"
            for thread, _lost, words in frame["batches"]
            for at, code, about in zip(*[iter(words)] * 3, strict=True)
        ]
        return sorted(told, key=itemgetter(0))

    def _send(self, frame: dict) -> None:
        frame = json.loads(json.dumps(frame))
        self.frames.append(frame)
        self._take(frame)


def word(code: int) -> str:
    """The word of a state or of a mark."""
    return str(STATES[code] if code < FIRST_MARK else mark_of(code))


@contextlib.contextmanager
def streamed(
    architecture: str, gate: Gate | None = None, take: Callable[[dict], object] | None = None, **options: object
) -> Iterator[Streamed]:
    """A server with small limits that is watched from its first moment; with a gate, as soon as all stand still."""
    with serving(architecture, gate, **options) as server:
        if gate is not None:
            gate.settle()
        yield Streamed(server, take)
        if gate is not None:
            gate.open()
