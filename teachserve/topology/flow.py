"""Follows each role through the source, from what `start` spawns on, into its helpers and its bases.

What may happen is never left out: a test is taken to go either way, a loop to run any number of times. What cannot be
followed (a verb passed on as a value, a base class that is not found) is said of the role that does it.
"""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from teachserve.topology.source import Method, Source
from teachserve.topology.verbs import ANNOUNCES, QUIET, Role, Spawn, Step, VerbCall, reachable


def roles(source: Source) -> dict[str, Role]:
    """Every role of the architecture, from what `start` spawns on; under "" what `start` does itself."""
    lives = {"": _Life(source, "")}
    lives[""].begin("start")
    done: set[Spawn] = set()
    while todo := {spawn for life in lives.values() for spawn in life.spawns} - done:
        done |= todo
        for spawn in sorted(todo, key=lambda one: one.line):
            if spawn.role:
                lives.setdefault(spawn.role, _Life(source, spawn.role)).begin(spawn.method, spawn.line)
    nameless = [spawn.line for spawn in done if not spawn.role]
    for life in lives.values():
        life.role.unread += [f"the role that is spawned in line {line} is not written there" for line in nameless]
        life.role.unread += source.unread
    return {name: life.role for name, life in lives.items()}


class _Life:
    """Puts a role's steps together. Of each method there is one copy: all who call it come back to all their places."""

    def __init__(self, source: Source, role: str) -> None:
        self.source = source
        self.role = Role(role)
        self.spawns: list[Spawn] = []
        self._begun: set[str] = set()
        self._methods: dict[tuple[str, int], tuple[Step, Step]] = {}

    def begin(self, method: str, line: int = 0) -> None:
        """Its threads begin with this method; "" for one that is not written where they are spawned."""
        if method in self._begun:
            return
        self._begun.add(method)
        if method in self.source.methods:
            self.role.begin.append(self.method(method, 0)[0])
        else:
            self.role.unread.append(f"what is spawned in line {line} is no method that can be read")

    def method(self, name: str, depth: int) -> tuple[Step, Step]:
        """The first and the last step of a method; `depth` counts the definitions that `super()` has passed."""
        known = self._methods.get((name, depth))
        if known is None:
            method = self.source.methods[name][depth]
            known = self._methods[name, depth] = Step(method.file, method.node.lineno), Step()
            known[0].next.append(_Body(self, method, depth, known[1]).block(method.node.body, known[1]))
        return known


@dataclass(frozen=True, slots=True)
class _Loop:
    """Where `continue` and `break` lead."""

    head: Step
    after: Step


class _Body:
    """Turns one method's statements into steps, from the last to the first: each is told what comes after it."""

    def __init__(self, life: _Life, method: Method, depth: int, end: Step) -> None:
        self._life, self._method, self._depth, self._end = life, method, depth, end
        arguments = method.node.args.posonlyargs + method.node.args.args
        self._me = arguments[0].arg if arguments else ""

    # Statements.

    def block(self, statements: Sequence[ast.stmt], after: Step, loop: _Loop | None = None) -> Step:
        """The first step of these statements."""
        for statement in reversed(statements):
            after = self._statement(statement, after, loop)
        return after

    def _statement(self, node: ast.stmt, after: Step, loop: _Loop | None) -> Step:
        step = self._step(node)
        match node:
            case ast.Return():
                step.next.append(self._chain([node.value], self._end))
            case ast.Raise():
                step.next.append(self._chain([node.exc, node.cause], self._end))
            case ast.Break():
                step.next.append(loop.after)
            case ast.Continue():
                step.next.append(loop.head)
            case ast.If():
                fork = Step(next=[self.block(node.body, after, loop), self.block(node.orelse, after, loop)])
                step.next.append(self._chain([node.test], fork))
            case ast.While():
                fork = Step()
                fork.next += [self.block(node.body, step, _Loop(step, after)), self.block(node.orelse, after, loop)]
                step.next.append(self._chain([node.test], fork))
            case ast.For():
                head = Step()
                head.next += [self.block(node.body, head, _Loop(head, after)), self.block(node.orelse, after, loop)]
                step.next.append(self._chain([node.iter], head))
            case ast.With():
                body = self.block(node.body, after, loop)
                step.next.append(self._chain([item.context_expr for item in node.items], body))
            case ast.Try():
                last = self.block(node.finalbody, after, loop)
                handlers = [self.block(handler.body, last, loop) for handler in node.handlers]
                body = self.block(node.body, self.block(node.orelse, last, loop), loop)
                for inside in [*reachable([body])]:
                    inside.next += handlers
                step.next += [body, *handlers]
            case ast.Match():
                cases = [self.block([*_guard(case), *case.body], after, loop) for case in node.cases]
                step.next.append(self._chain([node.subject], Step(next=[*cases, after])))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._lose(node, "a function inside the method")
                step.next.append(after)
            case _:
                step.next.append(self._chain(ast.iter_child_nodes(node), after))
        return step

    # Expressions.

    def _chain(self, nodes: Iterable[ast.AST | None], after: Step) -> Step:
        """The first step of these, evaluated one after the other."""
        for node in reversed([*nodes]):
            if node is not None and self._names_me(node):
                after = self._expression(node, after)
        return after

    def _expression(self, node: ast.AST, after: Step) -> Step:
        match node:
            case ast.Call():
                return self._call(node, after)
            case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self._me:
                if name in ANNOUNCES or name in self._life.source.methods:
                    self._lose(node, f"{name} is passed on instead of called")
                return after
            case ast.Name(id=me) if me == self._me:
                self._lose(node, f"{me} is passed on")
                return after
            case ast.Lambda():
                self._lose(node, "a function inside the method")
                return after
            case ast.BoolOp(values=[first, *others]):
                for value in reversed(others):
                    after = Step(next=[self._chain([value], after), after])
                return self._chain([first], after)
            case ast.IfExp():
                fork = Step(next=[self._chain([node.body], after), self._chain([node.orelse], after)])
                return self._chain([node.test], fork)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                head = Step(next=[after])
                first, *others = node.generators
                each = [
                    *first.ifs,
                    *others,
                    *(part for part in ast.iter_child_nodes(node) if part not in node.generators),
                ]
                head.next.append(self._chain(each, head))
                return self._chain([first.iter], head)
        return self._chain(ast.iter_child_nodes(node), after)

    def _call(self, node: ast.Call, after: Step) -> Step:
        arguments = [*node.args, *node.keywords]
        match node.func:
            case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self._me:
                if name == "spawn":
                    arguments = self._spawn(node)
                return self._chain(arguments, self._enter(node, name, 0, after))
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
                return self._chain(arguments, self._enter(node, name, self._depth + 1, after))
        return self._chain([node.func, *arguments], after)

    def _enter(self, node: ast.Call, name: str, depth: int, after: Step) -> Step:
        """The step into what is called."""
        step = self._step(node.func, line=node.func.end_lineno)
        source = self._life.source
        if depth < len(source.methods.get(name, ())):
            begin, end = self._life.method(name, depth)
            end.next.append(after)
            step.next.append(begin)
            return step
        step.next.append(after)
        if name in ANNOUNCES:
            queue = self._queue(node) if name in ("take", "hand_over") else ""
            step.call = VerbCall(self._life.role.name, self._method.name, name, step.line, step.file, queue)
        elif name not in QUIET:
            self._lose(node, f"{name} is no verb, and no method that can be read")
        return step

    def _spawn(self, node: ast.Call) -> list[ast.AST]:
        """Note who is spawned. What is left of the arguments."""
        method = role = ""
        left: list[ast.AST] = list(node.args[1:])
        match node.args[:1]:
            case [ast.Attribute(value=ast.Name(id=me), attr=name)] if me == self._me:
                method = name
        for keyword in node.keywords:
            if keyword.arg != "role":
                left.append(keyword)
                continue
            match keyword.value:
                case ast.Constant(value=str(name)):
                    role = name
                case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self._me:
                    role = self._life.source.constants.get(name) or ""
        self._life.spawns.append(Spawn(method, role, node.lineno, self._method.file))
        return left

    def _queue(self, node: ast.Call) -> str:
        for argument in [*node.args[-1:], *(keyword.value for keyword in node.keywords if keyword.arg == "queue")]:
            match argument:
                case ast.Attribute(value=ast.Name(id=me), attr=name) if me == self._me:
                    return name
        return ""

    # Both.

    def _step(self, node: ast.AST, line: int | None = None) -> Step:
        return Step(self._method.file, line or node.lineno)

    def _names_me(self, node: ast.AST) -> bool:
        return any(isinstance(one, ast.Name) and one.id in (self._me, "super") for one in ast.walk(node))

    def _lose(self, node: ast.AST, why: str) -> None:
        if self._names_me(node):
            self._life.role.unread.append(f"line {node.lineno}: {why}")


def _guard(case: ast.match_case) -> list[ast.stmt]:
    return [] if case.guard is None else [ast.copy_location(ast.Expr(case.guard), case.guard)]
