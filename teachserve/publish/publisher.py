"""The publisher: one thread that tells, one that lets watchers in, and two for each watcher, who reads and who sends."""

import contextlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing import connection as link
from pathlib import Path
from typing import TYPE_CHECKING

from teachserve.errors import TeachserveError
from teachserve.probe import STREAM, TABLE, UNWATCHED
from teachserve.publish import account, link_file
from teachserve.publish.commands import Commands
from teachserve.publish.stream import EventStream, Wanted
from teachserve.publish.watcher import Frame, Watcher

if TYPE_CHECKING:
    from teachserve.server import Server

PERIOD_S = 0.1
FAREWELL_S = 1.0
"""How long the last frames may take to reach a watcher that reads."""


class Publisher:
    """Publishes one running server to any number of watchers, and does what they ask for.

    The link file appears when the link is ready (mode 0600: it holds the key); the socket lies beside it. Both are
    removed by `close`.

    Raises: TeachserveError where they cannot be made.
    """

    def __init__(self, server: "Server", file: Path):
        self._server = server
        self._probe = server.taskmaster.probe
        self._file = file
        self._key = secrets.token_bytes(32)
        self._watchers: list[Watcher] = []
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # one thread at a time tells, or changes who is told what
        self._closing = threading.Event()
        self._roles = account.Roles(self._broadcast)
        account.sources(type(server.taskmaster))  # kept from now on: nobody has had time to change a file
        self._stream = EventStream(server.taskmaster, self._roles)
        self._commands = Commands(server, self._attune)
        self._log = _LogFrames(self)
        self._listener = self._listen()
        logging.getLogger("teachserve").addHandler(self._log)
        self._threads = [
            threading.Thread(target=run, name=f"publisher-{run.__name__.strip('_')}", daemon=True)
            for run in (self._publish, self._welcome)
        ]
        for thread in self._threads:
            thread.start()

    def close(self, reason: str) -> None:
        """Send the last table and the end frame, and take the link away. Waits at most `FAREWELL_S` seconds."""
        self._closing.set()
        self._threads[0].join()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wake:
            # To close would not wake who waits in accept. Where the queue is full, nobody waits: nor may we.
            wake.setblocking(False)
            wake.connect(str(link_file.socket_path(self._file)))
        self._threads[1].join(FAREWELL_S)
        logging.getLogger("teachserve").removeHandler(self._log)
        self._tell()
        report = self._server.report
        self._broadcast({"frame": "end", "reason": reason, "report": report.lines() if report else []})
        with self._lock:
            watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.close()
        deadline = time.monotonic() + FAREWELL_S
        for watcher in watchers:
            watcher.wait(max(0, deadline - time.monotonic()))
        self._file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.close()

    def log(self, text: str) -> None:
        """One line that a person should know."""
        self._broadcast({"frame": "log", "at": self._probe.now_us(), "text": text})

    def _listen(self) -> link.Listener:
        try:
            listener = link.Listener(str(link_file.socket_path(self._file)), "AF_UNIX")
            try:
                link_file.write(self._file, self._key, self._server)
            except OSError:
                listener.close()
                raise
        except OSError as error:
            raise TeachserveError(f"cannot make the link {self._file}: {error.strerror or error}") from None
        return listener

    # ---- threads -----------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        """Ten times a second: the table, and to those who stream, the events."""
        while not self._closing.wait(PERIOD_S):
            with self._lock:
                watched = bool(self._watchers)
            if watched:
                self._tell()

    def _welcome(self) -> None:
        while not self._closing.is_set():
            try:
                wire = self._listener.accept()
            except OSError:  # short of descriptors, or the watcher has left already
                self._closing.wait(PERIOD_S)
                continue
            try:
                threading.Thread(target=self._attend, args=(wire,), name="publisher-watcher", daemon=True).start()
            except RuntimeError:  # short of threads: this watcher sees the link closed
                wire.close()

    def _attend(self, wire: link.Connection) -> None:
        """One watcher, from the handshake to its end."""
        try:
            link.deliver_challenge(wire, self._key)
            link.answer_challenge(wire, self._key)
            watcher = Watcher(wire)
            threading.Thread(target=watcher.send_all, name="publisher-sender", daemon=True).start()
        except (OSError, EOFError, link.AuthenticationError, RuntimeError):  # RuntimeError: short of threads
            wire.close()
            return
        with self._lock:
            if self._closing.is_set():
                watcher.close()
                return
            # Under the lock: no role may become known between this and the next line.
            watcher.put(account.header(self._server, self._roles))
            self._watchers.append(watcher)
        self._attune(watcher, TABLE, None)
        try:
            while True:
                self._commands.obey(watcher, wire.recv_bytes(65536))
        except (OSError, EOFError):
            pass  # the watcher has left, or the sender has closed the link
        finally:
            watcher.left()
            self._attune(watcher, UNWATCHED, None)
            with self._lock:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)

    # ---- frames ------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """The events, to those who want them, and the table."""
        with self._telling:
            self._tell_events()
            self._broadcast(account.table(self._server, self._roles, self._stream.take_ended))

    def _tell_events(self) -> None:
        def tell_all(frame: Frame, events: int) -> None:
            self._broadcast(frame, lambda watcher: watcher.level == STREAM, events)

        def tell_focused(frame: Frame, events: int) -> None:
            self._broadcast(frame, lambda watcher: watcher.level != STREAM and watcher.focus == frame["thread"], events)

        self._stream.drain(tell_all, tell_focused)

    def _broadcast(
        self, frame: Frame, wants: Callable[[Watcher], bool] = lambda watcher: True, events: int = 0
    ) -> None:
        for watcher in self._everybody():
            if watcher.repair:
                watcher.repair = False
                watcher.put(self._roles.frame())
            if wants(watcher):
                watcher.put(frame, events)

    def _everybody(self) -> list[Watcher]:
        with self._lock:
            return list(self._watchers)

    def _attune(self, watcher: Watcher, level: int, focus: int | None, reply: Callable[[], None] | None = None) -> None:
        """Change what a watcher is told. What was emitted for it until now it still gets, then the reply, then the new."""
        with self._telling:
            everybody = self._everybody()
            wanted = _wanted((level, focus) if one is watcher else (one.level, one.focus) for one in everybody)
            self._stream.hush(wanted)
            self._tell_events()
            watcher.level, watcher.focus = level, focus
            self._stream.want(wanted)
            if reply is not None:
                reply()


def _wanted(watchers: Iterable[tuple[int, int | None]]) -> Wanted:
    levels, focuses = zip((UNWATCHED, None), *watchers, strict=True)
    return Wanted(max(levels), frozenset(focuses) - {None})


class _LogFrames(logging.Handler):
    """Shows the log's lines to the watchers."""

    def __init__(self, publisher: Publisher):
        super().__init__(logging.INFO)
        self._publisher = publisher

    def emit(self, record: logging.LogRecord) -> None:
        self._publisher.log(record.getMessage().splitlines()[0])
