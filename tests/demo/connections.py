"""Made-up connections, as they are known while every event is sent."""

from dataclasses import replace

from teachserve.demo.picture import Picture
from teachserve.events import FIRST_QUEUE, State
from teachserve.observe.connection_view import IN_ACCEPT_QUEUE, Connections, ConnectionView, word

from .pictures import AT, picture, recycling

QUEUES = ("connections",)
IN_QUEUE = FIRST_QUEUE
ROLES = dict.fromkeys(range(2, 60), "worker")


def us(seconds: float) -> int:
    return round(seconds * 1e6)


def connection(
    number: int, path: list[tuple[int, float, int]], ended: bool = False, incomplete: bool = False
) -> ConnectionView:  # fmt: skip
    """One that was in these places (code, for seconds, held by), the last of them until now, or until its end."""
    at_s = AT - sum(seconds for _, seconds, _ in path)
    steps, spent = [], {}
    for code, seconds, thread in path:
        steps.append((us(at_s), code, thread))
        spent[code] = spent.get(code, 0) + us(seconds)
        at_s += seconds
    code, seconds, thread = path[-1]
    if not ended:
        spent[code] -= us(seconds)
    place = "closed" if ended else word(code, QUEUES)
    return ConnectionView(
        number, place, thread, AT if ended else AT - seconds, AT - 1, AT - 0.5, 2, AT if ended else None, 1, 0.01,
        incomplete, tuple(spent.items()), tuple(steps), QUEUES,
    )  # fmt: skip


def handled(number: int, waited_s: float = 0.4, thread: int = 6, **changes: bool) -> ConnectionView:
    """One that waited in the accept queue and is being handled."""
    return connection(
        number,
        [(IN_ACCEPT_QUEUE, waited_s, 0), (State.READING.code, 0.01, thread), (State.HANDLING.code, 0.25, thread)],
        **changes,
    )


def queued(number: int, queued_s: float = 0.1) -> ConnectionView:
    """One that waits on the named queue."""
    return connection(number, [(IN_ACCEPT_QUEUE, 0.02, 0), (IN_QUEUE, queued_s, 0)])


def log(living: list[ConnectionView], ended: list[ConnectionView] | None = None, **changes: object) -> Connections:
    """What is known of all of them."""
    made = Connections(
        known=True, at_s=AT, living=tuple(living), ended=tuple(ended or ()), accepting_role="worker",
        takers={"queue connections": frozenset({"worker"})}, _roles=ROLES,
    )  # fmt: skip
    return replace(made, **changes)


def with_connections(
    living: list[ConnectionView], ended: list[ConnectionView] | None = None, **changes: object
) -> Picture:
    """A picture of a server that sends every event."""
    return picture(replace(recycling(), streaming=True), connections=log(living, ended, **changes))
