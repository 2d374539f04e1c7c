"""The public door: a server with an architecture of your choice.

with Server(app, arch="recycling", port=0) as server:
    print(server.url)
"""

import errno
import os
import socket
import threading
import weakref
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from teachserve import architectures
from teachserve.access_log import AccessLog
from teachserve.connection import ListeningSocket, timeval
from teachserve.errors import AddressError, OptionError, TeachserveError, ThreadError
from teachserve.events import STATES
from teachserve.gate import Gate
from teachserve.handlers import Delay, built_in_routes
from teachserve.message import Request, Response
from teachserve.options import DECLARED, OPTIONS, Options
from teachserve.slow_motion import parse_pause
from teachserve.stopping import Stopper, StopReport
from teachserve.taskmaster import Taskmaster
from teachserve.wsgi import Wsgi

if TYPE_CHECKING:
    from teachserve.publish.publisher import Publisher

RELEASE_S = 0.5
"""How long the closer, its last connection closed, may take to end."""

_listening: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _close_listeners() -> None:
    """In a child that was forked: it may outlive the server, and must not hold its port."""
    for listener in list(_listening):
        listener.close()


os.register_at_fork(after_in_child=_close_listeners)


class Server:
    """An HTTP server. `app` is called with each `Request` and returns a `Response`; None: the built-in routes.
    An application of WSGI's kind is given as `Wsgi(application)`.

    `arch` is an architecture's name, a Taskmaster class, or `"module:Class"`. `access_log` is a file's path, or "-" for
    stdout. `watch=True` lets whoever started it see its threads with `teachserve watch`, and stop it from there; a path in
    its place is the link file to leave for the watchers. The other keywords are the options (`teachserve.options`), among
    them `host` and `port` (0: a free one). Start it once; a stopped server stays stopped.

    Raises: OptionError, UnknownArchitecture at construction; AddressError, AccessLogError, ThreadError from `start`, and
    TeachserveError where the link for watchers cannot be made.
    """

    def __init__(self, app: Callable[[Request], Response] | None = None, arch: str | type[Taskmaster] = "recycling", *,
                 gate: Gate | None = None, access_log: str | Path | None = None, watch: bool | str | Path = False,
                 **options: object):  # fmt: skip
        self.architecture, self._class = architectures.find(arch)
        self.options = Options(self.architecture, self._class.used_options(), {"port": 0, **options})
        self.delay = Delay(self.options.delay, self.options.delay_kind)
        self._has_delay = app is None
        self._app = app or built_in_routes(self.delay)
        self._in_parallel = _handles_in_parallel(self.options)
        self._gate = gate
        self._log_destination = access_log
        self._watch = watch
        self._publisher: Publisher | None = None
        self._unpublishing = threading.Lock()
        self._access_log: AccessLog | None = None
        self.taskmaster: Taskmaster | None = None
        self._stopper: Stopper | None = None
        self._once = threading.Lock()
        self._abandoning = threading.Lock()
        self._releasing = threading.Lock()
        self._changing = threading.Lock()
        self._released = False
        self.report: StopReport | None = None
        # Called in one of its threads when accept(2) fails for good, for instance because a handler closed the listening
        # socket: whoever replaces it must see to it that the server is stopped.
        self.on_failure: Callable[[], object] = self.stop
        # Called when a watcher asks for it, in a thread that reads this watcher's commands and may not wait.
        self.on_stop_asked: Callable[[], object] = lambda: self._in_another_thread(self.stop)
        self.on_abandon_asked: Callable[[], object] = lambda: self._in_another_thread(self.abandon)

    def start(self) -> "Server":
        """Listen, and spawn the architecture's first threads.

        Raises: AddressError, AccessLogError, ThreadError; TeachserveError for a second start, or where no link can be made.
        """
        if self.taskmaster is not None:
            raise TeachserveError("this server was started before: make a new one")
        listener = self._listen()
        try:
            if self._log_destination is not None:
                self._access_log = AccessLog(self._log_destination)
            self.taskmaster = self._class(listener, self._app, self.options, self._gate)
            self.taskmaster.access_log = self._access_log
        except BaseException:
            listener.close()
            if self._access_log is not None:
                self._access_log.close()
            raise
        self._stopper = Stopper(self.taskmaster)
        self.taskmaster.on_failure = lambda: self.on_failure()
        self._address = listener.getsockname()
        if isinstance(self._app, Wsgi):
            self._app.serve_on(self.options.host, self.port, multithread=self._in_parallel)
        try:
            self.taskmaster.start()
        except BaseException:
            self.abandon()
            raise
        if self.taskmaster.counts.refused_threads:
            self.abandon()
            raise ThreadError(
                "no thread can be made: the system is short of memory, or its limits (ulimit -u) are too low"
            )
        if self._watch:
            try:
                self._publish()
            except BaseException:
                self.abandon()
                raise
        return self

    def stop(self, soft: bool = True) -> StopReport | None:
        """Stop: softly, for at most `graceful_timeout` seconds and then by abandoning; or by abandoning at once.

        Returns the report; None when called from one of the server's own threads, which cannot wait for itself.
        """
        if not soft:
            return self.abandon()
        if self.taskmaster is None:
            return None
        if threading.current_thread() in self._own_threads():
            self._in_another_thread(self.stop)
            return None
        with self._once:
            if self.report is None:
                report = self._stopper.soft_stop(self.options.graceful_timeout)
                if report.threads or self.taskmaster.abandoned:
                    self.abandon()
                with self._abandoning:
                    self.report = self.report or report
                self._release()
        self._unpublish()
        return self.report

    def abandon(self) -> StopReport | None:
        """End it by force, within 2 s. The report names each counter that is not zero, each thread that would not end."""
        if self._stopper is None:
            return None
        with self._abandoning:
            if self.report is None:
                self.report = self._stopper.abandon()
                self._release()
        self._unpublish()
        return self.report

    @property
    def changeable(self) -> tuple[str, ...]:
        """The options that `change` can change: of those that the architecture and the application use."""
        return tuple(
            option.name
            for option in DECLARED
            if option.live and option.name in self.options.values and (self._has_delay or option.scope != "handler")
        )

    def change(self, name: str, value: object) -> None:
        """Change an option while the server runs. Threads beyond a lower limit end when they have served.

        Raises: OptionError for one that is not `changeable`, and as at construction.
        """
        option, able = OPTIONS.get(name), self.changeable
        if option is not None and name in self.options.values and name not in able:
            raise OptionError(
                f"{name} is for the built-in routes: this server has an application of its own"
                if option.live
                else f"{name} cannot be changed while the server runs: only {' and '.join(able) or 'nothing'} can"
            )
        if name == "max_threads" and isinstance(self._app, Wsgi) and not self._in_parallel and option.parse(value) > 1:
            raise OptionError(
                f"max_threads stays {self.options.max_threads}: the application was told that no two threads run it at once "
                "(wsgi.multithread); start it with --max-threads 2 or more"
            )
        with self._changing:
            if self.taskmaster is None or name not in ("standby", "max_threads"):
                self.options.change(name, value)
            else:
                self.taskmaster.change_option(name, value)
            self.delay.seconds, self.delay.kind = self.options.delay, self.options.delay_kind

    def slow(self, pause_s: float | str) -> None:
        """Slow motion: each thread is held for so long at each verb, seconds or a duration; 0 lets all go on at once.

        A soft stop in slow motion wakes one thread after the other, and ends it after half of its time.
        Raises: OptionError for a pause that is none; TeachserveError where there is nothing to slow down.
        """
        pause_s = parse_pause(pause_s)
        if self._gate is not None:
            raise TeachserveError("slow motion needs the gate that this server was given: make it without gate=")
        if self.taskmaster is None or not self.taskmaster.slow_down(pause_s):
            raise TeachserveError("there is no slow motion: the server does not run, or is about to end")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._address[1]

    @property
    def url(self) -> str:
        """The address as a URL, without a path."""
        host = self._address[0]
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def snapshot(self) -> dict[str, object]:
        """The counters, and every thread with its number, role and state's word, at this moment."""
        taskmaster = self.taskmaster
        if taskmaster is None:
            return {"threads": []}
        with taskmaster.lock:
            records = list(taskmaster.probe.records.values())
            counters = {**asdict(taskmaster.counts), "live": dict(taskmaster.counts.live)}
        return {
            **counters,
            "threads": [
                {"number": record.number, "role": record.role, "state": STATES[record.state].value,
                 "connection": record.connection, "requests": record.requests}
                for record in records
            ],
        }  # fmt: skip

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:  # fmt: skip
        self.stop()

    def _in_another_thread(self, run: Callable[[], object]) -> None:
        try:
            threading.Thread(target=run, name="stopper", daemon=True).start()
        except RuntimeError:  # the system makes no thread: then in this one, which keeps whoever waits for it waiting
            run()

    def _publish(self) -> None:
        # Here and not above: a server that nobody watches need not load it.
        from teachserve.publish.publisher import Publisher
        from teachserve.publish.runtime_directory import new_link_file

        self._publisher = Publisher(self, new_link_file() if self._watch is True else Path(self._watch))

    def _unpublish(self) -> None:
        """Take the link away, when the last word is told; whoever comes second waits for the first."""
        with self._unpublishing:
            publisher, self._publisher = self._publisher, None
            if publisher is not None:
                publisher.close("abandoned" if self.report.abandoned else "stopped")

    def _own_threads(self) -> set[threading.Thread | None]:
        with self.taskmaster.lock:
            return {record.thread for record in self.taskmaster.probe.records.values()}

    def _release(self) -> None:
        """Give the descriptors back, if no thread is left that might use them."""
        taskmaster = self.taskmaster
        for record in list(taskmaster.probe.records.values()):
            if record.lower:
                record.thread.join(RELEASE_S)
        if self._access_log is not None:
            self._access_log.close()
        with self._releasing:
            if self._released or taskmaster.probe.records:
                return
            self._released = True
            for queue in taskmaster.queues.values():
                queue.tokens.close()
            taskmaster.places.close()
            taskmaster.probe.close()

    def _listen(self) -> ListeningSocket:
        options = self.options
        try:
            family, _, _, _, address = socket.getaddrinfo(
                options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
        except (socket.gaierror, UnicodeError) as error:
            raise AddressError(f"host {options.host!r} is no address of this machine: {error}; see --host") from None
        listener = ListeningSocket(family)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Linux hands these on to every socket that is accepted: no system call for each connection.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(options.timeout_keep_alive))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval(options.timeout_write))
            listener.bind(address)
            listener.listen(options.backlog)
            _listening.add(listener)
        except OSError as error:
            listener.close()
            raise AddressError(_why_not(error, options.host, options.port)) from None
        return listener


def _handles_in_parallel(options: Options) -> bool:
    """Whether two threads may run a handler at the same time."""
    handling = next(
        (options.values[name] for name in ("offload", "threads", "max_threads") if name in options.values), 2
    )
    return handling > 1 and options.architecture != "single-thread"


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: choose another with --port, or --port 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} is not yours to listen on: choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"host {host} is no address of this machine: choose another with --host"
    return f"cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}"
