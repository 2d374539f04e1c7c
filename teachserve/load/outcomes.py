"""What became of each request of a plan, by its number in it: kept until somebody takes it, within bounds."""

FAILED, ABORTED = 0, -1
"""Outcomes beside the statuses: a request that failed; one that was in hand when the run ended."""

KEPT = 100_000
BATCH = 2000
"""Outcomes in one line: at most some 50 kB, which a pipe takes at once."""


class Outcomes:
    """Outcomes that nobody has taken yet. It is true where there are any. One thread may use it."""

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self.lost = 0
        """Those for which there was no room."""

    def add(self, number: int, outcome: int, latency: int) -> None:
        """Request `number` came to its end so, `latency` ns after it was due."""
        if len(self._waiting) >= 3 * KEPT:
            self.lost += 1
        else:
            self._waiting += (number, outcome, latency // 1000)

    def take(self) -> list[int]:
        """At most BATCH of them, the oldest first: number, outcome, us from the plan, and so on."""
        taken, self._waiting = self._waiting[: 3 * BATCH], self._waiting[3 * BATCH :]
        return taken

    def __bool__(self) -> bool:
        return bool(self._waiting)
