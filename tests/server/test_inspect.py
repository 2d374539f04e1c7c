"""One thread seen close up: its stack down to the line it stands on, its client, its time by state; and other commands."""

import contextlib
import inspect
import threading

import pytest
from shapes import SHAPES

from teachserve.conformance import Client, get
from teachserve.events import STATES, State
from teachserve.interpreter import gil_enabled
from teachserve.message import Response
from teachserve.observe.model import Model
from teachserve.server import Server

HEY = get()
HANDLING = State.HANDLING.code


@contextlib.contextmanager
def holding_in_the_handler(shape: str):
    """A server whose handler says when a thread is inside, and keeps it there; and a client that has not asked yet."""
    inside, go_on = threading.Event(), threading.Event()

    def app(request):
        inside.set()
        go_on.wait()  # here it stands
        return Response.text("Hey!")

    architecture, options = SHAPES[shape]
    with Server(app, architecture, **options) as server, Client(server.port) as client:
        try:
            yield server, client, inside
        finally:
            go_on.set()


def ask(watcher, **command: object) -> dict:
    watcher.say(number=3, **command)
    reply = watcher.until("reply")
    assert reply["to"] == 3
    return reply


@pytest.mark.parametrize("shape", SHAPES)
def test_a_thread_in_the_handler_shows_the_line_it_stands_on_and_its_client(publish, shape):
    with holding_in_the_handler(shape) as (server, client, inside):
        watcher = publish(server).watch()
        watcher.until("table")
        client.send(HEY)
        assert inside.wait(10)
        table = watcher.until("table", lambda frame: any(row[3] == HANDLING for row in frame["threads"]))
        (row,) = (row for row in table["threads"] if row[3] == HANDLING)
        told = ask(watcher, command="inspect", thread=row[0])["inspect"]
        host, port = client.sock.getsockname()
        assert (told["thread"], told["peer"], told["connection"]) == (row[0], f"{host}:{port}", row[6])
        if gil_enabled():
            (mine,) = (frame for frame in told["stack"] if frame[0] == __file__)
            assert mine[2:] == ["app", "go_on.wait()  # here it stands"]
            assert inspect.getsourcelines(inspect.getmodule(ask))[0][mine[1] - 1].strip() == mine[3]
            functions = [frame[2] for frame in told["stack"]]
            assert functions.index("_live") < functions.index("handle") < functions.index("app"), "outermost first"
        assert len(told["times_us"]) == len(STATES)
        assert told["times_us"][HANDLING] == 0, "a stay counts when it is over"


def test_a_thread_that_holds_nobody_has_no_peer(publish):
    with Server(arch="recycling", standby=1) as server:
        watcher = publish(server).watch()
        watcher.until("table", lambda frame: len(frame["threads"]) == 2)
        for number in (1, 2):
            told = ask(watcher, command="inspect", thread=number)["inspect"]
            assert (told["peer"], told["connection"]) == ("", 0)
            assert bool(told["stack"]) == gil_enabled()


def test_without_the_gil_no_stack_is_read(publish, monkeypatch):
    """CPython 3.13 without it: one process in three died within 200 inspections of threads that ran."""
    monkeypatch.setattr("sys._is_gil_enabled", lambda: False, raising=False)
    with Server(arch="recycling", standby=1) as server:
        watcher = publish(server).watch()
        assert watcher.until("header")["gil"] is False
        watcher.until("table", lambda frame: len(frame["threads"]) == 2)
        read = []
        with monkeypatch.context() as patched:
            patched.setattr("sys._current_frames", lambda: read.append(True) or {})
            assert ask(watcher, command="inspect", thread=1)["inspect"]["stack"] == []
        assert not read


def test_a_thread_that_is_gone_is_named_in_a_sentence(publish):
    with Server(arch="single-thread") as server:
        watcher = publish(server).watch()
        reply = ask(watcher, command="inspect", thread=99)
        assert (reply["ok"], reply["error"]) == (False, "there is no thread 99: it has ended, or was never made")
        assert not ask(watcher, command="inspect", thread=[1])["ok"]
        assert "not understood" in ask(watcher, command="inspect")["error"]


def test_the_model_keeps_the_newest_inspection_of_the_last_eight_threads(publish):
    with Server(arch="recycling", standby=9) as server:
        watcher = publish(server).watch()
        model = Model(strict=True)
        watcher.until("table", lambda frame: len(frame["threads"]) == 10)
        for number in (1, *range(1, 10), 3):
            model.apply(ask(watcher, command="inspect", thread=number))
        shown = model.snapshot().inspected
        assert list(shown) == [2, 4, 5, 6, 7, 8, 9, 3]
        if gil_enabled():
            assert shown[3].stack[-1].function in ("accept", "_accept")
        assert shown[3].at_s > shown[9].at_s
        assert shown[3].times_s.keys() == set(State)


def test_every_running_thread_can_be_inspected_at_any_moment(publish):
    """Nobody stands still: threads are made, serve and end, while each that a table names is looked at."""
    over = threading.Event()

    def load(port: int) -> None:
        while not over.is_set():
            with Client(port) as client:
                client.send(get("/yo", "Connection: close"))
                client.end()

    with Server(arch="thread-per-connection") as server:
        watcher = publish(server).watch()
        clients = [threading.Thread(target=load, args=(server.port,), daemon=True) for _ in range(4)]
        for client in clients:
            client.start()
        found = 0
        while found < 200:
            for row in watcher.until("table")["threads"]:
                for number in (row[0], server.taskmaster.counts.made):
                    found += ask(watcher, command="inspect", thread=number)["ok"]
        over.set()
        for client in clients:
            client.join()
    assert server.report.clean


def test_slow_motion_over_the_link_is_told_by_the_next_table(publish):
    with Server(arch="thread-pool") as server:
        watcher = publish(server).watch()
        assert watcher.until("table")["slow_s"] == 0
        assert ask(watcher, command="slow", pause_s=0.25)["ok"]
        assert watcher.until("table")["slow_s"] == 0.25
        reply = ask(watcher, command="slow", pause_s="x")
        assert reply["error"].startswith("the pause of slow motion must be 0 or a duration such as 500ms")
        assert ask(watcher, command="slow", pause_s=0)["ok"]
        table = watcher.until("table")
        model = Model()
        model.apply(table)
        assert (table["slow_s"], model.snapshot().slow_s) == (0, 0.0)


def test_a_limit_that_is_changed_over_the_link_is_told_by_the_next_table(publish):
    with Server(arch="recycling", standby=2, max_threads=5) as server:
        watcher = publish(server).watch()
        assert watcher.until("table")["options"] == {
            "standby": 2, "max_threads": 5, "delay": "none", "delay_kind": "sleep",
        }  # fmt: skip
        assert ask(watcher, command="set", option="standby", value=5)["ok"]
        assert (
            "lower --standby or raise --max-threads" in ask(watcher, command="set", option="standby", value=6)["error"]
        )
        assert watcher.until("table")["options"]["standby"] == server.options.standby == 5
