"""Which threads were made lately: when somebody asked for each, when it was spawned, when it ran."""

from collections import deque
from typing import NamedTuple

from teachserve.events import FIRST_MARK, FIRST_QUEUE, MARK_CODES, Mark, State
from teachserve.observe.timeline import Timeline

_SPAWNED = MARK_CODES[Mark.SPAWNED]
_CREATING = State.CREATING.code
NOT_YET = 1 << 62


class Spawn(NamedTuple):
    """us on the server's clock. `asked`: when it was put on a queue that a thread is wanted, None: nobody asked so."""

    asked: int | None
    spawned: int
    running: int
    """NOT_YET where it has not made its first move."""


def spawns(timeline: Timeline, began: int, ended: int) -> dict[int, Spawn]:
    """Each thread that was spawned between two moments, in us, by number.

    Who asks puts something on a queue that holds no connection; a queue is first in, first out, so a thread that creates
    without holding a connection has taken the oldest of what was asked for.
    """
    asked: deque[int] = deque()
    taken: dict[int, int] = {}
    found: dict[int, Spawn] = {}
    for at, thread, code, about in timeline.words(began, ended):
        if code == _SPAWNED:
            found[about] = Spawn(taken.pop(thread, None), at, NOT_YET)
        elif code >= FIRST_QUEUE and not about:
            asked.append(at)
        elif code < FIRST_MARK:
            if code == _CREATING:
                taken.pop(thread, None)  # it came to nothing
                if asked and not about:
                    taken[thread] = asked.popleft()
            if (born := found.get(thread)) is not None and born.running == NOT_YET:
                found[thread] = born._replace(running=at)
    return found
