"""What /proc tells of another process: its threads' files, its interpreter's memory, its CPU time."""

import contextlib
import os
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError)
"""What the kernel answers about a thread that is no more: at opening its files, and at reading open ones."""


class TaskFiles:
    """The two files of each thread, kept open between rounds: opening them costs more than reading them.

    A file stays bound to its thread, not to the number in its path: after the thread's end it reads as gone, even where
    the kernel has given the native id to another.
    """

    def __init__(self, process: int):
        self._process = process
        self._open: dict[int, tuple[int, int]] = {}
        self._most = _descriptors_to_spare() // 2

    def read(self, number: int, native: int) -> tuple[bytes, str]:
        """What `syscall` and `wchan` hold. Raises: one of GONE, or OSError where the kernel does not answer."""
        files = self._open.get(number)
        if files is None:
            files = self._enter(native)
            if len(self._open) < self._most:
                self._open[number] = files
            else:
                try:
                    return self._read(files)
                finally:
                    _close(files)
        return self._read(files)

    def keep(self, numbers: set[int]) -> None:
        """Close the files of every other thread."""
        for number in self._open.keys() - numbers:
            _close(self._open.pop(number))

    def close(self) -> None:
        self.keep(set())

    def _enter(self, native: int) -> tuple[int, int]:
        task = f"/proc/{self._process}/task/{native}/"
        syscall = os.open(task + "syscall", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return syscall, os.open(task + "wchan", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(syscall)
            raise

    @staticmethod
    def _read(files: tuple[int, int]) -> tuple[bytes, str]:
        syscall, wchan = files
        return os.pread(syscall, 256, 0), os.pread(wchan, 128, 0).decode("ascii", "replace")


class InterpreterMemory:
    """The writable data of the interpreter's own image, where the main interpreter's GIL lies (in `_PyRuntime`).

    Read on first use and once only: an image is mapped when the process starts, and stays where it is.
    """

    def __init__(self, process: int):
        self._process = process
        self._ranges: list[tuple[int, int]] | None = None

    def __contains__(self, address: int) -> bool:
        if self._ranges is None:
            self._ranges = self._read()
        return any(begin <= address < end for begin, end in self._ranges)

    def _read(self) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        executable = str(Path(f"/proc/{self._process}/exe").readlink())
        for line in Path(f"/proc/{self._process}/maps").read_text().splitlines():
            span, rights, _offset, _device, _inode, *name = line.split(None, 5)
            begin, end = (int(part, 16) for part in span.split("-"))
            path = name[0] if name else ""
            if "w" in rights and (path == executable or Path(path).name.startswith("libpython")):
                ranges.append((begin, end))
        return ranges


def process_cpu(process: int) -> float | None:
    """CPU seconds that a process has used, user and system, all threads, ended ones too; None: it is gone.

    The kernel counts in ticks of 10 ms. Source: proc_pid_stat(5).
    """
    fields = _stat(process)
    return None if fields is None else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(process: int) -> bool:
    """Whether the process exists and has not ended; one that nobody has waited for yet has."""
    fields = _stat(process)
    return fields is not None and fields[0] not in ("Z", "X")


def _stat(process: int) -> list[str] | None:
    # The second field is the program's name in brackets, and may hold brackets and blanks itself.
    try:
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _descriptors_to_spare() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2


def _close(files: tuple[int, ...]) -> None:
    for descriptor in files:
        with contextlib.suppress(OSError):
            os.close(descriptor)
