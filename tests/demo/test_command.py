"""`teachserve demo` from outside: what it prints, what it refuses, and that it is true."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from teachserve.observe.lints import LINTS

pytestmark = pytest.mark.timeout(60)


def demo(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run the command, without a terminal."""
    command = [sys.executable, "-m", "teachserve", "demo", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(folder)} | environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--json"], "--json is for a run without a screen: add --headless"),
        ([], "the dashboard needs a terminal: run it in one, or add --headless or --narrate"),
        (["--headless", "--picture", "x.svg"], "--picture is of the screen: leave --headless out"),
        (["--picture", "no/such/folder/x.svg"], "there is no folder no/such/folder"),
        (["--picture", "/dev/null"], "--picture /dev/null is a pipe or a device: name a file"),
        (["--headless", "--arch", "recyclin"], "did you mean recycling?"),
        (["--headless", "--standby", "0"], "standby must be a whole number, from 1"),
        (["--headless", "--arch", "recycling", "--threads", "3"], "threads means nothing to recycling"),
        (["--headless", "--duration", "soon"], "'soon' is no duration: give one such as 500ms, 10s, 1m"),
        (["--headless", "--duration", "0"], "'0' is no duration"),
        (["--headless", "--connections", "0"], "connections must be a whole number from 1 to 20000: connections=0"),
        (["--headless", "--rate", "0"], "rate must be a number above 0: rate=0"),
        (["--headless", "--rate", "nan"], "rate must be a number above 0: rate=nan"),
        (["--headless", "--rate", "1e9"], "rate must be at most 1000000"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    ran = demo(*arguments, folder=tmp_path)
    assert ran.returncode == 2
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_picture_needs_no_terminal_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "screen.svg"
    ran = demo("--connections", "10", "--duration", "1s", "--picture", str(file), folder=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    svg = file.read_text()
    assert "accepting" in svg
    assert "accepting" in svg
    assert "url(https:" not in svg


@pytest.mark.parametrize("clients", ["--close", "--keep-alive"])
@pytest.mark.parametrize("arch", ["single-thread", "thread-per-connection", "thread-pool", "recycling", "event-loop"])
def test_headless_json_is_one_object_and_the_kernel_confirms_it(tmp_path: Path, arch: str, clients: str) -> None:
    ran = demo(
        "--arch", arch, clients, "--connections", "10", "--headless", "--duration", "1s", "--json", folder=tmp_path
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    told = json.loads(ran.stdout)
    assert ran.stdout.count("\n") == 1
    assert (told["architecture"], told["phase"], told["outcome"]) == (arch, "serving", "stopped")
    assert sum(told["states"].values()) == told["threads"]
    assert told["losses"] == {"frames": 0, "events": 0, "illegal_moves": 0}
    assert told["load"]["requests"] > 0
    assert told["load"]["keep_alive"] == (clients == "--keep-alive")
    assert told["latency"]["p50"] > 0
    witness = told["witness"]
    assert witness["unavailable"] or witness["total"]["samples"] > 0
    assert witness["total"]["agreement"] in (None, 1.0), witness["differing"]
    assert list(tmp_path.iterdir()) == []


def test_headless_text_is_for_people(tmp_path: Path) -> None:
    ran = demo("--connections", "4", "--headless", "--duration", "500ms", "--rate", "100", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("recycling, Python ")
    assert "4 clients, close, open loop at 100/s" in ran.stdout


def test_options_come_from_the_environment_too(tmp_path: Path) -> None:
    ran = demo(
        "--headless", "--duration", "300ms", "--json", "--connections", "2", folder=tmp_path, TEACHSERVE_STANDBY="3"
    )
    assert json.loads(ran.stdout)["options"]["standby"] == 3


def test_headless_never_loads_textual(tmp_path: Path) -> None:
    # A folder that comes first on the path, with a textual that cannot be imported.
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "textual.py").write_text("raise SystemExit('textual was imported')")
    path = os.pathsep.join([str(tmp_path / "blocked"), *sys.path])
    ran = demo("--headless", "--duration", "300ms", "--connections", "2", folder=tmp_path, PYTHONPATH=path)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("lint", ["no-acceptor", "backlog-high", "queue-wait", "loop-blocked"])
def test_the_command_that_a_lint_names_provokes_it(tmp_path: Path, lint: str) -> None:
    arguments = LINTS[lint].lesson.removeprefix("teachserve demo ").split()
    told = json.loads(demo(*arguments, "--headless", "--json", "--duration", "2s", folder=tmp_path).stdout)
    found = {one["lint"]: one for one in told["lints"]}
    assert found[lint]["text"] and found[lint]["remedy"] == LINTS[lint].remedy
