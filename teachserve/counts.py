"""The counters of one taskmaster. The taskmaster's lock guards all of them."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Numbers of threads and connections: the first group how many now, the second how many since the start.

    `accepting` counts threads in accept, or on their way there from spawn or recycle. `asked` says that
    short_of_acceptors was True and the thread asked for does not count as accepting yet.
    """

    live: Counter[str] = field(default_factory=Counter)  # threads by role, from spawn to the end of their method
    lower: int = 0  # threads of the lower rooms, which have no role in the architecture
    accepting: int = 0
    leaving: int = 0  # threads that recycle told to end, and that have not ended yet
    asked: bool = False
    taking: int = 0  # threads inside take
    admitted: int = 0  # connections that count towards max_accepts
    placed: int = 0  # threads that hold one of max_threads places
    queueing: int = 0  # threads that wait for a place

    connections: int = 0
    refused: int = 0  # connections answered 503
    made: int = 0
    ended: int = 0
    surplus: int = 0  # of the ended: recycled no more, because enough others accept
    broken: int = 0  # of the ended: by an exception
    refused_threads: int = 0  # threads that the system would not make

    def should_be_zero(self) -> dict[str, int]:
        """What a stopped server counts none of, by name."""
        return {
            "accepting": self.accepting,
            "leaving": self.leaving,
            "taking": self.taking,
            "admitted": self.admitted,
            "placed": self.placed,
            "waiting for a place": self.queueing,
            "threads": self.live.total(),
        }
