"""An architecture's source: its class, and the methods that it has or inherits. It is parsed, and never run."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path

from teachserve.topology.points import Unread
from teachserve.topology.words import first_sentence

BASE_MODULES = ("teachserve.taskmaster", "teachserve")
"""Where the class that has the verbs comes from; what lies above it is not the architecture's."""
BASE = "Taskmaster"
QUEUE = "Queue"


@dataclass(frozen=True, slots=True)
class Method:
    """A method as it stands in a file, and the class that defines it, which is the `rank`th that is looked into."""

    name: str
    owner: str
    file: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    rank: int = 0


@dataclass(frozen=True)
class Source:
    """What can be read of an architecture.

    `methods` holds each name's definitions, the one that is called first, then those that `super()` reaches. `constants`
    are the plain values that the class gives names, None for any other value. `queues` are its named queues, a base's
    before its own. `unread` says what could not be followed; empty: the class is known in full.
    """

    file: str
    name: str
    line: int = 0
    sentence: str = ""
    methods: Mapping[str, tuple[Method, ...]] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    @classmethod
    def read(cls, file: str, name: str) -> "Source":
        """The class of this name in this file. Raises: OSError, SyntaxError, LookupError for a class that is not there."""
        module = Module(file)
        if name not in module.classes:
            raise LookupError(f"there is no class {name} in it")
        methods: dict[str, list[Method]] = {}
        constants: dict[str, object] = {}
        queues: dict[int, list[str]] = {}
        unread: list[Unread] = []
        found: dict[tuple[str, str], tuple[Module, ast.ClassDef]] = {}
        for where, one in lineage(module, module.classes[name], unread):
            found.pop((where.file, one.name), None)  # a base that is met again comes after both
            found[where.file, one.name] = where, one
        for rank, (where, one) in enumerate(found.values()):
            for decorator in one.decorator_list:
                why = f"{one.name} is wrapped in {ast.unparse(decorator)}, which may change it"
                unread.append(Unread(where.file, decorator.lineno, why))
            for statement in one.body:
                if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                    method = Method(statement.name, one.name, where.file, statement, rank)
                    methods.setdefault(statement.name, []).append(method)
                for constant, value in assigned(statement):
                    constants.setdefault(constant, value.value if isinstance(value, ast.Constant) else None)
                    if where.makes_queue(value):
                        queues.setdefault(rank, []).append(constant)
        node = module.classes[name]
        return cls(
            file, name, node.lineno, first_sentence(ast.get_docstring(node)) or module.sentence,
            {one: tuple(several) for one, several in methods.items()}, constants,
            tuple(dict.fromkeys(queue for names in reversed(queues.values()) for queue in names)), tuple(unread),
        )  # fmt: skip

    def above(self, method: Method, name: str) -> tuple[Method, ...]:
        """What `super().name` finds in this method, the first first."""
        return tuple(one for one in self.methods.get(name, ()) if one.rank > method.rank)


class Module:
    """A parsed file: its classes, and where its names come from."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._tree = ast.parse(Path(file).read_text(encoding="utf-8"))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes by name, the last of each name."""
        return {node.name: node for node in ast.walk(self._tree) if isinstance(node, ast.ClassDef)}

    @property
    def sentence(self) -> str:
        """The first sentence of its docstring, "" without one."""
        return first_sentence(ast.get_docstring(self._tree))

    def makes_queue(self, value: ast.expr | None) -> bool:
        """Whether this expression is a named queue."""
        if not isinstance(value, ast.Call):
            return False
        name = ast.unparse(value.func)
        return self.imported.get(name, ("", name.rpartition(".")[2]))[1] == QUEUE

    @cached_property
    def imported(self) -> dict[str, tuple[str, str]]:
        """Name here -> (module, name there); "" for the module itself. Relative modules keep their dots."""
        found = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found |= {name.asname or name.name: (module, name.name) for name in node.names}
            elif isinstance(node, ast.Import):
                found |= {name.asname or name.name: (name.name, "") for name in node.names}
        return found

    def module_file(self, module: str) -> str | None:
        """The file of a module that is imported here; None: it is not found. Nothing of it is run."""
        dots = len(module) - len(module.lstrip("."))
        folder = Path(self.file).resolve().parent
        path = [str(folder), *sys.path]
        if dots:
            path = [str(folder.parents[dots - 2] if dots > 1 else folder)]
        return module_file(module.strip("."), path)

    def defines(self, name: str) -> "tuple[Module, ast.ClassDef]":
        """The class that this name means here, and the module that defines it. Raises: OSError, SyntaxError, LookupError."""
        if name in self.classes:
            return self, self.classes[name]
        if name not in self.imported:
            raise LookupError(f"{self.file} does not define it")
        origin, there = self.imported[name]
        return self.other(origin).defines(there)

    def other(self, origin: str) -> "Module":
        """A module that is imported here. Raises: OSError, SyntaxError, LookupError."""
        file = self.module_file(origin)
        if file is None:
            raise LookupError(f"its module {origin} is not found")
        return Module(file)


def module_file(module: str, path: list[str]) -> str | None:
    """The file of a module that is looked for along a path; None: it is not found. Nothing of it is run."""
    spec = None
    for name in filter(None, module.split(".")):
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or ())
    if spec is None:
        return str(Path(path[0]) / "__init__.py")
    return spec.origin


def lineage(module: Module, node: ast.ClassDef, unread: list[Unread]) -> Iterator[tuple[Module, ast.ClassDef]]:
    """The class and its bases up to the one that has the verbs, depth first. What is not found goes to `unread`."""
    yield module, node
    for base in node.bases:
        name = ast.unparse(base)
        try:
            found = _base(module, name, node)
        except (OSError, SyntaxError, LookupError, ValueError, RecursionError) as error:
            why = f"the base class {name} of {node.name} cannot be read: {error}"
            unread.append(Unread(module.file, base.lineno, why))
            continue
        if found is not None:
            yield from lineage(*found, unread)


def _base(module: Module, name: str, node: ast.ClassDef) -> tuple[Module, ast.ClassDef] | None:
    """The class that is meant; None for the one that has the verbs, and for object."""
    prefix, _, last = name.rpartition(".")
    if not prefix and last in module.classes and module.classes[last] is not node:
        return module, module.classes[last]
    origin, there = module.imported.get(prefix or last, ("", ""))
    if prefix:
        dot = "" if not there or origin.endswith(".") else "."
        origin, there = f"{origin}{dot}{there}", last
    if (origin in BASE_MODULES and there == BASE) or (name == "object" and not origin):
        return None
    if not origin:
        raise LookupError(f"its module {prefix or module.file} is not found")
    other = module.other(origin)
    if there not in other.classes and other.imported.get(there) in [(one, BASE) for one in BASE_MODULES]:
        return None
    return other.defines(there)


def assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that a statement of a class gives a value, and the value, where it can be told which is whose."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=target, value=value):
            targets = [target]
        case _:
            return
    for target in targets:
        match target, value:
            case ast.Name(id=name), _:
                yield name, value
            case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                yield from (
                    (name.id, one) for name, one in zip(names, values, strict=True) if isinstance(name, ast.Name)
                )
            case _:
                yield from ((name.id, None) for name in ast.walk(target) if isinstance(name, ast.Name))
