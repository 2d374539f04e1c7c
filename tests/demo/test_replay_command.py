"""`teachserve replay` from outside: without a screen, as a picture, and what it says of what it cannot show."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from teachserve.observe.trace import Trace, encode

from .terminal import Terminal
from .test_playback import play, watched

pytestmark = pytest.mark.timeout(60)


def replay(*arguments: str | Path) -> subprocess.CompletedProcess:
    """Run the command, without a terminal."""
    command = [sys.executable, "-m", "teachserve", "replay", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("trace") / "run.trace"
    play(file, watched([[(6, 0)], *[[(0, 0)] * 3] * 20], ended=False)).close()
    return file


def test_headless_tells_one_moment_the_last_where_none_is_named(trace: Path) -> None:
    moments = {}
    for at in ("0s", "1ms", None):
        ran = replay(trace, "--headless", "--json", *(["--at", at] if at else []))
        assert (ran.returncode, ran.stderr) == (0, "")
        told = json.loads(ran.stdout)
        moments[at] = told["counters"]["requests"], told["replay"]["at_s"], sum(told["flows"].values())
        assert told["architecture"] == "recycling"
        assert told["focus"] is None
    assert moments["0s"][1:] == (0.0, moments["0s"][2])
    assert moments["0s"][2] < moments["1ms"][2] < moments[None][2]
    assert moments[None][1] == Trace(trace).length_s


def test_a_thread_can_be_asked_for_by_name_or_number(trace: Path) -> None:
    told = json.loads(replay(trace, "--headless", "--json", "--focus", "worker-1").stdout)
    assert (told["focus"]["name"], told["focus"]["number"]) == ("worker-1", 1)
    text = replay(trace, "--headless", "--focus", "1").stdout
    assert text.startswith(f"REPLAY of {trace} at ")
    assert "worker-1 is " in text


def test_a_picture_is_of_the_moment_and_made_anew_it_is_the_same(trace: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one.svg", "two.svg"):
        ran = replay(trace, "--at", "1ms", "--picture", tmp_path / name, "--size", "80x24", "--view", "threads")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        made.append((tmp_path / name).read_text())
    assert "0.001&#160;of" in made[0]
    assert "worker-1" in made[0]
    # Textual numbers the names of its styles by a hash of the content.
    assert made[0] == made[1]


def test_the_picture_of_a_diagram_is_taken_once_it_is_laid_out_wherever_one_stands(tmp_path: Path) -> None:
    lanes = Path(__file__).parents[1] / "snapshots" / "traces" / "lanes.trace"  # made elsewhere, by the same source
    for view, words in (("diagram", "thread-maker"), ("code", "self.short_of_acceptors")):
        command = ["replay", str(lanes), "--at", "9s", "--view", view, "--size", "80x50", "--picture", "one.svg"]
        ran = subprocess.run([sys.executable, "-m", "teachserve", *command], cwd=tmp_path)
        assert ran.returncode == 0
        assert words in (tmp_path / "one.svg").read_text()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the terminal knows its processes by pidfd")
def test_on_a_terminal_it_plays_and_leaves_it_as_it_was(trace: Path, tmp_path: Path) -> None:
    screen = Terminal(str(trace), "--speed", "0.001", folder=tmp_path, command="replay")
    try:
        screen.until("REPLAY")
        screen.type("q")
        assert screen.ended() == 0
        assert screen.is_as_before()
        assert "teachserve:" not in screen.seen
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the dashboard needs a terminal: run it in one, or add --headless or --picture FILE"),
        (["--headless", "--at", "1h"], "--at 3600s: the recording has"),
        (["--headless", "--at", "soon"], "'soon' is no moment: give one such as 0s, 12.4s, 2m"),
        (["--headless", "--speed", "0"], "--speed"),
        (["--headless", "--focus", "worker-9"], "--focus worker-9: no such thread at"),
        (["--headless", "--size", "big"], "--size big: give columns and lines, as 80x24"),
        (["--headless", "--view", "dance"], "--view"),
        (["--json"], "--json is for a run without a screen: add --headless"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(trace: Path, arguments: list[str], words: str) -> None:
    ran = replay(trace, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_what_is_no_trace_is_one_line_and_of_a_damaged_one_the_rest_is_shown(trace: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("hello\n")
    for file, words in ((foreign, "is not a trace"), (tmp_path / "none", "No such file"), (tmp_path, "directory")):
        ran = replay(file, "--headless")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert words in ran.stderr
        assert ran.stderr.count("\n") == 1
    cut = tmp_path / "cut"
    cut.write_bytes(trace.read_bytes()[:-200])
    ran = replay(cut, "--headless", "--json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["replay"]["damage"] in ran.stderr
    assert "is cut off at its line" in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [["replay", "--headless"], ["export"], ["export", "-o", "-"], ["diagram", "--from"], ["diagram", "--annotate"]],
    ids=" ".join,
)
def test_a_pipe_that_nobody_writes_into_is_not_waited_for(tmp_path: Path, command: list[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [sys.executable, "-m", "teachserve", *command, str(pipe)]
    ran = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"{pipe} cannot be read: it is a pipe or a device" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_crafted_file_is_no_traceback(trace: Path, tmp_path: Path) -> None:
    first, header, *_ = gzip.decompress(trace.read_bytes()).splitlines()
    for bad in (
        {"frame": "table", "at": 5},
        {"frame": "table", "at": 5, "threads": [[1]], "flows": 3},
        {"frame": "observed", "at": 5, "accept_queue": {"lenght": 1}},
    ):
        file = tmp_path / "crafted"
        lines = [first, header, encode(bad)[:-1], b'{"frame":"observed","at":5}', b""]
        file.write_bytes(gzip.compress(b"\n".join(lines)))
        ran = replay(file, "--headless")
        assert ran.returncode == 2
        assert "Traceback" not in ran.stderr
        assert ran.stderr.count("\n") == 1


def test_replaying_without_a_screen_loads_no_textual(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "textual.py").write_text("raise SystemExit('textual was imported')")
    command = [sys.executable, "-m", "teachserve", "replay", str(trace), "--headless"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
