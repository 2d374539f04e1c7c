"""The link file: where the link listens, and the key to it. Whoever may read it may watch the server, and stop it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teachserve.server import Server


def socket_path(link_file: Path) -> Path:
    """The socket lies beside its file."""
    return link_file.with_name(link_file.name + ".sock")


def write(link_file: Path, key: bytes, server: "Server") -> None:
    """Write it, mode 0600. It appears whole or not at all: whoever waits for it may read it at once. Raises: OSError."""
    known = {
        "address": str(socket_path(link_file)),
        "key": key.hex(),
        "process": os.getpid(),
        "url": server.url,
        "architecture": server.architecture,
    }
    partial = link_file.with_name(link_file.name + ".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(known, file)
    partial.rename(link_file)
