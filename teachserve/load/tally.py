"""The counters of a run, and what is made of them: progress and result."""

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from teachserve.load.histogram import LONGEST_US, Buckets, new_histogram
from teachserve.load.plan import LoadPlan
from teachserve.load.result import BARS, PERCENTILES, Ending, Latency, Progress, Result, fairness

NS = 1_000_000_000
WINDOW = 10
"""Ticks that make the last second."""


class Times:
    """Durations of one kind. `batch.append(ns)` is all that a request pays (0.03 us); `fold` does the rest."""

    def __init__(self) -> None:
        self.batch: list[int] = []
        self._histogram = new_histogram()
        self._total = self._most = 0
        self._least = LONGEST_US * 1000

    def fold(self) -> Counter[int]:
        """Put the batch into the histogram; what was in it, as us and how often."""
        batch = self.batch[:]
        self.batch.clear()  # in place: clients hold on to its `append`
        if not batch:
            return Counter()
        self._total += sum(batch)
        self._least = min(self._least, min(batch))
        self._most = max(self._most, max(batch))
        counts = Counter([min(ns // 1000, LONGEST_US) for ns in batch])
        self._histogram.add(counts)
        return counts

    @property
    def kept_in(self) -> str:
        """The kind of histogram."""
        return self._histogram.name

    def latency(self) -> Latency | None:
        """All of them, None if there are none. The extremes and the average are exact, the rest to three digits."""
        self.fold()
        count = self._histogram.count
        if not count:
            return None
        least, most = self._least / NS, self._most / NS
        # A bucket's end may lie beyond the slowest of all, which is known exactly.
        values = [min(us / 1e6, most) for us in self._histogram.percentiles(PERCENTILES)]
        ends = [least + (most - least) * step / (BARS - 1) for step in range(BARS)]
        bars = [0] * BARS
        for us, times in self._histogram.recorded():
            at = math.ceil((us / 1e6 - least) * (BARS - 1) / (most - least)) if most > least else 0
            bars[min(max(at, 0), BARS - 1)] += times
        return Latency(
            count, least, most, self._total / count / NS,
            dict(zip(PERCENTILES, values, strict=True)), tuple(zip(ends, bars, strict=True)),
        )  # fmt: skip


class Tally:
    """What has happened since `began`, in ns of the monotonic clock. Whoever makes it happen counts it here."""

    def __init__(self, began: int) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.errors: defaultdict[str, int] = defaultdict(int)
        self.finished = self.aborted = self.body_bytes = 0
        self.connects = self.reused = self.refused = self.reset = 0
        self.from_send, self.from_plan, self.connect = Times(), Times(), Times()
        self._began = began
        self._cpu_began = time.thread_time_ns()
        self._window = Buckets()
        self._ticks: deque[tuple[int, int, int, Counter[int]]] = deque([(self._began, 0, self._cpu_began, Counter())])

    def progress(self, plan: LoadPlan, served: Sequence[int], moving: int = 0) -> Progress:
        """Once a tick. `served` is the number of 200s of each client that has asked."""
        now, cpu, requests = time.monotonic_ns(), time.thread_time_ns(), self.statuses.get(200, 0)
        from_send, from_plan = self.from_send.fold(), self.from_plan.fold()
        self.connect.fold()
        latest = from_send if plan.rate is None else from_plan
        self._window.add(latest)
        self._ticks.append((now, requests, cpu, latest))
        if len(self._ticks) > WINDOW + 1:
            self._ticks.popleft()
            self._window.add(self._ticks[0][3], -1)
        then, requests_then, cpu_then, _ = self._ticks[0]
        span = max(now - then, 1)
        p50, p99 = (us / 1e6 for us in self._window.percentiles((50, 99))) if self._window.count else (None, None)
        return Progress(
            at=(now - self._began) / NS,
            host=plan.host,
            port=plan.port,
            moving=moving,
            connections=plan.connections,
            keep_alive=plan.keep_alive,
            rate=plan.rate,
            requests=requests,
            statuses=dict(self.statuses),
            errors=dict(self.errors),
            never_served=served.count(0),
            connects=self.connects,
            refused=self.refused,
            reset=self.reset,
            requests_per_s_now=(requests - requests_then) * NS / span,
            p50_now=p50,
            p99_now=p99,
            cpu_share_now=(cpu - cpu_then) / span,
        )

    def result(self, plan: LoadPlan, ended: Ending, served: Sequence[int], not_sent: int) -> Result:
        """At the end of the run."""
        elapsed = max(time.monotonic_ns() - self._began, 1)
        cpu = time.thread_time_ns() - self._cpu_began  # now, since what follows computes, but puts no load
        return Result(
            url=plan.url,
            connections=plan.connections,
            rate=plan.rate,
            keep_alive=plan.keep_alive,
            ended=ended,
            elapsed=elapsed / NS,
            requests=self.statuses.get(200, 0),
            statuses=dict(sorted(self.statuses.items())),
            errors=dict(sorted(self.errors.items())),
            aborted=self.aborted,
            not_sent=not_sent,
            body_bytes=self.body_bytes,
            from_send=self.from_send.latency(),
            from_plan=self.from_plan.latency(),
            clients=len(served),
            never_served=served.count(0),
            fairness=fairness(served),
            connects=self.connects,
            connect=self.connect.latency(),
            reused=self.reused,
            refused=self.refused,
            reset=self.reset,
            cpu_share=cpu / elapsed,
            histogram=self.from_send.kept_in,
        )
