"""Steps of a role that call the same verb and go on the same way, as one step: a picture has one box for them.

What they are called after differs, and stands on the ways to them. The graph that is proved keeps them apart.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from teachserve.diagram.wording import arguments, opposite
from teachserve.topology.topology import Edge, RoleLife, Step, Topology


def folded(topology: Topology) -> Topology:
    """The same with each role's steps folded; of those that become one the first in the source stands for them."""
    numbers = {role.name: _numbers(role) for role in topology.roles}
    return replace(topology, roles=tuple(_folded(role, numbers) for role in topology.roles))


def _folded(role: RoleLife, numbers: Mapping[str, list[int]]) -> RoleLife:
    own = numbers[role.name]
    several: dict[int, list[Step]] = {}
    for step in role.steps:
        several.setdefault(own[step.index], []).append(step)
    ways: dict[tuple[int, int], list[Edge]] = {}
    for edge in role.edges:
        ways.setdefault((own[edge.before], own[edge.after]), []).append(edge)
    return replace(
        role, steps=tuple(_step(number, steps) for number, steps in several.items()),
        edges=tuple(_edge(*ends, ways[ends]) for ends in sorted(ways)),
        made=tuple(replace(one, step=numbers[one.by][one.step]) if one.by in numbers else one for one in role.made),
    )  # fmt: skip


def _numbers(role: RoleLife) -> list[int]:
    """For each step its number once all that are one are counted as one, the first in the source first."""
    found: dict[object, int] = {}
    return [found.setdefault(kind, len(found)) for kind in _kinds(role)]


def _kinds(role: RoleLife) -> list[object]:
    """For each step what it has in common with those that it is one with: told apart until all that is left is the same."""
    kinds: list[object] = [_looks(step) for step in role.steps]
    while True:
        onward: list[set[tuple]] = [set() for _ in role.steps]
        for edge in role.edges:
            onward[edge.before].add((kinds[edge.after], edge.condition, edge.tests, edge.back))
        numbers: dict[object, int] = {}
        finer = [
            numbers.setdefault((kind, frozenset(ways)), len(numbers)) for kind, ways in zip(kinds, onward, strict=True)
        ]
        if len(numbers) == len(set(kinds)):
            return finer
        kinds = finer


def _looks(step: Step) -> tuple:
    what = arguments(step) if step.verb in ("hand_over", "spawn") else ()
    return step.verb, step.queue, step.spawns, step.within, what


def _step(index: int, steps: list[Step]) -> Step:
    return replace(steps[0], index=index, shown=" or ".join(dict.fromkeys(step.shown for step in steps)))


def _edge(before: int, after: int, edges: list[Edge]) -> Edge:
    ways = _either([*dict.fromkeys(edge.tests for edge in edges)])
    words = [" and ".join(way) for way in ways]
    condition = " or ".join(words) if all(words) else ""
    tests = ways[0] if len(ways) == 1 else (condition,) if condition else ()
    return Edge(before, after, condition, all(edge.back for edge in edges), tests)


def _either(ways: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The same in fewer words: where both branches of a test come to one step, the test is no condition."""
    for one, other in combinations(ways, 2):
        if one and other and one[:-1] == other[:-1] and opposite(one[-1]) == other[-1]:
            return _either([*dict.fromkeys([one[:-1], *(way for way in ways if way not in (one, other))])])
    return ways
