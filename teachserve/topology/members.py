"""What the body of a class gives its names: methods, plain values, queues; and what gives them another value elsewhere."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teachserve.topology.points import Unread
from teachserve.topology.verbs import VERBS

if TYPE_CHECKING:
    from teachserve.topology.source import Place

INHERITED = VERBS | {"start"}
"""What a base that comes behind the class with the verbs cannot define any more."""
CHANGING = frozenset({"__getattribute__", "__setattr__", "__new__", "__init_subclass__"})
"""Methods that may give any name another meaning."""
FOLLOWED = frozenset({"__init__"})
"""Of the methods that Python calls by itself, those that are followed."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method as it stands in a file, and the class that defines it, which is the `rank`th that is looked into."""

    name: str
    owner: str
    file: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    rank: int = 0

    @property
    def parameters(self) -> list[str]:
        """Those that are told by their position."""
        return [one.arg for one in self.node.args.posonlyargs + self.node.args.args]

    @property
    def me(self) -> str:
        """The name of its first parameter, "" without one."""
        return next(iter(self.parameters), "")

    @property
    def defaults(self) -> dict[str, ast.expr]:
        """Parameter -> what it holds where it is not given."""
        arguments = self.node.args
        with_one = self.parameters[len(self.parameters) - len(arguments.defaults) :]
        found = dict(zip(with_one, arguments.defaults, strict=True))
        by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        return found | {one.arg: value for one, value in by_name if value is not None}


class Members:
    """The names of a class and of its bases, added in the order in which Python looks into them.

    `methods`, `constants` and, by rank, `queues` are those of `Source`; what cannot be told goes to `unread`.
    """

    def __init__(self, unread: list[Unread]) -> None:
        self.methods: dict[str, list[Method]] = {}
        self.constants: dict[str, object] = {}
        self.queues: dict[int, dict[str, tuple[str, int]]] = {}
        self._unread = unread
        self._hidden: frozenset[str] = frozenset()
        self._places: list[Place] = []

    def add(self, rank: int, place: "Place | None") -> None:
        """One more class. None: the one that has the verbs, which hides those that come after."""
        if place is None:
            self._hidden |= INHERITED
            return
        module, node = place
        self._places.append(place)
        for changing in [*node.decorator_list, *node.keywords]:
            why = f"{node.name} is wrapped in {ast.unparse(changing)}, which may change it"
            self._unread.append(Unread(module.file, changing.lineno, why))
        for name, (line, given) in bound(node.body).items():
            if name in VERBS and name not in self._hidden:
                self._unread.append(Unread(module.file, line, f"{name} hides the verb of that name, which is refused"))
            self.constants.setdefault(name, given.value if isinstance(given, ast.Constant) else None)
            if isinstance(given, ast.FunctionDef | ast.AsyncFunctionDef):
                if name not in self._hidden:
                    self._method(Method(name, node.name, module.file, given, rank))
            else:  # whatever it is: it hides what the bases have of this name
                self._hidden |= {name}
                if module.makes_queue(given):
                    self.queues.setdefault(rank, {})[name] = module.file, line

    def _method(self, method: Method) -> None:
        self.methods.setdefault(method.name, []).append(method)
        if not method.name.startswith("__") or method.name in FOLLOWED:
            return
        if method.name in CHANGING:
            why = f"{method.name} may give any name another meaning"
        elif any(method.me == me and attribute in INHERITED for me, attribute, _ in _attributes(method.node)):
            why = f"when {method.name} runs is not written"
        else:
            return
        self._unread.append(Unread(method.file, method.node.lineno, why))

    def settle(self) -> Iterator[Unread]:
        """What gives one of these names another value, in a method or in the module. Such a constant is none."""
        known = {*self.methods, *VERBS, *(queue for names in self.queues.values() for queue in names)}
        for file, line, owner, name in self._given():
            if name in known:
                yield Unread(file, line, f"{f'{owner}.' if owner else ''}{name} is given another value")
            if name in self.constants:
                self.constants[name] = None
        for module, node in self._places:
            others = [one for one in statements(module.tree.body) if one is not node and node.name in _names(one)]
            if node in module.tree.body:
                others = [one for one in others if one.lineno > node.lineno]
            if others:
                yield Unread(module.file, others[-1].lineno, f"{node.name} is something else from here on, or may be")

    def _given(self) -> Iterator[tuple[str, int, str, str]]:
        """File, line, class and name of each attribute that is given a value; "" for the taskmaster itself."""
        for methods in self.methods.values():
            for method in methods:
                for me, name, node in _attributes(method.node):
                    if me == method.me and not isinstance(node.ctx, ast.Load):
                        yield method.file, node.lineno, "", name
        for module, owner in self._places:
            for me, name, node in _attributes(module.tree):
                if me == owner.name and not isinstance(node.ctx, ast.Load):
                    yield module.file, node.lineno, owner.name, name
            for node in ast.walk(module.tree):
                match node:
                    case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=me), ast.Constant(value=name), *_]):
                        if me == owner.name:
                            yield module.file, node.lineno, owner.name, str(name)


def bound(body: list[ast.stmt]) -> dict[str, tuple[int, ast.AST | None]]:
    """Name -> line, and the definition or the value that it is given last; None for what cannot be told."""
    found: dict[str, tuple[int, ast.AST | None]] = {}
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = statement.lineno, statement
            case ast.AnnAssign(value=None):
                pass
            case ast.Assign() | ast.AnnAssign():
                found |= {name: (statement.lineno, value) for name, value in assigned(statement)}
            case _:
                for one in statements([statement]):
                    found |= dict.fromkeys(_names(one), (one.lineno, None))
    return found


def assigned(statement: ast.Assign | ast.AnnAssign) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that are given a value, and the value, where it can be told which is whose."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for target in targets:
        match target, statement.value:
            case ast.Name(id=name), value:
                yield name, value
            case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                yield from (
                    (name.id, one) for name, one in zip(names, values, strict=True) if isinstance(name, ast.Name)
                )
            case _:
                yield from ((name.id, None) for name in ast.walk(target) if isinstance(name, ast.Name))


def statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """These statements, and those within them that stand in the same scope."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            yield from statements(ast.iter_child_nodes(node))


def _names(node: ast.AST) -> list[str]:
    """The names that one statement binds, without the statements within it."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(one.asname or one.name).partition(".")[0] for one in names]
        case ast.expr():
            return [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)]
    return []


def _attributes(node: ast.AST) -> Iterator[tuple[str, str, ast.Attribute]]:
    """Each attribute of a plain name: that name, and its own."""
    for one in ast.walk(node):
        match one:
            case ast.Attribute(value=ast.Name(id=me), attr=name):
                yield me, name, one
