"""Starts the server and the load generator, and takes them down again, whatever happens to any of the processes.

Three independent ways lead to the end, because each can fail: the orders given here; the pipes, whose end tells a child
that its parent is gone, however it went; and the guard, which waits for what is left over.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from teachserve.demo.child import Child
from teachserve.demo.endings import BROKEN, USAGE, Ending, Endings
from teachserve.demo.guard import Guarded
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError

START_S = 30.0
STOP = ((signal.SIGTERM, 3.0), (signal.SIGTERM, 4.0))
"""The server: a soft stop; then an abandon, which takes at most 3 s by itself."""
QUIET_IMPORT = ("-W", "ignore:The global interpreter lock:RuntimeWarning")
"""The load generator has one thread: that a module of its turns the GIL on again means nothing to it."""
LOAD_S = 2.0
"""The load generator ends at the end of its input, with its result."""


class StartError(Exception):
    """The demo could not start: the exit status and the line that says why."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start: an architecture with its options, as text, and the load generator's plan without its address."""

    architecture: str
    options: dict[str, object] = field(default_factory=dict)
    load: dict[str, object] = field(default_factory=dict)

    def server_arguments(self, link_file: Path, pipe: int) -> list[str]:
        """The command line of `teachserve serve`."""
        # Whoever presses q does not want to wait for the server's usual patience of 30 s.
        options = {"graceful_timeout": "2s", "port": 0} | self.options
        given = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        link = [
            "--link-file",
            str(link_file),
            "--parent-pipe",
            str(pipe),
            "--log-level",
            "info",
            "--access-log",
            "none",
        ]
        return ["-m", "teachserve", "serve", "--arch", self.architecture, *link, *given]


class Supervisor:
    """The two processes that a demo needs beside its own. `end` may be called from any thread, and again."""

    def __init__(self, plan: Plan, guarded: Guarded, endings: Endings) -> None:
        self.plan = plan
        self._guarded = guarded
        self._folder = guarded.folder
        self.endings = endings
        self.server: Child | None = None
        self.load: Child | None = None
        self.stop_asked = False
        """The server was told to stop: that it ends is then no surprise."""
        self._culprit: Child | None = None
        self._remarks: list[str] = []
        self._ending = False
        self._lock = threading.Lock()
        self._began = threading.Event()

    def start_server(self) -> None:
        """Start the server's process; it needs a while, in which the caller has other things to do."""
        read, self._server_pipe = os.pipe()
        arguments = self.plan.server_arguments(self._link_file, read)
        with self._lock:
            self.server = Child(
                "server",
                arguments,
                self._folder / "server.err",
                self._ended,
                stdout=subprocess.DEVNULL,
                pass_fds=[read],
            )
            self._note()
        os.close(read)

    @property
    def _link_file(self) -> Path:
        return self._folder / "link.json"

    def link(self) -> Link:
        """Wait until the server listens, and attach to it.

        Raises: StartError, with the server's own words where it has said why it cannot.
        """
        until = time.monotonic() + START_S
        while not self._link_file.exists():
            if self.server.ended.wait(0.005):
                lines = self.server.last_words() or [self.server.how()]
                status = USAGE if self.server.status == USAGE else BROKEN
                raise StartError(status, lines[-1].removeprefix("teachserve: "))
            if ending := self.endings.wait(0):
                raise StartError(*ending)
            if time.monotonic() > until:
                raise StartError(BROKEN, f"the server did not listen within {START_S:g} s")
        try:
            return Link.attach(self._link_file)
        except LinkError as error:
            raise StartError(BROKEN, str(error)) from error

    def start_load(self, host: str, port: int) -> Child:
        """Start the load generator against the server. Its stdin takes commands, its stdout tells of its progress."""
        plan = self.plan.load | {"host": host, "port": port}
        arguments = [*QUIET_IMPORT, "-m", "teachserve.load.process", json.dumps(plan)]
        with self._lock:
            self.load = Child(
                "load", arguments, self._folder / "load.err", self._ended, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._note()
        return self.load

    def _note(self) -> None:
        """Tell the guard which processes it would have to wait for."""
        self._guarded.note_processes({child.what: child.process.pid for child in (self.server, self.load) if child})

    def _ended(self, child: Child) -> None:
        """A child has ended. Unless it was told to, so does the demo."""
        if self._ending or (child is self.server and self.stop_asked and child.status in (0, 128 + signal.SIGTERM)):
            return
        if self._began.is_set():
            self._culprit = self._culprit or child
            self.endings.end(Ending(BROKEN, f"{child.how()}: the demo has ended"))

    def began(self) -> None:
        """The demo is under way: from now on a death among the children is its end."""
        self._began.set()
        for child in (self.server, self.load):
            if child and child.ended.is_set():
                self._ended(child)

    def end_load(self) -> None:
        """Let the load generator finish: it tells its result at the end of its input."""
        self._ending = True
        if self.load is not None:
            with contextlib.suppress(OSError):
                self.load.process.stdin.close()
            if not self.load.ended.wait(LOAD_S):
                self.load.end([(signal.SIGTERM, LOAD_S)])

    def end(self) -> None:
        """Take everything down: first the load, so that the server has nothing left to serve."""
        with self._lock:
            self.end_load()
            if self.server is not None and not self.server.end(STOP):
                self._remarks.append(f"{self.server.how()}: it did not stop when it was told to")

    def complaints(self) -> list[str]:
        """What the two processes have to complain about. Where one has died of itself the other's are but its echo."""
        children = [self._culprit] if self._culprit else [child for child in (self.server, self.load) if child]
        return self._remarks + [f"{child.what}: {line}" for child in children for line in child.complaints()]
