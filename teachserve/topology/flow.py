"""Follows each role through the source, from what `start` spawns on, into its helpers and its bases.

What may happen is never left out: a test is taken to go either way, a loop to run any number of times. What cannot be
followed (a verb passed on as a value, a base class that is not found) is said of the role that does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from teachserve.topology.bodies import Body
from teachserve.topology.members import Method
from teachserve.topology.names import Given
from teachserve.topology.points import Exits, Point, Role, Spawn, Unread, VerbCall
from teachserve.topology.source import Source

MOST_POINTS = 1000
"""Each call of a helper has a copy of it. Beyond so many points a role's calls come to a copy that is there already, and
from there back to all their places: more ways than there are, never fewer."""


def roles(source: Source, serving: Method | None = None) -> dict[str, Role]:
    """Every role of the architecture, from what `start` spawns on; under "" what `start` does itself.

    With `serving`, the method behind `serve`, each serve is opened up into what that does.
    """
    lives = {"": Life(source, "", serving)}
    lives[""].begin("start")
    lives[""].precede("__init__")
    done: set[Spawn] = set()
    nameless: list[Spawn] = []
    todo = lives[""].spawned()
    while todo:
        spawn = todo.pop(0)
        if spawn in done:
            continue
        done.add(spawn)
        if not spawn.role:
            nameless.append(spawn)
            continue
        life = lives.setdefault(spawn.role, Life(source, spawn.role, serving))
        life.begin(spawn.method, spawn)
        todo += life.spawned()
    for life in lives.values():
        life.role.unread += [
            Unread(spawn.file, spawn.line, "the role that is spawned there is not written in plain words")
            for spawn in nameless
        ]
        life.role.unread += source.unread
    return {name: life.role for name, life in lives.items()}


@dataclass(frozen=True, slots=True)
class Calling:
    """How a method came to be called: what is on the stack, where, with which arguments, within which loops.

    `ways`: where it goes on if what it gives is true, and if not; None, where nobody asks.
    """

    stack: tuple[Method, ...] = ()
    order: tuple[tuple[int, int], ...] = ()
    given: Mapping[str, Given] = field(default_factory=dict)
    loops: tuple[str, ...] = ()
    within: VerbCall | None = None
    raised: Point = field(default_factory=Point)
    ways: tuple[Point, Point] | None = None


class Life:
    """Puts a role's points together."""

    def __init__(self, source: Source, role: str, serving: Method | None) -> None:
        self.source = source
        self.role = Role(role)
        self.serving = serving
        self.made: list[Point] = []
        self._spawned: dict[str, Mapping[str, Given]] = {}
        self._copies: dict[Method, tuple[Point, Exits, Mapping[str, Given]]] = {}

    def begin(self, method: str, spawn: Spawn | None = None) -> None:
        """Its threads begin with this method; "" for one that is not written where they are spawned."""
        known = self.source.methods.get(method)
        if not known:
            where = (spawn.file, spawn.line) if spawn else (self.source.file, self.source.line)
            why = "what is spawned there is no method that can be read" if spawn else "there is no start"
            self.role.unread.append(Unread(*where, why))
        elif method not in self.role.methods:
            order = ((len(self.role.methods), 0),)
            self.role.methods.append(method)
            calling = Calling(order=order, given=dict(spawn.given) if spawn else {}, raised=self.role.end)
            self._spawned[method] = calling.given
            self.role.begin.append(self.enter(known[0], calling, self.role.end)[0])
        elif spawn and _named(self._spawned[method]) != _named(dict(spawn.given)):
            why = f"{method} is spawned with several queues or roles, which are not told apart here"
            self.note(self.role.unordered, Unread(known[0].file, known[0].node.lineno, why))

    def precede(self, method: str) -> None:
        """Put a method before its beginning, if there is one of that name."""
        if self.role.begin and (known := self.source.methods.get(method)):
            calling = Calling(order=((-1, 0),), raised=self.role.end)
            self.role.begin[0] = self.enter(known[0], calling, self.role.begin[0])[0]

    def enter(self, method: Method, calling: Calling, after: Point) -> tuple[Point, bool]:
        """The first point of a method that goes on with `after`, and whether it is one that is being run already."""
        again = method in calling.stack
        if again or (len(self.made) > MOST_POINTS and method in self._copies):
            begin, exits, given = self._copies[method]
            _go_on(exits, calling, after)
            where = method.file, method.node.lineno
            if not again:
                why = f"{method.name} is called in so many places that what follows each is not told apart"
                self.note(self.role.unordered, Unread(*where, why))
            if _named(given) != _named(calling.given):
                why = f"{method.name} is called with several queues or roles, which are not told apart here"
                self.note(self.role.unordered, Unread(*where, why))
            return begin, again
        begin, no = Point(method.file, method.node.lineno), Point()
        yes = Point() if calling.ways else no
        self.made += dict.fromkeys((begin, yes, no))
        exits = Exits(yes, no, calling.raised)
        _go_on(exits, calling, after)
        self._copies[method] = begin, exits, calling.given
        begin.lead(Body(self, method, calling, exits).block(method.node.body, no))
        return begin, False

    @staticmethod
    def note(notes: list[Unread], note: Unread) -> None:
        """Say something once, however many copies say it."""
        if note not in notes:
            notes.append(note)

    def spawned(self) -> list[Spawn]:
        """The spawns that can be reached, in the order in which they are written."""
        points = sorted((point for point in self.role.points() if point.spawn), key=lambda point: point.order)
        return [point.spawn for point in points if point.spawn]


def _go_on(exits: Exits, calling: Calling, after: Point) -> None:
    if exits.yes is exits.no:
        exits.no.lead(after)
        return
    yes, no = calling.ways or (after, after)
    exits.yes.lead(yes)
    exits.no.lead(no)


def _named(given: Mapping[str, Given]) -> dict[str, Given]:
    """The arguments that may be queues or roles."""
    return {name: one for name, one in given.items() if one.attribute or one.words.startswith(("'", '"'))}
