"""What every test leaves behind: nothing. And at most a minute for each."""

import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy with something else is no finding.
settings.register_profile("teachserve", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("teachserve")

TEST_S = 60
PATIENCE_S = 5.0
"""How long threads and descriptors may take to be gone; waited for only where something is left."""
OPEN = Path("/proc/self/fd")

# A thousand tests start a process of ours: where nothing may be kept, each compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What is ignored here, as under nohup or behind a shell's `&`, would be ignored by every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A minute for each test, where pytest-timeout is there to keep it."""
    for item in items:
        if item.config.pluginmanager.hasplugin("timeout") and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_S))


def open_descriptors() -> dict[str, str]:
    """What each open descriptor leads to; empty where the system does not tell."""
    found = {}
    for entry in OPEN.iterdir() if OPEN.is_dir() else ():
        try:
            found[entry.name] = str(entry.readlink())
        except OSError:  # the one with which the directory was read
            continue
    return found


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder for the test, with a short name: what runs in it makes sockets, whose addresses hold 108 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="t"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """The same threads and no more descriptors than before the test."""
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    yield
    deadline = time.monotonic() + PATIENCE_S
    for thread in set(threading.enumerate()) - threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in set(threading.enumerate()) - threads]
    assert not left, f"threads are left: {left}"
    if len(now := open_descriptors()) > len(descriptors):
        gc.collect()
        now = open_descriptors()
    more = {number: leads_to for number, leads_to in now.items() if descriptors.get(number) != leads_to}
    assert len(now) <= len(descriptors), f"descriptors are left: {more}"


def pytest_report_header() -> str:
    """Which kind of Python this is."""
    return f"GIL: {getattr(sys, '_is_gil_enabled', lambda: True)()}"
