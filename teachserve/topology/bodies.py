"""Turns a method's statements into points, from the last to the first: each is told what comes after it."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from teachserve.topology.expressions import Expressions
from teachserve.topology.forms import each, yields
from teachserve.topology.points import Exits, Point
from teachserve.topology.words import said

if TYPE_CHECKING:
    from teachserve.topology.flow import Calling, Life
    from teachserve.topology.members import Method

ANYTHING = {"", "BaseException"}
"""What `except` names where it catches whatever there is."""


class Body(Expressions):
    """One method's body, as one call of it finds it."""

    def __init__(self, life: "Life", method: "Method", calling: "Calling", exits: Exits) -> None:
        super().__init__(life, method, calling, exits)
        node = method.node
        if isinstance(node, ast.AsyncFunctionDef):
            self.lose(node, f"{method.name} is async: what runs it is not written here")
        for given in yields(node):
            self.lose(given, "yield: what runs this method is not written here")
        for decorator in node.decorator_list:
            self.lose(node, f"{method.name} is wrapped in {ast.unparse(decorator)}")

    def block(self, statements: Sequence[ast.stmt], after: Point) -> Point:
        """The first point of these statements."""
        for statement in reversed(statements):
            after = self._statement(statement, after)
        return after

    @contextmanager
    def _leaving(self, exits: Exits) -> Iterator[None]:
        outer, self.exits = self.exits, exits
        yield
        self.exits = outer

    def _statement(self, node: ast.stmt, after: Point) -> Point:
        point = self.point(node)
        match node:
            case ast.Return(value=value):
                if value is None or self.exits.yes is self.exits.no:
                    return point.lead(self.chain([value], self.exits.no))
                return point.lead(self.branch(value, self.exits.yes, self.exits.no))
            case ast.Assert():
                raised = self.chain([node.msg], self.point().lead(self.exits.raised))
                return point.lead(self.branch(node.test, after, raised))
            case ast.Raise():
                words = " ".join(filter(None, ["raise", node.exc and said(node.exc, self.me)]))
                raised = self.point().lead(self.exits.raised, self.test(words, node))
                return point.lead(self.chain([node.exc, node.cause], raised))
            case ast.Break():
                return point.lead(self.exits.after)
            case ast.Continue():
                return point.lead(self.exits.head)
            case ast.If():
                return point.lead(self.branch(node.test, self.block(node.body, after), self.block(node.orelse, after)))
            case ast.While():
                orelse = self.block(node.orelse, after)
                with self.looping(each(node, self.me)):
                    body = self._loop(node.body, point, after)
                    return point.lead(self.branch(node.test, body, orelse))
            case ast.For():
                with self.looping(self.times(node)):
                    head = self.point()
                    target, items = said(node.target, self.me), said(node.iter, self.me)
                    head.lead(
                        self._loop(node.body, head, after), self.test(f"for {target} in {items}", node, True, True)
                    )
                head.lead(self.block(node.orelse, after), self.test(f"end of {items}", node, False, True))
                return point.lead(self.chain([node.iter], head))
            case ast.With():
                if any(self.acts(one) for one in [*node.body, *(item.context_expr for item in node.items)]):
                    self.doubt(node, "a with statement may swallow what is raised in it")
                return point.lead(self.chain([item.context_expr for item in node.items], self.block(node.body, after)))
            case ast.Try() | ast.TryStar():
                return point.lead(self._try(node, after))
            case ast.Match():
                return point.lead(self.chain([node.subject], self._match(node, after)))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if self.names_me(node):
                    self.lose(node, "a function inside the method")
                return point.lead(after)
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                return point.lead(self.chain([node.value, *targets], after))
        return point.lead(self.chain(ast.iter_child_nodes(node), after))

    def _loop(self, body: list[ast.stmt], head: Point, after: Point) -> Point:
        back = self.point().lead(head, back=True)
        with self._leaving(replace(self.exits, head=back, after=after)):
            return self.block(body, back)

    def _match(self, node: ast.Match, after: Point) -> Point:
        point = after
        for case in reversed(node.cases):
            inside = self.block(case.body, after)
            if case.guard is not None:
                inside = self.branch(case.guard, inside, point)
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                point = inside
            else:
                words = f"case {ast.unparse(case.pattern)}"
                yes, no = self.test(words, case.pattern), self.test(f"not {words}", case.pattern, False)
                point = self.point().lead(inside, yes).lead(point, no)
        return point

    def _try(self, node: ast.Try, after: Point) -> Point:
        if self.acts(node):
            if node.handlers:
                self.doubt(node, "which step raises what except catches is not written: each may")
            if node.finalbody:
                self.doubt(node, "what finally does after a verb has raised something is not followed")
        exits = self.exits
        if node.finalbody:
            exits = exits.each(lambda target: self.block(node.finalbody, target))
            after = self.block(node.finalbody, after)
        with self._leaving(exits):
            catch, caught = self.point(), False
            for handler in node.handlers:
                kind = said(handler.type, self.me) if handler.type else ""
                caught = caught or kind in ANYTHING
                catch.lead(self.block(handler.body, after), self.test(f"except {kind}".strip(), handler))
            orelse = self.block(node.orelse, after)
        raised = self.point()
        if node.handlers:
            raised.lead(catch)
        if not caught:
            raised.lead(exits.raised)
        before = len(self.life.made)
        with self._leaving(replace(exits, raised=raised)):
            body = self.block(node.body, orelse)
        entry = self.point().lead(body)
        if node.handlers:
            for inside in self.life.made[before:]:
                inside.lead(catch)
        return entry
