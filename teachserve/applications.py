"""Finds an application by its import string, `module:name`."""

import difflib
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from teachserve.errors import ApplicationError, told
from teachserve.handlers import Routes
from teachserve.message import Request, Response
from teachserve.wsgi import Wsgi


def find(text: str, *, factory: bool = False, folder: Path | None = None) -> Callable[[Request], Response]:
    """The handler for `module:name`; with `factory` the name is called without arguments to make the application.

    A `Routes` serves as it is, anything else is taken for WSGI. `folder` is looked in before all other places, the current
    one if None. Raises: ApplicationError, which says what was looked for and where.
    """
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        raise ApplicationError(f"{text!r} names no application: give it as module:name, such as myapp:app")
    where = (folder or Path.cwd()).resolve()
    try:
        is_folder = where.is_dir()
    except OSError:  # the system does not even look: the name is too long, or in a folder that is closed to us
        is_folder = False
    if not is_folder:
        raise ApplicationError(f"--app-dir {folder} is no folder: give the one in which {module_name} lies")
    sys.path.insert(0, str(where))
    application = _attribute(_import(module_name, where), module_name, name)
    if factory:
        try:
            application = application()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise ApplicationError(f"{text}, called as a factory, failed: {told(error)}") from error
    if not callable(application):
        raise ApplicationError(
            f"{text} is no application: it is of type {type(application).__name__} and cannot be called"
        )
    return application if isinstance(application, Routes) else Wsgi(application)


def _import(module_name: str, where: Path) -> object:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise ApplicationError(
                f"there is no module {error.name!r}: looked in {where} and on Python's path; see --app-dir"
            ) from error
        raise ApplicationError(f"module {module_name!r} cannot be imported: {told(error)}") from error
    except BaseException as error:  # a module may do anything when it is imported, sys.exit included
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ApplicationError(f"module {module_name!r} cannot be imported: {told(error)}") from error


def _attribute(module: object, module_name: str, name: str) -> object:
    found = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            close = difflib.get_close_matches(part, [known for known in vars(module) if known[0] != "_"], 1, 0.5)
            guess = f": did you mean {close[0]}?" if close else ""
            place = getattr(module, "__file__", None) or module_name
            raise ApplicationError(f"module {module_name!r} ({place}) has no {name!r}{guess}") from error
        except Exception as error:  # a module's own __getattr__, or a property
            raise ApplicationError(f"{name!r} of module {module_name!r} cannot be had: {told(error)}") from error
    return found
