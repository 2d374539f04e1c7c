"""Starts the server and the load generator, and takes them down again, whatever happens to any of the processes.

Three independent ways lead to the end, because each can fail: the orders given here; the pipes, whose end tells a child
that its parent is gone, however it went; and the guard, which waits for what is left over.

While a server takes another's place there are two. One of them is in charge: its death is the demo's end. The other is
not yet, or not any more, and its death is only told.
"""

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from teachserve.demo.child import Child
from teachserve.demo.endings import BROKEN, USAGE, Ending, Endings
from teachserve.demo.fitting import fitting
from teachserve.demo.guard import Guarded
from teachserve.demo.server_process import Plan, ServerProcess, StartError
from teachserve.errors import OptionError
from teachserve.observe.link import Link

__all__ = ["Plan", "StartError", "Supervisor"]

STOP = ((signal.SIGTERM, 3.0), (signal.SIGTERM, 4.0))
"""The server: a soft stop; then an abandon, which takes at most 3 s by itself."""
STOPPED = (0, 128 + signal.SIGTERM)
"""Exit statuses of a server that was told to stop."""
QUIET_IMPORT = ("-W", "ignore:The global interpreter lock:RuntimeWarning")
"""The load generator has one thread: that a module of its turns the GIL on again means nothing to it."""
STUBBORN = "it did not stop when it was told to"
OVER = "the demo is ending"
LOAD_S = 2.0
"""The load generator ends at the end of its input, with its result."""


class Supervisor:
    """The processes that a demo needs beside its own. `end` may be called from any thread, and again."""

    def __init__(self, plan: Plan, guarded: Guarded, endings: Endings) -> None:
        self.plan = plan
        self._guarded = guarded
        self._folder = guarded.folder
        self.endings = endings
        self.server: ServerProcess | None = None
        """The one in charge."""
        self.load: Child | None = None
        self.stop_asked = False
        """The server in charge was told to stop: that it ends is then no surprise."""
        self._servers: list[ServerProcess] = []  # all that may still run
        self._options_of: dict[str, Mapping[str, object]] = {}  # by architecture: what a server of it has told
        self._started = 0
        self._culprit: Child | None = None
        self._remarks: list[str] = []
        self._ending = False
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._restarting = threading.Lock()
        self._began = threading.Event()

    def start_server(self) -> None:
        """Start the server's process; it needs a while, in which the caller has other things to do."""
        self.server = self._start(self.plan)

    def _start(self, plan: Plan) -> ServerProcess:
        with self._lock:
            if self._over.is_set():
                raise StartError(BROKEN, OVER)
            self._started += 1
            server = ServerProcess(plan, self._folder, self._started, self._ended)
            self._servers.append(server)
            self._note()
        return server

    def link(self) -> Link:
        """Wait until the server listens, and attach to it.

        Raises: StartError, with the server's own words where it has said why it cannot.
        """
        link = self.server.link(lambda: StartError(*ending) if (ending := self.endings.wait(0)) else None)
        self._options_of[self.plan.architecture] = link.header["options"]
        return link

    def start_load(self, host: str, port: int, held: bool = False) -> Child:
        """Start the load generator against the server. Its stdin takes commands, its stdout tells of its progress.

        `held`: it gets ready, and begins when it is told to.
        """
        plan = self.plan.load | {"host": host, "port": port, "held": held}
        arguments = [*QUIET_IMPORT, "-m", "teachserve.load.process", json.dumps(plan)]
        with self._lock:
            self.load = Child(
                "load", arguments, self._folder / "load.err", self._ended, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._note()
        return self.load

    def _note(self) -> None:
        """Tell the guard which processes it would have to wait for."""
        # In the order of their start; in the middle of a restart there are two.
        names = ("old server", "new server") if len(self._servers) > 1 else ("server",)
        children: dict[str, Child] = dict(zip(names, self._servers, strict=False))
        if self.load:
            children["load"] = self.load
        self._guarded.note_processes({what: child.process.pid for what, child in children.items()})

    def _ended(self, child: Child) -> None:
        """A child has ended. Unless it was told to, or is a server that is not in charge, so does the demo."""
        if self._ending or child not in (self.server, self.load):
            return
        if child is self.server and self.stop_asked and child.status in STOPPED:
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

    # Another server under the same load

    def restart(self, architecture: str, options: dict[str, object], take_over: Callable[[Link], None]) -> list[str]:
        """Let a server of another architecture, or with other options, take the place of the one that there is.

        The new one listens before the load moves, and the old one stops, softly, after it has: nothing is lost. Where
        the user gave a port, the old one has to let go of it first, and the load counts what it is refused meanwhile.
        `take_over` is called once the new server listens, with the link to it: it moves the load, and returns once
        nothing is in hand with the old one. Options that mean nothing to the architecture are left out, but stay in the
        plan. Gives what there is to say, in sentences.

        Raises: StartError, where the new server does not start. The old one is then as it was, or, where it had to let
        go of its port, it has stopped.
        """
        if not self._restarting.acquire(blocking=False):
            raise StartError(BROKEN, "another restart is under way: wait for its end")
        try:
            wanted = replace(self.plan, architecture=architecture, options=options)
            try:
                kept, words = fitting(architecture, options, self._options_of.get(architecture))
            except OptionError as error:
                raise StartError(USAGE, str(error)) from error
            former = self.server
            if wanted.has_port:
                words += self._stop(former)
            server = self._start(replace(wanted, options=kept))
            try:
                link = server.link(lambda: StartError(BROKEN, OVER) if self._over.is_set() else None)
            except StartError:
                self._take_down(server)
                raise
            self._options_of[architecture] = link.header["options"]
            self.plan, self.stop_asked, self.server = wanted, False, server
            if server.ended.is_set():  # before it was in charge, so that nobody heard of it
                self._ended(server)
            take_over(link)
            return words + self._stop(former)
        finally:
            self._restarting.release()

    def keep(self, option: str, value: object) -> None:
        """An option was changed while the server ran: the servers after it shall have it too."""
        self.plan = replace(self.plan, options=self.plan.options | {option: value})

    def _stop(self, server: ServerProcess) -> list[str]:
        """Stop a server softly, if it still runs. What there is to say of it, in sentences."""
        if server is self.server:
            self.stop_asked = True
        if server not in self._servers:
            return []
        in_time, complaints = self._take_down(server)
        remarks = [] if in_time else [f"{server.how()}: {STUBBORN}"]
        if in_time and server.status not in STOPPED:
            remarks = [server.how()]
        self._remarks += remarks + complaints
        return remarks

    def _take_down(self, server: ServerProcess) -> tuple[bool, list[str]]:
        """End one server of several. Whether it ended when it was told to, and what it had to complain about."""
        in_time = server.end(STOP)
        with self._lock:
            if self._over.is_set():
                return True, []  # whoever ends the demo takes down all that there is, and tells of it
            self._servers.remove(server)
            self._note()
            complaints = _complaints(server)
            server.remove_files()
        return in_time, complaints

    # The end

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
        self._over.set()
        with self._lock:
            self.end_load()
            for server in self._servers:
                if not server.end(STOP):
                    self._remarks.append(f"{server.how()}: {STUBBORN}")
        with self._restarting:  # a restart under way sees that all is over
            pass

    def complaints(self) -> list[str]:
        """What the processes have to complain about. Where one has died of itself the others' are but its echo."""
        children = [self._culprit] if self._culprit else [*self._servers, *([self.load] if self.load else [])]
        return self._remarks + [line for child in children for line in _complaints(child)]


def _complaints(child: Child) -> list[str]:
    return [f"{child.what}: {line}" for line in child.complaints()]
