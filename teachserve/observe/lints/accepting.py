"""Lints about the kernel's accept queue: who fetches the connections, and how many fit."""

from teachserve.observe.lints.lint import Case, Lately, Lint, Moment, Since


class NoAcceptor(Lint):
    name = "no-acceptor"
    rule = "while a connection waits in the accept queue, some thread accepts, or is on its way there"
    one = "1 connection waits in the accept queue, and nobody accepts"
    many = "{count} connections wait in the accept queue, and nobody accepts"
    remedy = "more threads that accept (--standby, --max-threads), or an acceptor that does nothing else (thread-pool)"
    lesson = "teachserve demo --arch single-thread --delay 200ms"
    LEAST_S = 0.1

    def __init__(self) -> None:
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        nobody = not moment.snapshot.accepting and moment.queued and moment.snapshot.phase == "serving"
        since_s = self._since.so(nobody, moment.at_s)
        if since_s is None or moment.since(since_s) < self.LEAST_S:
            return None
        return Case(since_s, moment.queued, {})


class BacklogHigh(Lint):
    name = "backlog-high"
    rule = "the accept queue holds less than 80 % of its bound"
    one = many = "the accept queue holds {count} of {bound}: soon the kernel turns clients away"
    remedy = "accept faster, or a longer queue (--backlog, net.core.somaxconn)"
    lesson = "teachserve demo --arch single-thread --delay 200ms --backlog 20 --connections 20"
    timing = False
    MOST_SHARE = 0.8

    def __init__(self) -> None:
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        bound = moment.accept_queue.bound
        since_s = self._since.so(moment.queued and moment.queued >= self.MOST_SHARE * bound, moment.at_s)
        return None if since_s is None else Case(since_s, moment.queued, {"bound": bound})


class BacklogOverflow(Lint):
    name = "backlog-overflow"
    rule = "the kernel turns nobody away at a full accept queue"
    one = "the kernel has turned a client away 1 time, for the accept queue was full; a client tries again, after a second"
    many = "the kernel has turned clients away {count} times, for the accept queue was full; each tries again, after a second"
    remedy = "accept faster, or a longer queue (--backlog, net.core.somaxconn)"
    lesson = "teachserve demo --arch single-thread --delay 200ms --backlog 4 --connections 20"
    timing = False
    KEPT_S = 5.0
    """How long after the last time it is shown."""
    YOUNG_S = 1.0

    def __init__(self) -> None:
        self._before: int | None = None
        self._counted = 0
        self._lately = Lately(self.KEPT_S)

    def look(self, moment: Moment) -> Case | None:
        if moment.accept_queue.unavailable:
            return None
        drops = moment.accept_queue.drops
        if self._before is None:  # what a young server counts has happened just now
            self._before = 0 if moment.at_s < self.YOUNG_S else drops
        before = self._before
        self._before = drops
        self._counted += max(0, drops - before)
        kept = self._lately.keep(Case(moment.at_s, self._counted, {}) if drops > before else None, moment.at_s)
        if kept is None:
            self._counted = 0
        return kept
