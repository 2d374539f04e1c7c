"""Which threads were made lately: when somebody asked for each, when it was spawned, when it ran."""

from collections import deque
from typing import NamedTuple

from teachserve.events import FIRST_MARK, FIRST_QUEUE, MARK_CODES, Mark, State
from teachserve.observe.timeline import Timeline

_SPAWNED = MARK_CODES[Mark.SPAWNED]
_CREATING, _WAITING = State.CREATING.code, State.WAITING.code
NOT_YET = 1 << 62


class Spawn(NamedTuple):
    """us on the server's clock. `asked`: when it was put on a queue that a thread is wanted, None: nobody asked so."""

    asked: int | None
    spawned: int
    running: int
    """NOT_YET where it has not made its first move."""


def spawns(timeline: Timeline) -> dict[int, Spawn]:
    """Each thread that was spawned within the timeline, by number.

    Who asks puts something on a queue that holds no connection; a queue is first in, first out, so the thread that goes
    from its queue to creating has the oldest of what was asked for.
    """
    asked: deque[int] = deque()
    taken: dict[int, int] = {}
    states: dict[int, int] = {thread: stand.state for thread, stand in timeline.before.items()}
    found: dict[int, Spawn] = {}
    for at, thread, code, about in timeline.events():
        if code == _SPAWNED:
            found[about] = Spawn(taken.pop(thread, None), at, NOT_YET)
        elif code >= FIRST_QUEUE and not about:
            asked.append(at)
        elif code < FIRST_MARK:
            if code == _CREATING and states.get(thread) == _WAITING and asked:
                taken[thread] = asked.popleft()
            states[thread] = code
            if (born := found.get(thread)) is not None and born.running == NOT_YET:
                found[thread] = born._replace(running=at)
    return found
