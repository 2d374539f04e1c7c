"""A `teachserve serve` in a process of its own, into which faults can be injected, and what /proc says about it."""

import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from teachserve.conformance import Answer, Client, get

PATIENCE_S = 8.0
SOON_S = 0.5
POLL_S = 0.005
INJECT = Path(__file__).parent / "inject"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
NO_HOST = b"GET /yo HTTP/1.1\r\n\r\n"
"""A request that is refused with 400."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: close(2) sends a reset."""

ARCHITECTURES: dict[str, tuple[str, ...]] = {
    "single-thread": ("--arch", "single-thread"),
    "thread-per-connection": ("--arch", "thread-per-connection", "--max-threads", "4", "--max-accepts", "6"),
    "thread-pool": ("--arch", "thread-pool", "--threads", "2", "--max-accepts", "6"),
    "recycling": ("--arch", "recycling", "--standby", "2", "--max-threads", "4"),
    "event-loop": ("--arch", "event-loop", "--max-accepts", "6"),
    "event-loop-offload": ("--arch", "event-loop", "--offload", "2", "--max-accepts", "6"),
}
"""By name, with limits that a few clients reach."""
BLOCKING = tuple(name for name in ARCHITECTURES if not name.startswith("event-loop"))


def until(condition: Callable[[], object], what: str) -> object:
    """Poll until the condition holds; what it gave. Raises: AssertionError with `what` where that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(POLL_S)
    return found


class Child:
    """A running server; ready when its log has named the address. It is stopped, or killed, by `close`."""

    def __init__(self, folder: Path, *options: str, architecture: str = "single-thread", faults: dict | None = None,
                 **process: object):  # fmt: skip
        self.architecture = architecture
        self.port = 0
        self.faults = folder / "faults"
        self.faults.mkdir()
        for name, which in (faults or {}).items():
            self.inject(name, which)
        self._log = folder / "log"
        path = os.pathsep.join([str(INJECT), *(entry for entry in sys.path if entry)])
        with self._log.open("wb") as log:
            how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": log} | process
            self.process = subprocess.Popen(
                [sys.executable, "-m", "teachserve", "serve", "--port", "0", *ARCHITECTURES[architecture], *options],
                env=os.environ | {"PYTHONPATH": path, "FAULTS": str(self.faults)}, **how,
            )  # fmt: skip
        self.proc = Path("/proc") / str(self.process.pid)

    def listening(self) -> "Child":
        """Once it listens, and has the threads of its start."""
        if not self.port:
            self.port = int(self.says(r"serves on http://[^ ]+:(\d+) ")[1])
            self.start_threads, self.start_sockets = self.threads(), len(sockets(self.descriptors()))
        return self

    def serving(self) -> "Child":
        """Once it serves, and has what it makes on first need (the thread that closes refused connections)."""
        self.listening()
        with Client(self.port) as client:
            client.send(NO_HOST)
            assert client.answer().status == 400
            assert client.end() == b""
        self.start_threads += 1

        def no_connection_is_left() -> bool:
            found = self.descriptors()
            self.start_descriptors = len(found)
            return len(sockets(found)) == self.start_sockets

        until(no_connection_is_left, lambda: f"connections are left: {self.descriptors()}")
        self.is_as_before()
        return self

    # ---- faults ----------------------------------------------------------------------------------------------------

    def inject(self, fault: str, which: str = "on") -> None:
        """Switch a fault on: see `inject/sitecustomize.py`."""
        (self.faults / fault).symlink_to(which)

    def mend(self, fault: str) -> None:
        """Switch it off."""
        (self.faults / fault).unlink()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def suspend(self) -> None:
        """SIGSTOP, and wait until every thread of it stands still; SIGCONT lets it go on."""
        self.send(signal.SIGSTOP)
        threads = list((self.proc / "task").iterdir())
        until(lambda: all(state(thread) == "T" for thread in threads), "it does not stand still")

    # ---- what it says and answers ----------------------------------------------------------------------------------

    def log(self) -> str:
        """All that it has written to stderr."""
        return self._log.read_text()

    def says(self, pattern: str) -> re.Match:
        """The first match in its log, waited for."""

        def found() -> re.Match | None:
            match = re.search(pattern, self.log())
            assert match or self.process.poll() is None, f"it ended without {pattern!r}: {self.log()}"
            return match

        return until(found, lambda: f"it does not say {pattern!r} but {self.log()}")

    def client(self, words: bytes = b"") -> Client:
        """A client that has connected and sent these words."""
        client = Client(self.port)
        client.send(words)
        return client

    def ask(self, path: str = "/yo") -> Answer:
        """The answer to one request on a connection of its own."""
        with self.client(get(path, "Connection: close")) as client:
            return client.answer()

    def answers(self) -> bool:
        """Whether a request on a new connection is answered soon, and as it should."""
        try:
            with self.client(get("/yo", "Connection: close")) as client:
                client.sock.settimeout(SOON_S)
                return client.answer().body == b"Hey!"
        except (OSError, AssertionError):  # too late; closed without an answer
            return False

    # ---- what the system says about it -----------------------------------------------------------------------------

    def threads(self) -> int:
        return len(list((self.proc / "task").iterdir()))

    def descriptors(self) -> dict[str, str]:
        """What each of its open descriptors leads to."""
        found = {}
        for entry in (self.proc / "fd").iterdir():
            try:
                found[entry.name] = str(entry.readlink())
            except FileNotFoundError:  # closed since the folder was read
                continue
        return found

    def cpu_s(self) -> float:
        """The CPU time that it has used."""
        fields = (self.proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def resident_bytes(self, highest: bool = False) -> int:
        """Its memory, or the most that it ever had."""
        (kilobytes,) = re.findall(rf"{'VmHWM' if highest else 'VmRSS'}:\s+(\d+) kB", (self.proc / "status").read_text())
        return int(kilobytes) * 1024

    def is_as_before(self) -> None:
        """It answers, and no thread and no descriptor is left of what has been."""
        until(self.answers, lambda: f"it does not answer: {self.log()}")

        def nothing_is_left() -> bool:
            if (self.threads(), len(self.descriptors())) == (self.start_threads, self.start_descriptors):
                return True
            self.answers()  # a worker that is one too many finds out after its next connection
            return False

        until(
            nothing_is_left,
            lambda: (
                f"{self.start_threads} threads and {self.start_descriptors} descriptors became "
                f"{self.threads()} and {self.descriptors()}: {self.log()}"
            ),
        )

    # ---- the end ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop softly: every counter that should be zero is, every thread has ended."""
        self.send(signal.SIGTERM)
        assert self.status() == 0, self.log()
        assert re.search(r"stopped in .* clean", self.log()) and "not clean" not in self.log(), self.log()

    def status(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def sockets(descriptors: dict[str, str]) -> set[str]:
    """Those of them that lead to a socket."""
    return {leads_to for leads_to in descriptors.values() if leads_to.startswith("socket:")}


def state(entry: Path) -> str:
    """What the system says of a process or thread in /proc: R runs, T is suspended, Z has ended."""
    return (entry / "stat").read_text().rpartition(")")[2].split()[0]


def reset(client: Client) -> None:
    """Go away with a reset."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.sock.close()


def hears_nothing(clients: list[Client], seconds: float) -> None:
    """None of these clients gets an answer or an end within this time."""
    ready, _, _ = select.select([client.sock for client in clients], [], [], seconds)
    assert not ready


def free_port() -> int:
    """A port for a server that cannot say which one it took."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    """Whether anybody listens on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
