"""One process under supervision: how it ends, and what it leaves to be said."""

import signal
import subprocess
import threading
from pathlib import Path

import pytest

from teachserve.demo.child import Child


def start(folder: Path, script: str) -> tuple[Child, threading.Event]:
    """A child that runs this script, once it has said that it does; and the event that its end sets."""
    told = threading.Event()
    script = f"import signal, sys, time\n{script}"
    child = Child("test", ["-c", script], folder / "err", lambda child: told.set(), stdout=subprocess.PIPE)
    child.process.stdout.readline()
    child.process.stdout.close()
    return child, told


def test_its_end_is_told_at_once_and_in_words(tmp_path: Path) -> None:
    child, told = start(tmp_path, "print(flush=True); time.sleep(600)")
    assert child.how() == f"the test process ({child.process.pid}) is still running"
    child.signal(signal.SIGKILL)
    told.wait()
    assert child.how() == f"the test process ({child.process.pid}) was killed by SIGKILL"
    child.signal(signal.SIGTERM)  # to nobody: no error


def test_one_that_ends_when_told_to_is_not_killed(tmp_path: Path) -> None:
    child, _ = start(tmp_path, "signal.signal(15, lambda *_: sys.exit(7)); print(flush=True); time.sleep(600)")
    assert child.end([(signal.SIGTERM, 60)])
    assert child.how().endswith("ended with exit status 7")


def test_one_that_does_not_is_killed(tmp_path: Path) -> None:
    child, _ = start(tmp_path, "signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)")
    assert not child.end([(signal.SIGTERM, 0.01), (signal.SIGTERM, 0.01)])
    assert child.status == -signal.SIGKILL


@pytest.mark.parametrize(
    ("written", "complaints"),
    [
        ("", []),
        ("2025-11-25 08:00:00,1 INFO all is well\n  more of it", []),
        ("2025-11-25 08:00:00,1 WARNING low\n  more of it", ["2025-11-25 08:00:00,1 WARNING low", "  more of it"]),
        ("Traceback\n  a line\nValueError: x", ["Traceback", "  a line", "ValueError: x"]),
        ("hdrhistogram is not installed: counted", []),
    ],
)
def test_only_what_went_wrong_is_a_complaint(tmp_path: Path, written: str, complaints: list[str]) -> None:
    child, told = start(tmp_path, f"sys.stderr.write({written!r}); print(flush=True)")
    told.wait()
    assert child.complaints() == complaints
