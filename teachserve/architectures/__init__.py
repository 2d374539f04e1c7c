"""The architectures: one file each, short enough to project on a wall. The differences between them are the lesson."""

import difflib
import importlib
import sys

from teachserve.errors import UnknownArchitecture, told
from teachserve.taskmaster import Taskmaster

NAMES: dict[str, str] = {
    "single-thread": "teachserve.architectures.single_thread:SingleThread",
    "thread-per-connection": "teachserve.architectures.thread_per_connection:ThreadPerConnection",
    "thread-pool": "teachserve.architectures.thread_pool:ThreadPool",
    "recycling": "teachserve.architectures.recycling:Recycling",
    "event-loop": "teachserve.architectures.event_loop:EventLoop",
}


def named(text: str) -> tuple[str, str]:
    """(module, class) that a name, or `module:Class`, stands for; imports nothing. Raises: UnknownArchitecture."""
    module_name, colon, class_name = NAMES.get(text, text).partition(":")
    if not colon or not module_name or not class_name:
        close = difflib.get_close_matches(text, NAMES, 1, 0.5)
        guess = f"did you mean {close[0]}?" if close else f"give one of {', '.join(NAMES)}, or module:Class"
        raise UnknownArchitecture(f"there is no architecture {text!r}: {guess}")
    return module_name, class_name


def looked_in() -> str:
    """Where a module was looked for, as part of a sentence."""
    return f"looked in {', '.join(folder or '.' for folder in sys.path[:2])}, ..."


def find(architecture: str | type[Taskmaster]) -> tuple[str, type[Taskmaster]]:
    """(name, class) of an architecture given by name, as `module:Class`, or as the class itself.

    Raises: UnknownArchitecture, which says what was looked for and what comes close.
    """
    if isinstance(architecture, type) and issubclass(architecture, Taskmaster):
        return next((n for n, path in NAMES.items() if path.endswith(f":{architecture.__name__}")
                     and path.startswith(architecture.__module__)), architecture.__name__), architecture  # fmt: skip
    text = str(architecture)
    module_name, class_name = named(text)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UnknownArchitecture(f"cannot import {module_name!r} ({error}); {looked_in()}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a student's module may do anything when it is imported, sys.exit included
        raise UnknownArchitecture(f"cannot import {text}: {told(error)}") from error
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, Taskmaster)):
        able = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Taskmaster)]
        raise UnknownArchitecture(
            f"{module_name} has no taskmaster {class_name!r}: it defines {', '.join(able) or 'none'}"
        )
    return text, found
