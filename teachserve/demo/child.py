"""One process that the demo started: waited for by a thread of its own, so that its death is known at once."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

LAST_LINES = 20
QUIET = ("DEBUG", "INFO")
LEVELS = (*QUIET, "WARNING", "ERROR", "CRITICAL")
NO_HISTOGRAM = "hdrhistogram is not installed"
"""How the load generator begins what it says on a Python without a wheel for it: no fault, so no complaint."""


class Child:
    """A process and what became of it. `on_end` is called in another thread, once, when it has ended."""

    def __init__(
        self, what: str, arguments: Sequence[str], errors: Path, on_end: Callable[["Child"], None], **popen: object
    ) -> None:
        self.what = what
        self.errors = errors
        self._on_end = on_end
        self.ended = threading.Event()
        with errors.open("wb") as stderr:
            # A session of its own: Ctrl-C and the terminal's hang-up come to us alone, and we take the others down.
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                stderr=stderr,
                start_new_session=True,
                **{"stdin": subprocess.DEVNULL, **popen},
            )
        threading.Thread(target=self._wait, name=f"wait-{what}", daemon=True).start()

    @property
    def status(self) -> int | None:
        """As `Popen.returncode`: negative for a signal, None while it runs."""
        return self.process.returncode

    def _wait(self) -> None:
        self.process.wait()
        self.ended.set()
        self._on_end(self)

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        if not self.ended.is_set():
            self.process.send_signal(number)

    def how(self) -> str:
        """What became of it, in words: `the server process (4711) was killed by SIGKILL`."""
        status = self.status
        if status is None:
            became = "is still running"
        elif status < 0:
            became = f"was killed by {signal.Signals(-status).name}"
        else:
            became = f"ended with exit status {status}"
        return f"the {self.what} process ({self.process.pid}) {became}"

    def last_words(self) -> list[str]:
        """The last lines that it wrote to stderr."""
        try:
            text = self.errors.read_text(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-LAST_LINES:]

    def complaints(self) -> list[str]:
        """Those lines that are no mere report of progress: a warning, an error, a traceback."""
        lines, shown = [], False
        for line in self.last_words():
            level = next((word for word in line.split(None, 3)[:3] if word in LEVELS), None)
            if level is not None:
                shown = level not in QUIET
            elif not line[0].isspace():  # else it goes on with what the line before it began
                shown = not line.startswith(NO_HISTOGRAM)
            if shown:
                lines.append(line)
        return lines

    def end(self, steps: Sequence[tuple[int, float]]) -> bool:
        """Signal after signal, each with the seconds that it may take, then SIGKILL. True where that was not needed."""
        for number, seconds in steps:
            self.signal(number)
            self.signal(signal.SIGCONT)  # one that was suspended would not hear of it
            if self.ended.wait(seconds):
                return True
        self.signal(signal.SIGKILL)
        self.ended.wait()
        return False
