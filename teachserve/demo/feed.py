"""Makes the pictures: reads the server's frames, asks the kernel, and lays the load generator's latest beside them."""

import contextlib
import queue
import threading
from collections.abc import Iterator
from time import monotonic, monotonic_ns, thread_time
from typing import NamedTuple

from teachserve.demo.answers import Answers
from teachserve.demo.controls import Controls
from teachserve.demo.fold import ENDED, PictureFold
from teachserve.demo.load_line import LoadLine, NoMoreOrders
from teachserve.demo.picture import Picture
from teachserve.demo.supervisor import Supervisor
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.address import Address
from teachserve.observe.kernel import Look, Witness
from teachserve.observe.link import Frame, Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.proc import process_cpu
from teachserve.observe.recorder import Recorder
from teachserve.observe.snapshot import ALIVE, Header

WITNESS_SHARE = 0.02
"""How much of a core the witness may use. One look at 400 threads takes 18 ms: then it looks once a second."""
BETWEEN_S = 0.25
"""How often there is a picture while no server is there: of the load, which goes on."""
FOLLOW_S = 2.0


class Feed:
    """The one live source of pictures, of a demo or of a watch. `pictures` is for one thread, everything else for any.

    `recorder` gets every frame that is folded, in its order. Of a watch that was given an `address`, whoever serves there
    next is shown when the server is gone.
    """

    player = None
    """What happens now cannot be played again."""

    def __init__(
        self,
        link: Link,
        supervisor: Supervisor | None = None,
        load: LoadLine | None = None,
        recorder: Recorder | None = None,
        address: Address | None = None,
    ) -> None:
        self.load = load
        self._supervisor = supervisor
        self._recorder = recorder
        self._address = address
        if recorder is not None:
            recorder.on_end = self.note
        self._fold = PictureFold()
        self._made: queue.SimpleQueue[tuple[int, Frame]] = queue.SimpleQueue()
        self._newest = Attached(link, Answers())
        self._read: Attached | None = None  # where the reading thread is
        self._closed = False
        self._turn = threading.Condition()
        self.controls = Controls(self, supervisor)

    @property
    def link(self) -> Link:
        """The link to the server that is in charge."""
        return self._newest.link

    def pictures(self) -> Iterator[Picture]:
        """A picture for each table, and one for the end, whichever it is. Blocks; `close` ends it.

        In a demo another server may come after the end of one: until it does, pictures show how the load fares.
        """
        for frame in self._frames():
            if self._recorder is not None:
                self._recorder.put(frame)
            picture = self._fold.apply(frame)
            if picture is not None:
                yield picture

    def _frames(self) -> Iterator[Frame]:
        """The frames of each server that there is, one server after the other."""
        while (attached := self._next()) is not None:
            yield from self._frames_of(attached)
            if self._address is not None:
                yield from self._await_successor(attached, self._address)
                continue
            if self._supervisor is None:
                return
            while not self._is_over(attached):
                at = _since(attached.link, monotonic_ns())
                yield from self._new_ones(attached.link)
                yield self._observed(at, ENDED, None)

    def _await_successor(self, attached: "Attached", address: Address) -> Iterator[Frame]:
        """Say so, and wait until somebody serves at the address; or until this is closed."""
        yield {"frame": "waiting", "at": _since(attached.link, monotonic_ns()), "text": str(address)}
        while not self._is_over(attached):
            link = address.attach()
            if link is not None:
                attached.link.close()
                with self._turn:
                    self._newest = Attached(link, Answers())
                    if self._closed:
                        link.close()

    def _next(self) -> "Attached | None":
        with self._turn:
            self._read = self._newest
            self._turn.notify_all()
            return None if self._closed else self._newest

    def _is_over(self, attached: "Attached") -> bool:
        """Whether there is a server after this one, or no more at all; known within a moment."""
        with self._turn:
            return self._turn.wait_for(lambda: self._newest is not attached or self._closed, BETWEEN_S)

    def _frames_of(self, attached: "Attached") -> Iterator[Frame]:
        """The server's frames, and between them those that are made here."""
        witness, pace = None, WitnessPace()
        try:
            for frame in attached.link.frames():
                if frame["frame"] != "header":  # before it their moment would be taken for one of the former server's
                    yield from self._new_ones(attached.link)
                yield frame
                if frame["frame"] == "header":
                    header = Header.of(frame)
                    witness = Witness(header.process, header.words_descriptor, header.machine, gil=header.gil)
                    if self._wants_events:
                        _tell(attached.link, "level", level="stream")
                elif frame["frame"] == "table":
                    alive = frame["phase"] in ALIVE
                    look = pace.look(witness) if alive else None
                    cpu_s = process_cpu(header.process) if alive else None
                    yield self._observed(frame["at"], queue_of(header) if alive else ENDED, look, cpu_s)
                elif frame["frame"] == "reply":
                    attached.answers.put(frame)
        finally:
            if witness is not None:
                witness.close()

    def _observed(self, at: int, accept_queue: AcceptQueue, look: Look | None, cpu_s: float | None = None) -> Frame:
        return {
            "frame": "observed",
            "at": at,
            "accept_queue": accept_queue.as_json(),
            "witness": look and look.as_json(),
            "load": self.load and self.load.view().as_json(),
            "cpu_s": cpu_s,
        }

    def _new_ones(self, link: Link) -> Iterator[Frame]:
        with contextlib.suppress(queue.Empty):
            while True:
                now, frame = self._made.get_nowait()
                yield {"frame": frame["frame"], "at": _since(link, now), **frame}

    @property
    def _wants_events(self) -> bool:
        return self._recorder is not None and self._recorder.events

    def close(self) -> None:
        """Leave the server: `pictures` comes to its end."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        self.link.close()

    def begin(self) -> None:
        """Somebody sees the pictures: a load that was held for that begins."""
        if self.load is not None:
            with contextlib.suppress(NoMoreOrders):  # the demo is ending
                self.load.begin()

    def follow(self, link: Link) -> None:
        """Go on with another server, which takes the place of the one before; waits a moment until that is so."""
        attached = Attached(link, Answers())
        with self._turn:
            if self._closed:
                link.close()
                return
            before, self._newest = self._newest, attached
            self._turn.notify_all()
        before.link.close()
        with self._turn:
            self._turn.wait_for(lambda: self._read is attached or self._closed, FOLLOW_S)

    # What a person may ask for.

    def mark(self, text: str, kind: str) -> None:
        """Note that a person has changed something just now; see `Mark`."""
        self._made.put((monotonic_ns(), {"frame": "mark", "text": text, "kind": kind}))

    def note(self, text: str) -> None:
        """A line for the log, beside the server's own."""
        self._made.put((monotonic_ns(), {"frame": "log", "text": text}))

    def send(self, command: str, **fields: object) -> str:
        """Send the server a command, and wait a moment for its answer: "", or one sentence why it was not done."""
        if command == "level" and self._wants_events:
            return ""  # the recording has every event sent, whatever the screen shows
        link, answers = self._newest
        try:
            number = link.send(command, **fields)
        except LinkError as error:
            return str(error)
        answer = answers.wait(number)
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
        _tell(self.link, command)


class Attached(NamedTuple):
    """A link, and the answers that come over it."""

    link: Link
    answers: Answers


def _tell(link: Link, command: str, **fields: object) -> None:
    with contextlib.suppress(LinkError):  # a server that is gone has stopped
        link.send(command, **fields)


def _since(link: Link, now_ns: int) -> int:
    """That moment on the server's clock, in us."""
    return (now_ns - link.header["epoch_ns"]) // 1000


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
