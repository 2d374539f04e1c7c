"""The history of a watch: a step each half second of the server's clock, for the last minute."""

from collections import deque

from teachserve.demo.picture import HISTORY_STEPS, History, LoadView, Step
from teachserve.events import STATES
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.snapshot import Snapshot

HISTORY_STEP_US = 500_000


class Records:
    """Adds a step where one is due."""

    def __init__(self) -> None:
        self.history = History()
        self._steps: deque[Step] = deque(maxlen=HISTORY_STEPS)
        self._due = 0
        self._count = 0
        self._cpu: tuple[int, float] | None = None

    def begin(self, earlier_s: float = 0.0) -> None:
        """From now on another server's clock counts, on which everything so far was `earlier_s` earlier (below 0)."""
        self._due, self._cpu = 0, None
        moved = [step._replace(at_s=step.at_s + earlier_s) for step in self._steps]
        self._steps = deque(moved, maxlen=HISTORY_STEPS)
        self._show()

    def due(self, at: int) -> bool:
        """Whether it is time for another step; `at` in us."""
        return at >= self._due

    def add(
        self, at: int, snapshot: Snapshot, load: LoadView | None, accept_queue: AcceptQueue, cpu_s: float | None
    ) -> None:
        """Note this moment; one at which nobody serves any more is no moment."""
        self._due = at + HISTORY_STEP_US
        if not snapshot.alive:
            return
        self._steps.append(
            Step(
                at_s=at / 1e6,
                requests=load.answered_per_s if load else snapshot.requests_per_s,
                p50=load and load.p50,
                p99=load and load.p99,
                connections=snapshot.connections_per_s,
                made=snapshot.made_per_s,
                ended=snapshot.ended_per_s,
                queued=None if accept_queue.unavailable else accept_queue.length,
                core=self._core(at, cpu_s),
                states=tuple(snapshot.states[state] for state in STATES),
            )
        )
        self._count += 1
        self._show()

    def _core(self, at: int, cpu_s: float | None) -> float | None:
        before, self._cpu = self._cpu, None if cpu_s is None else (at, cpu_s)
        if before is None or cpu_s is None or at <= before[0]:
            return None
        return max(0.0, cpu_s - before[1]) / ((at - before[0]) / 1e6)

    def _show(self) -> None:
        self.history = History(tuple(self._steps), self._count - len(self._steps))
