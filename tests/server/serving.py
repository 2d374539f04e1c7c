"""A `teachserve serve` in a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 20
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Serving:
    """A running `teachserve serve`; ready when its log has named the address."""

    def __init__(self, *options: str, **environment: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "teachserve", "serve", "--port", "0", *options],
            stderr=subprocess.PIPE, text=True, env=ENVIRONMENT | environment,
        )  # fmt: skip
        self.port = int(self.line(r"serves on http://[^ ]+:(\d+) ")[1])

    def line(self, pattern: str) -> re.Match:
        """The next line of its log that matches."""
        for line in self.process.stderr:
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"it ended without a line that matches {pattern!r}")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Whatever the test did, nothing of it stays."""
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@contextmanager
def starting() -> Iterator[Callable[..., Serving]]:
    """Starts as many as it is called for, and leaves none."""
    started: list[Serving] = []

    def start(*options: str) -> Serving:
        started.append(Serving(*options))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            one.close()
