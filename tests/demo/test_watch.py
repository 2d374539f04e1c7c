"""`teachserve watch` on a real server: on a terminal, without one, several at once; and the server runs on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server.serving import PATIENCE_S, Serving

from teachserve.conformance import Client, get
from teachserve.demo.playback import Playback
from teachserve.demo.sentence import sentence
from teachserve.observe.trace import Trace

from .terminal import Terminal, children

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process tree from /proc"),
    pytest.mark.timeout(60),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def left(folder: Path) -> list[Path]:
    """Every file below the folder, sockets included."""
    return [path for path in folder.rglob("*") if not path.is_dir()]


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers that may be watched."""
    servers: list[Serving] = []

    def start(*options: str) -> Serving:
        server = Serving("--watch", *options, TMPDIR=str(folder), XDG_RUNTIME_DIR="")
        servers.append(server)
        assert server.line(r"to watch it: teachserve watch, or teachserve watch (\d+)$")[1] == str(server.process.pid)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts watchers, each in a terminal of its own."""
    terminals: list[Terminal] = []

    def begin(*arguments: str) -> Terminal:
        terminals.append(Terminal(*arguments, folder=folder, command="watch"))
        return terminals[-1]

    yield begin
    for one in terminals:
        one.close()


def watch(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run `teachserve watch`, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "teachserve", "watch", *arguments], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=PATIENCE_S, env=os.environ | {"TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""},
    )  # fmt: skip


def ask(server: Serving, times: int = 1) -> None:
    """Requests that are answered."""
    with Client(server.port) as client:
        for _ in range(times):
            client.send(get())
            assert client.answer().status == 200


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_who_leaves_leaves_the_server_running(serve, terminal, folder, key):
    server = serve()
    screen = terminal()
    screen.shown("watch")
    screen.type(key)
    assert screen.ended() == 0
    assert screen.is_as_before()
    assert "teachserve:" not in screen.seen
    ask(server)
    assert sorted(path.suffix for path in left(folder)) == [".link", ".sock"], "only what the server needs is there"


def test_what_nobody_measures_is_not_available_on_the_screen(serve, terminal):
    serve()
    screen = terminal()
    screen.shown("watch")
    screen.until("latency n/a")
    screen.type("2")
    screen.until("n/a: no load generator measures it here")
    screen.until("n/a: none was started from here")


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGTERM, "server has stopped"), (signal.SIGKILL, "without a word")]
)
def test_a_server_that_ends_is_said_to_have_ended(serve, terminal, number, words):
    server = serve()
    screen = terminal(str(server.process.pid))
    screen.shown("watch")
    server.send(number)
    screen.until(words)
    screen.type("q")
    assert screen.ended() == 0
    assert screen.is_as_before()


def test_two_watch_one_server_and_one_that_is_killed_harms_neither_the_other_nor_the_server(serve, terminal):
    server = serve()
    killed, other = terminal(), terminal()
    killed.shown("watch")
    other.shown("watch")
    killed.signal("watch", signal.SIGKILL)
    assert killed.ended() == 3
    assert killed.is_as_before()
    number = killed.processes["watch"].number
    assert (
        f"teachserve: the watch process ({number}) was killed by SIGKILL; it had started no other process"
        in killed.seen
    )
    ask(server)
    server.send(signal.SIGTERM)
    other.until("server has stopped")
    assert server.status() == 0
    other.type("q")
    assert other.ended() == 0


def test_a_watcher_that_is_suspended_does_not_hold_up_the_servers_end(serve, terminal, folder):
    server = serve()
    screen = terminal()
    screen.shown("watch")
    screen.signal("watch", signal.SIGSTOP)
    server.send(signal.SIGTERM)
    assert server.status() == 0
    assert left(folder) == []


def test_a_guard_that_is_killed_takes_its_watcher_with_it_and_not_the_server(serve, terminal):
    server = serve()
    screen = terminal()
    screen.shown("watch")
    screen.signal("guard", signal.SIGKILL)
    assert screen.ended() == -9
    screen.until("teachserve: the outermost watch process is gone: the watch has ended with it")
    assert screen.is_as_before()
    ask(server)


@pytest.mark.parametrize(
    ("signals", "status", "outcome"),
    [([signal.SIGTERM], 0, "stopped"), ([signal.SIGTERM, signal.SIGINT], 130, "abandoned")],
)
def test_what_the_server_left_is_gone_when_it_has_ended(serve, folder, signals, status, outcome):
    server = serve("--delay", "1h" if outcome == "abandoned" else "0")
    with Client(server.port) as client:
        client.send(get())
        for number in signals:
            server.send(number)
            server.line("stopping softly|abandoned in|stopped in")
        assert server.status() == status
    assert left(folder) == []


def test_headless_json_is_one_object_with_the_servers_own_counts(serve, folder):
    server = serve()
    ask(server, 7)
    ran = watch(folder, "--headless", "--duration", "1s", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    told = json.loads(ran.stdout)
    assert ran.stdout.count("\n") == 1
    assert (told["architecture"], told["phase"], told["outcome"]) == ("recycling", "serving", "serving")
    assert told["counters"]["requests"] == 7
    assert told["statuses"] == {"200": 7}
    assert told["load"] is told["latency"] is None
    assert told["throughput"]["answered_per_s"] is None
    ask(server)


def test_headless_text_says_that_nobody_measures(serve, folder):
    serve()
    ran = watch(folder, "--headless", "--duration", "1s")
    assert ran.returncode == 0
    assert "load        n/a: none was started from here" in ran.stdout


@pytest.mark.parametrize(
    ("number", "status", "outcome", "words"),
    [
        (signal.SIGTERM, 0, "stopped", ""),
        (signal.SIGKILL, 3, "lost", "teachserve: the server (process {}) went without a goodbye\n"),
    ],
)
def test_headless_ends_with_the_server(serve, folder, number, status, outcome, words):
    server = serve()
    watcher = subprocess.Popen(
        [sys.executable, "-m", "teachserve", "watch", "--headless", "--duration", "10m", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""},
    )  # fmt: skip
    # Beside its main thread and the one that awaits the guard's end it has a reader as soon as it is attached.
    while not (child := children(watcher.pid)) or len(list(Path(f"/proc/{child[0]}/task").iterdir())) < 3:
        assert watcher.poll() is None
        os.sched_yield()
    server.send(number)
    told, complained = watcher.communicate(timeout=PATIENCE_S)
    assert (watcher.returncode, complained) == (status, words.format(server.process.pid))
    assert json.loads(told)["outcome"] == outcome


@pytest.mark.parametrize(
    ("number", "status", "last"),
    [
        (signal.SIGTERM, 0, "The server has stopped: 7 requests served"),
        (signal.SIGKILL, 3, "The server is gone without a word"),
    ],
)
def test_narrated_it_tells_line_by_line_and_ends_with_the_server(serve, folder, number, status, last):
    server = serve()
    ask(server, 7)
    watcher = subprocess.Popen(
        [sys.executable, "-m", "teachserve", "watch", "--narrate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=os.environ | {"TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""},
    )  # fmt: skip
    first = watcher.stdout.readline()
    server.send(number)
    told, complained = watcher.communicate(timeout=PATIENCE_S)
    assert f"serves on 127.0.0.1:{server.port} (process {server.process.pid}); no load of ours is on it" in first
    assert last in told
    assert "the end: the server answered 7 requests on 1 connection, " in told.splitlines()[-1]
    assert (watcher.returncode, bool(complained)) == (status, bool(status))


def test_without_a_server_it_says_how_to_start_one(folder):
    ran = watch(folder)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == ("teachserve: no server of yours can be watched: start one with: teachserve serve --watch\n")


def test_of_several_one_is_to_be_named(serve, folder):
    first, second = sorted((serve(), serve("--arch", "single-thread")), key=lambda server: server.process.pid)
    for arguments, problem in (([], "several servers run"), (["1"], "no server with PID 1 can be watched")):
        ran = watch(folder, *arguments)
        assert (ran.returncode, ran.stdout) == (2, "")
        head, *lines = ran.stderr.splitlines()
        assert head == f"teachserve: {problem}; name one, as in: teachserve watch {first.process.pid}"
        assert [line.split()[:2] for line in lines] == [
            [str(server.process.pid), f"http://127.0.0.1:{server.port}"] for server in (first, second)
        ]
    ran = watch(folder, str(second.process.pid), "--headless", "--duration", "1s", "--json")
    assert ran.returncode == 0


def test_what_a_killed_server_left_is_removed(serve, folder):
    server = serve()
    server.send(signal.SIGKILL)
    server.status()
    assert len(left(folder)) == 2
    assert "no server of yours can be watched" in watch(folder).stderr
    assert left(folder) == []


def test_a_directory_that_is_open_to_others_is_refused_by_both(folder):
    (folder / f"teachserve-{os.getuid()}").mkdir(mode=0o755)
    assert "is open to others (mode 0755)" in watch(folder).stderr
    ran = subprocess.run(
        [sys.executable, "-m", "teachserve", "serve", "--watch", "--port", "0"], capture_output=True, text=True,
        timeout=PATIENCE_S, env=os.environ | {"TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""},
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "is open to others (mode 0755)" in ran.stderr
    assert left(folder) == []


def test_a_watch_of_the_screen_needs_a_terminal(serve, folder):
    serve()
    ran = watch(folder)
    assert ran.returncode == 2
    assert "the dashboard needs a terminal: run it in one, or add --headless or --narrate" in ran.stderr


def test_a_server_can_be_named_by_where_it_serves(serve, folder):
    server, _ = serve(), serve()
    for address in (f":{server.port}", f"127.0.0.1:{server.port}", f"http://localhost:{server.port}/yo"):
        ran = watch(folder, address, "--headless", "--duration", "500ms", "--json")
        assert ran.returncode == 0
        assert json.loads(ran.stdout)["counters"]["requests"] == 0
    ran = watch(folder, ":1")
    assert ran.returncode == 2
    assert "no server at :1 can be watched; name one, as in: teachserve watch" in ran.stderr
    ran = watch(folder, "nobody")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "'nobody' is no PID and no address: give one such as 1234, :8080, 127.0.0.1:8080" in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_watch_of_an_address_goes_on_with_whoever_serves_there_next(serve, terminal, folder, number):
    server = serve()
    file = folder / "run.trace"
    screen = terminal(f"127.0.0.1:{server.port}", "--record", str(file), "--tables-only")
    screen.shown("watch")
    server.send(number)
    screen.until("waiting")
    server.status()
    serve("--port", str(server.port), "--arch", "single-thread")
    screen.until("single-thread")
    screen.type("q")
    assert screen.ended() == 0
    trace = Trace(file)
    assert trace.kinds.count("header") == 2
    assert "waiting" in trace.kinds
    pictures = Playback(trace)
    waited = pictures.picture(trace.moments_us[trace.kinds.index("waiting")])
    assert sentence(waited).endswith(f"; waiting for a server at 127.0.0.1:{server.port}.")
    assert pictures.picture(pictures.length_us).snapshot.header.architecture == "single-thread"
    pictures.close()


def test_who_leaves_while_nobody_serves_leaves_at_once(serve, terminal):
    server = serve()
    screen = terminal(f":{server.port}")
    screen.shown("watch")
    server.send(signal.SIGTERM)
    screen.until("waiting")
    screen.type("q")
    assert screen.ended() == 0
    assert screen.is_as_before()
