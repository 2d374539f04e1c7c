"""Where an architecture's source is. Nothing of a student's is imported or run for it."""

import sys

from teachserve.architectures import named
from teachserve.errors import UnknownArchitecture
from teachserve.topology.source import Module, module_file


def locate(architecture: str) -> tuple[str, str]:
    """(file, class) of an architecture given by name or as `module:Class`, as `Topology.read` takes them.

    It is looked for along sys.path, as an import would, and followed to where the class is defined; nothing is run.
    Raises: UnknownArchitecture, which says what was looked for and where.
    """
    module_name, class_name = named(architecture)
    file = module_file(module_name, sys.path)
    if file is None:
        where = ", ".join(sys.path[:2]) or "."
        raise UnknownArchitecture(f"cannot find the file of {module_name!r}; looked in {where}, ...")
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
