"""Makes the pictures: reads the server's frames, asks the kernel, and lays the load generator's latest beside them."""

import contextlib
import queue
from collections.abc import Iterator
from time import monotonic, monotonic_ns, thread_time

from teachserve.demo.answers import Answers
from teachserve.demo.fold import ALIVE, ENDED, PictureFold
from teachserve.demo.load_line import LoadLine
from teachserve.demo.picture import Picture
from teachserve.demo.supervisor import Supervisor
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look, Witness
from teachserve.observe.link import Frame, Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.recorder import Recorder
from teachserve.observe.snapshot import Header

WITNESS_SHARE = 0.05
"""How much of a core the witness may use. One look at 400 threads takes 18 ms: then it looks three times a second."""


class Feed:
    """The one live source of pictures, of a demo or of a watch. `pictures` is for one thread, everything else for any.

    `recorder` gets every frame that is folded, in its order.
    """

    controls = None

    player = None
    """What happens now cannot be played again."""

    def __init__(
        self,
        link: Link,
        supervisor: Supervisor | None = None,
        load: LoadLine | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.link = link
        self.load = load
        self._supervisor = supervisor
        self._recorder = recorder
        if recorder is not None:
            recorder.on_end = self.note
        self._fold = PictureFold()
        self._answers = Answers()
        self._made: queue.SimpleQueue[Frame] = queue.SimpleQueue()

    def pictures(self) -> Iterator[Picture]:
        """A picture for each table, and one for the end, whichever it is. Blocks; `close` ends it."""
        for frame in self._frames():
            if self._recorder is not None:
                self._recorder.put(frame)
            picture = self._fold.apply(frame)
            if picture is not None:
                yield picture

    def _frames(self) -> Iterator[Frame]:
        """The server's frames, and between them those that are made here."""
        witness, pace = None, WitnessPace()
        try:
            for frame in self.link.frames():
                yield from self._new_ones()
                yield frame
                if frame["frame"] == "header":
                    header = Header.of(frame)
                    witness = Witness(header.process, header.words_descriptor, header.machine, gil=header.gil)
                    if self._recorder is not None and self._recorder.events:
                        self._tell("level", level="stream")
                elif frame["frame"] == "table":
                    yield self._observed(frame, header, witness, pace)
                elif frame["frame"] == "reply":
                    self._answers.put(frame)
        finally:
            if witness is not None:
                witness.close()

    def _observed(self, table: Frame, header: Header, witness: Witness, pace: "WitnessPace") -> Frame:
        alive = table["phase"] in ALIVE
        look = pace.look(witness) if alive else None
        return {
            "frame": "observed",
            "at": table["at"],
            "accept_queue": (queue_of(header) if alive else ENDED).as_json(),
            "witness": look and look.as_json(),
            "load": self.load and self.load.view().as_json(),
        }

    def _new_ones(self) -> Iterator[Frame]:
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._made.get_nowait()

    def close(self) -> None:
        """Leave the server: `pictures` comes to its end."""
        self.link.close()

    # What a person may ask for.

    def mark(self, text: str, kind: str) -> None:
        """Note that a person has changed something just now; see `Mark`."""
        self._made.put({"frame": "mark", "at": self._now(), "text": text, "kind": kind})

    def note(self, text: str) -> None:
        """A line for the log, beside the server's own."""
        self._made.put({"frame": "log", "at": self._now(), "text": text})

    def _now(self) -> int:
        return (monotonic_ns() - self.link.header["epoch_ns"]) // 1000

    def send(self, command: str, **fields: object) -> str:
        """Send the server a command, and wait a moment for its answer: "", or one sentence why it was not done."""
        try:
            number = self.link.send(command, **fields)
        except LinkError as error:
            return str(error)
        answer = self._answers.wait(number)
        if answer is None:
            return f"the server has not answered yet: {command} may still be done"
        return "" if answer["ok"] else answer["error"]

    def stop(self) -> None:
        """Stop the server softly."""
        self._order("stop")

    def abandon(self) -> None:
        """Make the server give up what it has in progress."""
        self._order("abandon")

    def _order(self, command: str) -> None:
        if self._supervisor is not None:
            self._supervisor.stop_asked = True
        self._tell(command)

    def _tell(self, command: str, **fields: object) -> None:
        with contextlib.suppress(LinkError):  # a server that is gone has stopped
            self.link.send(command, **fields)

    def scale_connections(self, factor: float) -> str:
        """More or fewer clients; what was asked for, in words."""
        return self.load.scale_connections(factor) if self.load else "there is no load generator"

    def scale_rate(self, factor: float) -> str:
        """A higher or lower rate; what was asked for, in words."""
        return self.load.scale_rate(factor) if self.load else "there is no load generator"


def queue_of(header: Header) -> AcceptQueue:
    """The accept queue of the server that introduced itself so."""
    return AcceptQueue.read(header.host, header.port)


class WitnessPace:
    """Looks as often as the budget allows: once a table where that is cheap, seldom where there are many threads."""

    def __init__(self, share: float = WITNESS_SHARE) -> None:
        self._share = share
        self._next = 0.0

    def look(self, witness: Witness) -> Look | None:
        """A new look, if it is time for one."""
        now = monotonic()
        if now < self._next:
            return None
        before = thread_time()
        look = witness.look()
        self._next = now + (thread_time() - before) / self._share
        return look
