"""One connection while it is followed: what the fold moves, and a view is drawn from."""

from collections import deque

from teachserve.observe.connection_view import ConnectionView, word

KEPT_STEPS = 64


class Entry:
    """A connection while it is followed: times in us, -1 for unknown."""

    __slots__ = (
        "accepted", "accepted_by", "arrived", "began", "ended", "incomplete", "number", "place", "requests", "since",
        "slowest", "spent", "steps", "thread", "view",
    )  # fmt: skip

    def __init__(self, number: int, at: int, place: int, thread: int, incomplete: bool):
        self.number = number
        self.place = place
        self.thread = thread
        self.since = at
        self.arrived = self.accepted = self.ended = self.began = self.slowest = -1
        self.accepted_by = self.requests = 0
        self.incomplete = incomplete
        self.spent: dict[int, int] = {}
        self.steps: deque[tuple[int, int, int]] = deque(((at, place, thread),), KEPT_STEPS)
        self.view: ConnectionView | None = None

    def move(self, at: int, place: int, thread: int) -> None:
        """It is somewhere else from now on."""
        if at < self.since:  # announced late
            at = self.since
        old = self.place
        self.spent[old] = self.spent.get(old, 0) + at - self.since
        self.place = place
        self.thread = thread
        self.since = at
        self.steps.append((at, place, thread))
        self.view = None

    def answered(self, at: int) -> None:
        """Its request is over."""
        self.slowest = max(self.slowest, at - self.began)
        self.began = -1

    def draw(self, queues: tuple[str, ...]) -> ConnectionView:
        """The same object until it moves."""
        if self.view is None:
            self.view = ConnectionView(
                self.number, word(self.place, queues), self.thread, self.since / 1e6, _seconds(self.arrived),
                _seconds(self.accepted), self.accepted_by, _seconds(self.ended), self.requests, _seconds(self.slowest),
                self.incomplete, tuple(self.spent.items()), tuple(self.steps), queues,
            )  # fmt: skip
        return self.view


def _seconds(us: int) -> float | None:
    return us / 1e6 if us >= 0 else None
