"""`Server(..., watch=True)` in a plain Python program: found, commanded and stopped over its link, and nothing is left."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from teachserve.conformance import Client, get
from teachserve.errors import TeachserveError
from teachserve.observe.link import Link
from teachserve.observe.link_file import servers
from teachserve.server import Server

from .serving import ENVIRONMENT, PATIENCE_S


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory where the link files are; short, for a socket's address may not be long."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    return tmp_path / "teachserve"


def test_it_is_found_while_it_runs_and_nothing_is_left_when_it_has_stopped(runtime):
    with Server(arch="recycling", watch=True) as server:
        (found,) = servers()
        assert (found.url, found.architecture) == (server.url, "recycling")
        with Link.attach(found.path) as link:
            assert link.header["port"] == server.port
    assert servers() == []
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("arch", ["recycling", "single-thread", "event-loop", "thread-pool", "thread-per-connection"])
@pytest.mark.parametrize(("command", "phase"), [("stop", "stopped"), ("abandon", "abandoned")])
def test_a_watcher_stops_it_and_is_told_to_the_end(runtime, arch, command, phase):
    server = Server(arch=arch, watch=True).start()
    (found,) = servers()
    with Link.attach(found.path) as link:
        number = link.send(command)
        frames = list(link.frames())
    assert {"to": number, "ok": True}.items() <= next(frame for frame in frames if frame["frame"] == "reply").items()
    tables = [frame for frame in frames if frame["frame"] == "table"]
    assert tables[-1]["phase"] == frames[-1]["reason"] == phase
    report = server.stop()
    assert frames[-1]["report"] == report.lines()
    assert (report.clean, report.abandoned) == (True, phase == "abandoned")
    assert list(runtime.iterdir()) == []


def test_a_stop_over_the_link_is_cut_short_by_an_abandon_over_the_same_link():
    """The thread that reads the commands does not wait for the stop that it was asked for."""
    inside = threading.Event()

    def app(request):
        inside.set()
        while True:
            pass

    server = Server(app, "single-thread", watch=True).start()
    with Client(server.port) as client, Link.attach(servers()[0].path) as link:
        client.send(get())
        assert inside.wait(10)
        link.send("stop")
        link.send("abandon")
        assert list(link.frames())[-1]["reason"] == "abandoned"
    assert server.stop().abandoned


@pytest.mark.parametrize("command", [("set", {"option": "delay", "value": "1ms"}), ("slow", {"pause_s": 0.001}),
                                     ("inspect", {"thread": 1}), ("focus", {"thread": 1})])  # fmt: skip
def test_every_command_works_there_too(command):
    name, fields = command
    with Server(arch="thread-pool", watch=True), Link.attach(servers()[0].path) as link:
        number = link.send(name, **fields)
        reply = next(frame for frame in link.frames() if frame["frame"] == "reply")
        assert (reply["to"], reply["ok"]) == (number, True)


def test_two_in_one_process_are_found_both():
    with Server(arch="recycling", watch=True) as first, Server(arch="thread-pool", watch=True) as second:
        assert {one.url for one in servers()} == {first.url, second.url}
        first.stop()
        assert [one.url for one in servers()] == [second.url]
    with Server(watch=True) as third:
        assert [one.url for one in servers()] == [third.url]


def test_a_link_that_cannot_be_made_ends_the_server_with_a_sentence(tmp_path):
    server = Server(arch="single-thread", watch=tmp_path / "nowhere" / "link")
    with pytest.raises(TeachserveError, match=r"cannot make the link .*nowhere/link: No such file or directory"):
        server.start()
    assert server.report.clean


def test_a_server_that_nobody_may_watch_loads_nothing_for_it():
    program = (
        "import sys; from teachserve import Server\n"
        "with Server(): print([name for name in sys.modules if 'publish' in name or name.startswith('multiprocessing')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True,
                         timeout=PATIENCE_S)  # fmt: skip
    assert ran.stdout == "[]\n", ran.stderr
