"""What every test of this room leaves behind: nothing. And the child process whose threads the witness looks at."""

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .child import Child

OPEN = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    yield
    if open_descriptors() > descriptors:
        gc.collect()  # what hangs in a cycle, an exception's frame say, is not left behind
    assert set(threading.enumerate()) <= threads
    assert open_descriptors() <= descriptors


def open_descriptors() -> int:
    """Descriptors that this process has open; 0 where the system does not tell."""
    return len(list(OPEN.iterdir())) if OPEN.is_dir() else 0


@pytest.fixture
def start_child() -> Iterator[Callable[..., Child]]:
    """Starts a process whose threads are as the spec says; all of them are ended with the test."""
    started: list[Child] = []

    def start(*spec: tuple) -> Child:
        started.append(Child(spec))
        return started[-1]

    yield start
    for child in started:
        child.end()
