"""Terminals that suspend the dashboard, by SIGTSTP or by the SIGSTOP that nobody hears, or that promise nothing."""

import os
import signal
import sys
from pathlib import Path

import pytest

from .terminal import Terminal

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process tree from /proc"),
    pytest.mark.timeout(60),
]


def is_stopped(number: int) -> bool:
    """Whether the process is stopped, by the kernel's word (proc_pid_stat(5))."""
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def stop_and_go_on(terminal: Terminal, number: int) -> None:
    """As a shell does it: the dashboard stops, so does its guard; then both are continued, and the screen is drawn anew."""
    terminal.signal("demo", number)
    for who in ("demo", "guard"):
        while not is_stopped(terminal.processes[who].number):
            os.sched_yield()
    terminal.seen = ""
    for who in ("demo", "guard"):
        terminal.signal(who, signal.SIGCONT)
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
