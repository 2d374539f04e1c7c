"""Frames to pictures: a deterministic fold, with no clock and no I/O. Live and in a replay the same frames give the same.

Beside the server's frames it takes three that are made on the watcher's side, times in us of the server's clock:

- `{"frame": "observed", "at", "accept_queue": {..}, "witness": {..} or null, "load": {..} or null,
  "cpu_s": seconds or null}`, after each table: what the kernel says of the accept queue, its new look at the threads where
  one was taken, the load generator's word, and the CPU time that the server's process has used;
- `{"frame": "mark", "at", "text", "kind"}`: a change that a person made;
- `{"frame": "waiting", "at", "text"}`: the server is gone, and the next one at this address will be followed.
"""

import pickle
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from teachserve.demo.picture import KEPT_MARKS, NOT_ASKED, LoadView, Mark, Picture
from teachserve.demo.records import Records
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.connections import ConnectionLog
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.lanes import LaneLog
from teachserve.observe.lanes_between import with_events
from teachserve.observe.lints import Lints, Moment
from teachserve.observe.model import Model
from teachserve.observe.stays import WINDOW_US, Stays
from teachserve.observe.verdict import Verdict

ENDED = AcceptQueue(unavailable="the server has ended")


class PictureFold:
    """Folds frames with `apply`. One thread at a time may use it.

    A second header is that of another server, which has taken the first one's place: what is told of the server begins
    anew, while the marks and the history go on.
    """

    def __init__(self) -> None:
        self._model = Model()
        self._connections = ConnectionLog()
        self._lints, self._findings = Lints(), ()
        self._epoch_ns: int | None = None
        self._waiting_at = ""
        self._accept_queue = NOT_ASKED
        self._look: Look | None = None
        self._sightings: dict[int, Sighting] = {}
        self._gil_waiters: deque[tuple[int, int]] = deque()
        """us, and how many threads waited for the GIL then: of each round in the window."""
        self._load: LoadView | None = None
        self._records = Records()
        self._stays = Stays()
        self._lanes = LaneLog()
        self._marks: deque[Mark] = deque(maxlen=KEPT_MARKS)

    def apply(self, frame: Mapping[str, Any]) -> Picture | None:
        """Fold one frame in. A picture for each `observed`, and for the end, whichever it is; else None."""
        return self.picture() if self.advance(frame) else None

    def advance(self, frame: Mapping[str, Any]) -> bool:
        """The same without drawing: whether a picture is due."""
        match frame["frame"]:
            case "observed":
                self._observe(frame)
                return True
            case "mark":
                self._marks.append(mark_of(frame))
                return False
            case "waiting":
                self._waiting_at = frame["text"]
                return True
            case "header":
                self._begin(frame["epoch_ns"])
        self._model.apply(frame)
        self._connections.apply(frame)
        self._stays.apply(frame)
        self._lanes.apply(frame)
        if frame["frame"] in ("end", "gone"):
            self._accept_queue = ENDED
            self._gil_waiters.clear()
            self._lint()
            return True
        return False

    def picture(self) -> Picture:
        """What is known now."""
        return Picture(
            snapshot=self._model.snapshot(),
            accept_queue=self._accept_queue,
            witness=self._look,
            sightings=self._sightings,
            gil_waiters=self._mean_gil_waiters(),
            load=self._load,
            history=self._records.history,
            marks=tuple(self._marks),
            waiting_at=self._waiting_at,
            connections=self._connections.connections(),
            stays=self._stays.per_second(),
            findings=self._findings,
            over=self._lints.over,
            lanes=self._lanes.lanes(),
        )

    def branch(self) -> "Branch":
        """What goes on from here without touching this fold."""
        return Branch(pickle.dumps(self._model), self.picture())

    def _begin(self, epoch_ns: int) -> None:
        earlier_s = 0.0
        if self._epoch_ns is not None:
            earlier_s = (self._epoch_ns - epoch_ns) / 1e9
            moved = [replace(mark, at_s=mark.at_s + earlier_s) for mark in self._marks]
            self._marks = deque(moved, maxlen=KEPT_MARKS)
        self._epoch_ns = epoch_ns
        self._waiting_at = ""
        self._model = Model()
        self._connections = ConnectionLog()
        self._lints, self._findings = Lints(), ()
        self._accept_queue, self._look, self._sightings = NOT_ASKED, None, {}
        self._gil_waiters.clear()
        self._records.begin(earlier_s)

    def _observe(self, frame: Mapping[str, Any]) -> None:
        self._accept_queue = AcceptQueue(**frame["accept_queue"])
        if frame["witness"] is not None:
            self._look = Look.of_json(frame["witness"])
            self._sightings = {sighting.number: sighting for sighting in self._look.sightings}
            self._count_gil_waiters(frame["at"], self._look)
        self._load = None if frame["load"] is None else LoadView(**frame["load"])
        if self._records.due(frame["at"]):
            self._records.add(frame["at"], self._model.snapshot(), self._load, self._accept_queue, frame.get("cpu_s"))
        self._lint()

    def _count_gil_waiters(self, at: int, look: Look) -> None:
        if look.unavailable is None:
            self._gil_waiters.append((at, sum(one.verdict is Verdict.GIL for one in look.sightings)))
        while self._gil_waiters and self._gil_waiters[0][0] <= at - WINDOW_US:
            self._gil_waiters.popleft()

    def _mean_gil_waiters(self) -> float | None:
        header = self._model.snapshot().header
        if not self._gil_waiters or header is None or not header.gil:
            return None
        return sum(count for _, count in self._gil_waiters) / len(self._gil_waiters)

    def _lint(self) -> None:
        clients = self._load and self._load.clients
        self._findings = self._lints.apply(Moment(self._model.snapshot(), self._accept_queue, self._look, clients))


class Branch(NamedTuple):
    """A picture, and what it takes to show the moments after it up to the next.

    Only threads, their lanes and events go on; connections are as they were, which their own `at_s` says: to copy a
    minute of their events would take 60 ms each time.
    """

    model: bytes
    picture: Picture

    def after(self, frames: Iterable[Mapping[str, Any]]) -> Picture:
        """With these frames as well, none of them a table or what was observed."""
        model, marks = pickle.loads(self.model), deque(self.picture.marks, maxlen=KEPT_MARKS)
        events = []
        for frame in frames:
            if frame["frame"] == "mark":
                marks.append(mark_of(frame))
            else:
                model.apply(frame)
                events.append(frame)
        snapshot = model.snapshot()
        roles = {thread.number: thread.role for thread in (*snapshot.threads, *snapshot.ended)}
        lanes = with_events(self.picture.lanes, events, roles, round(snapshot.at_s * 1e6))
        return replace(self.picture, snapshot=snapshot, marks=tuple(marks), lanes=lanes)


def mark_of(frame: Mapping[str, Any]) -> Mark:
    """The mark that a frame tells of."""
    return Mark(frame["at"] / 1e6, frame["text"], frame["kind"])
