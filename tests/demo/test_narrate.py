"""What is told in sentences: each thing once, when it happens, and no more often than one can read."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from teachserve.demo.narrate import AGAIN_S, Narrator, farewell
from teachserve.demo.picture import LoadView, Mark, Picture
from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.lints import LINTS, Finding
from teachserve.observe.snapshot import LogLine

from .pictures import header, picture, snapshot, thread

pytestmark = pytest.mark.timeout(60)

LOAD = LoadView(100, False, None, 7001.0)


def workers(accepting: int, serving: int, **changes: object) -> Picture:
    """So many workers in accept, and so many in a handler; no log yet."""
    states = [State.ACCEPTING] * accepting + [State.HANDLING] * serving
    threads = [thread(number, state) for number, state in enumerate(states, 1)]
    return picture(replace(snapshot(threads, log=()), **changes), load=LOAD)


def said(narrator: Narrator, of: Picture, now_s: float) -> list[str]:
    """The lines without their moments."""
    lines = narrator.tell(of, now_s)
    assert all(line.startswith(f"{now_s:6.1f} s  ") for line in lines)
    return [line[10:] for line in lines]


@pytest.fixture
def narrator() -> Narrator:
    """One that has told of a first picture, at 0 s."""
    narrator = Narrator()
    narrator.tell(workers(3, 5), 0.0)
    return narrator


def test_it_begins_with_what_there_is_and_what_it_does() -> None:
    lines = said(Narrator(), workers(3, 5), 0.0)
    assert lines == [
        "recycling on Python 3.13.0 with the GIL serves on 127.0.0.1:40123 (process 4711); "
        "100 clients: each opens a connection for every request, and asks again once it is answered",
        "3 of 8 workers block in accept(2); the next connection wakes one of them; 5 serve. 7001 requests/s.",
    ]


def test_a_watch_and_an_open_loop_say_so() -> None:
    first = said(Narrator(), replace(workers(3, 5), load=None), 0.0)[0]
    assert first.endswith("; no load of ours is on it")
    first = said(Narrator(), replace(workers(3, 5), load=LoadView(1, True, 500.0)), 0.0)[0]
    assert first.endswith("; 1 client: each keeps its connection, 500 requests/s are planned")


def test_a_sentence_that_differs_in_its_numbers_only_is_no_news(narrator: Narrator) -> None:
    assert said(narrator, workers(2, 6), 5.0) == []
    assert said(narrator, workers(0, 8), 5.1) == ["All 8 workers serve; nothing waits in a queue. 7001 requests/s."]


def test_a_new_sentence_waits_until_the_last_could_be_read(narrator: Narrator) -> None:
    assert said(narrator, workers(0, 8), 1.9) == []
    assert said(narrator, workers(0, 8), 2.0) != []


def test_what_goes_to_and_fro_is_told_again_only_after_a_while(narrator: Narrator) -> None:
    told = []
    for second in range(2, 26, 2):
        told += said(narrator, workers(0, 8), float(second)) + said(narrator, workers(3, 5), second + 1.0)
    assert len(told) == 1
    assert said(narrator, workers(3, 5), AGAIN_S + 1) != []


def test_a_phase_is_told_at_once(narrator: Narrator) -> None:
    assert said(narrator, workers(0, 3, phase="stopping"), 0.1) == [
        "Soft stop: nobody accepts any more; of 3 threads left 3 still serve what was accepted."
    ]
    assert said(narrator, workers(0, 0, phase="stopped"), 0.2)[0].startswith("The server has stopped: 54321 requests")
    assert said(narrator, workers(0, 0, phase="stopped"), 0.3) == []


def test_each_mark_and_each_line_of_the_log_is_told_once(narrator: Narrator) -> None:
    mark = Mark(1.0, "connections 100 -> 200", "load")
    line = LogLine(1.0, "worker-5 broke: \x1b[31mZeroDivisionError")
    changed = replace(workers(3, 5, log=(line,)), marks=(mark,))
    assert said(narrator, changed, 1.0) == [
        "changed: connections 100 -> 200", "log: worker-5 broke:  [31mZeroDivisionError",
    ]  # fmt: skip
    assert said(narrator, changed, 1.1) == []
    again = replace(workers(3, 5, log=(line, line)), marks=(mark, mark))
    assert len(said(narrator, again, 1.2)) == 2


def test_the_oldest_marks_and_lines_may_go(narrator: Narrator) -> None:
    lines = [LogLine(float(n), f"line {n}") for n in range(60)]
    assert len(said(narrator, workers(3, 5, log=tuple(lines[:50])), 1.0)) == 50
    assert said(narrator, workers(3, 5, log=tuple(lines[5:55])), 1.1) == [f"log: line {n}" for n in range(50, 55)]


def test_another_server_begins_anew_and_its_clock_moves_no_mark(narrator: Narrator) -> None:
    mark = Mark(50.0, "architecture recycling -> thread-pool", "architecture")
    assert said(narrator, replace(workers(3, 5), marks=(mark,)), 50.0)[0] == f"changed: {mark.text}"
    other = workers(0, 8, header=header("thread-pool", process=4712), at_s=0.1)
    lines = said(narrator, replace(other, marks=(replace(mark, at_s=0.0),)), 50.2)
    assert lines[0].startswith("thread-pool on Python 3.13.0 with the GIL serves on 127.0.0.1:40123 (process 4712)")
    assert lines[1].startswith("All 8 workers serve")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("lost", "line"),
    [
        ({"snapshot": {"lost_frames": 1}}, "lost: 1 frame that came too fast for us"),
        ({"snapshot": {"lost_events": 20}}, "lost: 20 events"),
        ({"snapshot": {"illegal_moves": 2}}, "wrong: 2 moves that no thread may make"),
        ({"load": replace(LOAD, refused=3)}, "refused: 3 requests, with status 503"),
        ({"load": replace(LOAD, errors=1)}, "failed: 1 request"),
        ({"load": replace(LOAD, not_connected=4)}, "refused: 4 connects, tried again"),
        (
            {"accept_queue": AcceptQueue(0, 128, 7)},
            "lost: 7 connections for which the kernel's accept queue had no room",
        ),
    ],
)
def test_what_is_lost_is_told_and_told_again_once_it_is_more(narrator: Narrator, lost: dict, line: str) -> None:
    changes = dict(lost)
    shown = replace(workers(3, 5, **changes.pop("snapshot", {})), **changes)
    assert said(narrator, shown, 1.0) == [line]
    assert said(narrator, shown, 4.0) == []


def test_a_loss_that_grows_is_not_told_more_often_than_one_can_read(narrator: Narrator) -> None:
    told = [line for n in range(1, 41) for line in said(narrator, workers(3, 5, lost_events=n), n / 10)]
    assert told == ["lost: 1 event", "lost: 21 events"]


def test_a_broken_rule_is_told_once_with_its_remedy_and_that_it_is_kept_again(narrator: Narrator) -> None:
    broken = replace(workers(3, 5), findings=(Finding("no-acceptor", "nobody accepts for 1.2s", 3.0),))
    told = said(narrator, broken, 4.0)
    assert told == [f"no-acceptor: nobody accepts for 1.2s. What helps: {LINTS['no-acceptor'].remedy}"]
    assert said(narrator, broken, 5.0) == said(narrator, workers(3, 5), 6.0) == said(narrator, broken, 7.0) == []
    assert said(narrator, workers(3, 5), 4.0 + AGAIN_S)[0] == "no-acceptor: not now any more"
    assert len(said(narrator, broken, 40.0)) == 1


RESULT = {
    "requests_per_s": 4567.4, "latency": {"p50": 0.021, "p99": 0.053, "slowest": 0.089}, "unavailable_503": 2,
    "errors": {"timed out": 1}, "never_served": 4, "clients": 100, "client_bound": None,
}  # fmt: skip


def test_it_ends_with_the_key_figures() -> None:
    lines = farewell(workers(3, 5), RESULT, 12.34)
    assert lines == [
        "  12.3 s  the end: the server answered 54321 requests on 5432 connections, and refused 0; "
        "threads made 120, recycled 3400",
        "  12.3 s  the load: 4567 requests/s, latency p50 21ms, p99 53ms, slowest 89ms; 2 503s, 1 error, "
        "4 of 100 clients never served",
    ]
    assert len(farewell(workers(3, 5), None, 1.0)) == 1
    assert "latency n/a" in farewell(workers(3, 5), RESULT | {"latency": None}, 1.0)[1]
    assert farewell(workers(3, 5), RESULT | {"client_bound": "client-bound: so"}, 1.0)[2].endswith("client-bound: so")


# The commands


def narrated(*arguments: str, folder: Path, **options: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "teachserve", "demo", "--narrate", "--connections", "4", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(folder)}, **options,
    )  # fmt: skip


LINE = re.compile(r" *\d+\.\d s  \S.*")


def test_a_demo_is_told_line_by_line_and_ends_after_its_duration(tmp_path: Path) -> None:
    demo = narrated("--duration", "300ms", folder=tmp_path)
    told, complained = demo.communicate()
    assert (demo.returncode, complained) == (0, "")
    lines = told.splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert "recycling on Python" in lines[0]
    assert "4 clients: each opens a connection for every request" in lines[0]
    assert any("The server has stopped" in line for line in lines)
    assert "the end: the server answered" in lines[-2]
    assert "0 errors" in lines[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status", "words"), [(signal.SIGINT, 0, ""), (signal.SIGTERM, 143, "teachserve: ended by SIGTERM\n")]
)
def test_without_a_duration_it_goes_on_until_a_signal(tmp_path: Path, number: int, status: int, words: str) -> None:
    demo = narrated(folder=tmp_path)
    first = demo.stdout.readline()
    demo.send_signal(number)
    rest, complained = demo.communicate()
    assert "recycling on Python" in first
    assert "the load: " in rest.splitlines()[-1]
    assert (demo.returncode, complained) == (status, words)


def test_nobody_reads_on_and_it_ends_without_a_word(tmp_path: Path) -> None:
    demo = narrated(folder=tmp_path)
    demo.stdout.readline()
    demo.stdout.close()
    assert demo.stderr.read() == ""
    assert demo.wait() == 0
    demo.stderr.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--headless"], "--narrate tells what happens as it does: leave --headless out"),
        (["--picture", "x.svg"], "--narrate tells what happens as it does: leave --picture out"),
        (["--json"], "--json is for a run without a screen: add --headless"),
    ],
)
def test_what_does_not_go_together_is_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    demo = narrated(*arguments, folder=tmp_path)
    told, complained = demo.communicate()
    assert (demo.returncode, told) == (2, "")
    assert words in complained
    assert complained.count("\n") == 1
