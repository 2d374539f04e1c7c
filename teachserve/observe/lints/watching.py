"""Lints about the watching itself: whether the kernel agrees, what it costs, and whether the clients can do any more."""

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
    name = "observer-cost"
    rule = "watched, the server keeps 90 % of the rate that it has unwatched"
    one = many = "watched, the server manages {share:.0%} of what it does unwatched"
    remedy = "watch at the level of the table instead of every event, or fewer watchers"
    lesson = "teachserve demo --arch recycling"
    timing = False
    LEAST_SHARE = 0.9

    def __init__(self) -> None:
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        share = moment.watched_ratio
        since_s = self._since.so(share is not None and share < self.LEAST_SHARE, moment.at_s)
        return None if since_s is None else Case(since_s, 1, {"share": share})


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
