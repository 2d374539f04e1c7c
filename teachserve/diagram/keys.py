"""The names of a picture's parts, which stay the same from drawing to drawing, and what stands behind each in the architecture.

listening socket, clients, backlog, counters     what every architecture has, or may have
role worker                                      all threads of a role
queue wanted                                     a named queue; `queue ?` where the source does not say which
worker.accept, worker.hand_over wanted           a verb at one place of a role's life, with its queue or the role it spawns
worker.write 2                                   the second place with the same verb
worker.unknown                                   what could not be derived of it
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from teachserve.topology.topology import RoleLife

CLIENTS, BACKLOG, SOCKET, COUNTERS = "clients", "backlog", "listening socket", "counters"


class Place(NamedTuple):
    """What a node stands for: a role, one of its verbs, a named queue; "" for what does not apply."""

    role: str = ""
    verb: str = ""
    queue: str = ""


def role_key(role: str) -> str:
    """The key of all threads of a role."""
    return f"role {role}"


def queue_key(queue: str) -> str:
    """The key of a named queue."""
    return f"queue {queue or '?'}"


def unknown_key(role: str) -> str:
    """The key of the note on what could not be derived of a role, or of "start"."""
    return f"{role}.unknown"


def step_keys(role: RoleLife) -> tuple[str, ...]:
    """The key of each of its steps."""
    met: Counter[str] = Counter()
    found = []
    for step in role.steps:
        name = f"{step.verb} {step.queue or step.spawns}".strip()
        met[name] += 1
        found.append(f"{role.name}.{name}" if met[name] == 1 else f"{role.name}.{name} {met[name]}")
    return tuple(found)


def step_places(role: RoleLife) -> Iterable[tuple[str, Place]]:
    """Each step's key with what it stands for."""
    places = (Place(role.name, step.verb, step.queue) for step in role.steps)
    return zip(step_keys(role), places, strict=True)
