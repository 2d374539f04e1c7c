"""How long one thread took for each request: from the first byte of the request to the end of the answer."""

from collections.abc import Iterable
from typing import NamedTuple

from teachserve.events import State
from teachserve.observe.snapshot import EventView


class ServingTimes(NamedTuple):
    """Seconds for each request that lies wholly in the events, in the order of their ends; and the events' span."""

    times_s: tuple[float, ...]
    window_s: float


def serving_times(events: Iterable[EventView]) -> ServingTimes:
    """From the events of one thread, all of them, oldest first.

    A request begins as the thread enters reading: on a new connection, for no event tells its first byte, and on a kept
    one where a part of it has come; where all of it has, the thread goes from idle to handling, and it begins there. It
    ends as the thread leaves writing. A thread that only runs handlers, for one that reads and writes, has none.
    """
    times: list[float] = []
    began: dict[int, float] = {}
    moves = [event for event in events if event.state is not None]
    writing = 0
    for event in moves:
        if writing and writing in began:
            times.append(event.at_s - began.pop(writing))
        writing = event.connection if event.state is State.WRITING else 0
        if event.state is State.READING or (event.state is State.HANDLING and event.before is State.IDLE):
            began.setdefault(event.connection, event.at_s)
        elif event.state is State.IDLE:
            began.pop(event.connection, None)
    return ServingTimes(tuple(times), moves[-1].at_s - moves[0].at_s if moves else 0.0)
