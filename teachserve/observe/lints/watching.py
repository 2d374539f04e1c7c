"""Lints about the watching itself: whether the kernel agrees, what it costs, and whether the clients can do any more."""

from collections import deque

from teachserve.observe.kernel import Look
from teachserve.observe.lints.lint import Case, Lint, Moment, Since


class WitnessDiffers(Lint):
    name = "witness-differs"
    rule = "the kernel does not contradict a thread in two looks running"
    one = "the kernel contradicts 1 thread, twice running: {reason}"
    many = "the kernel contradicts {count} threads, twice running: {reason}"
    remedy = "believe the kernel: the state is announced too early or too late in that verb; please report it"
    lesson = "teachserve check"
    timing = False

    def __init__(self) -> None:
        self._look: Look | None = None
        self._differed: frozenset[int] = frozenset()
        self._twice: frozenset[int] = frozenset()
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        look = moment.witness
        if look is None:
            return None
        if look is not self._look:
            differing = frozenset(sighting.number for sighting in look.differing)
            self._twice = differing & self._differed
            self._look, self._differed = look, differing
        since_s = self._since.so(self._twice, moment.at_s)
        if since_s is None:
            return None
        reason = next(sighting.reason for sighting in look.differing if sighting.number in self._twice)
        return Case(since_s, len(self._twice), {"reason": reason}, tuple(sorted(self._twice)))


class ObserverCost(Lint):
    """Compares the rate with itself, before and after every event was asked for: what else may have changed, is in `_asked`."""

    name = "observer-cost"
    rule = "while every event is sent, the server keeps 90 % of the rate that it had with tables alone"
    one = many = "since every event is sent, the server answers {share:.0%} of what it did with tables alone"
    remedy = "leave the view that needs every event, and look at tables alone; or have fewer watchers"
    lesson = "teachserve demo --arch recycling"
    LEAST_SHARE = 0.9
    SPAN_S = 3.0
    LEAST_ANSWERED = 500
    """In a span; with fewer the ratio is chance."""

    def __init__(self) -> None:
        self._streaming = False
        self._asked: object = None
        self._span: deque[tuple[float, int]] = deque()
        self._before: float | None = None
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        snapshot = moment.snapshot
        asked = moment.clients and (moment.clients.asked, snapshot.options)
        if asked != self._asked or snapshot.streaming != self._streaming:
            comparable = asked == self._asked and snapshot.streaming
            self._before = self._rate() if comparable else None
            self._asked, self._streaming = asked, snapshot.streaming
            self._span.clear()
        self._span.append((moment.at_s, snapshot.counters["requests"]))
        while len(self._span) > 2 and self._span[1][0] <= moment.at_s - self.SPAN_S:
            self._span.popleft()
        rate = self._rate()
        share = rate / self._before if asked and rate is not None and self._before else 1.0
        since_s = self._since.so(share < self.LEAST_SHARE, moment.at_s)
        return None if since_s is None else Case(since_s, 1, {"share": share})

    def _rate(self) -> float | None:
        """Answers per second over a whole span; None: it is not over, or there were too few."""
        if not self._span:
            return None
        (began_s, first), (at_s, last) = self._span[0], self._span[-1]
        whole = at_s - began_s >= self.SPAN_S and last - first >= self.LEAST_ANSWERED
        return (last - first) / (at_s - began_s) if whole else None


class ClientBound(Lint):
    name = "client-bound"
    rule = "the load generator could ask for more than the server answers"
    one = many = "the load generator is the limit: the server could do more than is measured here"
    remedy = "fewer connections or a lower rate for one generator, or several generators"
    lesson = "teachserve demo --arch recycling --delay none --keep-alive"

    def __init__(self) -> None:
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        since_s = self._since.so(moment.clients is not None and moment.clients.client_bound, moment.at_s)
        return None if since_s is None else Case(since_s, 1, {})
