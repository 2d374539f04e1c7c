"""The file that a server leaves for its watchers, and which servers of this user have left one.

Whoever may read a link file may watch the server and stop it.
"""

import contextlib
import json
import socket
import time
from pathlib import Path
from typing import NamedTuple

from teachserve.publish.runtime_directory import SUFFIX, remove, runtime_directory

LOOK_AGAIN_S = 0.01


class LinkError(Exception):
    """The server cannot be watched, or no more: one sentence that says why and what to do."""


class LinkFileMissing(LinkError):
    """There is no link file (yet): the server is not running, not listening yet, or writes none."""


class LinkFile(NamedTuple):
    """What a link file says: the address of the link and the key to it, and who serves what and where."""

    path: Path
    address: str
    key: bytes
    process: int
    url: str
    architecture: str

    @classmethod
    def read(cls, path: Path, appear: float = 0.0) -> "LinkFile":
        """Read it; waits at most `appear` s for it. Raises: LinkFileMissing; LinkError where it is not as it should be."""
        patience = time.monotonic() + appear
        while True:
            try:
                return cls._parse(path, path.read_bytes())
            except FileNotFoundError as error:
                if time.monotonic() >= patience:
                    raise LinkFileMissing(
                        f"there is no link file {path}: start a server with --link-file {path}, or name the file of one"
                    ) from error
                time.sleep(LOOK_AGAIN_S)
            except OSError as error:
                raise LinkError(f"the link file {path} cannot be read: {error.strerror}") from error
            except (ValueError, KeyError, TypeError) as error:
                raise LinkError(f"{path} is not a link file: remove it") from error

    @classmethod
    def _parse(cls, path: Path, text: bytes) -> "LinkFile":
        told = json.loads(text)
        address, key, process = str(told["address"]), bytes.fromhex(told["key"]), int(told["process"])
        return cls(path, address, key, process, str(told.get("url")), str(told.get("architecture")))

    @property
    def answered(self) -> bool:
        """Whether somebody listens at the address: the kernel knows, even where the number is another process's by now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
            knock.setblocking(False)
            try:
                knock.connect(self.address)
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except BlockingIOError:
                return True  # others knock too, and it has not let them in yet
        return True


def servers() -> list[LinkFile]:
    """The running servers of this user that may be watched, by process number and URL. What dead ones left is removed.

    Raises: LinkError for a file that is none of ours; TeachserveError for a directory that is not this user's alone.
    """
    found = []
    for path in runtime_directory().glob(f"*{SUFFIX}"):
        try:
            link_file = LinkFile.read(path)
        except LinkFileMissing:  # it has just ended
            continue
        if link_file.answered:
            found.append(link_file)
        else:
            with contextlib.suppress(OSError):  # where that is not permitted, it is passed over
                remove(path)
    return sorted(found, key=lambda one: (one.process, one.url))
