"""Makes the pictures: reads the server's frames, asks the kernel, and lays the load generator's latest beside them."""

import contextlib
from collections import deque
from collections.abc import Iterator
from time import monotonic, thread_time

from teachserve.demo.load_line import LoadLine
from teachserve.demo.picture import HISTORY_STEPS, History, LoadView, Picture
from teachserve.demo.supervisor import Supervisor
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look, Witness
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.model import Model
from teachserve.observe.snapshot import Header, Snapshot

WITNESS_SHARE = 0.05
"""How much of a core the witness may use. One look at 400 threads takes 18 ms: then it looks three times a second."""
HISTORY_STEP_S = 0.5


class Feed:
    """The one source of pictures, of a demo or of a watch. `pictures` is for one thread, everything else for any."""

    def __init__(self, link: Link, supervisor: Supervisor | None = None, load: LoadLine | None = None) -> None:
        self.link = link
        self.load = load
        self._supervisor = supervisor
        self._model = Model()
        self._pace = WitnessPace()
        self._records = Records()

    def pictures(self) -> Iterator[Picture]:
        """A picture for each table, and one for the end, whichever it is. Blocks; `close` ends it."""
        witness = None
        try:
            for frame in self.link.frames():
                self._model.apply(frame)
                if frame["frame"] == "header":
                    header = self._model.snapshot().header
                    witness = Witness(header.process, header.words_descriptor, header.machine, gil=header.gil)
                elif frame["frame"] in ("table", "end", "gone"):
                    yield self._picture(witness)
        finally:
            if witness is not None:
                witness.close()

    def _picture(self, witness: Witness) -> Picture:
        snapshot = self._model.snapshot()
        alive = snapshot.phase in ("serving", "stopping")
        look = self._pace.look(witness) if alive else self._pace.newest
        load = self.load.view() if self.load else None
        return Picture(
            snapshot=snapshot,
            accept_queue=queue_of(snapshot.header) if alive else AcceptQueue(unavailable="the server has ended"),
            witness=look,
            sightings=self._pace.by_number,
            load=load,
            history=self._records.add(snapshot, load),
        )

    def close(self) -> None:
        """Leave the server: `pictures` comes to its end."""
        self.link.close()

    # What a person may ask for.

    def stop(self) -> None:
        """Stop the server softly."""
        self._order("stop")

    def abandon(self) -> None:
        """Make the server give up what it has in progress."""
        self._order("abandon")

    def _order(self, command: str) -> None:
        if self._supervisor is not None:
            self._supervisor.stop_asked = True
        with contextlib.suppress(LinkError):  # a server that is gone has stopped
            self.link.send(command)

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
    """Looks as often as the budget allows: once a picture where that is cheap, seldom where there are many threads."""

    def __init__(self, share: float = WITNESS_SHARE) -> None:
        self._share = share
        self._next = 0.0
        self.newest: Look | None = None
        self.by_number: dict = {}

    def look(self, witness: Witness) -> Look:
        """The newest look: a new one, if it is time for it."""
        now = monotonic()
        if self.newest is None or now >= self._next:
            before = thread_time()
            self.newest = witness.look()
            self.by_number = {sighting.number: sighting for sighting in self.newest.sightings}
            self._next = now + (thread_time() - before) / self._share
        return self.newest


class Records:
    """The last minute of rates and latencies, a value each half second of the server's clock."""

    def __init__(self) -> None:
        self._columns = [deque(maxlen=HISTORY_STEPS) for _ in range(3)]
        self._due = 0.0
        self._count = 0
        self._history = History()

    def add(self, snapshot: Snapshot, load: LoadView | None) -> History:
        """Note this moment, if it is time for it. The history with it."""
        if snapshot.at_s >= self._due and snapshot.phase in ("serving", "stopping"):
            self._due = snapshot.at_s + HISTORY_STEP_S
            rate = load.answered_per_s if load else snapshot.requests_per_s
            for column, value in zip(self._columns, (rate, load and load.p50, load and load.p99), strict=True):
                column.append(value)
            self._count += 1
            self._history = History(*map(tuple, self._columns), self._count - len(self._columns[0]))
        return self._history
