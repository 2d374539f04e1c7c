"""Terminals that suspend the dashboard, by SIGTSTP or by the SIGSTOP that nobody hears, or that promise nothing."""

import signal
import sys
from pathlib import Path

import pytest

from .terminal import Process, Terminal

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process tree from /proc"),
    pytest.mark.timeout(60),
]


def state(process: Process) -> str:
    """What the kernel says of it (proc_pid_stat(5)): T stopped, S asleep."""
    return Path(f"/proc/{process.number}/stat").read_text().rpartition(")")[2].split()[0]


def stop_and_go_on(terminal: Terminal, number: int) -> None:
    """As a shell does it: the dashboard stops, so does its guard; then both are continued, and the screen is drawn anew."""
    both = [terminal.processes[who] for who in ("demo", "guard")]
    terminal.signal("demo", number)
    while [state(process) for process in both] != ["T", "T"]:
        terminal.read_some()  # it leaves the terminal first, and for that somebody must read
    terminal.seen = ""
    for who in ("demo", "guard"):
        terminal.signal(who, signal.SIGCONT)
    while state(terminal.guard) != "S":  # then it has continued the dashboard too, and waits for its end
        terminal.read_some()
    terminal.until(r"\x1b\[\?1049h")
    terminal.until("live")


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP], ids=lambda number: number.name)
def test_it_draws_all_of_its_screen_again_reads_each_key_once_and_ends_with_q(tmp_path: Path, number: int) -> None:
    terminal = Terminal("--arch", "recycling", folder=tmp_path).running()
    try:
        tasks = Path(f"/proc/{terminal.processes['demo'].number}/task")
        before = len(list(tasks.iterdir()))
        for _ in range(3):
            stop_and_go_on(terminal, number)
        assert len(list(tasks.iterdir())) <= before
        terminal.type("q")
        assert terminal.ended() == 0
        assert terminal.is_as_before()
    finally:
        terminal.close()


@pytest.mark.parametrize("term", ["dumb", "xterm", "unheard-of", ""])
def test_in_a_terminal_that_promises_nothing_it_shows_itself_and_ends_with_q(tmp_path: Path, term: str) -> None:
    terminal = Terminal("--arch", "recycling", folder=tmp_path, TERM=term, COLORTERM="").running()
    try:
        terminal.type("q")
        assert terminal.ended() == 0
        assert terminal.is_as_before()
        assert "Traceback" not in terminal.seen
    finally:
        terminal.close()


def test_the_load_begins_once_there_is_something_on_the_screen(tmp_path: Path) -> None:
    terminal = Terminal("--arch", "recycling", "--connections", "3", folder=tmp_path).running()
    try:
        assert "n/a" in terminal.seen  # its latencies: nobody has asked yet
        terminal.until(r"\d(ms|us)\b")
    finally:
        terminal.close()
