"""Attach to a running server: frames come in, commands go out, and no wait is without a bound.

The server wrote a link file, which says where it listens for watchers and with which key. Frames are JSON as bytes,
never pickle: a watcher believes no server that much.
"""

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from teachserve.events import STATES
from teachserve.observe.link_file import LinkError, LinkFile

FORMAT = 1
"""The version of the frames that this side reads."""
MOST_BYTES = 64 * 1024 * 1024
SEND_S = 2.0
"""How long a command may take to leave. The server reads them at once, unless it is stopped or stuck."""

Frame = dict[str, Any]


class Link:
    """One watcher's link to one server. `header` is the first frame, known from the start.

    `frames` is for one thread, `send` and `close` are for any.
    """

    def __init__(self, sock: socket.socket, connection: Connection, header: Frame, process: int):
        self.header = header
        self.process = process
        self._socket = sock
        self._connection = connection
        self._reading = threading.Lock()
        self._sending = threading.Lock()
        self._commands = 0
        self._closed = False

    @classmethod
    def attach(cls, link_file: Path | str, timeout: float = 5.0, appear: float = 0.0) -> "Link":
        """Link to the server that wrote this file. Waits at most `appear` s for the file, `timeout` for each answer.

        Raises: LinkFileMissing; LinkError where the file or the server is not as it should be.
        """
        path = Path(link_file)
        told = LinkFile.read(path, appear)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection = None
        try:
            # Bounded in the kernel: Connection reads and writes the descriptor itself, past any time-out of Python's.
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                sock.setsockopt(socket.SOL_SOCKET, option, _timeval(timeout))
            sock.connect(told.address)
            connection = Connection(os.dup(sock.fileno()))
            answer_challenge(connection, told.key)
            deliver_challenge(connection, told.key)
            header = _checked(_decode(connection.recv_bytes(MOST_BYTES)))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(0))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_S))
            return cls(sock, connection, header, told.process)
        except BaseException as error:
            if connection is not None:
                connection.close()
            sock.close()
            # AssertionError: how 3.11 says that the other side does not speak multiprocessing's protocol.
            if isinstance(error, (OSError, EOFError, AuthenticationError, AssertionError, ValueError)):
                raise LinkError(_why(error, path, told.process, timeout)) from error
            raise

    def frames(self) -> Iterator[Frame]:
        """Every frame, the header first, until the `end` frame or until the link is closed on this side.

        Where the server is gone without an `end`, the last one is made here: {"frame": "gone", "text": why}.
        """
        yield self.header
        while True:
            try:
                with self._reading:
                    message = self._connection.recv_bytes(MOST_BYTES)
                frame = _decode(message)
            except (EOFError, OSError, ValueError):
                if not self._closed:
                    yield {"frame": "gone", "text": f"the server (process {self.process}) went without a goodbye"}
                return
            yield frame
            if frame["frame"] == "end":
                return

    def send(self, command: str, **fields: object) -> int:
        """Send a command; gives its number, which the reply carries in `to`.

        Raises: LinkError, where the server takes no commands any more.
        """
        with self._sending:
            if self._closed:
                raise LinkError("the link to the server is closed")
            self._commands += 1
            number = self._commands
            text = json.dumps({"command": command, "number": number, **fields})
            try:
                self._connection.send_bytes(text.encode())
            except BlockingIOError as error:
                # Part of it may be on its way: whatever came next would be read as its rest.
                self._shut()
                raise LinkError(f"the server (process {self.process}) takes no commands: is it stopped?") from error
            except OSError as error:
                raise LinkError(f"the server (process {self.process}) is gone: {command} was not sent") from error
        return number

    def close(self) -> None:
        """Leave the server. A thread in `frames` is woken and comes to its end."""
        self._closed = True
        self._shut()
        with self._reading, self._sending:
            self._connection.close()
            self._socket.close()

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _shut(self) -> None:
        # Wakes whoever reads or writes; closing the descriptor would not, and its number may be another's by then.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def _decode(message: bytes) -> Frame:
    frame = json.loads(message)
    if not isinstance(frame, dict) or not isinstance(frame.get("frame"), str):
        raise ValueError("not a frame")
    return frame


def _checked(header: Frame) -> Frame:
    if header["frame"] != "header":
        raise ValueError("the first frame is no header")
    if header.get("format") != FORMAT or header.get("states") != [str(state) for state in STATES]:
        raise _OtherFormat(header.get("format"))
    return header


class _OtherFormat(ValueError):
    pass


def _why(error: Exception, path: Path, process: int, timeout: float) -> str:
    match error:
        case AuthenticationError() if "digest" in str(error):  # else it spoke another protocol
            return f"the server does not take the key in {path}: the file is of another start; name the newer one"
        case _OtherFormat():
            return (
                f"the server speaks format {error.args[0]} of the frames, this watcher format {FORMAT}: "
                "run both from one version of teachserve"
            )
        case BlockingIOError():
            return f"the server (process {process}) did not answer within {timeout:g} s: is it stopped?"
        case PermissionError():
            return f"not permitted to link to the server (process {process}): it is another user's"
        case FileNotFoundError() | ConnectionRefusedError():
            return f"the server that wrote {path} (process {process}) is gone; start it again"
        case EOFError() | ConnectionError():
            return f"the server (process {process}) closed the link at once: it has just ended, or takes no watchers"
        case ValueError() | AuthenticationError() | AssertionError() | OSError(errno=None):
            return f"what answers at the link in {path} is not a teachserve server"
        case _:
            return f"the server (process {process}) cannot be linked to: {error}"


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
