"""`teachserve serve`: one architecture, serving until it is told to stop."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from teachserve.cli.options import given, server_options
from teachserve.cli.stderr import log_to_stderr
from teachserve.errors import OptionError, TeachserveError, told
from teachserve.options import OPTIONS

STOPPED, FAILED = 0, 255
"""The notices that the soft stop is done, and that the server cannot accept any more; every other is a signal's number."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Notices:
    """Signals, and what other threads want to tell the main thread, in one pipe.

    The C level handler writes into the pipe itself, so a signal is safe at any moment, in whichever thread it arrives; no
    Python runs in a handler. (A SimpleQueue in its place once left a SIGTERM unnoticed, on a free-threaded 3.13.)
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        # Whoever started us with nohup(1) wants the terminal's end ignored.
        self._numbers = [
            number for number in STOP_SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        ]
        self._on_signal(lambda number, frame: None)
        os.register_at_fork(after_in_child=self._forget)

    def _on_signal(self, handler: Callable) -> None:
        for number in self._numbers:
            signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this a signal ends the process: nothing of ours runs yet, and what runs may never come back."""
        self._on_signal(lambda number, frame: os._exit(128 + number))
        yield
        self._on_signal(lambda number, frame: None)

    def give(self, *notices: int) -> None:
        """Tell the main thread; from any thread."""
        os.write(self._write, bytes(notices))

    def _forget(self) -> None:
        """In a child that a handler forked: the pipe is its parent's, and a signal to the child is no notice to that."""
        signal.set_wakeup_fd(-1)
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)
        self._read, self._write = os.pipe()

    def wait(self) -> int:
        """The next notice: a signal's number, STOPPED or FAILED."""
        return os.read(self._read, 1)[0]


@click.command(context_settings={"show_default": True})
@click.argument("application", metavar="[APP]", required=False)
@server_options()
@click.option(
    "--app-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the application's module lies.  [default: the current folder]",
)
@click.option(
    "--factory", is_flag=True, show_default=False, help="APP is called without arguments to make the application."
)
@click.option(
    "--access-log",
    default="-",
    envvar="TEACHSERVE_ACCESS_LOG",
    show_envvar=True,
    metavar="FILE",
    help="A line for each answer, in the combined format with its microseconds; - is stdout, none turns it off.",
)
@click.option("--watch", is_flag=True, help="Let `teachserve watch` show the threads, to you alone.")
@click.option("--link-file", type=click.Path(path_type=Path), hidden=True, help="Where watchers find the link.")
@click.option("--parent-pipe", type=int, hidden=True, help="A descriptor whose end means: stop.")
@click.option("--log-level", type=click.Choice(["error", "warning", "info", "debug"]), default="info")
def command(
    application: str | None, access_log: str, arch: str, app_dir: Path | None, factory: bool, watch: bool,
    link_file: Path | None, parent_pipe: int | None, log_level: str, **options: object,
) -> int:  # fmt: skip
    """Serve HTTP with an architecture of your choice: APP, a WSGI application such as myapp:app, or else the built-in
    routes /yo, /yo?name=Dude and /echo.

    \b
    Example:
      teachserve serve --arch recycling --port 8080 --delay 1ms
      curl 'http://127.0.0.1:8080/yo?name=Dude'
      teachserve serve myapp:app --arch thread-pool --threads 16

    Ctrl-C, SIGTERM or the end of its terminal stops softly: what was accepted is served, for at most --graceful-timeout.
    A second one abandons. Exit status: 0 after a soft stop, 130, 143 or 129 after an abandon, 1 when it could not accept
    any more.
    """
    notices = Notices()  # first of all: from here on a signal is a notice
    from teachserve.server import Server

    log_to_stderr(log_level)
    sys.path.insert(0, "")
    try:
        chosen = given(options)
        handler = None
        if application is None and (factory or app_dir is not None):
            raise OptionError("--factory and --app-dir are for an application: name it, such as myapp:app")
        destination = None if access_log == "none" else access_log
        with notices.at_once():  # the modules of both are imported here
            if application is not None:
                handler = _application(application, factory, app_dir, chosen)
            server = Server(
                handler, arch, access_log=destination, watch=link_file or watch, **({"port": 8080} | chosen)
            )
        server.on_failure = lambda: notices.give(FAILED)
        server.on_stop_asked = lambda: notices.give(signal.SIGTERM)
        server.on_abandon_asked = lambda: notices.give(signal.SIGTERM, signal.SIGTERM)
        _start(server)
    except TeachserveError as error:
        raise click.UsageError(str(error)) from None
    if parent_pipe is not None:
        threading.Thread(target=_await_end, args=(parent_pipe, notices), name="parent-watch", daemon=True).start()
    gc.freeze()  # what start-up made stays: the collector, which stops every thread, need not look at it again
    logging.getLogger("teachserve").info("%s serves on %s (process %d)", server.architecture, server.url, os.getpid())
    if watch:
        logging.getLogger("teachserve").info("to watch it: teachserve watch, or teachserve watch %d", os.getpid())
    return _until_stopped(server, notices)


def _start(server) -> None:
    """Raises: TeachserveError, also where a student's own start breaks: a fault of ours keeps its traceback."""
    from teachserve.architectures import NAMES

    try:
        server.start()
    except Exception as error:
        if isinstance(error, TeachserveError) or server.architecture in NAMES:
            raise
        raise TeachserveError(f"{server.architecture} broke in its start: {told(error)}") from error


def _application(text: str, factory: bool, app_dir: Path | None, options: dict[str, object]):
    """The application to serve. Raises: ApplicationError, OptionError."""
    from teachserve import applications

    for name in options:
        if OPTIONS[name].scope == "handler":
            raise OptionError(
                f"{name} is for the built-in routes: leave {OPTIONS[name].flag} out when you serve {text}"
            )
    return applications.find(text, factory=factory, folder=app_dir)


def _until_stopped(server, notices: Notices) -> int:
    """Wait for a signal, stop softly; a second signal abandons. The exit status."""
    log = logging.getLogger("teachserve")
    first = notices.wait()
    log.info("stopping softly, for at most %g s; once more abandons", server.options.graceful_timeout)

    def stop() -> None:
        server.stop()
        notices.give(STOPPED)

    try:
        threading.Thread(target=stop, name="stopper", daemon=True).start()
    except RuntimeError:  # the system makes no thread: stop in this one, and hear a second signal only after it
        stop()
    while (last := notices.wait()) == FAILED:
        continue
    if last != STOPPED:
        if server.report is None and first != FAILED:
            first = last
        server.abandon()  # or, where the soft stop is just over, wait until its watchers are told
    report = server.report
    for line in report.lines():
        log.log(logging.INFO if report.clean else logging.WARNING, line)
    status = 1 if first == FAILED else 128 + first if report.abandoned else 0
    if report.threads:
        # A thread that cannot be ended must not hold up the process either.
        logging.shutdown()
        os._exit(status)
    return status


def _await_end(descriptor: int, notices: Notices) -> None:
    """The parent holds the other end of this pipe: its end is the parent's."""
    while os.read(descriptor, 1):
        continue
    notices.give(signal.SIGTERM)
