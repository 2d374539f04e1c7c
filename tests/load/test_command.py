"""`teachserve load`, as it is called."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from teachserve.cli.load import command
from teachserve.load.histogram import NOTICE
from teachserve.load.live import ERASE
from teachserve.load.summary import RESULT_KEYS
from tests.load.servers import OK, PATIENCE_S, Talk, TinyServer, always, silent

LOAD = [sys.executable, "-m", "teachserve", "load"]
NOTICES = {b"hdrhistogram is not installed", b"hdrhistogram would switch"}


def load(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([*LOAD, *arguments], capture_output=True, timeout=PATIENCE_S)


def complaints(stderr: bytes) -> list[bytes]:
    """What stderr says, but for where latencies are kept."""
    return [line for line in stderr.splitlines() if not any(notice in line for notice in NOTICES)]


def url(server: TinyServer) -> str:
    return f"http://{server.host}:{server.port}/yo"


def test_json_is_exactly_one_object_and_stderr_is_empty():
    with TinyServer(always(OK)) as server:
        ended = load(url(server), "-n", "50", "-c", "5", "--json")
        told = json.loads(ended.stdout)
        assert list(told) == list(RESULT_KEYS)
        assert (told["requests"], told["connects"], server.requests) == (50, 5, 50)
        assert (ended.returncode, complaints(ended.stderr), ended.stdout.count(b"\n")) == (0, [], 1)


def test_the_summary_is_text_and_the_options_arrive():
    with TinyServer(always(OK)) as server:
        ended = load(url(server), "-n", "20", "-c", "2", "-q", "400", "--close", "-t", "5s", "-z", "1m", "--no-backoff")
        text = ended.stdout.decode()
        assert "  2 connections, close\nopen loop: 400 requests/s" in text
        assert "200   20" in text
        assert (ended.returncode, complaints(ended.stderr), server.connections) == (0, [], 20)


def test_errors_are_a_result_and_no_reason_to_fail():
    def script(talk: Talk) -> None:
        talk.read()

    with TinyServer(script) as server:
        ended = load(url(server), "-n", "2", "-c", "2")
        assert ended.returncode == 0
        assert b"  2     connection closed before the answer" in ended.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_the_summary_of_what_was_measured(number: int, status: int):
    with TinyServer(silent) as server:
        process = subprocess.Popen([*LOAD, url(server), "-c", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        server.wait_held(3)
        process.send_signal(number)
        said, complained = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, complaints(complained)) == (status, [])
        assert b"aborted         3 due to deadline" in said


def test_where_nothing_listens_it_is_one_line_and_status_2():
    ended = load("http://127.0.0.1:1", "-z", "5s")
    assert (ended.returncode, ended.stdout) == (2, b"")
    (line,) = complaints(ended.stderr)
    assert line.startswith(b"teachserve: cannot connect to http://127.0.0.1:1/: nothing listens on 127.0.0.1 port 1; ")


MISTAKES = [
    ([], "Missing argument 'URL'"),
    (["https://h/"], "only http is spoken here, not https; give the server's http:// address"),
    (["http://h/", "-c", "0"], "connections=0; give -c 1 or more"),
    (["http://h/", "-c", "x"], "'x' is not a valid integer"),
    (["http://h/", "-q", "-3"], "rate=-3.0; leave -q out"),
    (["http://h/", "-z", "soon"], "'soon' is no duration: give one such as 500ms, 10s, 1m"),
    (["http://h/", "-z", "0"], "'0' is no duration: give one such as"),
    (
        ["http://h/", "-d", "10s"],
        "-d means the duration in wrk and the body in oha, so it is not used here: give -z 10s",
    ),
    (["http://h/", "-d"], "-d means the duration in wrk"),
    (["http://h/", "-d5"], "-d means the duration in wrk"),
]


@pytest.mark.parametrize(("arguments", "says"), MISTAKES)
def test_a_mistake_is_one_line_that_says_what_to_do(arguments: list[str], says: str):
    with pytest.raises(click.ClickException) as mistake:
        command.main(arguments, standalone_mode=False)
    assert says in mistake.value.format_message()
    assert "\n" not in mistake.value.format_message()


def test_help_shows_an_example_without_loading_the_load_generator():
    script = "import sys; from teachserve.cli import main\ntry: main()\nfinally: print('httptools' in sys.modules)"
    arguments = [sys.executable, "-c", script, "load", "--help"]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert "  teachserve load http://127.0.0.1:8080/yo -c 100 -z 10s --close\n" in said
    assert said.endswith("False\n")
    assert " -d" not in said


def test_on_a_terminal_a_line_tells_how_it_goes_and_is_erased_at_the_end():
    with TinyServer(silent) as server:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*LOAD, url(server), "-c", "2", "-z", "400ms"],
            stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # EIO: they have all closed it
                break
        os.close(ours)
        said, _ = process.communicate(timeout=PATIENCE_S)
        lines = shown.decode().split(ERASE)
        assert " of 0.4 s [##" in lines[1]
        assert lines[1].endswith("p50 n/a  p99 n/a  503s 0  errors 0")
        assert lines[-1].strip() in ("", f"teachserve: {NOTICE}")
        assert ERASE.encode() not in said


def test_a_reader_that_has_had_enough_makes_no_traceback():
    with TinyServer(always(OK)) as server:
        read, write = os.pipe()
        os.close(read)
        ended = subprocess.run(
            [*LOAD, url(server), "-n", "3", "-c", "1"], stdout=write, stderr=subprocess.PIPE, timeout=PATIENCE_S
        )
        os.close(write)
        assert (ended.returncode, complaints(ended.stderr)) == (0, [])


def test_a_full_disk_behind_stdout_is_one_line_and_status_2():
    with TinyServer(always(OK)) as server, Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*LOAD, url(server), "-n", "3", "-c", "1"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S
        )
    assert ended.returncode == 2
    assert complaints(ended.stderr) == [b"teachserve: stdout cannot be written: No space left on device"]
