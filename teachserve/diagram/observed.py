"""What the threads of an architecture were seen to do: from which verb to which, role by role, and how often."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from teachserve.diagram.keys import step_keys
from teachserve.topology.topology import Edge, RoleLife, Topology


class Call(NamedTuple):
    """A verb called at a place of which the derived graph knows nothing: behind another name, or by a role that it has not."""

    verb: str
    file: str = ""
    line: int = 0


Spot = int | Call
"""Where a thread is: a step's index in its role, or a call that is no step."""


class Move(NamedTuple):
    """A thread of this role was at `before`, and its next verb was `after`."""

    role: str
    before: Spot
    after: Spot


@dataclass(frozen=True)
class Observed:
    """How often each move was seen. `broke`: role, last spot, and which exception ended it -> how often."""

    moves: Mapping[Move, int] = field(default_factory=Counter)
    broke: Mapping[tuple[str, Spot, str], int] = field(default_factory=Counter)

    def underived(self, topology: Topology) -> tuple[Move, ...]:
        """The moves that are no edge of the derived graph, a role's together."""
        derived = {(role.name, edge.before, edge.after) for role in topology.roles for edge in role.edges}
        return tuple(sorted((move for move in self.moves if move not in derived), key=_by_role))

    def unseen(self, topology: Topology) -> tuple[tuple[RoleLife, Edge], ...]:
        """The derived edges along which nobody was seen to go, in the source's order."""
        return tuple(
            (role, edge)
            for role in topology.roles
            for edge in role.edges
            if (role.name, edge.before, edge.after) not in self.moves
        )


def names(topology: Topology, role: str) -> dict[int, str]:
    """Each step of a role by its index, as a picture names it: `hand_over wanted`; none for a role that is not derived."""
    found = next((one for one in topology.roles if one.name == role), None)
    if found is None:
        return {}
    return {index: key.removeprefix(f"{role}.") for index, key in enumerate(step_keys(found))}


def _by_role(move: Move) -> tuple:
    """Steps before calls, so that they can be compared."""
    return move.role, *((isinstance(spot, Call), spot) for spot in move[1:])
