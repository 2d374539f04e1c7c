"""Where an architecture's source is. Nothing of a student's is imported or run for it."""

import sys
from pathlib import Path

from teachserve.architectures import looked_in, named
from teachserve.errors import UnknownArchitecture
from teachserve.topology.source import Module, Source, module_file


def locate(architecture: str) -> tuple[str, str]:
    """(file, class) of an architecture given by name or as `module:Class`, as `Topology.read` takes them.

    It is looked for along sys.path, as an import would, and followed to where the class is defined; nothing is run.
    Raises: UnknownArchitecture, which says what was looked for and where.
    """
    module_name, class_name = named(architecture)
    file = module_file(module_name, sys.path)
    if file is None:
        raise UnknownArchitecture(f"cannot find the file of {module_name!r}; {looked_in()}")
    try:
        module = Module(file)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnknownArchitecture(f"cannot read {file}: {error}") from error
    try:
        found, node = module.defines(class_name)
    except (OSError, SyntaxError, LookupError, ValueError, RecursionError) as error:
        if class_name not in module.imported:
            able = ", ".join(module.classes) or "none"
            raise UnknownArchitecture(f"{module_name} has no class {class_name!r}: it defines {able}") from None
        raise UnknownArchitecture(f"cannot read where {module_name} has {class_name} from: {error}") from error
    return found.file, node.name


def is_same(recorded: str, architecture: str) -> bool:
    """Whether both names lead to one class in one file, as far as can be told: the first may be of another machine.

    Raises: UnknownArchitecture, where the second leads nowhere.
    """
    there, class_name = locate(architecture)
    try:
        file, name = locate(recorded)
    except UnknownArchitecture:
        return True
    return (Path(file).resolve(), name) == (Path(there).resolve(), class_name)


def of_file(architecture: str) -> str:
    """`module:Class` of an architecture that is given as a file, `mine.py` or `mine.py:Class`; another one as it is.

    The file's folder is put at the beginning of sys.path. Raises: UnknownArchitecture for a file that cannot be read, or that
    has no taskmaster, or several, where none is named.
    """
    name, _, class_name = architecture.partition(":")
    file = Path(name)
    if file.suffix != ".py" or not (file.exists() or "/" in name or not class_name):
        return architecture
    try:
        classes = [class_name] if class_name else _taskmasters(str(file))
    except (OSError, SyntaxError, ValueError) as error:
        raise UnknownArchitecture(f"cannot read {name}: {error}") from error
    if len(classes) != 1:
        able = f"{len(classes)} taskmasters: name one, as {name}:{classes[0]}" if classes else "no taskmaster"
        raise UnknownArchitecture(f"{name} has {able}")
    sys.path.insert(0, str(file.parent.resolve()))
    return f"{file.stem}:{classes[0]}"


def _taskmasters(file: str) -> list[str]:
    """The classes of a file that are taskmasters. Raises: OSError, SyntaxError, ValueError."""
    module = Module(file)
    return [name for name in module.classes if Source.of(module, name).is_taskmaster]
