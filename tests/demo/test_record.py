"""`--record`: what is shown goes into a file, whole; what cannot be written is said before anything starts."""

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from teachserve.demo.fold import PictureFold
from teachserve.demo.playback import Playback
from teachserve.observe.trace import Trace

from .terminal import Terminal

pytestmark = pytest.mark.timeout(60)


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command, without a terminal."""
    command = [sys.executable, "-m", "teachserve", "demo", *arguments]
    environment = os.environ | {"TMPDIR": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)


def test_a_demo_is_recorded_to_its_end_with_every_event_and_folds_to_what_was_printed(tmp_path: Path) -> None:
    file = tmp_path / "demo.trace"
    ran = demo(tmp_path, "-c", "10", "--headless", "-z", "1s", "--json", "--record", str(file))
    assert ran.returncode == 0
    assert ran.stderr.startswith("teachserve: recorded ")
    assert ran.stderr.endswith(f"to see them: teachserve replay {file}\n")
    trace = Trace(file)
    assert trace.kinds[-1] == "end"
    fold = PictureFold()
    pictures = [one for frame in trace.frames() if (one := fold.apply(frame))]
    printed = json.loads(ran.stdout)
    assert printed["counters"] in [one.snapshot.counters for one in pictures]
    last = pictures[-1].snapshot
    assert last.streaming
    assert (last.lost_frames, last.lost_events, last.illegal_moves) == (0, 0, 0)
    assert any(one.witness for one in pictures)
    assert pictures[-1].load.answered > 0
    accepted = sum(frame["frame"] == "events" for frame in trace.frames())
    assert accepted > 3
    assert [path.name for path in tmp_path.iterdir()] == ["demo.trace"]


def test_tables_only_leaves_the_events_out(tmp_path: Path) -> None:
    file = tmp_path / "demo.trace"
    demo(tmp_path, "-c", "10", "--headless", "-z", "500ms", "--record", str(file), "--tables-only")
    trace = Trace(file)
    assert "events" not in trace.kinds
    assert trace.kinds.count("table") >= 3


def test_a_picture_can_be_recorded_too(tmp_path: Path) -> None:
    file = tmp_path / "demo.trace"
    ran = demo(tmp_path, "-c", "4", "-z", "500ms", "--picture", str(tmp_path / "p.svg"), "--record", str(file))
    assert ran.returncode == 0
    assert len(Trace(file)) > 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the terminal knows its processes by pidfd")
def test_a_dashboard_that_is_killed_leaves_a_recording_that_can_be_shown(tmp_path: Path) -> None:
    file = tmp_path / "killed.trace"
    screen = Terminal("-c", "10", "--record", str(file), folder=tmp_path)
    try:
        screen.running()
        while file.stat().st_size < 10_000:  # the first line alone has some 300 bytes
            os.sched_yield()
        screen.signal("demo", signal.SIGKILL)
        assert screen.ended() == 3
    finally:
        screen.close()
    with contextlib.closing(Playback(Trace(file))) as playback:
        assert playback.damage == "" or "is cut off at its line" in playback.damage  # killed while it wrote
        assert playback.picture(playback.length_us).snapshot.phase == "serving"


def test_the_bound_is_kept_and_said(tmp_path: Path) -> None:
    file = tmp_path / "demo.trace"
    ran = demo(tmp_path, "-c", "50", "--headless", "-z", "6s", "--json", "--record", str(file), "--max-size", "100kB")
    assert file.stat().st_size <= 100_000
    assert ran.returncode == 0
    (said,) = [line["text"] for line in json.loads(ran.stdout)["log"] if "--max-size" in line["text"]]
    assert json.loads(gzip.decompress(file.read_bytes()).splitlines()[-1])["text"] == said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--record", "/no/such/folder/t"], "cannot record into /no/such/folder/t: No such file or directory"),
        (["--record", "/dev/full", "--overwrite"], "cannot record into /dev/full: No space left on device"),
        (["--record", "there"], "there is a file there already: name another, or add --overwrite"),
        (["--record", "t", "--max-size", "5"], "'5' is no size from 100kB: give one such as 500kB, 50MB, 2GB"),
        (["--record", "t", "--max-size", "1kB"], "'1kB' is no size from 100kB"),
        (["--max-size", "5MB"], "are for a recording: add --record FILE"),
        (["--tables-only"], "are for a recording: add --record FILE"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_starts(
    tmp_path: Path, monkeypatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("precious")
    ran = demo(tmp_path, "--headless", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_text() == "precious"


def test_a_demo_that_cannot_start_leaves_no_recording(tmp_path: Path) -> None:
    ran = demo(tmp_path, "--headless", "--host", "192.0.2.1", "--record", str(tmp_path / "t"))
    assert ran.returncode != 0
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
