"""The publisher: one thread that tells, one that lets watchers in, and two for each watcher, who reads and who sends."""

import contextlib
import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing import connection as link
from pathlib import Path
from typing import TYPE_CHECKING

from teachserve.errors import TeachserveError
from teachserve.probe import STREAM, TABLE, UNWATCHED
from teachserve.publish import account, link_file
from teachserve.publish.stream import EventStream
from teachserve.publish.watcher import Frame, Watcher

if TYPE_CHECKING:
    from teachserve.server import Server

PERIOD_S = 0.1
FAREWELL_S = 1.0
"""How long the last frames may take to reach a watcher that reads."""
LEVELS = {"table": TABLE, "stream": STREAM}


class Publisher:
    """Publishes one server to any number of watchers. `commands` maps a command's name to what carries it out.

    The link file appears when the link is ready (mode 0600: it holds the key); the socket lies beside it. Both are
    removed by `close`.

    Raises: TeachserveError where they cannot be made.
    """

    def __init__(self, server: "Server", file: Path, commands: dict[str, Callable[..., object]]):
        self._server = server
        self._taskmaster = server.taskmaster
        self._probe = server.taskmaster.probe
        self._commands = commands
        self._file = file
        self._key = secrets.token_bytes(32)
        self._watchers: list[Watcher] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._roles = account.Roles(self._broadcast)
        self._stream = EventStream(server.taskmaster, self._roles)
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
        self._set_level()
        try:
            while True:
                self._obey(watcher, wire.recv_bytes(65536))
        except (OSError, EOFError):
            pass  # the watcher has left, or the sender has closed the link
        finally:
            watcher.left()
            with self._lock:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)
            self._set_level()

    # ---- frames ------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """The events, where somebody streams, and the table."""
        if self._probe.level == STREAM:
            self._stream.drain(lambda frame, events: self._broadcast(frame, STREAM, events))
        self._broadcast(account.table(self._server, self._roles, self._stream.take_ended))

    def _broadcast(self, frame: Frame, least: int = TABLE, events: int = 0) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            if watcher.repair:
                watcher.repair = False
                watcher.put(self._roles.frame())
            if watcher.level >= least:
                watcher.put(frame, events)

    # ---- commands ----------------------------------------------------------------------------------------------

    def _obey(self, watcher: Watcher, data: bytes) -> None:
        number = None
        answer = {}
        try:
            command = json.loads(data)
            number = command.pop("number", None)
            name = command.pop("command")
            if name == "level":
                watcher.level = LEVELS[command["level"]]
                self._set_level()
                answer = {"level": command["level"]}
            else:
                self._commands[name](**command)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = (
                str(error) if isinstance(error, TeachserveError) else f"not understood: {data[:80].decode('latin-1')}"
            )
            watcher.put({"frame": "reply", "to": number, "ok": False, "error": text})
        else:
            watcher.put({"frame": "reply", "to": number, "ok": True, **answer})

    def _set_level(self) -> None:
        with self._lock:
            level = max((watcher.level for watcher in self._watchers), default=UNWATCHED)
        with self._taskmaster.lock:
            self._probe.watch(level)


class _LogFrames(logging.Handler):
    """Shows the log's lines to the watchers."""

    def __init__(self, publisher: Publisher):
        super().__init__(logging.INFO)
        self._publisher = publisher

    def emit(self, record: logging.LogRecord) -> None:
        self._publisher.log(record.getMessage().splitlines()[0])
