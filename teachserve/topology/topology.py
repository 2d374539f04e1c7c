"""An architecture as its source writes it: the roles, who makes them, their verbs, and what comes after what.

One object for every picture: derived from the text alone, in the text's order, the same each time.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from teachserve.topology.collapse import (
    MOST_ALTERNATIVES,
    Alternative,
    Alternatives,
    collapse,
    either,
    in_order,
    needed,
)
from teachserve.topology.flow import roles
from teachserve.topology.points import Point, Role, Test, reachable
from teachserve.topology.source import BASE, Source
from teachserve.topology.verbs_source import serving, tells
from teachserve.topology.words import first_sentence

START = "start"
"""Who makes the first threads; it is no role."""
BEGIN, END = "begin", "end"
"""The first and the last step of every role; they are no verbs."""
MOST_STEPS, MOST_POINTS = 250, 10_000
"""Verbs that a role may call, at so many places, and places that it may come past: what is more takes minutes to derive, and
fits no picture."""


@dataclass(frozen=True, slots=True)
class Step:
    """A verb at one place of a role's life; `index` is its position in `RoleLife.steps`.

    `queue` is the named queue of a take, a hand_over or a select, `spawns` the role of a spawn, each "" where it does not
    apply or is not written there. `method`, `line` and `file` say where the call stands, `shown` is the call in the
    source's own words, `tells` what the verb says of itself. `within` is "serve" for the three verbs that serve is opened
    up into; their line is that of serve. `ends` is the line and column behind the call, which no other call of it shares.
    """

    index: int
    verb: str
    queue: str = ""
    spawns: str = ""
    method: str = ""
    line: int = 0
    file: str = ""
    shown: str = ""
    tells: str = ""
    within: str = ""
    ends: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Edge:
    """After step `before` may come step `after`: indexes into the role's steps.

    `condition` is in the source's own words, "" for none; `tests` are its parts in the order in which they are made, where
    all of them must hold. `back`: the way leads through the beginning of a loop.
    """

    before: int
    after: int
    condition: str = ""
    back: bool = False
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Making:
    """Who spawns a role: `by` a role at its step number `step`, or by "start", then -1.

    `many` says how many in the source's own words: "1", "options.standby", "1 for each connection". `condition` holds
    whenever it happens; "" for none.
    """

    by: str
    step: int
    many: str
    condition: str
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that could not be followed in this role, or in "start", and why."""

    role: str
    line: int
    file: str
    why: str


@dataclass(frozen=True, slots=True)
class RoleLife:
    """One kind of thread. `method` is its life, `line` and `file` where that stands, `sentence` its docstring's first.

    Several methods, where one role is spawned with several, are named one after the other.
    """

    name: str
    method: str
    sentence: str
    line: int
    file: str
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    made: tuple[Making, ...]
    accepts: bool
    loops: bool


@dataclass(frozen=True, slots=True)
class Topology:
    """What an architecture's source says.

    `sentence` is the first of the class's docstring, or else of its file's. `options` are the names that it reads of
    `self.options`. `queue_places` has the file and the line in which each of the queues is made. `unknown` says what could
    not be derived: where it is empty, nothing is missing.
    """

    name: str
    file: str
    line: int
    sentence: str
    accepting_role: str
    roles: tuple[RoleLife, ...]
    queues: tuple[str, ...]
    queue_places: tuple[tuple[str, int], ...]
    options: tuple[str, ...]
    unknown: tuple[Unknown, ...]

    @classmethod
    def read(cls, file: str, class_name: str) -> "Topology":
        """The architecture of this class in this file.

        Raises: OSError, SyntaxError, LookupError as Source.read does, LookupError too for a class that is no taskmaster.
        """
        source = Source.read(file, class_name)
        if not source.is_taskmaster:
            raise LookupError(f"it is no taskmaster: neither it nor a base of it inherits from {BASE}")
        found = roles(source, serving())
        lives = {name: _Collapsed(role) for name, role in found.items()}
        accepting = source.constants.get("accepting_role")
        unknown = dict.fromkeys(
            Unknown(name or START, one.line, one.file, one.why)
            for name, role in found.items()
            for one in sorted({*role.unread, *role.unordered})
            if not name or one not in found[""].unread  # what is unknown of the class is said once
        )
        if not isinstance(accepting, str):
            unknown[Unknown(START, source.line, file, "accepting_role is not written in the class")] = None
        return cls(
            class_name, file, source.line, source.sentence, accepting if isinstance(accepting, str) else "",
            tuple(_life(source, name, lives) for name in lives if name), tuple(source.queues),
            tuple(source.queues.values()), options_read(source), tuple(unknown),
        )  # fmt: skip

    def queue_place(self, queue: str) -> tuple[str, int]:
        """The file and the line in which the queue is made; the class's, where it is none of its queues."""
        places = dict(zip(self.queues, self.queue_places, strict=True))
        return places.get(queue, (self.file, self.line))

    def role(self, name: str) -> RoleLife:
        """The role of this name. Raises: KeyError."""
        return {role.name: role for role in self.roles}[name]


class _Collapsed:
    """A role's steps, edges, and the points behind each step."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.begin = Point()
        calls = {(one.call.file, one.call.ends, one.call.within) for one in role.points() if one.call}
        if len(calls) > MOST_STEPS or sum(1 for _ in role.points()) > MOST_POINTS:
            raise LookupError(f"{role.name or START} is too long for a picture: it calls verbs at {len(calls)} places")
        for method, first in zip(role.methods, role.begin, strict=True):
            words = Test(f"spawned as {method}", (method, 0, 0, 0, 0), True) if len(role.begin) > 1 else None
            self.begin.lead(first, words)
        called: dict[tuple, list[Point]] = {}
        for point in sorted((one for one in in_order(self.begin) if one.call), key=lambda one: one.order):
            call = point.call
            called.setdefault((call.file, call.ends, call.verb, call.queue, call.within), []).append(point)
        self.points = [[self.begin], *called.values(), [role.end]]
        self.index = {point: index for index, points in enumerate(self.points) for point in points}
        self.steps = tuple(self._step(index, points) for index, points in enumerate(self.points))
        self.edges = self._edges()

    def _step(self, index: int, points: list[Point]) -> Step:
        call, spawn = points[0].call, points[0].spawn
        if call is None:
            return Step(index, END if index else BEGIN)
        return Step(
            index, call.verb, call.queue, spawn.role if spawn else "", call.method, call.line, call.file, call.shown,
            tells(call.verb), call.within, call.ends,
        )  # fmt: skip

    def _edges(self) -> tuple[Edge, ...]:
        found: dict[tuple[int, int], Alternatives] = {}
        for before, onward in collapse(self.begin, frozenset(self.index)).items():
            for after, alternatives in onward.items():
                pair = self.index[before], self.index[after]
                found[pair] = either(found.get(pair, ()) + alternatives)
        return tuple(_edge(*pair, found[pair]) for pair in sorted(found))

    def spawning(self, role: str) -> Iterable[tuple[int, list[Point]]]:
        """The steps that spawn this role, and their points."""
        return (
            (index, points)
            for index, points in enumerate(self.points)
            if points[0].spawn and points[0].spawn.role == role
        )


def _edge(before: int, after: int, alternatives: Iterable[Alternative]) -> Edge:
    alternatives = sorted(alternatives, key=lambda one: [(test.place, not test.holds) for test in one.tests])
    words = [*dict.fromkeys(tuple(dict.fromkeys(test.words for test in one.tests)) for one in alternatives)]
    back = all(one.back for one in alternatives)
    if len(words) == 1:
        return Edge(before, after, _all_of(words[0]), back, words[0])
    condition = " or ".join(_all_of(one) for one in words)
    return Edge(before, after, condition, back, (condition,))


def _all_of(words: tuple[str, ...]) -> str:
    return " and ".join(f"({one})" if len(words) > 1 and " or " in one else one for one in words)


def _life(source: Source, name: str, lives: Mapping[str, _Collapsed]) -> RoleLife:
    life = lives[name]
    known = [source.methods[method][0] for method in life.role.methods]
    method = known[0] if known else None
    return RoleLife(
        name, ", ".join(life.role.methods), first_sentence(ast.get_docstring(method.node)) if method else "",
        method.node.lineno if method else 0, method.file if method else "", life.steps, life.edges,
        tuple(making for maker in lives.values() for making in _makings(maker, name)),
        any(step.verb == "accept" for step in life.steps), any(step.verb == "select" for step in life.steps),
    )  # fmt: skip


def _makings(maker: _Collapsed, name: str) -> Iterable[Making]:
    for index, points in maker.spawning(name):
        by, step = (maker.role.name, index) if maker.role.name else (START, -1)
        called: dict[tuple, list[Point]] = {}
        for point in points:  # what finally does stands there several times, and is called in one place
            called.setdefault(point.order, []).append(point)
        places = [*called.values()] if len(called) <= MOST_ALTERNATIVES else [points]
        for place in places:
            many = _many(place[0]) if len(places) == len(called) else "any number"
            words = dict.fromkeys(test.words for test in needed(maker.begin, frozenset(place)))
            yield Making(by, step, many, _all_of(tuple(words)), place[0].spawn.line, place[0].spawn.file)


def _many(point: Point) -> str:
    """How many are spawned there; outside of every loop one comes there again all the same by a method that calls itself."""
    many = point.spawn.many
    return "any number" if many == "1" and point in reachable(point.next) else many


def options_read(source: Source) -> tuple[str, ...]:
    """The names that the methods read of `self.options`, in the order in which they are written."""
    found: dict[str, None] = {}
    for methods in source.methods.values():
        for method in methods:
            first = [*method.node.args.posonlyargs, *method.node.args.args][:1]
            for node in ast.walk(method.node):
                match node:
                    case ast.Attribute(value=ast.Attribute(value=ast.Name(id=me), attr="options"), attr=name):
                        if first and first[0].arg == me:
                            found.setdefault(name)
    return tuple(found)
