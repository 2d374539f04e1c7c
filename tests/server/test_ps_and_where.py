"""`teachserve ps` and `teachserve where`: real servers, seen once, as text and as JSON."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from teachserve.cli import ps, where
from teachserve.conformance import Client, get
from teachserve.events import MEANING, State
from teachserve.interpreter import gil_enabled
from teachserve.message import Response
from teachserve.observe.link_file import LinkError, servers
from teachserve.observe.snapshot import NO_STACK
from teachserve.observe.survey import Survey
from teachserve.observe.verdict import Verdict
from teachserve.observe.visit import Visit
from teachserve.observe.whereabouts import Whereabouts
from teachserve.server import Server

from .serving import PATIENCE_S, Serving

HEY = get()


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def suspended(runtime: Path) -> Iterator[Serving]:
    """A server that is stopped by a signal, and does not answer."""
    server = Serving("--watch", "--log-level", "info", XDG_RUNTIME_DIR=str(runtime))
    server.line("to watch it")
    server.send(signal.SIGSTOP)
    yield server
    server.close()


def run(command: click.Command, *arguments: object) -> str:
    """What it prints. Raises: ClickException, for a mistake that the user can mend."""
    ran = CliRunner().invoke(command, [str(one) for one in arguments], standalone_mode=False)
    if ran.exception:
        raise ran.exception
    assert (ran.exit_code, ran.return_value) == (0, 0)
    return ran.stdout


# ---- ps ------------------------------------------------------------------------------------------------------------


def test_where_there_is_no_server_it_says_how_to_start_one():
    assert run(ps.command) == "no server of yours can be watched: start one with: teachserve serve --watch\n"
    assert json.loads(run(ps.command, "--json")) == {"servers": []}


def test_every_server_is_a_line_with_its_threads_in_words():
    with (
        Server(arch="thread-pool", threads=3, watch=True) as pool,
        Server(arch="recycling", standby=2, watch=True) as recycling,
        Client(pool.port) as client,
    ):
        client.send(HEY)
        client.answer()
        for server, waiting in ((pool, 2), (recycling, 1)):
            with Visit(next(one.path for one in servers() if one.url == server.url)) as visit:
                visit.until(lambda shown, waiting=waiting: shown.states[State.WAITING] == waiting)
        heading, *lines = run(ps.command).splitlines()
        assert heading.split() == [word for words in ps.HEADINGS for word in words.split()]
        of = {line.split()[2]: line.split(maxsplit=7) for line in lines}
        assert of["thread-pool"][:7] == [str(os.getpid()), pool.url, "thread-pool", "serving", "1", "1", "1"]
        assert of["thread-pool"][7].split(maxsplit=3) == ["0", "of", "2048", "4: accepting 1, waiting 2, idle 1"]
        assert of["recycling"][4:7] == ["2", "0", "0"]
        (told,) = (one for one in json.loads(run(ps.command, "--json"))["servers"] if one["url"] == pool.url)
        assert told["states"] == {"accepting": 1, "waiting": 2, "idle": 1}
        assert (told["threads"], told["requests"], told["connections"]) == (4, 1, 1)
        assert told["accept_queue"] == {"length": 0, "bound": 2048, "overflowed": 0, "unavailable": None}


def test_a_server_that_does_not_answer_is_named_with_the_reason(suspended):
    (link_file,) = servers()
    found = Survey.of(link_file, patience_s=0.1)
    assert (
        found.unavailable == f"the server (process {suspended.process.pid}) did not answer within 0.1 s: is it stopped?"
    )
    assert ps.as_text([found])[1].endswith(f"n/a: {found.unavailable}")
    assert found.to_json()["unavailable"] == found.unavailable


def test_a_server_that_stops_answering_in_the_middle_of_a_visit_is_left(runtime):
    server = Serving("--watch", XDG_RUNTIME_DIR=str(runtime))
    try:
        server.line("to watch it")
        with Visit(servers()[0].path, patience_s=1.0) as visit:
            visit.table()
            server.send(signal.SIGSTOP)
            with pytest.raises(LinkError, match=r"did not answer within 1 s: is it stopped\?"):
                while True:
                    visit.table()
    finally:
        server.close()


# ---- where ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def handling() -> Iterator[tuple[Server, Client]]:
    """A server whose worker-2 is inside the handler."""
    inside, go_on = threading.Event(), threading.Event()

    def app(request):
        inside.set()
        go_on.wait()
        return Response.text("Hey!")

    with Server(app, "recycling", standby=1, watch=True) as server, Client(server.port) as client:
        client.send(HEY)
        assert inside.wait(10)
        yield server, client
        go_on.set()


def test_a_thread_is_told_by_name_and_by_number_with_its_line_its_client_and_the_kernels_word(handling):
    _, client = handling
    host, port = client.sock.getsockname()
    for name in ("worker-2", "2"):
        lines = run(where.command, name).splitlines()
        assert lines[0].startswith("worker-2 (TID ")
        assert lines[1] == f"  state       handling, since before anybody watched: {MEANING[State.HANDLING]}"
        assert lines[2] == f"  connection  1 from {host}:{port}"
        assert lines[3].startswith("  kernel      ")
        if not gil_enabled():
            assert lines[4:] == [f"  Python      n/a: {NO_STACK}"]
            continue
        (mine,) = (line for line in lines if line.endswith("  go_on.wait()"))
        assert mine.split()[0].startswith("test_ps_and_where.py:")
        assert mine.split()[1] == "app"
    told = json.loads(run(where.command, "worker-2", os.getpid(), "--json"))
    assert (told["thread"], told["state"], told["peer"], told["for_s"]) == (
        "worker-2",
        "handling",
        f"{host}:{port}",
        None,
    )
    assert any(frame["source"] == "go_on.wait()" for frame in told["stack"]) == gil_enabled()
    assert set(told["kernel"]) == {
        "verdict", "meaning", "state", "call", "descriptor", "sleeps_in", "reason", "unavailable",
    }  # fmt: skip


def test_a_thread_that_waits_names_its_queue_and_since_when_where_somebody_watched(handling):
    with Visit(servers()[0].path) as visit:
        visit.until(lambda shown: shown.states[State.ACCEPTING] == 1)  # worker-3, which was wanted
        with Client(handling[0].port) as other:
            visit.until(lambda shown: shown.states[State.ACCEPTED] + shown.states[State.READING] > 0)
            assert "waiting, for " in run(where.command, "thread-maker-1")
            other.sock.close()
    assert ", 'wanted'" in run(where.command, "thread-maker-1")


def test_the_kernel_confirms_a_thread_in_accept(runtime):
    server = Serving("--watch", "--arch", "single-thread", XDG_RUNTIME_DIR=str(runtime))
    try:
        server.line("to watch it")
        patience = time.monotonic() + PATIENCE_S
        while True:
            found = Whereabouts.find(servers()[0].path, "worker-1")
            if found.no_word:
                pytest.skip(found.no_word)
            if found.sighting.verdict is Verdict.CONFIRMED:
                break
            assert time.monotonic() < patience, found.sighting
        assert found.sighting.state is State.ACCEPTING
        assert "confirmed: accept" in where.as_text(found)[3]
    finally:
        server.close()


def test_without_a_kernel_that_tells_it_says_why(handling, monkeypatch):
    monkeypatch.setattr("teachserve.observe.kernel.NAMES", {})
    told = run(where.command, "worker-2")
    assert "  kernel      n/a: the numbers of system calls on " in told


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["worker-9"], r"has no thread worker-9: it has ended, or was never made; alive are thread-maker-1, worker-2"),
        (["acceptor-2"], r"has no thread acceptor-2: .* alive are thread-maker-1"),
        (["2", 1], r"no server with PID 1 can be watched; name one, as in: teachserve where 2 \d+"),
    ],
)
def test_what_there_is_not_is_one_sentence_that_says_what_there_is(handling, arguments, why):
    with pytest.raises(click.UsageError, match=why):
        run(where.command, *arguments)


def test_two_servers_of_one_program_are_told_apart_by_their_addresses():
    with Server(arch="thread-pool", watch=True) as pool, Server(arch="single-thread", watch=True) as single:
        assert run(where.command, "acceptor-1", f":{pool.port}").startswith("acceptor-1 ")
        assert "of single-thread" in run(where.command, "1", single.url)
        first, second = sorted((pool, single), key=lambda one: one.url)
        assert [line.split()[1] for line in run(ps.command).splitlines()[1:]] == [first.url, second.url]
        why = f"several servers with PID {os.getpid()} run; name one, as in: teachserve where 1 127.0.0.1:{first.port}"
        with pytest.raises(click.UsageError, match=why):
            run(where.command, "1", os.getpid())
        with pytest.raises(click.UsageError, match=r"no server at :1 can be watched; .* teachserve where 1 127"):
            run(where.command, "1", ":1")


def test_without_any_server_it_says_how_to_start_one():
    with pytest.raises(click.UsageError, match="start one with: teachserve serve --watch"):
        run(where.command, "worker-1")
