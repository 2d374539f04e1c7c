"""Turns a method's expressions into points: the calls of verbs, of helpers and of spawn, in the order of evaluation."""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from teachserve.topology.forms import EACH, acts, is_mine, is_super, range_of, tells_what_it_gives, times
from teachserve.topology.names import RUNS_ANYTHING, Names
from teachserve.topology.points import Exits, Point, Spawn, Test, Unread, VerbCall
from teachserve.topology.verbs import BEHIND_SERVE, ON_A_QUEUE, VERBS
from teachserve.topology.words import both, said

if TYPE_CHECKING:
    from teachserve.topology.flow import Calling, Life
    from teachserve.topology.members import Method


class Expressions(Names):
    """What is evaluated in one call of a method."""

    def __init__(self, life: "Life", method: "Method", calling: "Calling", exits: Exits) -> None:
        super().__init__(method, BEHIND_SERVE if calling.within else method.me, calling.given)
        self.life, self.calling, self.exits = life, calling, exits
        self.loops = [*calling.loops]

    def chain(self, nodes: Iterable[ast.AST | None], after: Point) -> Point:
        """The first point of these, evaluated one after the other."""
        for node in reversed([*nodes]):
            if node is not None and self.names_me(node):
                after = self._expression(node, after)
        return after

    def branch(self, test: ast.expr, yes: Point, no: Point) -> Point:
        """The first point of a test that leads to one of two."""
        match test:
            case ast.Constant(value=value):
                return yes if value else no
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.branch(operand, no, yes)
            case ast.BoolOp(op=operator, values=values) if self.acts(test):
                for value in reversed(values):
                    if isinstance(operator, ast.And):
                        yes = self.branch(value, yes, no)
                    else:
                        no = self.branch(value, yes, no)
                return yes if isinstance(operator, ast.And) else no
            case ast.Call(func=ast.Attribute(value=ast.Name(id=me), attr=name)) if me == self.me:
                found = self.life.source.methods.get(name, ())
                if found and (acts(found[0].node, found[0].me) or tells_what_it_gives(found[0].node)):
                    begin = self._enter(test, name, found, self._fork(test, yes, no), (yes, no))
                    return self.chain([*test.args, *test.keywords], begin)
        return self.chain([test], self._fork(test, yes, no))

    def _fork(self, test: ast.expr, yes: Point, no: Point) -> Point:
        holds, fails = both(test, self.me)
        return self.point().lead(yes, self.test(holds, test)).lead(no, self.test(fails, test, False))

    def _expression(self, node: ast.AST, after: Point) -> Point:
        match node:
            case ast.Call():
                return self._call(node, after)
            case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self.me:
                if not isinstance(node.ctx, ast.Load):  # Members has seen it
                    return after
                if name in VERBS or name in self.life.source.methods:
                    self.lose(node, f"{name} is passed on instead of called")
                elif name == "options":
                    self.doubt(node, "options is passed on: which of them are used is not written here")
                return after
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id=me), attr="options")) if me == self.me:
                return after
            case ast.Name(id=me) if me in (self.me, "super"):
                self.lose(node, f"{me} is {'passed on' if isinstance(node.ctx, ast.Load) else 'given another value'}")
                return after
            case ast.Name(id=name) if name in RUNS_ANYTHING:
                self.lose(node, f"what {name} comes to is not written here")
                return after
            case ast.Lambda():
                self.lose(node, "a function inside the method")
                return after
            case ast.BoolOp(op=operator, values=[*others, last]):
                point = self.chain([last], after)
                for value in reversed(others):
                    both_ways = (point, after) if isinstance(operator, ast.And) else (after, point)
                    point = self.branch(value, *both_ways)
                return point
            case ast.IfExp():
                return self.branch(node.test, self.chain([node.body], after), self.chain([node.orelse], after))
            case ast.Compare(ops=[_, _, *_]) if self.acts(node):
                self.doubt(node, "a chain of comparisons may end before its last")
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                if isinstance(node, ast.GeneratorExp) and self.acts(node):
                    self.doubt(node, "when a generator expression is run is not written here")
                made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                return self._comprehension(node.generators, made, after)
            case ast.Dict():
                pairs = zip(node.keys, node.values, strict=True)
                return self.chain([one for pair in pairs for one in pair], after)
        return self.chain(ast.iter_child_nodes(node), after)

    def _comprehension(self, generators: list[ast.comprehension], made: list[ast.expr], after: Point) -> Point:
        if not generators:
            return self.chain(made, after)
        first, *others = generators
        head, items = self.point(), said(first.iter, self.me)
        back = self.point().lead(head, back=True)
        with self.looping(self.times(first)):
            body = self._comprehension(others, made, back)
            for test in reversed(first.ifs):
                body = self.branch(test, body, back)
        head.lead(body, self.test(f"for {said(first.target, self.me)} in {items}", first.iter, True, True))
        head.lead(after, self.test(f"end of {items}", first.iter, False, True))
        return self.chain([first.iter], head)

    # Calls.

    def _call(self, node: ast.Call, after: Point) -> Point:
        arguments = [*node.args, *node.keywords]
        match node:
            case ast.Call(args=[*first, ast.IfExp(test, one, other)]) if is_mine([node.func], self.me):
                if node.func.attr in ON_A_QUEUE:  # one of two queues
                    calls = [self._with_last(node, queue, after) for queue in (one, other)]
                    return self.chain([*first, *node.keywords], self.branch(test, *calls))
        match node.func:
            case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self.me:
                if name == "spawn":
                    arguments = self._left(node)
                return self.chain(arguments, self._enter(node, name, self.life.source.methods.get(name, ()), after))
            case ast.Attribute(attr=name) if is_super(node.func, self.method.owner, self.me):
                above = self.life.source.above(self.method, name)
                return self.chain(arguments, self._enter(node, name, above, after))
        return self.chain([node.func, *arguments], after)

    def _with_last(self, node: ast.Call, argument: ast.expr, after: Point) -> Point:
        """The point into the same call with another last argument."""
        call = ast.copy_location(ast.Call(node.func, [*node.args[:-1], argument], node.keywords), node)
        return self._enter(call, node.func.attr, (), after)

    def _enter(
        self,
        node: ast.Call,
        name: str,
        found: "tuple[Method, ...]",
        after: Point,
        ways: tuple[Point, Point] | None = None,
    ) -> Point:
        """The point into what is called, which goes on with `after`, or else as `Calling.ways` has it."""
        point = self.point(node.func, node.func.end_lineno)
        ends = (node.end_lineno or 0, node.end_col_offset or 0)
        point.order = (*self.calling.order, ends)
        queue = self._queue(node) if name in ON_A_QUEUE else ""
        shown = said(node, self.me)
        call = VerbCall(self.life.role.name, self.method.name, name, point.line, point.file, queue, ends, shown)
        if within := self.calling.within:
            call = replace(within, verb=name, shown=shown, within=within.verb)
        inner = replace(self.calling, stack=(*self.calling.stack, self.method), order=point.order, given={}, ways=ways)
        serving = self.life.serving
        if found:
            given = self.bound(found[0], node.args, node.keywords)
            inner = replace(inner, given=given, loops=(*self.loops,), raised=self.exits.raised)
            begin, again = self.life.enter(found[0], inner, after)
            return point.lead(begin, back=again)
        if name == "serve" and serving is not None and not within:
            return point.lead(self.life.enter(serving, replace(inner, within=call), after)[0])
        if name in VERBS:
            point.call = call
            point.spawn = self._spawn(node) if name == "spawn" else None
        elif name != "__init__":  # the taskmaster's own calls no verb
            self.lose(node, f"{name} is no verb, and no method that can be read")
        return point.lead(after)

    def _left(self, node: ast.Call) -> list[ast.AST]:
        """The arguments of a spawn that may call something: neither its method nor its role."""
        arguments = node.args[1:] if is_mine(node.args[:1], self.me) else node.args
        return [*arguments, *(keyword for keyword in node.keywords if keyword.arg != "role")]

    def _spawn(self, node: ast.Call) -> Spawn:
        method = role = ""
        if is_mine(node.args[:1], self.me):
            method = node.args[0].attr
        given = next((self.given(keyword.value) for keyword in node.keywords if keyword.arg == "role"), None)
        if given is not None and not given.verb:
            value = self.life.source.constants.get(given.words) if given.attribute else ast.literal_eval(given.words)
            role = value if isinstance(value, str) else ""
        known = self.life.source.methods.get(method)
        given = tuple(self.bound(known[0], node.args[1:], []).items()) if known else ()
        return Spawn(node.lineno, self.method.file, method, role, self._many(node), given)

    def _many(self, node: ast.Call) -> str:
        """How many are spawned here, in the source's own words."""
        for argument in node.args[1:]:
            given = self.given(argument)
            if given and given.verb == "accept":
                return "1 for each connection"
        each = [words for words in self.loops if words.startswith(EACH)]
        times = " * ".join(words for words in self.loops if not words.startswith(EACH))
        if not each:
            return times or "1"
        return each[-1] if not times else f"{times}{each[-1].removeprefix('1')}"

    @contextmanager
    def looping(self, words: str) -> Iterator[None]:
        """What is spawned meanwhile is spawned so often."""
        self.loops.append(words)
        yield
        self.loops.pop()

    def times(self, node: ast.For | ast.comprehension) -> str:
        """How often a for loop runs, in the source's own words."""
        given = self.given(count) if (count := range_of(node)) is not None else None
        return given.words if given and not given.verb else times(node, self.me)

    # What is known of names.

    def _queue(self, node: ast.Call) -> str:
        """The named queue that a verb is called with; "" where it is not written there."""
        named = [keyword.value for keyword in node.keywords if keyword.arg == "queue"]
        given = next((self.given(argument) for argument in [*named, *node.args[-1:]]), None)
        if given is not None and given.attribute and given.words in self.life.source.queues:
            return given.words
        self.doubt(node, f"which of the class's queues {said(node, self.me)} means is not written here")
        return ""

    # Both.

    def point(self, node: ast.AST | None = None, line: int | None = None) -> Point:
        """A new point, at this place if one is given."""
        point = Point() if node is None else Point(self.method.file, line or node.lineno)
        self.life.made.append(point)
        return point

    def test(self, words: str, node: ast.AST, holds: bool = True, counts: bool = False) -> Test:
        """A condition that stands here."""
        place = (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
        return Test(words, (self.method.file, *place), holds, counts)

    def acts(self, node: ast.AST) -> bool:
        """Whether something of the taskmaster's is called in it."""
        return acts(node, self.me)

    def lose(self, node: ast.AST, why: str) -> None:
        """Something that may hide a verb."""
        self._note(self.life.role.unread, node, why)

    def doubt(self, node: ast.AST, why: str) -> None:
        """Something that hides no verb, but what comes before or after it."""
        self._note(self.life.role.unordered, node, why)

    def _note(self, notes: list[Unread], node: ast.AST, why: str) -> None:
        if not self.calling.within:
            self.life.note(notes, Unread(self.method.file, node.lineno, why))
