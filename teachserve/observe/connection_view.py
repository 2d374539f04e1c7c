"""What is known of each connection at one moment: frozen values that a pane can keep and a sentence can be made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from teachserve.events import FIRST_QUEUE, MARK_CODES, STATES
from teachserve.observe.timeline import Timeline

ACCEPT_QUEUE, WATCHED, UNKNOWN = "accept queue", "watched", "not known"
"""In the kernel's accept queue; in an event loop's select, between two of its turns; somewhere, after a loss."""

# A place is a number: the code of a thread's state, of a queue, of a mark at the end, or one that no event has.
IN_ACCEPT_QUEUE, IN_SELECT, NOT_KNOWN = 60, 61, 62
_WORDS = {
    **{state.code: str(state) for state in STATES},
    **{code: str(mark) for mark, code in MARK_CODES.items()},
    IN_ACCEPT_QUEUE: ACCEPT_QUEUE,
    IN_SELECT: WATCHED,
    NOT_KNOWN: UNKNOWN,
}


def word(place: int, queues: tuple[str, ...]) -> str:
    """The word of a place; `queues` are the header's."""
    if place < FIRST_QUEUE:
        return _WORDS[place]
    number = place - FIRST_QUEUE
    return f"queue {queues[number] if number < len(queues) else number + 1}"


class Step(NamedTuple):
    """A place that a connection came to: when, the place's word, the number of the thread that held it there, 0: none."""

    at_s: float
    place: str
    thread: int


class ConnectionView(NamedTuple):
    """One connection, as far as its events have been folded."""

    number: int
    place: str
    """A thread's state, `queue NAME`, or one of ACCEPT_QUEUE, WATCHED, UNKNOWN; `closed` or `refused` at its end."""
    thread: int
    """The thread that holds it, or held it last where it has ended; 0: none does."""
    since_s: float
    """The moment at which it came to this place."""
    arrived_at_s: float | None
    """It was in the kernel's accept queue at this moment at the latest; None: nobody can tell."""
    accepted_at_s: float | None
    """None: before the watching began."""
    accepted_by: int
    """The thread that accepted it; 0: before the watching began."""
    ended_at_s: float | None
    """None: it lives."""
    requests: int
    """Requests begun; one that had come whole before the last was answered is counted with that (pipelining)."""
    slowest_s: float | None
    """The longest of its answered requests, from when the server had it until the answer was written; None: none was."""
    incomplete: bool
    """Whether part of its life was not seen: it began before the watching, or events were lost."""
    spent: tuple[tuple[int, int], ...]
    """Place's number and us spent there, as `waits` tells it in words; likewise `steps` of `path`."""
    steps: tuple[tuple[int, int, int], ...]
    queues: tuple[str, ...]
    """The header's."""

    @property
    def waits(self) -> Mapping[str, float]:
        """Place -> seconds spent in it; the stay in `place` counts when it is over. In the accept queue: at least."""
        return {word(place, self.queues): spent / 1e6 for place, spent in self.spent}

    @property
    def path(self) -> tuple[Step, ...]:
        """The last 64 places that it came to, the newest last."""
        return tuple(Step(at / 1e6, word(place, self.queues), thread) for at, place, thread in self.steps)


@dataclass(frozen=True, slots=True)
class Connections:
    """Every connection that is followed, at one moment."""

    known: bool = False
    """False: no events are streamed, so nothing is known of any connection now."""
    at_s: float = 0.0
    """The moment up to which the events are folded."""
    living: tuple[ConnectionView, ...] = ()
    """By number."""
    ended: tuple[ConnectionView, ...] = ()
    """The last 500 that have ended, the latest last."""
    forgotten: int = 0
    """Connections that were lost sight of, since the watching began."""
    timeline: Timeline = field(default_factory=Timeline)
    accepting_role: str = ""
    takers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Queue -> the roles whose threads have taken connections from it."""
    loops: frozenset[int] = frozenset()
    """The threads that are event loops."""
    _roles: Mapping[int, str] = field(default_factory=dict, repr=False, compare=False)
    """Shared with the log, which goes on naming threads."""

    def connection(self, number: int) -> ConnectionView | None:
        """The connection of this number, living or lately ended."""
        return next((one for one in (*self.living, *reversed(self.ended)) if one.number == number), None)

    def role(self, thread: int) -> str:
        """The role of a thread, alive or lately ended; `thread` where it is not known."""
        return self._roles.get(thread, "thread")

    def threads(self, role: str) -> frozenset[int]:
        """The threads of a role, alive or lately ended."""
        return frozenset(thread for thread, its in self._roles.copy().items() if its == role)

    def name(self, thread: int) -> str:
        """`worker-3`."""
        return f"{self.role(thread)}-{thread}"
