"""Another server under the same load: nothing is lost, and whatever dies meanwhile, nothing is left."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from teachserve.demo.endings import BROKEN, USAGE
from teachserve.demo.server_process import Plan, ServerProcess
from teachserve.demo.supervisor import STOP, StartError

from .running import PATIENCE_S, ours, running
from .terminal import Process

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process tree from /proc"),
    pytest.mark.timeout(120),
]

DELAY = {"delay": 0.001}


@pytest.mark.parametrize("keep_alive", [True, False])
def test_restarts_under_load_cost_no_request(tmp_path: Path, keep_alive: bool) -> None:
    with running(tmp_path, "recycling", {"keep_alive": keep_alive}, **DELAY) as demo:
        picture = demo.under_load()
        for before, after in (("recycling", "event-loop"), ("event-loop", "single-thread")):
            words = f"architecture {before} -> {after}"
            assert demo.controls.choose("architecture", after, picture) == f"{words}: a new server is starting"
            picture = demo.under_load(after)
            demo.idle()
            assert picture.marks[-1].text == words
            assert 0 < picture.marks[-1].at_s <= picture.snapshot.at_s
            assert demo.noted() == ours() == {
                demo.supervisor.server.process.pid, demo.supervisor.load.process.pid,
            }  # fmt: skip
        result = demo.ended_load()
        assert (result["errors"], result["refused"], set(result["statuses"])) == ({}, 0, {"200"})
        assert demo.supervisor.complaints() == []
        assert {file.name for file in tmp_path.iterdir()} == {
            "link-3.json", "link-3.json.sock", "server-3.err", "load.err", "processes.json",
        }  # fmt: skip


def test_the_history_goes_on_and_the_marks_stay_while_the_server_is_another(tmp_path: Path) -> None:
    with running(tmp_path, **DELAY) as demo:
        demo.until(lambda picture: len(picture.history.requests) >= 2)
        demo.controls.change("connections", 1, demo.newest)
        before = demo.newest.snapshot
        demo.controls.choose("architecture", "thread-pool", demo.newest)
        picture = demo.under_load("thread-pool")
        assert picture.snapshot.header.process != before.header.process
        assert picture.snapshot.at_s < before.at_s + PATIENCE_S
        assert [mark.text for mark in picture.marks] == [
            "connections 20 -> 40",
            "architecture recycling -> thread-pool",
        ]
        assert len(picture.history.requests) >= 2
        assert picture.load.connections == 40


def test_what_means_nothing_to_the_other_architecture_is_left_out_said_and_kept_for_later(tmp_path: Path) -> None:
    with running(tmp_path, "thread-pool", threads=3, **DELAY) as demo:
        demo.under_load()
        assert demo.controls.choose("delay", "2ms", demo.newest) == "delay 1ms -> 2ms"
        demo.controls.choose("architecture", "recycling", demo.newest)
        demo.until(lambda picture: "threads=3 means nothing to recycling: left out" in demo.log())
        demo.idle()
        assert "threads" not in demo.newest.snapshot.options
        demo.controls.choose("architecture", "thread-pool", demo.newest)
        picture = demo.under_load("thread-pool")
        assert (picture.snapshot.options["threads"], picture.snapshot.options["delay"]) == (3, 0.002)


def test_another_number_of_threads_is_another_server(tmp_path: Path) -> None:
    with running(tmp_path, "thread-pool", threads=3, **DELAY) as demo:
        picture = demo.under_load()
        assert demo.controls.change("threads", 1, picture) == "threads 3 -> 6: a new server is starting"
        picture = demo.until(lambda picture: picture.snapshot.options.get("threads") == 6)
        assert picture.marks[-1].text == "threads 3 -> 6"


def test_a_second_restart_while_one_is_under_way_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, **DELAY) as demo:
        picture = demo.under_load()
        demo.controls.choose("architecture", "thread-pool", picture)
        refusal = "a restart is under way (architecture recycling -> thread-pool): wait for its end"
        assert demo.controls.choose("architecture", "event-loop", picture) == refusal
        assert demo.controls.reason("stop", picture) == demo.controls.reason("standby", picture) == refusal
        assert demo.controls.reason("connections", picture) == ""
        demo.under_load("thread-pool")
        demo.idle()
        assert demo.controls.reason("architecture", picture) == ""


@pytest.mark.parametrize(
    ("architecture", "options", "status", "says"),
    [
        ("recycling", {"standby": 30, "max_threads": 20}, USAGE, "standby must be at most max_threads"),
        ("recyclin", {}, USAGE, "there is no architecture 'recyclin': did you mean recycling?"),
        ("thread-pool", {"host": "203.0.113.1"}, USAGE, "203.0.113.1"),
    ],
)
def test_a_server_that_does_not_start_leaves_the_old_one_serving(
    tmp_path: Path, architecture: str, options: dict, status: int, says: str
) -> None:
    with running(tmp_path, **DELAY) as demo:
        demo.under_load()
        server = demo.supervisor.server
        with pytest.raises(StartError) as error:
            demo.supervisor.restart(architecture, options, demo.take_over)
        assert says in str(error.value)
        assert (error.value.status, demo.supervisor.server, server.status) == (status, server, None)
        assert demo.supervisor.plan.architecture == "recycling"
        assert demo.noted() == ours()
        answered = demo.newest.load.answered
        demo.until(lambda picture: picture.load.answered > answered)
        assert demo.endings.wait(0) is None
    assert demo.supervisor.complaints() == []


def test_with_a_port_of_its_own_the_old_server_lets_go_first_and_the_load_counts_what_it_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new server starts once the load has found nobody: how long it takes is the machine's affair."""
    with running(tmp_path, "recycling", {"keep_alive": False}, port=0, **DELAY) as demo:
        port = demo.under_load().snapshot.header.port
        start = demo.supervisor._start

        def start_once_missed(plan: Plan) -> ServerProcess:
            patience = time.monotonic() + PATIENCE_S
            while not demo.newest.load.not_connected:
                assert time.monotonic() < patience
                threading.Event().wait(0.01)
            return start(plan)

        monkeypatch.setattr(demo.supervisor, "_start", start_once_missed)
        demo.supervisor.keep("port", port)
        demo.controls.choose("architecture", "thread-pool", demo.newest)
        picture = demo.under_load("thread-pool")
        assert picture.snapshot.header.port == port
        result = demo.ended_load()
        assert result["refused"] > 0  # connects; they were tried again
        assert set(result["statuses"]) <= {"200", "503"}  # 503: what waited in the accept queue at the end


def test_where_the_port_was_let_go_and_the_new_server_does_not_start_the_demo_stays(tmp_path: Path) -> None:
    with running(tmp_path, **DELAY) as demo:
        picture = demo.under_load()
        demo.supervisor.keep("port", picture.snapshot.header.port)
        demo.supervisor.keep("host", "203.0.113.1")
        demo.controls.choose("architecture", "thread-pool", picture)
        demo.until(lambda picture: any(line.startswith("not done (architecture") for line in demo.log()))
        assert demo.newest.snapshot.phase == "stopped"
        demo.supervisor.keep("host", "127.0.0.1")
        demo.idle()
        demo.controls.choose("architecture", "thread-pool", demo.newest)
        demo.under_load("thread-pool")
        assert demo.endings.wait(0) is None


def test_after_a_soft_stop_the_load_counts_its_refusals_until_there_is_a_server_again(tmp_path: Path) -> None:
    with running(tmp_path, **DELAY) as demo:
        picture = demo.under_load()
        assert demo.controls.change("stop", 1, picture) == "soft stop: what was accepted is served"
        picture = demo.until(lambda picture: picture.snapshot.phase == "stopped" and picture.load.not_connected > 20)
        assert demo.controls.reason("delay", picture) == "the server has stopped"
        assert demo.controls.change("connections", 1, picture) == "connections 20 -> 40"
        demo.until(lambda picture: picture.load.connections == 40)
        assert demo.controls.choose("architecture", "recycling", picture).startswith(
            "architecture recycling -> recycling"
        )
        picture = demo.under_load("recycling")
        assert picture.snapshot.phase == "serving"
        assert [mark.kind for mark in picture.marks] == ["stop", "load", "architecture"]
        assert demo.endings.wait(0) is None


def test_slow_motion_goes_on_with_the_new_server_and_holds_up_nobody_with_the_old(tmp_path: Path) -> None:
    with running(tmp_path, "recycling", {"keep_alive": True}, **DELAY) as demo:
        picture = demo.under_load()
        assert demo.controls.choose("slow", "1s", picture) == "slow motion off -> 1s"
        picture = demo.until(lambda picture: picture.snapshot.slow_s == 1)
        demo.controls.choose("architecture", "thread-pool", picture)
        picture = demo.until(
            lambda picture: (picture.snapshot.header.architecture, picture.snapshot.slow_s) == ("thread-pool", 1)
        )
        demo.idle()
        assert not any("still serving" in line for line in demo.log())
        assert demo.controls.change("slow", -1, picture) == "slow motion 1s -> 500ms"
        assert demo.controls.choose("slow", "off", demo.newest).endswith("-> off")
        demo.under_load("thread-pool")
        result = demo.ended_load()
        assert (result["errors"], result["refused"], set(result["statuses"])) == ({}, 0, {"200"})


# Deaths. Each is at a certain step of a restart: before the new server listens, once it does, once it is in charge.


class Steps:
    """Lets a restart come to a step, and does something there."""

    def __init__(self, demo, monkeypatch: pytest.MonkeyPatch, step: str, act) -> None:
        self._demo = demo
        self._act = act
        self.former, self.new = demo.supervisor.server, None
        link = ServerProcess.link

        def linking(server: ServerProcess, given_up):
            self.new = server
            if step == "starting":
                act(self)
            found = link(server, given_up)
            if step == "listening":
                act(self)
            return found

        monkeypatch.setattr(ServerProcess, "link", linking)
        self._in_charge = step == "in charge"

    def take_over(self, link) -> None:
        if self._in_charge:
            self._act(self)
        self._demo.take_over(link)


def kill(who: str):
    def act(steps: Steps) -> None:
        child = {"old": steps.former, "new": steps.new, "load": steps._demo.supervisor.load}[who]
        child.signal(signal.SIGKILL)
        assert child.ended.wait(PATIENCE_S)

    return act


@pytest.mark.parametrize("step", ["starting", "listening", "in charge"])
@pytest.mark.parametrize("who", ["old", "new", "load"])
def test_kill_9_in_the_middle_leaves_nothing_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, step: str
) -> None:
    with running(tmp_path, **DELAY) as demo:
        demo.under_load()
        steps = Steps(demo, monkeypatch, step, kill(who))
        said: list[str] = []
        try:
            said = demo.supervisor.restart("thread-pool", DELAY, steps.take_over)
        except Exception as error:
            said = [str(error)]
        ending = demo.endings.wait(0)
        if (who, step) == ("new", "starting"):
            assert ending is None
            assert said == [f"the server process ({steps.new.process.pid}) was killed by SIGKILL"]
            assert demo.supervisor.server is steps.former
        elif (who, step) == ("old", "in charge"):
            assert ending is None
            assert said == [f"the server process ({steps.former.process.pid}) was killed by SIGKILL"]
            assert demo.supervisor.server is steps.new
        else:
            assert ending.status == BROKEN
            assert "was killed by SIGKILL: the demo has ended" in ending.text


@pytest.mark.parametrize("step", ["starting", "listening", "in charge"])
def test_an_end_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    with running(tmp_path, **DELAY) as demo:
        demo.under_load()
        ending = threading.Thread(target=demo.supervisor.end)

        def end(steps: Steps) -> None:
            ending.start()
            assert steps.former.ended.wait(PATIENCE_S)

        steps = Steps(demo, monkeypatch, step, end)
        with pytest.raises(
            Exception, match=r"the demo is ending|takes no more orders|did not stop|server process|gone|closed the link"
        ):
            demo.supervisor.restart("thread-pool", DELAY, steps.take_over)
        ending.join(PATIENCE_S)
        assert steps.new.ended.is_set()


MIDDLE = """
import os, sys, threading
from teachserve.demo.guard import guard
from teachserve.demo.supervisor import Plan, Supervisor

guarded, endings = guard("demo", False)
load = {"path": "/yo", "connections": 4, "keep_alive": False, "rate": None}
supervisor = Supervisor(Plan("recycling", {"delay": 0.001}, load), guarded, endings)
supervisor.start_server()
link = supervisor.link()
supervisor.start_load(link.header["host"], link.header["port"])
supervisor.began()
old = supervisor.server.process.pid

def stay_in_the_middle(link):
    print(os.getpid(), old, supervisor.server.process.pid, supervisor.load.process.pid, flush=True)
    threading.Event().wait()

threading.Thread(target=supervisor.restart, args=("thread-pool", {}, stay_in_the_middle), daemon=True).start()
ending = endings.wait()
print(ending.text, file=sys.stderr, flush=True)
os._exit(ending.status)
"""


@pytest.mark.parametrize("who", ["demo", "guard"])
def test_kill_9_of_the_demo_or_its_guard_in_the_middle_takes_both_servers_down(tmp_path: Path, who: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", MIDDLE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    demo, *others = [Process.of(int(number)) for number in process.stdout.readline().split()]
    os.kill(demo.number if who == "demo" else process.pid, signal.SIGKILL)
    _, complained = process.communicate()
    for one in (demo, *others):
        one.wait()
        one.close()
    if who == "demo":
        assert complained.startswith(f"teachserve: the demo process ({demo.number}) was killed by SIGKILL; ")
        assert "SIGKILL; old server, new server and load have ended with it\n" in complained
        assert list(tmp_path.iterdir()) == []
    else:
        assert "the outermost demo process is gone" in complained


def test_several_threads_may_end_a_server_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the GIL the second to close its pipe was told that it is closed: here, one time in three."""
    server = ServerProcess(Plan("recycling", DELAY, {}), tmp_path, 1, lambda child: None)
    assert server.end(STOP)
    together = threading.Barrier(4)

    def end(_: int) -> bool:
        together.wait(PATIENCE_S)
        return server.end(STOP)

    with ThreadPoolExecutor(4) as threads:
        for _ in range(200):
            read, write = os.pipe()
            monkeypatch.setattr(server, "_pipe", os.fdopen(write, "wb"))
            assert all(threads.map(end, range(4)))
            os.close(read)
