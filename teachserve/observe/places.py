"""The places: the rooms that a connection and a thread can be in, and what flows between them.

A room is one or more states of TRANSITIONS; every state has its room. Moves within a room are no flow. Flows are sums of
the server's own counts of moves, so they are exact; where a thread is at this moment is a sample.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from teachserve.events import State
from teachserve.observe.snapshot import Snapshot

S = State


@dataclass(frozen=True, slots=True)
class Room:
    """A place. `aside`: no connection passes through it on its way, so it stands beside the way and not on it."""

    name: str
    states: tuple[State, ...]
    aside: bool = False


ACCEPT_QUEUE = Room("accept queue", ())
"""The kernel's: it holds connections and never a thread."""
SELECTING = Room("selecting", (S.SELECTING,))
ACCEPTING = Room("accepting", (S.ACCEPTING, S.ACCEPTED, S.BACKING_OFF))
CREATING = Room("creating", (S.CREATING, S.STARTING), aside=True)
PLACE = Room("waiting for a place", (S.WAITING_FOR_PLACE,))
READING = Room("reading", (S.READING,))
HANDLING = Room("handling", (S.HANDLING,))
WRITING = Room("writing", (S.WRITING,))
IDLE = Room("idle", (S.IDLE,), aside=True)
LINGERING = Room("lingering", (S.LINGERING,), aside=True)
RECYCLING = Room("recycling", (S.RECYCLING,))
ENDED = Room("ended", (S.ENDED, S.BROKEN))
QUEUES = Room("queues", (S.WAITING, S.HANDING_OVER))
"""The named queues: who waits at one, and who puts something there."""

WAY = (ACCEPT_QUEUE, ACCEPTING, SELECTING, PLACE, READING, HANDLING, WRITING, RECYCLING, ENDED)
BESIDE = (CREATING, IDLE, LINGERING)

Pair = tuple[str, str]


class Flow(NamedTuple):
    """What went from one room to another: since the server began, and per second over the snapshot's window."""

    total: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Places:
    """The rooms that this server has used so far, those on a connection's way in its order, and the flows by name."""

    way: tuple[Room, ...]
    beside: tuple[Room, ...]
    flows: Mapping[Pair, Flow]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Places":
        """The places of this moment: a room that was never entered is left out."""
        used = {state for state, count in snapshot.states.items() if count}
        used |= {state for move in snapshot.flows for state in move}
        way = [room for room in WAY if room is ACCEPT_QUEUE or used.intersection(room.states)]
        beside = [room for room in BESIDE if used.intersection(room.states)]
        if used.intersection(QUEUES.states):
            after = taken_for(snapshot.flows)
            if after in way:
                way.insert(way.index(after), QUEUES)
            else:
                beside.insert(0, Room(QUEUES.name, QUEUES.states, aside=True))
        return cls(tuple(way), tuple(beside), _flows(snapshot, (*way, *beside)))

    @property
    def rooms(self) -> tuple[Room, ...]:
        """All of them."""
        return self.way + self.beside


def taken_for(flows: Mapping[tuple[State, State], int]) -> Room | None:
    """What a thread does with what it takes from a queue: serve it, so that the queue is on a connection's way."""
    for state, room in ((S.READING, READING), (S.HANDLING, HANDLING), (S.WRITING, WRITING)):
        if (S.WAITING, state) in flows:
            return room
    return None


def _flows(snapshot: Snapshot, rooms: Iterable[Room]) -> dict[Pair, Flow]:
    home = {state: room.name for room in rooms for state in room.states}
    totals: dict[Pair, int] = {}
    rates: dict[Pair, float] = {}
    for (before, after), count in snapshot.flows.items():
        pair = home[before], home[after]
        if pair[0] != pair[1]:
            totals[pair] = totals.get(pair, 0) + count
            rates[pair] = rates.get(pair, 0.0) + snapshot.flow_rates.get((before, after), 0.0)
    found = {pair: Flow(totals[pair], rates[pair]) for pair in totals}
    found[ACCEPT_QUEUE.name, ACCEPTING.name] = Flow(snapshot.counters["connections"], snapshot.connections_per_s)
    return found


HELD = (S.WAITING_FOR_PLACE, S.READING, S.HANDLING, S.WRITING, S.IDLE)
"""The states of a thread that a connection holds, in the order of a connection's way."""


class Waiting(NamedTuple):
    """How many connections are in one place at this moment; `state` is that of the threads that hold them, if any do."""

    name: str
    count: int
    state: State | None = None


def waiting(snapshot: Snapshot, queued: int | None) -> list[Waiting]:
    """Where the connections are now, in the order of their way. `queued`: in the kernel's queue, None: n/a, left out.

    A connection that a thread holds is where its thread is; one that an event loop watches is in the loop, unless the
    loop's own thread is at it.
    """
    found = [] if queued is None else [Waiting(ACCEPT_QUEUE.name, queued)]
    found += [Waiting(name, queue.connections) for name, queue in snapshot.queues.items()]
    found += [Waiting(state.value, snapshot.states[state], state) for state in HELD]
    if watched := snapshot.counters.get("watched", 0):
        in_progress = snapshot.counters["watched_in_progress"]
        at_work = sum(one.count for one in found if one.state is not None) + sum(
            queue.connections for queue in snapshot.queues.values()
        )
        found.append(Waiting("loop: begun", max(0, in_progress - at_work), S.SELECTING))
        found.append(Waiting("loop: unread", watched - in_progress, S.SELECTING))
    return found
