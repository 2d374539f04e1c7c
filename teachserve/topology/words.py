"""A source's own words, made short: for conditions, calls and sentences."""

import ast
import copy
import re

_NEGATED: dict[type, type] = {
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip


def said(node: ast.AST, me: str) -> str:
    """An expression without `self.` and without what it assigns: `connection is not None`. `me` is self's name."""
    return ast.unparse(_Shorter(me).visit(copy.deepcopy(node)))


def both(test: ast.expr, me: str) -> tuple[str, str]:
    """What a test says where it holds, and where it does not."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            no, yes = both(operand, me)
            return yes, no
        case ast.Compare(ops=[operator]):
            other = copy.deepcopy(test)
            other.ops = [_NEGATED[type(operator)]()]
            return said(test, me), said(other, me)
    return said(test, me), said(ast.UnaryOp(ast.Not(), test), me)


def first_sentence(docstring: str | None) -> str:
    """The first sentence of a docstring, on one line; "" without one."""
    text = " ".join((docstring or "").split("\n\n")[0].split())
    found = re.match(r".*?[.!?](?=\s+[^a-z0-9\s]|$)", text)
    return found[0] if found else text


class _Shorter(ast.NodeTransformer):
    def __init__(self, me: str) -> None:
        self._me = me

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return node.target

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node.value:
            case ast.Name(id=me) if me == self._me:
                return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)
