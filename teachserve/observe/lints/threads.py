"""Lints about threads: made and ended in vain, stuck, deaf to a stop; and the event loop that does not come back."""

from collections import deque
from typing import NamedTuple

from teachserve.events import State
from teachserve.observe.lints.lint import Case, Lately, Lint, Moment, Since, loops, numbers
from teachserve.observe.times import span

S = State


class Churn(Lint):
    name = "churn"
    rule = "no more than 10 threads a second end while more than 10 a second are made"
    one = many = "{ended:.0f} threads a second end, and {made:.0f} a second are made"
    remedy = (
        "threads that stay for the next connection: under recycling a higher --standby; instead of a thread for each "
        "connection, recycling or a thread-pool"
    )
    lesson = "teachserve demo --arch recycling --standby 1"
    MOST_PER_S = 10.0
    WINDOW_S = 1.0

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int, int]] = deque()
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        counters = moment.snapshot.counters
        self._counts.append((moment.at_s, counters["ended"], counters["made"]))
        while len(self._counts) > 2 and self._counts[1][0] <= moment.at_s - self.WINDOW_S:
            self._counts.popleft()
        then_s, ended, made = self._counts[0]
        window_s = moment.at_s - then_s
        if window_s < self.WINDOW_S:
            return None
        ended_per_s, made_per_s = (counters["ended"] - ended) / window_s, (counters["made"] - made) / window_s
        since_s = self._since.so(min(ended_per_s, made_per_s) > self.MOST_PER_S, moment.at_s)
        return None if since_s is None else Case(since_s, 1, {"ended": ended_per_s, "made": made_per_s})


class _Turns(NamedTuple):
    """A loop's sums at one moment: seconds in select, and how often it came back from there."""

    at_s: float
    selecting_s: float
    turns: int


class LoopBlocked(Lint):
    name = "loop-blocked"
    rule = "an event loop is back in select within 50 ms"
    one = many = "the loop was away from select for {away}{doing}: every other connection waited meanwhile"
    remedy = "--offload N, which hands requests to N workers, or handlers that do not block"
    lesson = "teachserve demo --arch event-loop --delay 100ms"
    MOST_S = 0.05
    KEPT_S = 2.0
    """How long after a turn it is shown."""
    WINDOW_S = 1.0

    def __init__(self) -> None:
        self._turns: deque[_Turns] = deque()
        self._over_before: Case | None = None
        self._lately = Lately(self.KEPT_S)

    def look(self, moment: Moment) -> Case | None:
        over, before = self._over(moment), self._over_before
        self._over_before = over
        # A table is read while the loop runs on, so that one alone may miss a stay in select.
        return self._lately.keep(self._in_progress(moment) or (before and over), moment.at_s)

    def _in_progress(self, moment: Moment) -> Case | None:
        """A turn of which the last move alone is too long ago."""
        for number in loops(moment.snapshot):
            thread = moment.snapshot.thread(number)
            away_s = moment.lasting(thread)
            if thread.state is not S.SELECTING and away_s > self.MOST_S:
                held = f" in {thread.state.value}" + (f" connection {thread.connection}" if thread.connection else "")
                facts = {"away": f"{span(round(away_s * 1e6))} at least", "doing": held}
                return Case(thread.since_s, 1, facts, (number,))
        return None

    def _over(self, moment: Moment) -> Case | None:
        """So few turns in so long a time that one of them was too long, whichever it was."""
        snapshot = moment.snapshot
        own = loops(snapshot)
        if len(own) != 1:  # times and flows are sums over all threads
            return None
        thread = snapshot.thread(own[0])
        if thread.since_s is None:  # what it has been in select since before the watching is not in the sum of times
            return None
        in_select = moment.lasting(thread) if thread.state is S.SELECTING else 0.0
        came_back = sum(count for (before, _), count in snapshot.flows.items() if before is S.SELECTING)
        now = _Turns(snapshot.at_s, snapshot.times_s.get(S.SELECTING, 0.0) + in_select, came_back)
        self._turns.append(now)
        while len(self._turns) > 2 and self._turns[1].at_s <= now.at_s - self.WINDOW_S:
            self._turns.popleft()
        then = self._turns[0]
        away_s = (now.at_s - then.at_s) - (now.selecting_s - then.selecting_s)
        longest_s = away_s / (now.turns - then.turns + 1)  # one may have begun before
        if then is now or longest_s <= self.MOST_S:
            return None
        facts = {"away": f"{span(round(longest_s * 1e6))} at least", "doing": ""}
        return Case(then.at_s, 1, facts, own)


class Stuck(Lint):
    name = "stuck"
    rule = "no thread stays for more than 5 s in a state in which it waits for no other thread and no request"
    one = "1 thread is {states} for {longest}"
    many = "{count} threads are {states}, one of them for {longest}"
    remedy = "look where it stands in the code: a handler that does not return, a client that does not read its answer"
    lesson = "teachserve demo --arch recycling --delay 10s"
    MOST_S = 5.0
    STATES = frozenset({S.STARTING, S.CREATING, S.ACCEPTED, S.HANDING_OVER, S.HANDLING, S.WRITING, S.RECYCLING})

    def look(self, moment: Moment) -> Case | None:
        snapshot = moment.snapshot
        stuck = [
            thread for thread in snapshot.threads
            if thread.state in self.STATES and moment.lasting(thread) > self.MOST_S
        ]  # fmt: skip
        if not stuck:
            return None
        since_s = min(thread.since_s for thread in stuck)
        states = " or ".join(sorted({thread.state.value for thread in stuck}))
        facts = {"states": states, "longest": span(round(moment.since(since_s) * 1e6))}
        return Case(since_s + self.MOST_S, len(stuck), facts, numbers(stuck))


class StopUnanswered(Lint):
    name = "stop-unanswered"
    rule = "a second after a soft stop began, no thread accepts any more"
    one = "the server stops, and 1 thread accepts still: its wake was not answered"
    many = "the server stops, and {count} threads accept still: their wakes were not answered"
    remedy = "abandon it; a thread that a stop cannot wake is a fault of the server: please report it"
    lesson = "teachserve check"
    LEAST_S = 1.0

    def __init__(self) -> None:
        self._stopping = Since()

    def look(self, moment: Moment) -> Case | None:
        snapshot = moment.snapshot
        since_s = self._stopping.so(snapshot.phase == "stopping", moment.at_s)
        accepting = [thread for thread in snapshot.threads if thread.state is S.ACCEPTING]
        if since_s is None or moment.since(since_s) <= self.LEAST_S or not accepting:
            return None
        return Case(since_s + self.LEAST_S, len(accepting), {}, numbers(accepting))
