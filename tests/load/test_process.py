"""The load generator as a process that another program steers, and that never outlives it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from teachserve.load.process import Lines
from teachserve.load.summary import PROGRESS_KEYS, RESULT_KEYS
from tests.load.servers import BUSY, OK, PATIENCE_S, Talk, TinyServer, always, silent

F_SETPIPE_SZ = 1031


class Process:
    """It, with its progress read as it comes."""

    def __init__(self, plan: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "teachserve.load.process", plan if isinstance(plan, str) else json.dumps(plan)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def order(self, **values: object) -> None:
        self.process.stdin.write(json.dumps(values).encode() + b"\n")
        self.process.stdin.flush()

    def progress(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def until(self, condition: Callable[[dict], bool]) -> dict:
        while not condition(told := self.progress()):
            assert told["frame"] == "progress", told
        return told

    def end(self) -> tuple[int, dict, bytes]:
        """Exit status, the last line, and what stderr said."""
        said, complaints = self.process.communicate(timeout=PATIENCE_S)
        lines = said.splitlines()
        return self.process.returncode, json.loads(lines[-1]) if lines else {}, complaints


@contextmanager
def process_against(server: TinyServer, **plan: object) -> Iterator[Process]:
    process = Process({"host": server.host, "port": server.port} | plan)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.communicate()


def test_it_tells_of_its_progress_and_last_of_all_its_result():
    with TinyServer(always(OK)) as server, process_against(server, connections=3, rate=1000, requests=400) as load:
        first = load.progress()
        result = load.until(lambda told: told["frame"] == "result")
        status, _, complaints = load.end()
        assert list(first) == list(PROGRESS_KEYS)
        assert (first["frame"], first["connections"], first["keep_alive"], first["rate"]) == ("progress", 3, True, 1000)
        assert first["requests"] == first["statuses"]["200"] > 0
        assert 0 < first["p50"] <= first["p99"]
        assert list(result) == ["frame", *RESULT_KEYS]
        assert (result["frame"], result["requests"], result["ended"]) == ("result", 400, "requests")
        assert (status, complaints, server.requests) == (0, b"", 400)


def test_what_it_tells_of_is_what_the_clients_saw():
    def script(talk: Talk) -> None:
        {1: always(OK), 2: always(BUSY % 3600), 3: silent}.get(talk.number, lambda talk: talk.read())(talk)

    with TinyServer(script) as server, process_against(server, connections=4) as load:
        told = load.until(lambda told: told["errors"] and told["requests"] and told["unavailable_503"])
        assert told["unavailable_503"] == told["statuses"]["503"] == 1
        assert list(told["errors"]) == ["connection closed before the answer"]
        assert told["never_served"] == 3
        assert told["per_s"] > 0
        assert told["client_cpu"] > 0


def test_a_load_that_is_held_begins_when_it_is_told_to():
    with TinyServer(always(OK)) as server, process_against(server, connections=2, held=True, requests=4) as load:
        load.order(begin=True)
        load.process.wait(PATIENCE_S)
        status, result, _ = load.end()
        assert (status, result["requests"], server.requests) == (0, 4, 4)


@pytest.mark.parametrize("how", ["its stdin ends", "a signal"])
def test_a_load_that_is_held_can_be_ended(how: str):
    with TinyServer(always(OK)) as server, process_against(server, connections=2, held=True) as load:
        load.order(keep_alive="perhaps")
        assert b"keep_alive" in load.process.stderr.readline()  # it is there, and waits
        if how == "a signal":
            load.process.send_signal(signal.SIGTERM)
            load.process.wait(PATIENCE_S)
        status, result, _ = load.end()
        assert (status, result["requests"], server.connections) == (0, 0, 0)


def test_a_load_that_was_held_counts_it_when_the_server_has_gone_meanwhile():
    with TinyServer(always(OK)) as server:
        address = {"host": server.host, "port": server.port}
    process = Process(address | {"connections": 2, "held": True})
    try:
        process.order(begin=True)
        process.until(lambda told: told["refused"])
    finally:
        status, result, complaints = process.end()
    assert (status, result["requests"], complaints) == (0, 0, b"")


def test_orders_change_the_load():
    with TinyServer(always(OK)) as server, process_against(server, connections=2, rate=50) as load:
        load.order(connections=5, rate=400)
        load.until(lambda told: told["connections"] == 5 and told["rate"] == 400 and told["connects"] == 5)
        load.order(keep_alive=False)
        load.until(lambda told: told["keep_alive"] is False and told["connects"] > 40)
        load.order(rate=None)
        load.until(lambda told: told["rate"] is None)
        load.order(stop=True)
        status, result, complaints = load.end()
        assert (status, result["ended"], result["connections"], complaints) == (0, "interrupted", 5, b"")
        # Not more than the clients' last connections may still wait to be accepted.
        assert result["connects"] - 5 <= server.connections <= result["connects"]


def test_a_wrong_order_is_answered_on_stderr_and_changes_nothing():
    with TinyServer(always(OK)) as server, process_against(server, connections=2) as load:
        for wrong in (b"hello\n", b"[1]\n", b'{"connections": 0}\n', b'{"path": 1}\n'):
            load.process.stdin.write(wrong)
        load.order(connections=3)
        assert load.until(lambda told: told["connections"] == 3)
        load.process.stdin.close()
        load.process.stdin = None
        status, result, complaints = load.end()
        said = complaints.decode().splitlines()
        assert [line.split(":")[0] for line in said] == ["teachserve"] * 4
        assert "connections=0" in said[2]
        assert (status, result["connections"]) == (0, 3)


def test_the_end_of_its_stdin_ends_it_with_its_result():
    with TinyServer(silent) as server, process_against(server, connections=2) as load:
        server.wait_held(2)
        load.process.stdin.close()
        load.process.stdin = None
        status, result, complaints = load.end()
        assert (status, result["frame"], result["aborted"], complaints) == (0, "result", 2, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_result(number: int):
    with TinyServer(always(OK)) as server, process_against(server, connections=2) as load:
        load.progress()
        load.process.send_signal(number)
        status, result, complaints = load.end()
        assert (status, result["frame"], result["ended"], complaints) == (0, "result", "interrupted", b"")


def test_when_nobody_reads_its_stdout_any_more_it_ends_without_a_word():
    with TinyServer(always(OK)) as server, process_against(server, connections=2) as load:
        load.progress()
        load.process.stdout.close()
        assert load.process.wait(PATIENCE_S) == 0
        assert load.process.stderr.read() == b""


def test_a_reader_that_does_not_read_does_not_hold_up_the_load():
    """The pipe holds perhaps a hundred lines. A generator that waited for room would stop asking."""
    with TinyServer(always(OK)) as server:
        read, write = os.pipe()
        try:
            fcntl.fcntl(write, F_SETPIPE_SZ, 4096)  # room for some ten lines
        except OSError:
            pytest.skip("the pipe cannot be made small here")
        arguments = {"host": server.host, "port": server.port, "connections": 1, "rate": 100}
        process = subprocess.Popen(
            [sys.executable, "-m", "teachserve.load.process", json.dumps(arguments)],
            stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(write)
        waiting = threading.Event()
        while server.requests < 200:  # two seconds: 20 lines
            assert process.poll() is None
            waiting.wait(0.05)
        with os.fdopen(read, "rb") as told:
            process.stdin.close()
            lines = [json.loads(line) for line in told]
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr.read() == b""
        process.stderr.close()
        assert lines[-1]["frame"] == "result"
        assert len(lines) < 20


BAD_PLANS = [
    ("{", "the plan is not JSON"),
    ("[]", "the plan must be a JSON object"),
    ('{"host": "127.0.0.1"}', "the plan lacks port"),
    ('{"host": "127.0.0.1", "port": 1, "connections": 0}', "connections must be a whole number"),
    ('{"host": "127.0.0.1", "port": 1}', "cannot connect to http://127.0.0.1:1/yo: nothing listens"),
]


@pytest.mark.parametrize(("plan", "says"), BAD_PLANS)
def test_a_plan_that_cannot_be_carried_out_is_one_line_and_status_2(plan: str, says: str):
    load = Process(plan)
    load.process.wait(PATIENCE_S)  # for the end of its orders, which `end` brings, is a soft stop
    status, result, complaints = load.end()
    assert (status, result) == (2, {})
    assert complaints.decode().startswith(f"teachserve: {says}")
    assert complaints.count(b"\n") == 1


def test_it_loads_the_standard_library_httptools_and_hdrhistogram_only():
    script = "import sys, teachserve.load.process; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    foreign = names - set(sys.stdlib_module_names) - {"teachserve", "httptools", "hdrh", "pyhdrh", "cython_runtime"}
    assert {name for name in foreign if not name.startswith("_")} == set()
    assert "teachserve" in names


def test_lines_are_whole_or_lost_and_the_last_one_waits_for_room():
    read, write = os.pipe()
    lines = Lines(write)
    offered = 0
    while lines.lost < 3:
        offered += 1
        lines.offer({"frame": "progress", "number": offered, "filling": "x" * 3000})
    received = []

    def receive() -> None:
        with os.fdopen(read, "rb") as told:
            received.extend(json.loads(line) for line in told)

    reader = threading.Thread(target=receive)
    reader.start()
    lines.deliver({"frame": "result"}, PATIENCE_S)
    os.close(write)
    reader.join()
    assert [line["number"] for line in received[:-1]] == list(range(1, offered - 2))
    assert received[-1] == {"frame": "result"}


def test_the_last_line_does_not_wait_for_ever():
    read, write = os.pipe()
    lines = Lines(write)
    while not lines.lost:
        lines.offer({"filling": "x" * 3000})
    lines.deliver({"frame": "result"}, 0.05)
    assert not lines.closed
    os.close(read)
    lines.deliver({"frame": "result"}, 0.05)
    assert lines.closed
    os.close(write)
