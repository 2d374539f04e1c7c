"""Threads and events as frames tell them, in numbers, and as they are shown, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from teachserve.events import FIRST_MARK, STATES, Mark, mark_of
from teachserve.observe.snapshot import EventView, ThreadView


class Row(NamedTuple):
    """A thread as a table frame tells it; the times are us, `since` -1 for before watching began, `queue` -1 for none."""

    number: int
    role: int
    native: int
    state: int
    moves: int
    since: int
    connection: int
    requests: int
    connections: int
    recycled: int
    queue: int = -1


class Happening(NamedTuple):
    """An event before it is drawn: `code` as in the stream, `before` and `role` -1 where unknown."""

    at: int
    number: int
    role: int
    before: int
    code: int
    connection: int


def role_name(roles: Sequence[str], position: int) -> str:
    """The role's name; of one that nobody named, `thread`."""
    return roles[position] if 0 <= position < len(roles) else "thread"


@dataclass
class Names:
    """The names of roles and queues, which frames tell by their positions."""

    roles: Sequence[str] = ()
    queues: Sequence[str] = ()

    def queue(self, position: int) -> str:
        """The queue's name; "" for none."""
        return self.queues[position] if 0 <= position < len(self.queues) else ""

    def event(self, one: Happening, sampled: bool) -> EventView:
        """The event as it is shown."""
        mark = mark_of(one.code) if one.code >= FIRST_MARK else None
        return EventView(
            at_s=one.at / 1e6,
            thread=one.number,
            thread_name=f"{role_name(self.roles, one.role)}-{one.number}",
            before=STATES[one.before] if one.before >= 0 else None,
            state=STATES[one.code] if one.code < FIRST_MARK else None,
            mark=mark,
            connection=0 if mark is Mark.SPAWNED else one.connection,
            sampled=sampled,
        )

    def thread(self, row: Row, ended_at: int | None = None) -> ThreadView:
        """The thread as it is shown; `ended_at` in us, None while it lives."""
        return ThreadView(
            number=row.number,
            role=role_name(self.roles, row.role),
            native=row.native,
            state=STATES[row.state],
            since_s=row.since / 1e6 if row.since >= 0 else None,
            moves=row.moves,
            connection=row.connection,
            requests=row.requests,
            connections=row.connections,
            recycled=row.recycled,
            queue=self.queue(row.queue),
            ended_at=None if ended_at is None else ended_at / 1e6,
        )
