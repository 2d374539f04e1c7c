"""What is known of the names in one call of a method: which hold a queue, a plain value, or what a verb gave."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teachserve.topology.verbs import VERBS
from teachserve.topology.words import said

if TYPE_CHECKING:
    from teachserve.topology.members import Method

RUNS_ANYTHING = frozenset({"eval", "exec", "locals", "vars"})
"""Built-in functions through which the taskmaster is come by without its name."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a name is known to hold: an attribute of the taskmaster, a plain value, or what a `verb` gave."""

    words: str
    attribute: bool = False
    verb: str = ""


class Names:
    """The names of a method, where `given` is what it was called with, and `me` the taskmaster's."""

    def __init__(self, method: "Method", me: str, given: Mapping[str, Given]) -> None:
        self.method, self.me = method, me
        self._known: dict[str, Given] = {}
        self._known = self._names(given)

    def given(self, node: ast.expr) -> Given | None:
        """What this expression is known to be."""
        match node:
            case ast.Name(id=name):
                return self._known.get(name)
            case ast.NamedExpr(value=value):
                return self.given(value)
            case ast.Constant(value=str() | int() | None):
                return Given(repr(node.value))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=me), attr=name)) if me == self.me and name in VERBS:
                return Given(said(node, me), verb=name)
            case ast.Attribute():
                return Given(said(node, self.me), attribute=True) if self.names_me(node) else None
        return None

    def _names(self, given: Mapping[str, Given]) -> dict[str, Given]:
        """The names that hold the same all through the method."""
        arguments = ast.walk(self.method.node.args)
        known = {one.arg: given.get(one.arg) for one in arguments if isinstance(one, ast.arg)}
        valued = {}
        for node in ast.walk(self.method.node):
            match node:
                case (
                    ast.NamedExpr(target=ast.Name() as target, value=value)
                    | ast.Assign(targets=[ast.Name() as target], value=value)
                ):
                    valued[target] = value
        for node in ast.walk(self.method.node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                value = self.given(valued[node]) if node in valued else None
                known[node.id] = value if known.get(node.id, value) == value else None
        return {name: value for name, value in known.items() if value is not None}

    def bound(self, method: "Method", arguments: list[ast.expr], keywords: list[ast.keyword]) -> dict[str, Given]:
        """What the parameters of a method are known to hold in this call of it."""
        if any(isinstance(one, ast.Starred) for one in arguments) or not all(one.arg for one in keywords):
            return {}
        names = method.parameters
        values = {name: value for name, value in method.defaults.items() if isinstance(value, ast.Constant)}
        values |= zip(names[1:], arguments, strict=False)
        values |= {one.arg: one.value for one in keywords}
        bound = ((name, self.given(value)) for name, value in values.items())
        return {name: given for name, given in bound if given is not None}

    def names_me(self, node: ast.AST) -> bool:
        """Whether the taskmaster is named in it, or something that may come to it without its name."""
        names = {self.me, "super", *RUNS_ANYTHING}
        return any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(node))
