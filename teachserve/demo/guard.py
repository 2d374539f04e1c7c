"""The outermost process of a demo or a watch: it does nothing but clean up behind the one that does everything.

Who holds the terminal in raw mode and dies of `kill -9` cannot put it back; so these fork first of all. The parent,
this guard, waits. Whatever becomes of the child, the terminal is as it was, the temporary folder is gone, no process is
left over, and there is a line that says what happened. Should the guard itself be killed, the child sees the end of a
pipe and takes everything down. The child, not the guard, starts the server: a kernel with Yama shows a process's system
calls to its ancestors only.
"""

import atexit
import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import NamedTuple

from teachserve.demo.endings import BROKEN, SIGNALS, Ending, Endings

PROCESSES = "processes.json"
LAST_WORDS = "last-words"
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 6.0
"""How long the orphans may take to end by themselves: they see the end of a pipe too."""
# Leave the alternate screen; show the cursor; long lines go on in the next; no reports of the mouse, of pasting, of the
# focus, of sizes; plain colours.
RESET = "\x1b[?1049l\x1b[?25;7h\x1b[?1000;1002;1003;1006;1015;1016l\x1b[?2004;1004;2048l\x1b[<u\x1b[0m"


class Guarded(NamedTuple):
    """What the child gets: a folder for its files, and a descriptor that ends when the guard does."""

    what: str
    folder: Path
    lifeline: int

    def note_processes(self, processes: dict[str, int]) -> None:
        """Tell the guard which processes it would have to wait for."""
        (self.folder / PROCESSES).write_text(json.dumps(processes))

    def note_last_words(self, text: str) -> None:
        """What the guard shall say, should it come to that the child kills itself."""
        with contextlib.suppress(OSError):
            (self.folder / LAST_WORDS).write_text(text)

    def end_with_guard(self, endings: Endings) -> None:
        """From now on the guard's end is a reason to end."""

        def await_guard() -> None:
            os.read(self.lifeline, 1)
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)  # the guard would have done that
            words = f"the outermost {self.what} process is gone: the {self.what} has ended with it"
            endings.end(Ending(BROKEN, words))

        threading.Thread(target=await_guard, name="lifeline", daemon=True).start()


class Terminal:
    """A terminal's attributes, to be put back."""

    def __init__(self) -> None:
        self._attributes = None
        with contextlib.suppress(termios.error, OSError, ValueError):
            self._attributes = termios.tcgetattr(sys.stdin.fileno())

    def restore(self) -> None:
        """As it was, for a terminal that somebody left in raw mode on the alternate screen."""
        if self._attributes is None:
            return
        # From the background that would stop us; and a terminal that is gone needs nothing.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        with contextlib.suppress(termios.error, OSError):
            # What was not shown yet never will be: a terminal that takes no more would block us too.
            termios.tcflush(sys.stderr.fileno(), termios.TCOFLUSH)
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._attributes)
            os.write(sys.stderr.fileno(), RESET.encode())


def guard(what: str, screen: bool) -> tuple[Guarded, Endings]:
    """Fork. Returns in the child only: the parent stays the guard. `screen`: the child takes the terminal.

    In the child, signals and the guard's end are reasons to end from here on. `what` is what it calls itself.
    """
    folder = Path(tempfile.mkdtemp(prefix="teachserve-"))
    terminal = Terminal() if screen else None
    lifeline, held = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    # No signal may fall between the fork and the handlers: it would hit one process and leave the other.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    child = os.fork()
    if child == 0:
        os.close(held)
        guarded, endings = Guarded(what, folder, lifeline), Endings()
        endings.take_signals()
        _unblock()
        guarded.end_with_guard(endings)
        return guarded, endings
    os.close(lifeline)
    os._exit(_guard(what, child, folder, terminal))


def _unblock() -> None:
    """Once the handlers are there: take the signals that came meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _guard(what: str, child: int, folder: Path, terminal: Terminal | None) -> int:
    """The guard's whole life. The exit status."""
    _adopt_orphans()
    for number in SIGNALS:
        # Most come to the whole process group anyway; to end twice is to end once.
        signal.signal(number, lambda number, frame: os.kill(child, number))
    _unblock()
    status = _wait(child)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # the child's number may be another's by now
    if status >= 0:
        shutil.rmtree(folder, ignore_errors=True)
        return status
    if terminal is not None:
        terminal.restore()
    words = _last_words(folder) or f"the {what} process ({child}) was killed by {signal.Signals(-status).name}"
    orphans = _take_down_orphans(folder)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.write(2, f"teachserve: {words}; {orphans}\n".encode())
    return BROKEN


def _wait(child: int) -> int:
    """The child's exit code; negative for a signal. Where it is suspended, so are we: the shell watches us, not it."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.kill(child, signal.SIGCONT)


def _adopt_orphans() -> None:
    """Become the parent of the child's children when it dies (Linux): then they can be waited for."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _take_down_orphans(folder: Path) -> str:
    """Wait for the server and the load generator, which end by themselves; kill what does not. What to say of it."""
    try:
        processes = {int(process): what for what, process in json.loads((folder / PROCESSES).read_bytes()).items()}
    except (OSError, ValueError):
        return "it had started no other process"
    killed = []
    until = time.monotonic() + PATIENCE_S
    for process, what in processes.items():
        while (gone := _reaped(process)) is False and time.monotonic() < until:
            time.sleep(0.01)
        if gone is False:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            killed.append(f"the {what} process ({process}) had to be killed too")
    return ", ".join(killed) or have_ended(list(processes.values()))


def have_ended(names: list[str]) -> str:
    """What is said of processes that have ended with the one that started them."""
    if not names:
        return "no other process was left"
    *others, last = names
    return f"{', '.join(others)} and {last} have ended with it" if others else f"{last} has ended with it"


def _reaped(process: int) -> bool | None:
    """Whether it has ended, where it is ours to wait for; None where it is not, or not any more."""
    try:
        return os.waitpid(process, os.WNOHANG)[0] == process
    except ChildProcessError:
        return None


def _last_words(folder: Path) -> str:
    try:
        return (folder / LAST_WORDS).read_text()
    except OSError:
        return ""
