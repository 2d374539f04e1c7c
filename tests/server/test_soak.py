"""The soak in its short form: about two seconds for each architecture. The long one: `.ci/long`."""

import subprocess
import sys
from pathlib import Path

import pytest

from teachserve.architectures import NAMES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("architecture", NAMES)
def test_a_mixed_load_over_stops_and_starts_loses_and_leaks_nothing(architecture):
    command = [sys.executable, "-m", "tests.long.soak", "--arch", architecture, "--seconds", "2", "--round", "0.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{architecture}: " in done.stdout
