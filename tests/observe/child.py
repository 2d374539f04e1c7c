"""A process with threads that say one thing of themselves in the shared table, and do the same, or another.

Run as a script it is that process: the spec, as JSON in the first argument, is a list of [state's word, what the thread
does, descriptor or null]. A thread's number is its place in the spec, from 1; null announces the descriptor that it
really blocks on. Imported, `Child` is the parent's handle to it.
"""

import json
import mmap
import os
import platform
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from teachserve.events import ROW_WORDS, ROWS, WORD_SEQUENCE_SHIFT, WORD_STATE_BITS, State
from teachserve.observe.syscalls import NAMES

PATIENCE_S = 20.0
CALLS = {
    "accept": {"accept", "accept4"},
    "recv": {"recvfrom"},
    "send": {"sendto"},
    "take": {"read"},
    "select": {"epoll_wait", "epoll_pwait"},
    "sleep": {"clock_nanosleep"},
    "lock": {"futex"},
}
"""What a thread can do for ever, and where the kernel then has it. Besides: `spin` runs, `hop` only announces."""


class Child:
    """A running child. It is ready when the kernel says that each thread is blocked where it should be."""

    def __init__(self, spec: Sequence[tuple]):
        full = [[str(state), does, *(rest or [None])] for state, does, *rest in spec]
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(full)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.process = self._process.pid
        told = json.loads(self._process.stdout.readline())
        self.words_descriptor: int = told["words"]
        self.native: dict[int, int] = {int(number): native for number, native in told["native"].items()}
        self.descriptor: dict[int, int] = {int(number): at for number, at in told["descriptor"].items()}
        self._does = {number: does for number, (_state, does, _said) in enumerate(full, 1)}
        for number, does in self._does.items():
            if does in CALLS:
                self.wait_until_blocked(number)

    def wait_until_blocked(self, number: int) -> None:
        """Until two looks in a row find the thread in one and the same call: it has reached it, and stays."""
        path = Path(f"/proc/{self.process}/task/{self.native[number]}/syscall")
        before, patience = "", time.monotonic() + PATIENCE_S
        while True:
            line = path.read_text()
            if line == before and self._stays(line, self._does[number]):
                return
            before = line
            assert time.monotonic() < patience, f"thread {number} is not blocked: {line}"
            os.sched_yield()

    def replace_first(self) -> None:
        """End thread 1 and let thread 1001 take its row; returns when it blocks in accept."""
        self._process.stdin.write("replace\n")
        self._process.stdin.flush()
        self.native[1001] = int(self._process.stdout.readline())
        self._does[1001] = "accept"
        self.wait_until_blocked(1001)

    def end(self) -> None:
        """Kill it and wait for it."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    @staticmethod
    def _stays(line: str, does: str) -> bool:
        if line.startswith(("running", "-1")):
            return False
        number, *arguments = line.split()
        # A wait for the GIL is a futex too, but one with a time-out; a lock's has none.
        return NAMES[platform.machine()].get(int(number)) in CALLS[does] and (does != "lock" or arguments[3] == "0x0")


# ---- the process itself --------------------------------------------------------------------------------------------


def _main() -> None:
    spec = json.loads(sys.argv[1])
    table = os.memfd_create("words", os.MFD_CLOEXEC)
    os.ftruncate(table, ROWS * ROW_WORDS * 8)
    words = memoryview(mmap.mmap(table, 0)).cast("Q")
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    kept: list[object] = []
    native: dict[int, int] = {}
    descriptors: dict[int, int] = {}
    first_queue: list[int] = []
    ready = threading.Semaphore(0)

    def run(row: int, number: int, state: State, does: str, said: int | None) -> None:
        at = row * ROW_WORDS
        descriptor, block = _prepare(does, listener, kept)
        if number == 1:
            first_queue.append(descriptor)
        native[number] = threading.get_native_id()
        descriptors[number] = descriptor

        def announce(sequence: int, state: State) -> None:
            held = descriptor if said is None else said
            words[at + 2] = sequence << WORD_SEQUENCE_SHIFT | held << WORD_STATE_BITS | state.code

        announce(1, state)
        words[at + 1] = native[number]
        words[at] = number
        ready.release()
        if does == "hop":
            sequence = 1
            while True:
                sequence = (sequence + 1) & 0xFFFFFFFF
                announce(sequence, state)
        block()
        words[at] = 0

    def start(row: int, number: int, state: str, does: str, said: int | None) -> threading.Thread:
        thread = threading.Thread(target=run, args=(row, number, State(state), does, said), daemon=True)
        thread.start()
        ready.acquire()
        return thread

    threads = [start(row, row + 1, *line) for row, line in enumerate(spec)]
    print(json.dumps({"words": table, "native": native, "descriptor": descriptors}), flush=True)
    for _command in sys.stdin:
        os.eventfd_write(first_queue[0], 1)
        threads[0].join()
        start(0, 1001, "accepting", "accept", None)
        print(native[1001], flush=True)


def _prepare(does: str, listener: socket.socket, kept: list) -> tuple[int, object]:
    """(the descriptor that it blocks on, or 0; the call that blocks)"""
    match does:
        case "accept":
            return listener.fileno(), listener.accept
        case "recv":
            ours, theirs = socket.socketpair()
            kept += [ours, theirs]
            return ours.fileno(), lambda: ours.recv(1)
        case "send":
            ours, theirs = socket.socketpair()
            kept += [ours, theirs]
            return ours.fileno(), lambda: ours.sendall(bytes(64 << 20))
        case "take":
            queue = os.eventfd(0)
            return queue, lambda: os.read(queue, 8)
        case "select":
            poll = select.epoll()
            kept.append(poll)
            return poll.fileno(), poll.poll
        case "sleep":
            return 0, lambda: time.sleep(3600)
        case "lock":
            lock = threading.Lock()
            lock.acquire()
            return 0, lock.acquire
        case "spin":
            return 0, _spin
        case "hop":
            return 0, None
    raise ValueError(does)


def _spin() -> None:
    while True:
        pass


if __name__ == "__main__":
    _main()
