"""What the kernel calls things: the numbers of system calls, and the calls in which each state may block.

The numbers differ from machine to machine; a machine that is not listed here cannot be asked, and says so.
Source: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of the Linux kernel.
"""

from dataclasses import dataclass

from teachserve.events import State

# One line a family: those a server's thread may be seen in. Any other is shown by its number.
NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "accept": 43, "accept4": 288, "socket": 41, "connect": 42, "shutdown": 48,
        "read": 0, "readv": 19, "pread64": 17, "recvfrom": 45, "recvmsg": 47, "recvmmsg": 299,
        "write": 1, "writev": 20, "pwrite64": 18, "sendto": 44, "sendmsg": 46, "sendmmsg": 307, "sendfile": 40,
        "epoll_wait": 232, "epoll_pwait": 281, "epoll_pwait2": 441,
        "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270,
        "nanosleep": 35, "clock_nanosleep": 230, "pause": 34, "rt_sigtimedwait": 128,
        "futex": 202, "futex_waitv": 449, "restart_syscall": 219, "sched_yield": 24, "membarrier": 324,
        "brk": 12, "mmap": 9, "munmap": 11, "mremap": 25, "mprotect": 10, "madvise": 28, "getrandom": 318,
        "clone": 56, "clone3": 435, "wait4": 61, "waitid": 247, "exit": 60, "exit_group": 231,
        "open": 2, "openat": 257, "close": 3, "lseek": 8, "fcntl": 72, "flock": 73, "ioctl": 16,
        "stat": 4, "fstat": 5, "newfstatat": 262, "statx": 332, "fsync": 74, "fdatasync": 75,
    },
    "aarch64": {
        "accept": 202, "accept4": 242, "socket": 198, "connect": 203, "shutdown": 210,
        "read": 63, "readv": 65, "pread64": 67, "recvfrom": 207, "recvmsg": 212, "recvmmsg": 243,
        "write": 64, "writev": 66, "pwrite64": 68, "sendto": 206, "sendmsg": 211, "sendmmsg": 269, "sendfile": 71,
        "epoll_pwait": 22, "epoll_pwait2": 441,
        "ppoll": 73, "pselect6": 72,
        "nanosleep": 101, "clock_nanosleep": 115, "rt_sigtimedwait": 137,
        "futex": 98, "futex_waitv": 449, "restart_syscall": 128, "sched_yield": 124, "membarrier": 283,
        "brk": 214, "mmap": 222, "munmap": 215, "mremap": 216, "mprotect": 226, "madvise": 233, "getrandom": 278,
        "clone": 220, "clone3": 435, "wait4": 260, "waitid": 95, "exit": 93, "exit_group": 94,
        "openat": 56, "close": 57, "lseek": 62, "fcntl": 25, "flock": 32, "ioctl": 29,
        "fstat": 80, "newfstatat": 79, "statx": 291, "fsync": 82, "fdatasync": 83,
    },
}  # fmt: skip

NAMES: dict[str, dict[int, str]] = {
    machine: {number: name for name, number in numbers.items()} for machine, numbers in NUMBERS.items()
}

FUTEX = frozenset({"futex", "futex_waitv"})

RUNTIME = frozenset({
    "restart_syscall", "sched_yield", "membarrier", "brk", "mmap", "munmap", "mremap", "mprotect", "madvise",
    "getrandom", "exit",
})  # fmt: skip
"""Calls that the interpreter makes for itself, in any state: they say nothing about what the thread is doing.

The memory calls block while another thread changes the address space, as every new thread does.
"""


@dataclass(frozen=True, slots=True)
class Expected:
    """The calls in which a thread may block in some state; `descriptor`: the first argument must be the word's."""

    calls: frozenset[str]
    descriptor: bool = True


ANY_CALL = Expected(frozenset(), descriptor=False)
"""The application's own code runs: it may block in whatever it likes, so no call here can be a lie."""

_ACCEPT = Expected(frozenset({"accept", "accept4"}))
_RECEIVE = Expected(frozenset({"recvfrom", "recvmsg", "read"}))  # read: TLS reads its socket with it
_SEND = Expected(frozenset({"sendto", "sendmsg", "write", "writev", "sendfile"}))
_TAKE = Expected(frozenset({"read"}))
_EPOLL = Expected(frozenset({"epoll_wait", "epoll_pwait", "epoll_pwait2"}))
_PAUSE = Expected(frozenset({"nanosleep", "clock_nanosleep", "poll", "ppoll", "select", "pselect6"}), descriptor=False)
_NOTHING = Expected(frozenset(), descriptor=False)

EXPECTED: dict[State, Expected] = {
    State.STARTING: _NOTHING,
    State.CREATING: Expected(frozenset({"clone", "clone3"}), descriptor=False),
    State.ACCEPTING: _ACCEPT,
    State.ACCEPTED: _NOTHING,
    State.BACKING_OFF: _PAUSE,
    State.SELECTING: _EPOLL,
    State.HANDING_OVER: Expected(frozenset({"write"}), descriptor=False),  # the queue's token; its wait is the lock
    State.WAITING: _TAKE,
    State.WAITING_FOR_PLACE: _TAKE,
    State.READING: _RECEIVE,
    State.IDLE: _RECEIVE,
    State.HANDLING: ANY_CALL,
    State.WRITING: _SEND,
    State.LINGERING: _EPOLL,
    State.RECYCLING: _NOTHING,
    State.ENDED: _NOTHING,
    State.BROKEN: _NOTHING,
}
"""State -> where a thread in it may block. A wait on a futex is never listed: one futex looks like any other."""

WITH_DESCRIPTOR = frozenset({
    "connect", "shutdown", "readv", "pread64", "recvmmsg", "writev", "pwrite64", "sendmmsg", "close", "lseek", "fcntl",
    "flock", "ioctl", "fstat", "fsync", "fdatasync",
}).union(*(expected.calls for expected in EXPECTED.values() if expected.descriptor))  # fmt: skip
"""Calls whose first argument is a descriptor."""
