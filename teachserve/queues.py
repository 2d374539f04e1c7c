"""Named queues: how one thread hands something to another, with the wait where the kernel can be asked about it.

A lock's wait is a futex, and one futex looks like any other. Here the taker blocks in read(2) on an eventfd that
belongs to this queue alone (a pipe where there is no eventfd): the witness can tell who waits, and for what, and an
event loop can watch the same descriptor beside its sockets.
"""

import os
import struct
from collections import deque


class Tokens:
    """A counter in the kernel: `put` adds tokens, `get` takes one and blocks while there is none."""

    __slots__ = ("_write", "descriptor")

    def __init__(self, tokens: int = 0):
        if hasattr(os, "eventfd"):
            self.descriptor = os.eventfd(tokens, os.EFD_CLOEXEC | os.EFD_SEMAPHORE)
            self._write = self.descriptor
        else:
            self.descriptor, self._write = os.pipe()
            self.put(tokens)

    def put(self, tokens: int = 1) -> None:
        """Add tokens; wakes as many takers. Never blocks."""
        if self._write == self.descriptor:
            os.write(self._write, struct.pack("=Q", tokens))
        elif tokens:
            os.write(self._write, bytes(tokens))

    def get(self) -> None:
        """Take one token; blocks in read(2) until there is one."""
        os.read(self.descriptor, 8 if self._write == self.descriptor else 1)

    def close(self) -> None:
        """Give the descriptors back. No thread may be waiting."""
        os.close(self.descriptor)
        if self._write != self.descriptor:
            os.close(self._write)


class Queue:
    """Declares a named queue as class data: `connections = Queue()`. Each taskmaster gets one of its own."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class NamedQueue:
    """One queue of one taskmaster: first in, first out, unbounded.

    `items`, `takers` (threads waiting) and `handed_over` (items ever put) change under the taskmaster's lock; `tokens`
    holds one token an item, and one for each taker to be released when the server stops. `position` is its place among
    the taskmaster's queues: its number in the frames.
    """

    __slots__ = ("handed_over", "items", "name", "position", "takers", "tokens")

    def __init__(self, name: str):
        self.name = name
        self.position = 0
        self.items: deque[object] = deque()
        self.takers = 0
        self.handed_over = 0
        self.tokens = Tokens()

    def __repr__(self) -> str:
        return f"<queue {self.name}: {len(self.items)} waiting>"
