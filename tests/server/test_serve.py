"""`teachserve serve` in a process of its own: how it ends, what it says, what it imports."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from teachserve.conformance import Client, get

from .serving import ENVIRONMENT, PATIENCE_S, Serving, starting


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    with starting() as start:
        yield start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_softly_and_the_status_is_0(serve, number):
    server = serve()
    with Client(server.port) as client:
        client.send(get())
        assert client.answer().body == b"Hey!"
        server.send(number)
        assert client.end() == b""
    assert server.status() == 0


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [(signal.SIGTERM, signal.SIGTERM, 143), (signal.SIGINT, signal.SIGINT, 130), (signal.SIGTERM, signal.SIGINT, 130)],
)
def test_a_second_signal_abandons(serve, first, second, status):
    """The handler sleeps for an hour: nothing but the end of the process ends it."""
    server = serve("--delay", "1h", "--arch", "single-thread")
    with Client(server.port) as client:
        client.send(get() + get())
        assert client.sock.getpeername()
        server.send(first)
        server.line("stopping softly")
        server.send(second)
        server.line("abandoned in")
        assert server.status() == status


MINE = """
from teachserve.architectures.single_thread import SingleThread

class Mine(SingleThread):
    pass
"""


def test_a_taskmaster_of_the_folder_is_found_from_the_script_too(tmp_path):
    """Python puts the script's folder on its path, not the one that we are in."""
    (tmp_path / "mine.py").write_text(MINE)
    command = [sys.executable, "-P", "-m", "teachserve", "serve", "--arch", "mine:Mine", "--port", "0"]
    with subprocess.Popen(command, env=ENVIRONMENT, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert "mine:Mine serves on http://" in server.stderr.readline()
        server.terminate()
        server.communicate(timeout=PATIENCE_S)
    assert server.returncode == 0


@pytest.mark.parametrize("command", [["serve"], ["demo", "--headless"]])
def test_a_taskmaster_that_breaks_in_its_start_is_told_in_a_line(tmp_path, command):
    (tmp_path / "mine.py").write_text(
        f"{MINE}    def start(self):\n        super().start()\n        self.no_such_verb()\n"
    )
    told = subprocess.run(
        [sys.executable, "-m", "teachserve", *command, "--arch", "mine:Mine", "--port", "0"],
        env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (2, "")
    [line] = told.stderr.splitlines()
    assert line.startswith(
        "teachserve: mine:Mine broke in its start: AttributeError: 'Mine' object has no attribute 'no_s"
    )
    assert line.endswith("mine.py:8")


def test_a_taskmaster_whose_module_never_comes_back_is_left_by_ctrl_c(tmp_path):
    (tmp_path / "mine.py").write_text("import threading\nprint('here', flush=True)\nthreading.Event().wait()\n")
    command = [sys.executable, "-m", "teachserve", "serve", "--arch", "mine:Mine", "--port", "0"]
    with subprocess.Popen(
        command, env=ENVIRONMENT, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout.readline() == "here\n"
            server.send_signal(signal.SIGINT)
            assert server.communicate(timeout=PATIENCE_S) == ("", "")
        finally:
            server.kill()
    assert server.returncode == 130


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--standby", "x"), "standby must be a whole number"),
        (("--arch", "single-thread", "--threads", "3"), "threads means nothing to single-thread"),
        (("--arch", "recyling"), "did you mean recycling?"),
        (("--no-such-option",), "--no-such-option"),
        (("--port", "PORT"), "is in use: choose another with --port"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_status_2(options, says):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "teachserve", "serve", *(port if word == "PORT" else word for word in options)],
            capture_output=True, text=True, env=ENVIRONMENT, timeout=PATIENCE_S,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert says in line


IMPORTS = """
import sys, sysconfig
before = set(sys.modules)
from teachserve import Server
import teachserve.publish, teachserve.conformance
with Server() as server:
    pass
ours = {"teachserve", "httptools"}
foreign = {name.partition(".")[0] for name in set(sys.modules) - before} - ours - set(sys.stdlib_module_names)
foreign = {name for name in foreign if "cython" not in name and name != "__mp_main__"}  # httptools', multiprocessing's
assert not foreign, foreign
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print("GIL", gil, sysconfig.get_config_var("Py_GIL_DISABLED") == 1)
"""


def test_the_servers_rooms_import_only_the_standard_library_and_httptools_and_keep_the_gil_off():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTS], capture_output=True, text=True, env=ENVIRONMENT,
        timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() in (["GIL", "True", "False"], ["GIL", "False", "True"])
