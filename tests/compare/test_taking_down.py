"""Whatever ends a comparison: no process is left, the terminal is as it was, the folder is gone, and a line says why."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo.terminal import Process, Terminal, children

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process tree from /proc"),
    pytest.mark.timeout(90),
]

SIDES = ("recycling", "event-loop", "-c", "4", "-q", "50")
PROCESSES = ("A's server", "B's server", "A's load", "B's load")
NAMES = {"A": "A recycling", "B": "B event-loop"}


def processes_of(folder: Path) -> dict[str, Process]:
    """The four that the comparison's process has started, as it has told the guard."""
    (noted,) = folder.glob("*/processes.json")
    return {what: Process.of(number) for what, number in json.loads(noted.read_bytes()).items()}


class Compared(Terminal):
    """`teachserve compare` in a terminal, until it has drawn an answer."""

    def __init__(self, *arguments: str, folder: Path) -> None:
        super().__init__(*SIDES, *arguments, folder=folder, command="compare")

    def running(self) -> "Compared":
        assert self.until(r"[1-9]\d* of \d+ requests decided|STATUS")[0] != "STATUS", self.seen
        (number,) = children(self.guard.number)
        self.processes |= {"comparison": Process.of(number), **processes_of(self.folder)}
        assert set(self.processes) == {"guard", "comparison", *PROCESSES}
        return self


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Compared]]:
    terminals: list[Compared] = []

    def begin(*arguments: str) -> Compared:
        terminals.append(Compared("-z", "10m", *arguments, folder=tmp_path))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_q_and_ctrl_c_end_it_without_a_word(start, tmp_path: Path, key: str) -> None:
    terminal = start().running()
    terminal.type(key)
    assert terminal.ended() == 0
    assert terminal.is_as_before()
    assert "teachserve:" not in terminal.seen
    assert list(tmp_path.iterdir()) == []


def test_q_as_soon_as_there_is_a_screen(start, tmp_path: Path) -> None:
    terminal = start()
    terminal.until("Who answered first")
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_as_before()
    assert list(tmp_path.iterdir()) == []


def test_q_while_one_side_runs_and_the_other_has_its_turn_to_come(start, tmp_path: Path) -> None:
    terminal = start("--one-after-the-other")
    terminal.until("live")
    assert "comes next" in terminal.seen
    (number,) = children(terminal.guard.number)
    terminal.processes |= {"comparison": Process.of(number), **processes_of(tmp_path)}
    assert "B's server" not in terminal.processes
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_as_before()
    assert list(tmp_path.iterdir()) == []


def test_after_the_plan_the_score_stays_until_q(start, tmp_path: Path) -> None:
    terminal = start("-z", "500ms")
    terminal.until("over: 0.5 s")
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_as_before()
    assert list(tmp_path.iterdir()) == []


def killed(who: str) -> tuple[int, str]:
    """Exit status, and the line that says why."""
    if who == "guard":
        return -9, r"teachserve: the outermost comparison process is gone: the comparison has ended with it"
    if who == "comparison":
        return 3, (
            r"teachserve: the comparison process \({number}\) was killed by SIGKILL; "
            r".*A's server.*have ended with it"
        )
    letter, what = who.split("'s ")
    words = rf"teachserve: side {NAMES[letter]}: the {what} process \({{number}}\) was killed by SIGKILL"
    return 3, words + r": the comparison has ended"


@pytest.mark.parametrize("who", ["guard", "comparison", *PROCESSES])
def test_kill_9_of_any_of_them_takes_the_others_down(start, tmp_path: Path, who: str) -> None:
    terminal = start().running()
    status, words = killed(who)
    terminal.signal(who, signal.SIGKILL)
    assert terminal.ended() == status
    terminal.until(words.format(number=terminal.processes[who].number))
    assert terminal.is_as_before()
    if who != "guard":  # nobody is left who would remove the folder
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_headless_a_signal_ends_it_and_what_was_decided_is_printed(tmp_path: Path, number: int, status: int) -> None:
    command = [sys.executable, "-m", "teachserve", "compare", *SIDES, "-z", "10m", "--headless"]
    ran = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    while not (noted := list(tmp_path.glob("*/processes.json"))) or noted[0].read_text().count(":") < 4:
        assert ran.poll() is None
        os.sched_yield()
    found = list(processes_of(tmp_path).values())
    os.kill(ran.pid, number)
    told, complained = ran.communicate()
    for process in found:
        process.wait()
        process.close()
    assert ran.returncode == status
    assert complained.count("\n") == bool(status)
    assert told == "" or "requests are not decided" in told
    assert list(tmp_path.iterdir()) == []
