"""`teachserve compare` from outside: what it prints, what it refuses, and that the two sides' figures are their own."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from teachserve.compare.report import KEYS, SIDE_KEYS

pytestmark = pytest.mark.timeout(90)


def compare(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run the command, without a terminal."""
    command = [sys.executable, "-m", "teachserve", "compare", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(folder)} | environment,
    )  # fmt: skip


def told(*arguments: str, folder: Path, **environment: str) -> dict:
    """What it prints with --headless --json, where nothing goes wrong."""
    ran = compare(*arguments, "-c", "10", "--headless", "--json", folder=folder, **environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("\n") == 1
    assert list(folder.iterdir()) == []
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--headless"], "name two architectures, or one and two values of an option"),
        (["recycling", "--headless"], "both sides are recycling with the same options"),
        (["recycling", "recycling", "--headless"], "both sides are recycling with the same options"),
        (["recyclin", "thread-pool", "--headless"], "did you mean recycling?"),
        (["recycling", "thread-pool", "--threads", "3", "--headless"], "threads means nothing to recycling, side A"),
        (["recycling", "--standby", "0,3", "--headless"], "standby must be a whole number, from 1"),
        (["recycling", "thread-pool"], "the dashboard needs a terminal: run it in one, or add --headless"),
        (["recycling", "thread-pool", "--headless", "--present"], "--present is for a demo of one server"),
        (["recycling", "thread-pool", "--json"], "--json is for a run without a screen: add --headless"),
        (["recycling", "thread-pool", "--headless", "--gil", "maybe"], "'maybe' is neither on nor off"),
        (["recycling", "thread-pool", "--headless", "-q", "900000", "-z", "10m"], "a plan holds at most 2000000 requests"),
        (["recycling", "thread-pool", "--headless", "-q", "nan"], "rate must be a number above 0: rate=nan"),
        (["recycling", "thread-pool", "--headless", "-q", "inf"], "rate must be a number above 0: rate=inf"),
        (["recycling", "thread-pool", "--headless", "-q", "0"], "rate must be a number above 0: rate=0"),
        (["recycling", "thread-pool", "--headless", "-c", "0"], "connections must be a whole number from 1"),
        (["recycling", "thread-pool", "--headless", "-q", "2000000"], "rate must be at most 1000000"),
        (["recycling", "thread-pool", "--headless", "--tie", "0"], "'0' is no duration"),
        (["recycling", "thread-pool", "--headless", "--set", "A=3"], "--set A=3: write SIDE:OPTION=VALUE"),
        (["recycling", "thread-pool", "--headless", "--host", "192.0.2.1"], "is no address of this machine"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    ran = compare(*arguments, folder=tmp_path)
    assert ran.returncode == 2
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="this Python can do without its GIL")
def test_without_a_free_threaded_python_the_gil_is_no_choice(tmp_path: Path) -> None:
    ran = compare("recycling", "--gil", "on,off", "--headless", folder=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "--gil needs a free-threaded Python" in ran.stderr


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has its GIL")
def test_with_and_without_the_gil(tmp_path: Path) -> None:
    found = told("recycling", "--gil", "on,off", "-q", "100", "-z", "500ms", folder=tmp_path)
    assert [(side["gil"], side["difference"]) for side in found["sides"]] == [(True, "GIL on"), (False, "GIL off")]


def test_two_architectures_get_every_request_of_one_plan(tmp_path: Path) -> None:
    found = told("recycling", "thread-pool", "-q", "200", "-z", "1s", folder=tmp_path)
    assert list(found) == list(KEYS)
    assert [list(side) for side in found["sides"]] == [list(SIDE_KEYS)] * 2
    assert (found["outcome"], found["planned"], found["decided"], found["open"]) == ("over", 200, 200, 0)
    first, second = found["sides"]
    assert (first["side"], first["architecture"]) == ("A", "recycling")
    assert (second["side"], second["architecture"]) == ("B", "thread-pool")
    sums = [found["tied"], found["neither"], found["unknown"]]
    sums += [side[what] for side in (first, second) for what in ("first", "alone")]
    assert sum(sums) == 200
    for side in (first, second):
        fates = ("answered", "refused_503", "other_statuses", "failed", "given_up", "not_sent", "lost")
        assert sum(side[fate] for fate in fates) == 200
        assert side["latency"]["count"] == side["answered"] > 0
        assert side["latency"]["p50"] > 0.001  # what the handler takes
        assert side["options"]["delay"] == 0.001
    assert first["recycled"] > 0 == second["recycled"]
    assert any(remark.startswith("both servers and both load generators share") for remark in found["remarks"])


def test_one_after_the_other_two_values_of_an_option(tmp_path: Path) -> None:
    found = told(
        "recycling", "--delay", "none,50ms", "-q", "50", "-z", "500ms", "--one-after-the-other", folder=tmp_path
    )
    first, second = found["sides"]
    assert (first["difference"], second["difference"]) == ("delay none", "delay 50ms")
    assert first["latency"]["p50"] < second["latency"]["p50"]
    assert first["first"] > second["first"]
    assert found["decided"] == 25
    assert found["one_after_the_other"]
    assert found["remarks"][0].startswith("one after the other, each alone with its load generator on ")


def test_a_refusal_is_counted_on_its_side_and_is_no_answer(tmp_path: Path) -> None:
    found = told(
        "thread-pool", "--set", "A:max_accepts=1", "--set", "A:threads=1", "--delay", "30ms", "-q", "100", "-z", "1s",
        "--retry-after", "0", folder=tmp_path,
    )  # fmt: skip
    first, second = found["sides"]
    assert first["refused_503"] > 0 == second["refused_503"]
    assert second["alone"] >= first["refused_503"] + first["failed"] - found["neither"]


def test_the_text_is_for_people(tmp_path: Path) -> None:
    ran = compare("recycling", "event-loop", "-q", "100", "-z", "500ms", "-c", "4", "--headless", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("50 requests in 0.5 s for each side, each due at the same moment of one clock")
    for words in ("A recycling", "B event-loop", "was first", "503s", "not answered in time", "CPU of the server"):
        assert words in ran.stdout


def test_options_come_from_the_environment_too(tmp_path: Path) -> None:
    found = told("recycling", "-z", "300ms", "-q", "50", folder=tmp_path, TEACHSERVE_STANDBY="2,3")
    assert [side["options"]["standby"] for side in found["sides"]] == [2, 3]


def test_headless_never_loads_textual(tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "textual.py").write_text("raise SystemExit('textual was imported')")
    path = os.pathsep.join([str(tmp_path / "blocked"), *sys.path])
    ran = compare("recycling", "event-loop", "--headless", "-z", "200ms", "-q", "50", folder=tmp_path, PYTHONPATH=path)
    assert (ran.returncode, ran.stderr) == (0, "")
