"""What the system does to a process: it is suspended, the clock jumps, its queue overflows, its stderr is gone, it forks."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from teachserve.conformance import get

from .child import ARCHITECTURES, BLOCKING, Child, free_port, hears_nothing, listens, sockets, state, until

LAST = get("/yo", "Connection: close")
HOUR_S = 3600


# ---- suspended -----------------------------------------------------------------------------------------------------


def test_who_sent_in_time_is_answered_after_the_server_was_suspended(on_every, clients):
    """However long it was: what has arrived is read before a deadline is judged."""

    def scene(child: Child) -> None:
        client = clients.enter_context(child.serving().client(LAST[:20]))
        hears_nothing([client], 0.05)
        child.suspend()
        client.send(LAST[20:])
        hears_nothing([client], 1.2)
        child.send(signal.SIGCONT)
        assert client.answer().status == 200
        child.is_as_before()
        child.stop()

    on_every(scene, "--timeout-request", "1s", architectures=BLOCKING)


def test_the_first_of_a_full_accept_queue_are_all_answered(launch, clients, architecture):
    """listen(2): on Linux the queue takes one more than `--backlog`."""
    backlog = 8
    child = launch("--backlog", str(backlog), architecture=architecture).serving()
    child.suspend()
    waiting = [clients.enter_context(child.client(LAST)) for _ in range(backlog + 1)]
    for _ in range(5):
        with socket.socket() as too_many:
            too_many.setblocking(False)
            too_many.connect_ex(("127.0.0.1", child.port))
    child.send(signal.SIGCONT)
    for client in waiting:
        assert client.answer().status in (200, 503)
        client.sock.close()
    child.is_as_before()
    child.stop()


# ---- the clock -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift_s", [-HOUR_S, HOUR_S])
def test_a_clock_that_jumps_ends_no_connection_and_moves_the_date(on_every, clients, shift_s):
    def scene(child: Child) -> None:
        client = clients.enter_context(child.serving().client(get() + LAST[:20]))
        date = parsedate_to_datetime(client.answer().headers["date"])
        child.inject("clock", str(shift_s))
        hears_nothing([client], 0.4)  # longer than a loop looks away
        client.send(LAST[20:])
        moved = parsedate_to_datetime(client.answer().headers["date"]) - date
        assert abs(moved.total_seconds() - shift_s) < 60
        child.is_as_before()
        child.stop()

    on_every(scene, "--timeout-request", "1m", "--timeout-keep-alive", "1m")


def test_a_time_out_is_not_lost_when_the_clock_jumps_back(on_every, clients):
    def scene(child: Child) -> None:
        half = clients.enter_context(child.serving().client(LAST[:20]))
        child.inject("clock", str(-HOUR_S))
        assert half.answer().status == 408
        half.sock.close()
        with child.client() as idle:
            assert idle.end() == b""
        child.is_as_before()
        child.stop()

    on_every(scene, "--timeout-request", "300ms", "--timeout-keep-alive", "300ms")


# ---- output --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stderr", ["/dev/full", "closed", "a pipe without a reader"])
def test_without_a_place_for_the_log_it_serves_on(launch, architecture, stderr):
    port = free_port()
    more = {}
    if stderr == "closed":
        more["preexec_fn"] = lambda: os.close(2)
    elif stderr == "/dev/full":
        more["stderr"] = full = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, writer = os.pipe()
        os.close(reader)
        more["stderr"] = full = writer
    child = launch("--port", str(port), architecture=architecture, **more)
    if more.get("stderr"):
        os.close(full)
    child.port = port
    until(lambda: listens(port), "it does not listen")
    for _ in range(5):
        assert child.ask("/raise?name=SystemExit").status == 500
        assert child.ask().body == b"Hey!"
    child.send(signal.SIGTERM)
    assert child.status() == 0


def test_a_log_that_nobody_reads_holds_up_nobody_and_says_later_what_is_missing(launch, architecture):
    port = free_port()
    reader, writer = os.pipe()
    child = launch("--port", str(port), architecture=architecture, stderr=writer)
    os.close(writer)
    until(lambda: listens(port), "it does not listen")
    child.port = port
    for _ in range(150):  # a traceback each: more than the pipe takes
        assert child.ask("/raise?name=SystemExit").status == 500
    log = os.read(reader, 1 << 16)
    child.send(signal.SIGTERM)
    while piece := os.read(reader, 1 << 16):
        log += piece
    os.close(reader)
    assert re.search(rb"\n\d+ messages were dropped: stderr took no more\n", log)
    assert child.status() == 0


# ---- children ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["fork", "subprocess"])
def test_a_child_that_a_handler_makes_does_not_hold_the_port_nor_stop_the_server(launch, architecture, way):
    child = launch(architecture=architecture).serving()
    listening = sockets(child.descriptors())
    made = int(child.ask(f"/{way}").body)
    try:
        entries = Path(f"/proc/{made}/fd")
        until(lambda: not held(entries) & listening, lambda: f"it holds {held(entries) & listening}")
        if way == "subprocess":
            assert not sockets(dict(enumerate(held(entries))))
        os.kill(made, signal.SIGTERM)
        until(lambda: ended(made), "a signal does not end it")
        child.is_as_before()
    finally:
        child.send(signal.SIGCONT)
        if not ended(made):
            os.kill(made, signal.SIGKILL)
    assert "stopping" not in child.log()
    child.stop()


def held(entries: Path) -> set[str]:
    """What the descriptors in this folder lead to."""
    try:
        return {str(entry.readlink()) for entry in entries.iterdir()}
    except FileNotFoundError:
        return {"some of them changed meanwhile"}


def ended(number: int) -> bool:
    """Whether the process is gone, or only its entry is left until its parent looks."""
    try:
        return state(Path("/proc") / str(number)) == "Z"
    except FileNotFoundError:
        return True


# ---- the port ------------------------------------------------------------------------------------------------------


def test_a_second_server_on_the_port_says_so_in_a_line_and_the_first_serves_on(launch):
    """Whoever has listened there before, and whichever comes next."""
    port = free_port()
    for architecture in ARCHITECTURES:
        first = launch("--port", str(port), architecture=architecture).serving()  # TIME_WAIT is not "in use"
        second = launch("--port", str(port), architecture=architecture)
        assert second.status() == 2
        (line,) = second.log().splitlines()
        assert f"port {port} on 127.0.0.1 is in use" in line
        first.is_as_before()
        first.stop()


# ---- a watcher -----------------------------------------------------------------------------------------------------

WATCHER = """
import sys
from teachserve.observe.link import Link
link = Link.attach(sys.argv[1])
print("attached", flush=True)
for frame in link.frames():
    continue
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_watcher_that_is_killed_or_suspended_is_nothing_to_the_server(launch, architecture, end):
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        link_file = Path(folder) / "link"
        child = launch("--link-file", str(link_file), architecture=architecture).serving()
        watcher = subprocess.Popen([sys.executable, "-c", WATCHER, link_file], stdout=subprocess.PIPE)
        try:
            assert watcher.stdout.readline() == b"attached\n"
            watcher.send_signal(end)
            for _ in range(20):
                assert child.answers()
            if end == signal.SIGKILL:
                child.is_as_before()
            child.stop()
        finally:
            watcher.kill()
            watcher.wait()
            watcher.stdout.close()
