"""One server's process in a demo: what to start, the pipe that ends with us, and the link to it once it listens."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from teachserve.demo.child import Child
from teachserve.demo.endings import BROKEN, USAGE
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError
from teachserve.options import OPTIONS

START_S = 30.0
QUIET = ("--log-level", "info", "--access-log", "none")


class StartError(Exception):
    """The demo, or another server in it, could not start: the exit status and the line that says why."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start: an architecture with its options, as text, and the load generator's plan without its address."""

    architecture: str
    options: dict[str, object] = field(default_factory=dict)
    load: dict[str, object] = field(default_factory=dict)

    @property
    def has_port(self) -> bool:
        """Whether the server is to listen on a certain port, and not on any free one."""
        return bool(self.options.get("port"))

    def server_arguments(self, link_file: Path, pipe: int) -> list[str]:
        """The command line of `teachserve serve`."""
        # Whoever presses q does not want to wait for the server's usual patience of 30 s.
        options = {"graceful_timeout": "2s", "port": 0} | self.options
        given = [word for name, value in options.items() for word in (OPTIONS[name].flag, str(value))]
        link = ["--link-file", str(link_file), "--parent-pipe", str(pipe)]
        return ["-m", "teachserve", "serve", "--arch", self.architecture, *link, *QUIET, *given]


class ServerProcess(Child):
    """A server that was started; `link` waits until it listens. `number` tells its files from the others'.

    Raises: StartError, where the system gives no process or pipe.
    """

    def __init__(self, plan: Plan, folder: Path, number: int, on_end: Callable[[Child], None]) -> None:
        self._link_file = folder / f"link-{number}.json"
        self._closing = threading.Lock()
        # The plan holds what came from the environment; what it leaves out shall not come from there either.
        variables = {option.variable for option in OPTIONS.values()}
        try:
            read, write = os.pipe()
            self._pipe = os.fdopen(write, "wb")
            try:
                super().__init__(
                    "server", plan.server_arguments(self._link_file, read), folder / f"server-{number}.err", on_end,
                    stdout=subprocess.DEVNULL, pass_fds=[read],
                    env={name: value for name, value in os.environ.items() if name not in variables},
                )  # fmt: skip
            except OSError:
                self._pipe.close()
                raise
            finally:
                os.close(read)
        except OSError as error:
            raise StartError(BROKEN, f"the system starts no server: {error.strerror}") from error

    def link(self, given_up: Callable[[], Exception | None]) -> Link:
        """Wait until the server listens, and attach to it. `given_up` says, again and again, whether to wait no longer.

        Raises: StartError, with the server's own words where it has said why it cannot; what `given_up` gives.
        """
        until = time.monotonic() + START_S
        while not self._link_file.exists():
            if self.ended.wait(0.005):
                lines = self.last_words() or [self.how()]
                raise StartError(USAGE if self.status == USAGE else BROKEN, lines[-1].removeprefix("teachserve: "))
            if why := given_up():
                raise why
            if time.monotonic() > until:
                raise StartError(BROKEN, f"the server did not listen within {START_S:g} s")
        try:
            return Link.attach(self._link_file)
        except LinkError as error:
            raise StartError(BROKEN, str(error)) from error

    def end(self, steps: Sequence[tuple[int, float]]) -> bool:
        """As for any child; and then nobody needs the pipe any more."""
        in_time = super().end(steps)
        with self._closing:  # a restart may take it down just when all is taken down
            self._pipe.close()
        return in_time

    def remove_files(self) -> None:
        """What it wrote is not needed any more."""
        for file in (self.errors, *self._link_file.parent.glob(f"{self._link_file.name}*")):
            with contextlib.suppress(OSError):
                file.unlink()
