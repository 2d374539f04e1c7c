"""Whatever ends a demo: no process is left, the terminal is as it was, the folder is gone, and a line says why."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve.demo.guard import have_ended

from .terminal import Process, Terminal, children

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process tree from /proc"),
    pytest.mark.timeout(60),
]

SMALL = ("--arch", "recycling", "--connections", "4", "--delay", "1ms", "--standby", "2")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    terminals: list[Terminal] = []

    def begin(*arguments: str) -> Terminal:
        terminals.append(Terminal(*(arguments or SMALL), folder=tmp_path))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        terminal.close()


def test_the_folder_is_for_our_eyes_only_while_it_is_there(start, tmp_path: Path) -> None:
    terminal = start().running()
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    terminal.type("q")
    terminal.ended()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_q_and_ctrl_c_end_it_without_a_word(start, tmp_path: Path, key: str) -> None:
    terminal = start().running()
    terminal.type(key)
    assert terminal.ended() == 0
    assert terminal.is_as_before()
    assert "teachserve:" not in terminal.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGINT, 0, ""),
        (signal.SIGTERM, 143, "teachserve: ended by SIGTERM"),
        (signal.SIGHUP, 129, "teachserve: ended by SIGHUP"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("who", ["guard", "demo"])
def test_a_signal_ends_it(start, tmp_path: Path, who: str, number: int, status: int, words: str) -> None:
    terminal = start().running()
    terminal.signal(who, number)
    assert terminal.ended() == status
    assert terminal.is_as_before()
    assert words in terminal.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("who", "status", "words"),
    [
        ("server", 3, "teachserve: the server process ({number}) was killed by SIGKILL: the demo has ended"),
        ("load", 3, "teachserve: the load process ({number}) was killed by SIGKILL: the demo has ended"),
        (
            "demo",
            3,
            "teachserve: the demo process ({number}) was killed by SIGKILL; server and load have ended with it",
        ),
        ("guard", -9, "teachserve: the outermost demo process is gone: the demo has ended with it"),
    ],
    ids=["server", "load", "demo", "guard"],
)
def test_kill_9_of_any_of_them_takes_the_others_down(start, tmp_path: Path, who: str, status: int, words: str) -> None:
    terminal = start().running()
    terminal.signal(who, signal.SIGKILL)
    assert terminal.ended() == status
    terminal.until(words.format(number=terminal.processes[who].number).replace("(", r"\(").replace(")", r"\)"))
    assert terminal.is_as_before()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no other process was left"),
        (["server"], "server has ended with it"),
        (["server", "load"], "server and load have ended with it"),
        (["A's server", "B's server", "B's load"], "A's server, B's server and B's load have ended with it"),
    ],
)
def test_what_is_said_of_those_that_ended_with_the_demo_is_english(names: list[str], words: str) -> None:
    assert have_ended(names) == words


def test_a_terminal_that_is_closed_takes_them_all_down(start) -> None:
    terminal = start().running()
    os.close(terminal.master)
    for process in terminal.processes.values():
        process.wait()


def test_a_terminal_that_takes_no_more_does_not_hold_it_up(start, tmp_path: Path) -> None:
    terminal = start().running()
    terminal.fill()
    terminal.signal("guard", signal.SIGTERM)
    for process in terminal.processes.values():
        process.wait()
    # 3: the guard had to kill the dashboard; 143: the kernel found room for its last words after all.
    assert terminal.ended() in (3, 143)
    assert "teachserve: ended by SIGTERM" in terminal.seen
    assert terminal.is_as_before()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_suspended_is_said_to_be_silent_and_taken_down_all_the_same(start) -> None:
    terminal = start().running()
    terminal.signal("server", signal.SIGSTOP)
    terminal.until("silent for")
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_as_before()


def test_a_soft_stop_leaves_the_last_picture_until_q(start) -> None:
    terminal = start().running()
    terminal.type("X")
    terminal.until("server has stopped")
    terminal.processes["server"].wait()
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_as_before()


def test_a_duration_ends_it_by_itself(start) -> None:
    terminal = start(*SMALL, "--duration", "500ms")
    assert terminal.ended() == 0
    assert terminal.is_as_before()


def test_a_server_that_does_not_start_says_why_and_the_screen_is_never_taken(start) -> None:
    terminal = start("--arch", "recycling", "--threads", "3")
    assert terminal.ended() == 2
    assert "teachserve: threads means nothing to recycling" in terminal.seen
    assert "\x1b[?1049h" not in terminal.seen


class Headless:
    """`teachserve demo --headless` for a long time, with its processes."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "teachserve", "demo", *SMALL, "--headless", "--duration", "10m", "--json"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(folder)}
        )
        self.processes: dict[str, Process] = {"guard": Process.of(self.process.pid)}

    def running(self) -> "Headless":
        """Until the load generator is there."""
        while not (demo := children(self.process.pid)) or len(children(demo[0])) < 2:
            assert self.process.poll() is None
            os.sched_yield()
        self.processes["demo"] = Process.of(demo[0])
        self.processes["server"], self.processes["load"] = map(Process.of, sorted(children(demo[0])))
        return self

    def ended(self) -> tuple[int, str, str]:
        """Exit status, stdout and stderr, once every process has ended."""
        told, complained = self.process.communicate()
        for process in self.processes.values():
            process.wait()
            process.close()
        return self.process.returncode, told, complained


@pytest.mark.parametrize("who", ["guard", "demo", "server", "load"])
def test_headless_kill_9_of_any_of_them_takes_the_others_down(tmp_path: Path, who: str) -> None:
    demo = Headless(tmp_path).running()
    os.kill(demo.processes[who].number, signal.SIGKILL)
    status, _, complained = demo.ended()
    assert status == (-9 if who == "guard" else 3)
    assert ("gone" if who == "guard" else "was killed by SIGKILL") in complained
    assert complained.count("teachserve:") == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_headless_a_signal_ends_it_and_what_was_seen_is_printed(tmp_path: Path, number: int, status: int) -> None:
    demo = Headless(tmp_path).running()
    os.kill(demo.process.pid, number)
    ended, told, complained = demo.ended()
    assert ended == status
    assert complained.count("\n") == bool(status)
    assert list(tmp_path.iterdir()) == []
    assert told == "" or told.startswith('{"teachserve"')
