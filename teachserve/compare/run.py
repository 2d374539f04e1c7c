"""A comparison as it runs: both sides at the same time, or one after the other, under the same plan."""

import os
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic_ns, process_time

from teachserve.compare.plan import GRACE_S, ComparePlan
from teachserve.compare.score import Score, ScoreView
from teachserve.compare.side_run import Processes, SideEndings, SideFolder, SideRun, SideSupervisor
from teachserve.compare.sides import difference
from teachserve.compare.view import AT_THE_END, LIVE, NEXT, OVER, RECORDED, STARTING, Comparison, SideView
from teachserve.demo.endings import BROKEN, Ending, Endings
from teachserve.demo.guard import Guarded
from teachserve.demo.supervisor import StartError

LEAD_NS = 1_000_000_000
"""How long before the plan's beginning the load generators are started: a Python and its imports, on a slow machine."""
FRAME_S = 0.1
START_AND_STOP_S = 3.0


def cores() -> int:
    """Cores that this process, and so those that it starts, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Run:
    """The four processes and the score. `start`, then `comparisons` or `now`, then `end`; all from any thread.

    What goes wrong is a reason in `endings`; that the plan is over sets `over`, and nothing ends by it.
    """

    def __init__(self, plan: ComparePlan, guarded: Guarded, endings: Endings) -> None:
        self.plan = plan
        self.over = threading.Event()
        """Every outcome is known."""
        self.ended = False
        self._endings = endings
        self._gate = SideEndings(endings)
        self._score = Score(plan.planned, plan.rate, round(plan.tie_s * 1e6))
        self._scoring = threading.Lock()
        processes = Processes(guarded)
        self.sides = tuple(self._side(at, processes) for at in range(2))
        self._differences = tuple(difference(side, plan.sides) for side in plan.sides)
        self._cores = cores()
        self._begin_ns: int | None = None
        self._running: tuple[SideRun, ...] = ()
        self.own_cpu_s = 0.0
        """CPU time of this process, from the start to the end of the plan: the servers had to do without it."""
        self._cpu_began = process_time()
        self._closed = threading.Event()
        self._ending = threading.Lock()
        self._thread = threading.Thread(target=self._go, name="comparison", daemon=True)

    def _side(self, at: int, processes: Processes) -> SideRun:
        side = self.plan.sides[at]
        supervisor = SideSupervisor(side, self.plan, SideFolder(processes, side.letter), self._gate)
        return SideRun(supervisor, lambda outcomes: self._tell(at, outcomes))

    def _tell(self, side: int, outcomes: list[int]) -> None:
        with self._scoring:
            self._score.add(side, outcomes)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    @property
    def lasts_s(self) -> float:
        """How long all of it takes at the most, on a machine that is not too slow."""
        return (self.plan.length_s + GRACE_S + START_AND_STOP_S) * (2 if self.plan.in_turn else 1)

    @property
    def began(self) -> bool:
        """Whether there is anything to tell: a load generator has told of a request."""
        return any(one.begun for one in self.sides)

    def _go(self) -> None:
        try:
            done = self._run_in_turn() if self.plan.in_turn else self._run(*self.sides)
        except StartError as error:
            self._endings.end(Ending(error.status, str(error)))
        except Exception:
            self._endings.end(Ending(BROKEN, "the comparison failed: this is a fault of teachserve"))
            raise
        else:
            if done:
                self._conclude()
                self.over.set()

    def _run_in_turn(self) -> bool:
        for one in self.sides:
            done = self._run(one)
            one.end()
            if not done:
                return False
        return True

    def _run(self, *sides: SideRun) -> bool:
        """The whole plan, for these sides at the same time. Whether it was carried out. Raises: StartError."""
        self._begin_ns = None
        self._running = sides
        for one in sides:
            self._check()
            one.supervisor.start_server()
        for one in sides:
            one.listen()
        self._check()
        self._begin_ns = monotonic_ns() + LEAD_NS
        for one in sides:
            one.put_load(self._begin_ns)
        for one in sides:
            one.load_over.wait()
        self._check()
        return all(one.result is not None for one in sides)  # where one has died, its supervisor has given the reason

    def _check(self) -> None:
        if ending := self._gate.wait(0):
            raise StartError(*ending)

    def _conclude(self) -> None:
        with self._scoring:
            self._score.end(tuple(one.begun for one in self.sides))
        self.own_cpu_s = process_time() - self._cpu_began

    # What is seen of it

    def comparisons(self) -> Iterator[Comparison]:
        """Ten a second, until `end`."""
        while not self._closed.wait(FRAME_S):
            yield self.now()

    def now(self) -> Comparison:
        """The comparison at this moment."""
        over = self.over.is_set()
        begin_ns = self._begin_ns
        at_s = -LEAD_NS / 1e9 if begin_ns is None else (monotonic_ns() - begin_ns) / 1e9
        at_s = self.plan.length_s if over else min(at_s, self.plan.length_s)
        with self._scoring:
            score = self._score.view()
        return Comparison(
            plan=self.plan,
            phase=OVER if over else STARTING if at_s < 0 else LIVE,
            at_s=at_s,
            sides=tuple(self._view(one, at_s, over) for one in self.sides),
            differences=self._differences,
            score=score,
            remarks=tuple(self._remarks(score)),
        )

    def _view(self, one: SideRun, at_s: float, over: bool) -> SideView:
        if not over and (one in self._running or not self.plan.in_turn):
            return one.view
        recorded = one.recorded
        if not recorded:
            return replace(one.view, turn=OVER if over else NEXT)
        at = bisect_right(recorded, at_s, key=lambda view: view.at_s)
        return replace(recorded[max(0, at - 1)], turn=RECORDED if self.plan.in_turn else AT_THE_END)

    def _remarks(self, score: ScoreView) -> Iterator[str]:
        yield self.plan.sentence(self._cores)
        if self.over.is_set() and score.decided and score.chance_will_do:
            yield "the two are no further apart than chance alone puts two that are alike: it shows no difference"
        for one in self.sides:
            who = f"{one.side.letter}'s load generator"
            told = one.result or one._progress
            if bound := told.get("client_bound"):
                yield f"{one.side.letter}: {bound}"
            if one.late_s > self.plan.tie_s:
                yield f"{who} began {one.late_s * 1e3:.1f} ms after the plan: its first answers are late by that"
            if one.lost:
                yield f"{one.lost} outcomes of {who} were lost: those requests are unknown"
            if self.over.is_set() and (one.result or {}).get("ended") == "interrupted":
                yield f"{who} was interrupted before the end of the plan"

    # The end

    def close(self) -> None:
        """No more comparisons."""
        self._closed.set()

    def end(self) -> None:
        """Take everything down. Whoever calls it again waits until all of it is down."""
        self._gate.over.set()
        self._closed.set()
        with self._ending:
            if self.ended:
                return
            threads = [threading.Thread(target=one.end, name=f"end-{one.side.letter}") for one in self.sides]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if self._thread.ident is not None:
                self._thread.join()
            for one in self.sides:  # what was started while the others were ended
                one.end()
            self.ended = True

    def complaints(self) -> list[str]:
        """What the processes have to complain about."""
        return [line for one in self.sides for line in one.supervisor.complaints()]
