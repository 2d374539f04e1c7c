"""An architecture's source: its class, and the methods that it has or inherits. It is parsed, and never run."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path

BASE_MODULES = ("teachserve.taskmaster", "teachserve")
"""Where the class that has the verbs comes from; what lies above it is not the architecture's."""
BASE = "Taskmaster"


@dataclass(frozen=True, slots=True)
class Method:
    """A method as it stands in a file, and the class that defines it."""

    name: str
    owner: str
    file: str
    node: ast.FunctionDef


@dataclass(frozen=True)
class Source:
    """What can be read of an architecture.

    `methods` holds each name's definitions, the one that is called first, then those that `super()` reaches. `unread`
    says in a sentence each what could not be followed; empty: the class is known in full.
    """

    file: str
    name: str
    methods: Mapping[str, tuple[Method, ...]] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: str, name: str) -> "Source":
        """The class of this name in this file. Raises: OSError, SyntaxError, LookupError for a class that is not there."""
        module = Module(file)
        if name not in module.classes:
            raise LookupError(f"there is no class {name} in it")
        methods: dict[str, list[Method]] = {}
        constants: dict[str, object] = {}
        unread: list[str] = []
        for where, node in lineage(module, module.classes[name], unread):
            for statement in node.body:
                if isinstance(statement, ast.FunctionDef):
                    found = Method(statement.name, node.name, where.file, statement)
                    methods.setdefault(statement.name, []).append(found)
                for constant, value in assigned(statement):
                    constants.setdefault(constant, value)
        return cls(file, name, {one: tuple(found) for one, found in methods.items()}, constants, tuple(unread))


class Module:
    """A parsed file: its classes, and where its names come from."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._tree = ast.parse(Path(file).read_text(encoding="utf-8"))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes by name, the last of each name."""
        return {node.name: node for node in ast.walk(self._tree) if isinstance(node, ast.ClassDef)}

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
        spec = None
        for name in filter(None, module.strip(".").split(".")):
            spec = PathFinder.find_spec(name, path)
            if spec is None:
                return None
            path = list(spec.submodule_search_locations or ())
        if spec is None:
            return str(Path(path[0]) / "__init__.py")
        return spec.origin


def lineage(module: Module, node: ast.ClassDef, unread: list[str]) -> Iterator[tuple[Module, ast.ClassDef]]:
    """The class and its bases up to the one that has the verbs, depth first. What is not found goes to `unread`."""
    yield module, node
    for base in node.bases:
        name = ast.unparse(base)
        yield from _base(module, name, node, unread)


def _base(module: Module, name: str, node: ast.ClassDef, unread: list[str]) -> Iterator[tuple[Module, ast.ClassDef]]:
    prefix, _, last = name.rpartition(".")
    if not prefix and last in module.classes and module.classes[last] is not node:
        yield from lineage(module, module.classes[last], unread)
        return
    origin, there = module.imported.get(prefix or last, (None, ""))
    there = last if prefix else there
    if origin in BASE_MODULES and there == BASE:
        return
    file = module.module_file(origin) if origin else None
    try:
        if file is None:
            raise LookupError(f"its module {origin or prefix or module.file} is not found")
        other = Module(file)
        if there in other.classes:
            yield from lineage(other, other.classes[there], unread)
        elif there in other.imported:
            yield from _base(other, there, node, unread)
        else:
            raise LookupError(f"{file} does not define it")
    except (OSError, SyntaxError, LookupError) as error:
        unread.append(f"the base class {name} of {node.name} cannot be read: {error}")


def assigned(statement: ast.stmt) -> Iterator[tuple[str, object]]:
    """The names that a statement of a class gives a value, and the value where it is a plain one, else None."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=target, value=value):
            targets = [target]
        case _:
            return
    for target in targets:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                yield name.id, value.value if isinstance(value, ast.Constant) else None
