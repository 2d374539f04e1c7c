"""How many threads there may be, and how many may serve: the limits, which may change under the threads that run.

No limit is read twice for one decision, and each decision is one critical section. Where a limit is lowered nobody is
sent away: whoever is one too many ends when it has served. Where it is raised, those that wait for a place go on at once.
"""

from teachserve.errors import Abandoned
from teachserve.events import State
from teachserve.gate import Gate, readable
from teachserve.options import Options
from teachserve.probe import ThreadRecord
from teachserve.queues import Tokens
from teachserve.threads import ThreadTable

_WAITING_FOR_PLACE = State.WAITING_FOR_PLACE.code


class Places(ThreadTable):
    """The threads that live, measured against `max_threads`."""

    accepting_role: str = "worker"

    def __init__(self, options: Options, gate: Gate | None):
        super().__init__(gate)
        self.options = options
        self.abandoned = False
        self.places = Tokens()
        self._most_threads = options.values.get("max_threads", float("inf"))
        self._too_many = False  # since max_threads was lowered, more threads live than it allows

    def _died(self, record: ThreadRecord) -> None:
        if record.counted:
            record.counted = False
            self.counts.accepting -= 1
        if record.leaving:
            self._stays(record)
        if record.placed:
            self._free_place(record)
        super()._died(record)

    def wait_for_place(self) -> None:
        """Wait until fewer than `max_threads` threads serve; the end of `serve` frees the place.

        While it blocks: waiting for a place. Once the server stops: goes on in turn.
        """
        me = self._local.record
        with self.lock:
            if self.abandoned:
                raise Abandoned
            waits = self.counts.placed >= self._most_threads
            if waits:
                self.counts.queueing += 1
            else:
                self.counts.placed += 1
                me.placed = True
        if waits:
            me.enter(_WAITING_FOR_PLACE, self.places.descriptor)
            if (gate := me.gate) is not None:
                gate.hold("wait_for_place", readable(self.places.descriptor))
            self.places.get()
            me.placed = True  # handed on by whoever left, or by an abandon: it is in `placed` already
            if self.abandoned:
                raise Abandoned

    def _free_place(self, me: ThreadRecord) -> None:
        """Give the place back. The caller holds the lock."""
        me.placed = False
        self.counts.placed -= 1
        self._hand_out_places()

    def _hand_out_places(self) -> None:
        """Let those who wait for a place go on, as many as there is room for. The caller holds the lock."""
        counts = self.counts
        while counts.queueing and counts.placed < self._most_threads:
            counts.queueing -= 1
            counts.placed += 1
            self.places.put()

    def _living(self) -> int:
        """Threads of the accepting role, but for those that recycle has told to end: they serve no more.

        Were they counted until they have ended, then the last two could both end as one too many; and whoever takes the
        last out of accept meanwhile would find no room, and ask nobody. The caller holds the lock.
        """
        return self.counts.live[self.accepting_role] - self.counts.leaving

    def _full(self) -> bool:
        """As many threads of the accepting role live as may. The caller holds the lock."""
        return self._living() >= self._most_threads

    def _still_too_many(self) -> bool:
        """Whether more live than may, since `max_threads` was lowered. The caller holds the lock."""
        self._too_many = self._living() > self._most_threads
        return self._too_many

    def _limit_threads(self) -> None:
        """`max_threads` has another value. The caller holds the lock."""
        self._most_threads = self.options.max_threads
        self._still_too_many()
        self._hand_out_places()

    def _stays(self, record: ThreadRecord) -> None:
        """It has ended, or accepts in spite of what recycle said. The caller holds the lock."""
        record.leaving = False
        self.counts.leaving -= 1
