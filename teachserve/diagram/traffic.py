"""How often each derived edge was gone along, and how long each verb took, as far as a trace tells."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from teachserve.diagram.explained import OWN_AFFAIR, Course, Moved, courses, inside, verbs_in
from teachserve.diagram.recorded import LOWER, Recorded
from teachserve.events import State
from teachserve.topology.topology import Edge, RoleLife, Step, Topology

BELOW = frozenset({State.STARTING, State.WAITING, State.ENDED})
"""Between these a thread of the rooms below moves as others do: once at its beginning, and once at its end."""
Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Count:
    """So often; not `certain`: at least so often."""

    times: int = 0
    certain: bool = True

    def __str__(self) -> str:
        if self.certain:
            return f"{self.times:,}"
        return f"{self.times:,}+" if self.times else ""


@dataclass
class Traffic:
    """The counts of a trace on the edges and steps of a topology. The moves of `unexplained` fit no edge of any role."""

    topology: Topology
    recorded: Recorded
    unexplained: Counter[Moved] = field(default_factory=Counter)
    _edges: Counter[Key] = field(default_factory=Counter)
    _steps: Counter[tuple[str, int]] = field(default_factory=Counter)
    _doubtful: set[Key] = field(default_factory=set)
    _doubtful_steps: set[tuple[str, int]] = field(default_factory=set)

    @property
    def _unsure(self) -> set[str]:
        """Roles that could not be derived in full: what explains a move of theirs may not be all that does."""
        return {one.role for one in self.topology.unknown}

    @classmethod
    def of(cls, topology: Topology, recorded: Recorded) -> "Traffic":
        """Every move of the trace, on the edges that explain it."""
        traffic = cls(topology, recorded)
        explained = {role.name: courses(role) for role in topology.roles}
        within = {role.name: inside(role) for role in topology.roles}
        for move, all_times in recorded.flows.items():
            times, doubtful = traffic._of_the_roles(move, all_times)
            by_role = {name: its[move] for name, its in explained.items() if move in its}
            own = [name for name in within if move in within[name]]
            if len(by_role) == 1 and not own:
                [(role, its)] = by_role.items()
                traffic._add(role, its, times, doubtful)
            elif by_role:
                seen = {role: 0 if recorded.sampled or role in own else recorded.moves[role, *move] for role in by_role}
                for role, its in by_role.items():
                    traffic._add(role, its, seen[role], doubtful or sum(seen.values()) != times)
            elif times and not own and move not in OWN_AFFAIR and State.BROKEN not in move:
                traffic.unexplained[move] += times
        return traffic

    def _of_the_roles(self, move: Moved, times: int) -> tuple[int, bool]:
        """How many of these moves are not those of a thread of the rooms below, and whether there may be more."""
        below = LOWER - {role.name for role in self.topology.roles}
        threads = sum(self.recorded.threads[name] for name in below)
        if not threads:
            return times, False
        if State.LINGERING in move or move == (State.WAITING, State.WAITING):
            return 0, False
        if not self.recorded.sampled:
            return max(0, times - sum(self.recorded.moves[name, *move] for name in below)), False
        if move[0] in BELOW and move[1] in BELOW:
            return max(0, times - threads), True
        return times, False

    def edge(self, role: str, edge: Edge) -> Count:
        """How often threads of this role went along it."""
        key = role, edge.before, edge.after
        return Count(self._edges[key], key not in self._doubtful and role not in self._unsure)

    def step(self, role: str, step: Step) -> Count:
        """How often threads of this role came to it."""
        key = role, step.index
        return Count(self._steps[key], key not in self._doubtful_steps and role not in self._unsure)

    def accepted(self, role: RoleLife) -> Count | None:
        """How many connections the role has accepted, where it alone does, in one place; else None."""
        steps = [(one, step) for one in self.topology.roles for step in one.steps if step.verb == "accept"]
        if [one.name for one, _ in steps] != [role.name]:
            return None
        return Count(self.recorded.flows[State.ACCEPTING, State.ACCEPTED])

    def typical_us(self, role: RoleLife, step: Step) -> float | None:
        """The median stay in the verb, or the mean where single events were not recorded; None where it cannot be told."""
        verbs = verbs_in(role)
        if step.verb not in verbs or sum(one.verb == step.verb for one in role.steps) > 1:
            return None
        states = verbs[step.verb].entered
        if not self.recorded.sampled:
            return self.recorded.median_us(role.name, states)
        others = (one for one in self.topology.roles if one.name != role.name and self.recorded.threads[one.name])
        if any(verbs_in(one)[two.verb].entered & states for one in others for two in one.steps if two.verb in verbs):
            return None
        return self.recorded.mean_us(states)

    def _add(self, role: str, its: Iterable[Course], times: int, doubtful: bool = False) -> None:
        walked = [{(role, edge.before, edge.after) for edge in course} for course in its]
        certain, possible = set.intersection(*walked), set.union(*walked)
        for key in certain:
            self._edges[key] += times
        self._doubtful |= possible if doubtful else possible - certain
        reached = [{(role, edge.after) for edge in course} for course in its]
        certain_steps, possible_steps = set.intersection(*reached), set.union(*reached)
        for key in certain_steps:
            self._steps[key] += times
        self._doubtful_steps |= possible_steps if doubtful else possible_steps - certain_steps
