"""`teachserve export` from outside."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_playback import play, watched

pytestmark = pytest.mark.timeout(60)


def export(*arguments: str | Path) -> subprocess.CompletedProcess:
    """Run the command."""
    command = [sys.executable, "-m", "teachserve", "export", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    file = tmp_path / "run.trace"
    play(file, watched([[(6, 0)], [(0, 0)] * 4], ended=False)).close()
    return file


def test_it_writes_one_json_object_and_says_where_it_can_be_opened(trace: Path, tmp_path: Path) -> None:
    ran = export(trace, "--to", "perfetto")
    packed = tmp_path / "run.trace.json.gz"
    told = json.loads(gzip.decompress(packed.read_bytes()))
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.endswith(f"events in {packed}; open it at https://ui.perfetto.dev\n")
    assert {event["ph"] for event in told["traceEvents"]} >= {"X", "M", "C"}
    plain = tmp_path / "plain.json"
    assert export(trace, "--to", "perfetto", "-o", plain).returncode == 0
    ran = export(trace, "--to", "perfetto", "-o", "-")
    assert json.loads(ran.stdout) == json.loads(plain.read_text()) == told
    assert ran.stderr == ""


def test_nobody_needs_to_read_on_and_a_full_disk_behind_stdout_is_said(trace: Path) -> None:
    for command in (["export", trace, "-o", "-"], ["replay", trace, "--headless"]):
        words = [sys.executable, "-m", "teachserve", *map(str, command)]
        reads, writes = os.pipe()
        os.close(reads)
        ran = subprocess.run(words, stdout=writes, stderr=subprocess.PIPE, text=True)
        os.close(writes)
        assert (ran.returncode, ran.stderr) == (0, "")
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
        assert (ran.returncode, ran.stderr) == (2, "teachserve: stdout cannot be written: No space left on device\n")


def test_a_mistake_is_one_line_and_exit_status_2(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    for arguments, words in (
        ([trace, "--to", "excel"], "--to"),
        ([trace, "--to", "perfetto", "-o", tmp_path / "there"], "add --overwrite"),
        (
            [trace, "--to", "perfetto", "-o", tmp_path / "no" / "such"],
            "No such file or directory; name another with -o",
        ),
        ([trace, "--to", "perfetto", "-o", "/dev/full", "--overwrite"], "No space left on device"),
        ([tmp_path / "there", "--to", "perfetto"], "is not a trace"),
    ):
        ran = export(*arguments)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert words in ran.stderr
        assert ran.stderr.count("\n") == 1
    assert (tmp_path / "there").read_text() == "precious"
    assert export(trace, "--to", "perfetto", "-o", tmp_path / "there", "--overwrite").returncode == 0
