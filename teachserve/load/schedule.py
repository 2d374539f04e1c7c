"""The plan of an open loop: when each request is due, whether or not the server has answered the ones before.

Source: Schroeder, Wierman, Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006.
"""

from collections import deque
from dataclasses import dataclass

NS = 1_000_000_000


@dataclass(slots=True)
class Stretch:
    """A time with one rate: request k is due at `origin + k / rate`. `end` is the k after its last, None: it lasts."""

    origin: int
    rate: float
    next: int
    end: int | None = None

    def due(self, k: int) -> int:
        """ns, on the clock of `origin`."""
        return self.origin + int(k * NS / self.rate)

    def due_until(self, now: int) -> int:
        """How many are due by now that were not yet taken."""
        k = max(self.next, int((now - self.origin) * self.rate / NS) - 1)
        while self.due(k) <= now:
            k += 1
        return (k if self.end is None else min(k, self.end)) - self.next


class Schedule:
    """Due times at an even pace, taken one by one. What nobody could take in time stays due. Times are ns.

    However far it falls behind, it needs no more memory: due times are computed, not kept.
    """

    def __init__(self) -> None:
        self._stretches: deque[Stretch] = deque()
        self.taken = 0
        """Requests that were taken: the number of the next one, counted from 0 in the order of the plan."""
        self.dropped = 0
        """Requests that were due, but not taken before the plan was ended."""

    def set_rate(self, rate: float, now: int) -> None:
        """Go on at another rate. What is due already stays due; the pace changes from here on, without a burst."""
        if not self._stretches:
            self._stretches.append(Stretch(now, rate, 0))
            return
        last = self._stretches[-1]
        last.end = last.next + last.due_until(now)
        previous = last.due(last.end - 1)
        origin = max(previous, now - int(NS / rate))
        if last.next >= last.end:
            self._stretches.pop()
        self._stretches.append(Stretch(origin, rate, 1))

    def end(self, now: int) -> None:
        """No more plan. What was due is dropped, and counted."""
        self.dropped += self.overdue(now)
        self._stretches.clear()

    def next_due(self) -> int | None:
        """When the next request is, or was, due. None: nothing is planned."""
        if not self._stretches:
            return None
        first = self._stretches[0]
        return first.due(first.next)

    def take(self, now: int) -> int | None:
        """The due time of the next request, if it is due by now."""
        if not self._stretches:
            return None
        first = self._stretches[0]
        due = first.due(first.next)
        if due > now:
            return None
        first.next += 1
        self.taken += 1
        if first.next == first.end:
            self._stretches.popleft()
        return due

    def overdue(self, now: int) -> int:
        """How many requests are due by now and not yet taken."""
        return sum(stretch.due_until(now) for stretch in self._stretches)
