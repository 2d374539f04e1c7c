"""A command in a real terminal: a pty with a session leader between, as a shell would be, and every process known."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import NamedTuple

# The shell's part: starts the demo in its own process group, says how it ended, and waits. It outlives the demo, for
# when a session's leader dies its terminal is hung up. It handles Ctrl-C, rather than ignore it: a child inherits that.
LEADER = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, lambda *_: None)
demo = subprocess.Popen(sys.argv[1:])
print(f"LEADER {demo.pid}", flush=True)
print(f"STATUS {demo.wait()}", flush=True)
sys.stdin.read()
"""


class Process(NamedTuple):
    """A process by its number, and a descriptor that becomes readable when it has ended."""

    number: int
    end: int

    @classmethod
    def of(cls, number: int) -> "Process":
        return cls(number, os.pidfd_open(number))

    def wait(self) -> None:
        """Until it has ended; the test's own time limit is the bound."""
        select.select([self.end], [], [])

    def close(self) -> None:
        os.close(self.end)


def children(number: int) -> list[int]:
    """The processes that this one has started and that are still there."""
    try:
        return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    except OSError:
        return []


AT_FIRST = ("7", "25")
"""Modes that a terminal begins with: a line that is too long goes on in the next, and the cursor is shown."""


class Terminal:
    """A terminal of 80x24 in which `teachserve COMMAND ARGUMENTS` runs. `seen`: all that was written to it."""

    def __init__(self, *arguments: str, folder: Path, command: str = "demo", **variables: str) -> None:
        self.folder = folder
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.attributes = termios.tcgetattr(self.slave)
        self.seen = ""
        command = [sys.executable, "-m", "teachserve", command, *arguments]
        environment = os.environ | {
            "TERM": "xterm-256color", "TMPDIR": str(folder), "COLORTERM": "truecolor", "XDG_RUNTIME_DIR": "",
            **variables,
        }  # fmt: skip
        self.leader = subprocess.Popen(
            [sys.executable, "-c", LEADER, *command],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environment,
            preexec_fn=self._take_terminal,
        )
        self.guard = Process.of(int(self.until(r"LEADER (\d+)")[1]))
        self.processes = {"guard": self.guard}

    def _take_terminal(self) -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def until(self, pattern: str) -> re.Match:
        """Read on until this was written."""
        while not (found := re.search(pattern, self.seen)):
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        return found

    def read_some(self) -> None:
        """Read what is there, within a moment."""
        if select.select([self.master], [], [], 0.01)[0]:
            self.seen += os.read(self.master, 65536).decode(errors="replace")

    def running(self) -> "Terminal":
        """Read on until the dashboard has drawn a first table; then all four processes are known."""
        demo = self.shown("demo").number
        for number in children(demo):
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
            self.processes["server" if b"serve" in words else "load"] = Process.of(number)
        assert set(self.processes) == {"guard", "demo", "server", "load"}
        return self

    def shown(self, name: str) -> Process:
        """Read on until the dashboard has drawn a first table; the process that draws it, known by this name."""
        assert self.until(r"live|STATUS")[0] == "live", self.seen
        (number,) = children(self.guard.number)
        self.processes[name] = Process.of(number)
        return self.processes[name]

    def fill(self) -> None:
        """Read no more; write to it until not one byte fits. The kernel moves it on for a while: hence many tries."""
        other = os.open(os.ttyname(self.slave), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        refused = 0
        while refused < 1000:
            try:
                os.write(other, b"x")
                refused = 0
            except BlockingIOError:
                refused += 1
                os.sched_yield()
        os.close(other)

    def signal(self, who: str, number: int) -> None:
        """Send a signal to one of them."""
        os.kill(self.processes[who].number, number)

    def type(self, keys: str) -> None:
        """As on the keyboard."""
        os.write(self.master, keys.encode())

    def ended(self) -> int:
        """Read on until the demo's end, wait for each of its processes; the exit status."""
        status = int(self.until(r"STATUS (-?\d+)")[1])
        for process in self.processes.values():
            process.wait()
        return status

    def is_as_before(self) -> bool:
        """The terminal's attributes are what they were, the last screen was left again, and so was each mode."""
        modes: dict[str, str] = {}
        for numbers, how in re.findall(r"\x1b\[\?([\d;]+)([hl])", self.seen):
            modes |= dict.fromkeys(numbers.split(";"), how)
        assert modes["1049"] == "l"  # it was entered
        changed = {mode for mode, how in modes.items() if how != ("h" if mode in AT_FIRST else "l")}
        assert not changed
        return termios.tcgetattr(self.slave) == self.attributes

    def close(self) -> None:
        """Whatever the test did, nothing of it stays."""
        self.leader.kill()
        for name, process in self.processes.items():
            if not select.select([process.end], [], [], 0)[0]:
                os.kill(process.number, 9)
            process.close()
            del name
        self.leader.wait()
        for descriptor in (self.master, self.slave):
            try:
                os.close(descriptor)
            except OSError:
                continue
