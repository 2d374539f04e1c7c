"""An architecture's source: its class, and the methods that it has or inherits. It is parsed, and never run."""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path

from teachserve.topology.members import Members, Method, statements
from teachserve.topology.points import Unread
from teachserve.topology.words import first_sentence

BASE_MODULE = "teachserve.taskmaster"
"""Where the class that has the verbs comes from; what lies above it is not the architecture's."""
BASE = "Taskmaster"
QUEUE = "Queue"
QUEUE_MODULES = (BASE_MODULE, "teachserve.queues")


@dataclass(frozen=True)
class Source:
    """What can be read of an architecture.

    `methods` holds each name's definitions, the one that is called first, then those that `super()` reaches. `constants`
    are the plain values that the class gives names, None for any other value. `queues` are its named queues, a base's
    before its own, each with the file and the line in which it is made. `unread` says what could not be followed; empty:
    the class is known in full. `is_taskmaster`: it inherits from the class that has the verbs, or from one that cannot be read.
    """

    file: str
    name: str
    line: int = 0
    sentence: str = ""
    methods: Mapping[str, tuple[Method, ...]] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    queues: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    is_taskmaster: bool = True

    @classmethod
    def read(cls, file: str, name: str) -> "Source":
        """The class of this name in this file. Raises: OSError, SyntaxError, LookupError for a class that is not there."""
        return cls.of(Module(file), name)

    @classmethod
    def of(cls, module: "Module", name: str) -> "Source":
        """The same in a file that is parsed already. Raises: LookupError."""
        if name not in module.classes:
            raise LookupError(f"there is no class {name} in it")
        unread: list[Unread] = []
        lines = lineage(module, module.classes[name], unread)
        is_taskmaster = None in lines or bool(unread)
        members = Members(unread)
        for rank, place in enumerate(lines):
            members.add(rank, place)
        unread += members.settle()
        node = module.classes[name]
        return cls(
            module.file, name, node.lineno, first_sentence(ast.get_docstring(node)) or module.sentence,
            {one: tuple(several) for one, several in members.methods.items()}, members.constants,
            {queue: place for made in reversed(members.queues.values()) for queue, place in made.items()},
            tuple(dict.fromkeys(unread)), is_taskmaster,
        )  # fmt: skip

    def above(self, method: Method, name: str) -> tuple[Method, ...]:
        """What `super().name` finds in this method, the first first."""
        return tuple(one for one in self.methods.get(name, ()) if one.rank > method.rank)


class Module:
    """A parsed file: its classes, and where its names come from."""

    def __init__(self, file: str) -> None:
        self.file = file
        content = Path(file).read_bytes()  # which says itself how it is encoded
        try:
            self.tree = ast.parse(content, Path(file).name)
        except (RecursionError, MemoryError):
            raise SyntaxError("what it writes is nested too deep") from None

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes by name, the last of each name; one within a function or a class only where there is no other."""
        within = {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}
        return within | {node.name: node for node in statements(self.tree.body) if isinstance(node, ast.ClassDef)}

    @property
    def sentence(self) -> str:
        """The first sentence of its docstring, "" without one."""
        return first_sentence(ast.get_docstring(self.tree))

    def makes_queue(self, value: ast.expr | None) -> bool:
        """Whether this expression is a named queue."""
        if not isinstance(value, ast.Call):
            return False
        prefix, _, last = ast.unparse(value.func).rpartition(".")
        module, there = self.imported.get(prefix or last, ("", ""))
        if not prefix:
            return there == QUEUE and module in QUEUE_MODULES
        return last == QUEUE and ".".join(filter(None, (module, there))) in QUEUE_MODULES

    @cached_property
    def imported(self) -> dict[str, tuple[str, str]]:
        """Name here -> (module, name there); "" for the module itself. Relative modules keep their dots."""
        found = {}
        for node in ast.walk(self.tree):
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


Place = tuple[Module, ast.ClassDef]


def lineage(module: Module, node: ast.ClassDef, unread: list[Unread]) -> list[Place | None]:
    """The class and what it inherits from, in the order in which Python looks; None stands for the one that has the verbs.

    What is not found goes to `unread`.
    """
    lines: list[list[Place | None]] = []
    for base in node.bases:
        name = ast.unparse(base)
        if name == "object" and name not in module.imported:
            continue
        try:
            found = _base(module, name, node)
        except (OSError, SyntaxError, LookupError, ValueError, RecursionError) as error:
            why = f"the base class {name} of {node.name} cannot be read: {error}"
            unread.append(Unread(module.file, base.lineno, why))
            continue
        lines.append([None] if found is None else lineage(*found, unread))
    try:
        return [(module, node), *_merged([*lines, [line[0] for line in lines]])]
    except LookupError as error:
        unread.append(Unread(module.file, node.lineno, f"{error} of {node.name}"))
        return [(module, node), *(place for line in lines for place in line)]


def _merged(lines: list[list[Place | None]]) -> list[Place | None]:
    """As Python merges the lines of several bases: nobody comes before what inherits from it. Raises: LookupError."""
    places = {_key(place): place for line in lines for place in line}
    keys = [[_key(place) for place in line] for line in lines]
    found = []
    while keys := [line for line in keys if line]:
        first = next((line[0] for line in keys if not any(line[0] in other[1:] for other in keys)), None)
        if first is None:
            raise LookupError("there is no order for the bases")
        found.append(places[first])
        keys = [[key for key in line if key != first] for line in keys]
    return found


def _key(place: Place | None) -> tuple[str, str]:
    return (str(Path(place[0].file).resolve()), place[1].name) if place else ("", BASE)


def _base(module: Module, name: str, node: ast.ClassDef) -> Place | None:
    """The class that is meant; None for the one that has the verbs."""
    prefix, _, last = name.rpartition(".")
    if not prefix and last in module.classes and module.classes[last] is not node:
        return module, module.classes[last]
    origin, there = module.imported.get(prefix or last, ("", ""))
    if prefix:
        dot = "" if not there or origin.endswith(".") else "."
        origin, there = f"{origin}{dot}{there}", last
    if (origin, there) == (BASE_MODULE, BASE):
        return None
    if not origin:
        raise LookupError(f"its module {prefix or module.file} is not found")
    other = module.other(origin)
    if there not in other.classes and other.imported.get(there) == (BASE_MODULE, BASE):
        return None
    return other.defines(there)
