"""Each lint against real servers: one that provokes it, and one, much alike, where it stays silent."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve.conformance import Client, get, serving, step, stop_as_far_as_it_goes
from teachserve.events import State
from teachserve.gate import Gate
from teachserve.message import Request, Response
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Witness
from teachserve.observe.lints import Clients, Finding, Lints, Moment
from teachserve.observe.lints.threads import StopUnanswered, Stuck
from teachserve.observe.lints.watching import ObserverCost
from teachserve.observe.model import Model
from teachserve.probe import TABLE
from teachserve.server import Server

from .streamed import PATIENCE_S, Streamed

LAST = get("/yo", "Connection: close")
LONG = bytes(16_000_000)
STARVED_S = 0.03
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells of its accept queue and threads"
)


class Held:
    """An application whose handler returns when the test says so."""

    def __init__(self) -> None:
        self.begun, self.may_go = threading.Event(), threading.Event()

    def __call__(self, request: Request) -> Response:
        self.begun.set()
        assert self.may_go.wait(PATIENCE_S)
        return Response.text("Hey!")


class Linted:
    """A server that is watched by its tables, ten times faster than it would be, and what the lints say of it."""

    def __init__(self, server: Server):
        self.server = server
        self.lints = Lints()
        self.found: dict[str, Finding] = {}
        self.clients: Clients | None = None
        self.witness: Witness | None = None
        self._longest_s = 0.0
        self._model = Model()
        self._tables = Streamed(server, self._model.apply, TABLE)

    def stream(self) -> None:
        """From now on every event is sent as well."""
        self._tables = Streamed(self.server, self._model.apply)

    def look(self) -> None:
        """One table, and what the lints say to it."""
        before_s = self._model.snapshot().at_s
        self._tables.tell()
        if before_s:
            self._longest_s = max(self._longest_s, self._model.snapshot().at_s - before_s)
        moment = Moment(
            self._model.snapshot(),
            AcceptQueue.read("127.0.0.1", self.server.port),
            self.witness and self.witness.look(),
            self.clients,
        )
        self.found |= {finding.lint: finding for finding in self.lints.apply(moment)}

    def until(self, lint: str) -> Finding:
        """Look, until this lint speaks."""
        patience = time.monotonic() + PATIENCE_S
        while lint not in self.found:
            assert time.monotonic() < patience, f"{lint} never spoke; others: {self.found}"
            self.look()
            threading.Event().wait(0.01)
        return self.found[lint]

    def lasting(self, seconds: float) -> set[str]:
        """What has spoken by the time that the server's clock has gone on so far."""
        self.look()
        until_s = self._model.snapshot().at_s + seconds
        while self._model.snapshot().at_s < until_s:
            self.look()
            threading.Event().wait(0.01)
        return self.spoken()

    def spoken(self) -> set[str]:
        """What has spoken; nobody knows where a thread of this process had to wait for a core so long that it may be so."""
        if self.found and self._longest_s > STARVED_S:
            pytest.skip(f"this machine let a thread wait for {self._longest_s:.3f} s")
        return set(self.found)


@pytest.fixture
def lint() -> Iterator[Callable[..., Linted]]:
    with contextlib.ExitStack() as close:
        yield lambda architecture, app=None, **options: Linted(
            close.enter_context(serving(architecture, app=app, **options))
        )


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Clients that are there for as long as the test, the server stopped after them."""
    with contextlib.ExitStack() as close:

        def come(to: Linted, words: bytes = b"", answered: bool = False) -> Client:
            one = close.enter_context(Client(to.server.port))
            one.send(words)
            if answered:
                one.answer()
            return one

        yield come


def held_by_one(lint: Callable, client: Callable, architecture: str, **options: object) -> Linted:
    """A server with one client that has its answer and stays, and another that has come after it."""
    watched = lint(architecture, **options)
    client(watched, get(), answered=True)
    client(watched, get())
    return watched


# ---- the accept queue ----------------------------------------------------------------------------------------------


@linux
def test_no_acceptor(lint, client):
    found = held_by_one(lint, client, "single-thread").until("no-acceptor")
    assert found.text == "1 connection waits in the accept queue, and nobody accepts"


@linux
def test_no_acceptor_is_silent_where_others_accept(lint, client):
    assert "no-acceptor" not in held_by_one(lint, client, "recycling").lasting(0.3)


@linux
@pytest.mark.parametrize(("backlog", "speaks"), [(5, True), (6, False)])
def test_backlog_high(lint, client, backlog, speaks):
    watched = lint("single-thread", backlog=backlog)
    client(watched, get(), answered=True)
    for _ in range(4):
        client(watched)
    if speaks:
        assert "holds 4 of 5" in watched.until("backlog-high").text
    else:
        assert "backlog-high" not in watched.lasting(0.3)


@linux
@pytest.mark.parametrize(("backlog", "speaks"), [(1, True), (8, False)])
def test_backlog_overflow(lint, client, backlog, speaks):
    """A bound of 1 lets two in; the others' SYN is dropped."""
    watched = lint("single-thread", backlog=backlog)
    client(watched, get(), answered=True)
    with contextlib.ExitStack() as close:
        for _ in range(4):
            knocking = close.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(("127.0.0.1", watched.server.port))
        if speaks:
            assert "turned" in watched.until("backlog-overflow").text
        else:
            assert "backlog-overflow" not in watched.lasting(0.3)


# ---- waiting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("threads", "speaks"), [(1, True), (2, False)])
def test_queue_wait(lint, client, threads, speaks):
    watched = held_by_one(lint, client, "thread-pool", threads=threads)
    if speaks:
        assert watched.until("queue-wait").text.startswith("1 item waits on 'connections', for 1")
    else:
        assert "queue-wait" not in watched.lasting(0.3)


@pytest.mark.parametrize(
    ("architecture", "options", "speaks"),
    [
        ("single-thread", {}, True),
        ("thread-pool", {"threads": 1}, True),
        ("thread-pool", {"threads": 3}, False),
        ("recycling", {"max_threads": 2, "standby": 1}, True),
        ("recycling", {"max_threads": 3, "standby": 1}, False),
        ("thread-per-connection", {"max_threads": 1}, True),
        ("event-loop", {}, False),
    ],
)
def test_all_serving(lint, client, architecture, options, speaks):
    watched = held_by_one(lint, client, architecture, **options)
    if speaks:
        assert "may serve" in watched.until("all-serving").text
    else:
        assert "all-serving" not in watched.lasting(1.2)


def test_all_serving_by_the_workers_of_a_loop(lint, client):
    app = Held()
    watched = lint("event-loop", app, offload=1)
    client(watched, LAST)
    assert watched.until("all-serving").text.startswith("the only thread")
    app.may_go.set()


@pytest.mark.parametrize(("threads", "speaks"), [(1, True), (2, False)])
def test_idle_holder(lint, client, threads, speaks):
    watched = held_by_one(lint, client, "thread-pool", threads=threads)
    if speaks:
        assert watched.until("idle-holder").text.startswith("1 thread is idle, held for 1.")
    else:
        assert "idle-holder" not in watched.lasting(1.4)


@pytest.mark.parametrize(("threads", "speaks"), [(1, True), (3, False)])
def test_never_served(lint, client, threads, speaks):
    watched = lint("thread-pool", threads=threads)
    come = [client(watched, get()) for _ in range(3)]
    answered = 1 if speaks else 3
    for one in come[:answered]:
        one.answer()
    watched.clients = Clients(3, answered, 3 - answered, client_bound=False)
    if speaks:
        assert watched.until("never-served").text == "2 of 3 clients have not had a single answer"
    else:
        assert "never-served" not in watched.lasting(2.2)


# ---- threads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "options", "speaks"),
    [
        ("recycling", {"standby": 1, "max_threads": 8}, True),
        ("recycling", {"standby": 4, "max_threads": 8}, False),
        ("thread-per-connection", {}, True),
        ("thread-pool", {"threads": 2}, False),
    ],
)
def test_churn(lint, arch, options, speaks):
    """One client after the other: with a standby of 1 each costs a thread, as with a thread for each connection."""
    watched = lint(arch, **options)
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            with Client(watched.server.port) as one:
                one.send(LAST)
                one.end()

    coming = threading.Thread(target=come_and_go)
    coming.start()
    try:
        if speaks:
            assert "threads a second end, and" in watched.until("churn").text
        else:
            assert "churn" not in watched.lasting(1.3)
    finally:
        done.set()
        coming.join()


def test_loop_blocked_is_seen_while_it_is(lint, client):
    app = Held()
    watched = lint("event-loop", app)
    client(watched, LAST)
    assert " in handling connection 1" in watched.until("loop-blocked").text
    app.may_go.set()


def test_loop_blocked_is_found_out_afterwards(lint, client):
    """No table is told while the handler runs: its turn is missed, but not the time."""
    app = Held()
    watched = lint("event-loop", app)
    app.may_go.set()
    client(watched, LAST).end()
    watched.look()
    assert "loop-blocked" not in watched.found
    app.may_go.clear()
    slow = client(watched, LAST)
    threading.Event().wait(0.5)
    app.may_go.set()
    slow.end()
    found = watched.until("loop-blocked")
    assert " in handling" not in found.text


@pytest.mark.parametrize(("architecture", "options"), [("event-loop", {"offload": 1}), ("thread-pool", {"threads": 1})])
def test_loop_blocked_is_silent_where_the_handler_runs_elsewhere(lint, client, architecture, options):
    app = Held()
    watched = lint(architecture, app, **options)
    client(watched, LAST)
    assert app.begun.wait(PATIENCE_S)
    assert "loop-blocked" not in watched.lasting(0.3)
    app.may_go.set()


@pytest.mark.parametrize(("runs", "speaks"), [(True, True), (False, False)])
def test_stuck(lint, client, monkeypatch, runs, speaks):
    """Five seconds are made 0.2: one thread in a handler, or one whose client says nothing."""
    monkeypatch.setattr(Stuck, "MOST_S", 0.2)
    app = Held()
    watched = lint("thread-pool", app, threads=1)
    client(watched, LAST if runs else b"")
    if speaks:
        assert watched.until("stuck").text.startswith("1 thread is handling for ")
    else:
        assert "stuck" not in watched.lasting(0.4)
    app.may_go.set()


def test_stop_unanswered():
    """A worker that stands at the gate before accept(2) does not answer the stop's wake."""
    gate = Gate()
    with serving("single-thread", gate) as server:
        gate.settle()
        watched = Linted(server)
        stopper = stop_as_far_as_it_goes(gate, server)
        watched.look()
        found = watched.until("stop-unanswered")
        gate.settle()
        stopper.join(PATIENCE_S)
    assert found.text == "the server stops, and 1 thread accepts still: its wake was not answered"


def test_stop_unanswered_is_silent_while_a_request_is_finished(lint, client, monkeypatch):
    monkeypatch.setattr(StopUnanswered, "LEAST_S", 0.1)
    app = Held()
    watched = lint("recycling", app)
    client(watched, LAST)
    assert app.begun.wait(PATIENCE_S)
    stopping = threading.Thread(target=watched.server.stop)
    stopping.start()
    while not watched.server.taskmaster.stopping or watched.server.taskmaster.counts.accepting:
        threading.Event().wait(0.01)
    assert "stop-unanswered" not in watched.lasting(0.3)
    app.may_go.set()
    stopping.join(PATIENCE_S)


# ---- the kernel ----------------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("lies", [True, False])
def test_witness_differs(lint, lies):
    """One thread in accept(2) says that it reads from a descriptor that is not there."""
    watched = lint("recycling")
    probe = watched.server.taskmaster.probe
    watched.lasting(0.05)
    liar = next(record for record in probe.records.values() if record.role == "worker")
    with Witness(os.getpid(), probe.descriptor) as watched.witness:
        if watched.witness.look().unavailable:
            pytest.skip("this process may not be looked into")
        if lies:
            liar.enter(State.READING.code, 999)
            found = watched.until("witness-differs")
            liar.enter(State.ACCEPTING.code, watched.server.taskmaster.listener_descriptor)
            assert found.threads == (liar.number,)
            assert "reading" in found.text and "accept" in found.text
        else:
            assert "witness-differs" not in watched.lasting(0.3)


# ---- the watching --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before_s", "since_s"), [(0.005, 0.05), (0.05, 0.005)])
def test_observer_cost(lint, monkeypatch, before_s, since_s):
    """A handler that takes ten times as long from the moment on in which every event is sent, or a tenth."""
    monkeypatch.setattr(ObserverCost, "SPAN_S", 0.3)
    monkeypatch.setattr(ObserverCost, "LEAST_ANSWERED", 2)
    streaming, done = threading.Event(), threading.Event()

    def handle(request: Request) -> Response:
        threading.Event().wait(since_s if streaming.is_set() else before_s)
        return Response.text("Hey!")

    watched = lint("recycling", handle)
    watched.clients = Clients(1, 0, 0, client_bound=False)

    def ask() -> None:
        with Client(watched.server.port) as one:
            while not done.is_set():
                one.send(get())
                one.answer()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert "observer-cost" not in watched.lasting(0.5)
        streaming.set()
        watched.stream()
        if since_s > before_s:
            assert "every event is sent" in watched.until("observer-cost").text
        else:
            assert "observer-cost" not in watched.lasting(0.7)
    finally:
        done.set()
        asking.join()


@contextlib.contextmanager
def put_load(server: Server, **plan: object) -> Iterator[subprocess.Popen]:
    """The load generator, in the process of its own that it always is; it tells of itself on stdout."""
    plan |= {"host": "127.0.0.1", "port": server.port}
    command = [sys.executable, "-m", "teachserve.load.process", json.dumps(plan)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as generator:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, generator.pid, -20)  # other tests run at the same time
        yield generator


def lacked_a_core(process: int) -> bool:
    """Whether it was ready to run, and did not, for much of the time. Source: Linux, Documentation/scheduler/sched-stats."""
    ran_ns, waited_ns, _ = map(int, Path(f"/proc/{process}/schedstat").read_text().split())
    return waited_ns > 0.1 * ran_ns


@linux
@pytest.mark.parametrize(("rate", "speaks"), [(None, True), (5, False)])
def test_client_bound(lint, rate, speaks):
    """Long answers: a worker sends one in a single call of the kernel, the generator takes it in a thousand pieces."""
    watched = lint("thread-pool", lambda request: Response(body=LONG), threads=4)
    with put_load(watched.server, connections=4, rate=rate, duration=PATIENCE_S if speaks else 1.5) as generator:
        for line in generator.stdout:
            told = json.loads(line)
            if told["frame"] == "result":
                break
            watched.clients = Clients(4, told["requests"], told["never_served"], bool(told["client_bound"]))
            watched.look()
            if "client-bound" in watched.found:
                break
        if speaks and "client-bound" not in watched.found and lacked_a_core(generator.pid):
            pytest.skip("this machine had no core for the load generator")
    assert ("client-bound" in watched.found) == speaks
    assert watched.clients.answered > 0


# ---- a healthy server ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "architecture", ["single-thread", "thread-per-connection", "thread-pool", "recycling", "event-loop"]
)
def test_a_healthy_server_under_a_light_load_breaks_no_rule(lint, client, architecture):
    watched = lint(architecture)
    for _ in range(30):
        one = client(watched, LAST)
        one.end()
        one.sock.close()
        watched.look()
    assert watched.spoken() == set()


def test_in_slow_motion_the_timing_rules_rest_and_afterwards_they_count_anew(lint, client):
    watched = held_by_one(lint, client, "thread-pool", threads=1)
    watched.server.slow("50ms")
    watched.look()
    watched.found.clear()
    assert watched.lasting(1.2) == set()
    watched.server.slow(0)
    assert watched.until("all-serving").since_s > 1.2


def test_the_gate_alone_is_no_slow_motion():
    gate = Gate()
    with serving("thread-pool", gate) as server:
        gate.settle()
        watched = Linted(server)
        with Client(server.port) as one:
            one.send(LAST)
            while step(gate, ["a1"]):  # the worker stays where it is
                pass
            assert watched.until("queue-wait").text.startswith("1 item")
            gate.settle()
        gate.open()
