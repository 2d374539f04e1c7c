"""Where a server that may be watched leaves its link file: a directory that is this user's alone.

Whoever may read a link file may stop its server, and whoever may write into the directory may put a server of his own in
its place; so a directory that somebody else owns, or may enter, is refused, not repaired.
Source: XDG Base Directory Specification, XDG_RUNTIME_DIR.
"""

import itertools
import os
import stat
import tempfile
from pathlib import Path

from teachserve.errors import TeachserveError
from teachserve.publish.link_file import socket_path

SUFFIX = ".link"

_numbers = itertools.count(1)


def runtime_directory() -> Path:
    """This user's directory of link files; made, mode 0700, where there is none yet.

    Raises: TeachserveError where it cannot be made, or is not this user's alone.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(given).is_absolute() and not _why_not(Path(given)):
        directory = Path(given) / "teachserve"
    else:
        directory = Path(tempfile.gettempdir()) / f"teachserve-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise TeachserveError(f"cannot make the directory {directory}: {error.strerror}; set XDG_RUNTIME_DIR") from None
    if reason := _why_not(directory):
        raise TeachserveError(
            f"the directory {directory} {reason}: a link there is not safe; remove it, or set XDG_RUNTIME_DIR to a "
            "directory of your own with mode 0700"
        )
    return directory


def new_link_file() -> Path:
    """A link file of this process, which does not exist yet: what one of the same number left there is removed.

    The first of a process is named for it, `4711.link`; another is `4711-2.link`. Raises: TeachserveError, where it cannot
    be made; see `runtime_directory`, too.
    """
    number = next(_numbers)
    file = runtime_directory() / f"{os.getpid()}{f'-{number}' if number > 1 else ''}{SUFFIX}"
    try:
        remove(file)
    except OSError as error:
        raise TeachserveError(f"cannot make the link {file}: {error.strerror}") from None
    return file


def remove(link_file: Path) -> None:
    """Remove a link file and its socket, as far as they exist."""
    link_file.unlink(missing_ok=True)
    socket_path(link_file).unlink(missing_ok=True)


def _why_not(directory: Path) -> str:
    """Why this directory is not this user's alone; "" where it is."""
    try:
        known = directory.lstat()  # a link to a directory of ours could be somebody else's, and changed
    except OSError as error:
        return f"cannot be examined ({error.strerror})"
    if not stat.S_ISDIR(known.st_mode):
        return "is no directory"
    if known.st_uid != os.getuid():
        return f"belongs to another user ({known.st_uid})"
    if known.st_mode & 0o077:
        return f"is open to others (mode {stat.S_IMODE(known.st_mode):04o})"
    return ""
