"""Forms of the source that are known by their looks: a call of one's own, a loop and how often it runs, a generator."""

import ast
from collections.abc import Iterator

from teachserve.topology.words import said

EACH = ("1 for each", "any number")
"""How often a while loop does something begins so."""


def acts(node: ast.AST, me: str) -> bool:
    """Whether something of the taskmaster's is called in it."""
    calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return any(isinstance(one, ast.Name) and one.id in (me, "super") for func in calls for one in ast.walk(func))


def is_mine(arguments: list[ast.expr], me: str) -> bool:
    """Whether the first of these is a method of the taskmaster, written in plain words."""
    match arguments:
        case [ast.Attribute(value=ast.Name(id=name))]:
            return name == me
    return False


def is_super(node: ast.expr, owner: str, me: str) -> bool:
    """Whether this is looked for behind the class `owner`, in which it stands: `super().name`, `super(owner, me).name`."""
    match node:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[])):
            return True
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[ast.Name(id=first), ast.Name(id=second)])):
            return (first, second) == (owner, me)
    return False


def range_of(node: ast.For | ast.comprehension) -> ast.expr | None:
    """How often the loop runs, where it runs so often as a number says."""
    match node.iter:
        case ast.Call(func=ast.Name(id="range"), args=[count], keywords=[]):
            return count
    return None


def times(node: ast.For | ast.comprehension, me: str) -> str:
    """How often a for loop runs, in the source's own words."""
    count = range_of(node)
    return said(count, me) if count is not None else f"1 for each {said(node.target, me)} in {said(node.iter, me)}"


def each(node: ast.While, me: str) -> str:
    """What a while loop does something for each of: what it accepts or takes first."""
    calls = [one for part in [node.test, *node.body] for one in ast.walk(part) if isinstance(one, ast.Call)]
    for call in sorted(calls, key=lambda one: (one.end_lineno, one.end_col_offset)):
        match call.func:
            case ast.Attribute(value=ast.Name(id=name), attr="accept") if name == me:
                return "1 for each connection"
            case ast.Attribute(value=ast.Name(id=name), attr="take" | "select") if name == me:
                return f"1 for each {said(call, me)}"
    return "any number"


def tells_what_it_gives(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a call of it can only give plain values that are written in it, or None."""
    if isinstance(node, ast.AsyncFunctionDef) or node.decorator_list or any(yields(node)):
        return False
    returned = (one.value for one in own(node) if isinstance(one, ast.Return))
    return all(value is None or isinstance(value, ast.Constant) for value in returned)


def own(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in this function, and not in one within it."""
    for one in ast.iter_child_nodes(node):
        yield one
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from own(one)


def yields(node: ast.AST) -> Iterator[ast.Yield | ast.YieldFrom]:
    """What makes a generator of this function, and not of one within it."""
    return (one for one in own(node) if isinstance(one, ast.Yield | ast.YieldFrom))
