"""Abandon ends what can be ended, says what could not be, and leaves the port free."""

import contextlib
import socket
import threading
import time

import pytest

from teachserve import stopping
from teachserve.architectures import NAMES
from teachserve.conformance import Client, serving
from teachserve.errors import CorruptedError
from teachserve.interpreter import gil_enabled
from teachserve.message import Response
from teachserve.server import Server
from teachserve.threads import SwiftThread

from .conftest import HEY, LAST


@pytest.fixture
def short(monkeypatch):
    """What cannot be ended is given up on soon."""
    monkeypatch.setattr(stopping, "POLITE_S", 0.3)
    monkeypatch.setattr(stopping, "ABANDON_JOIN_S", 0.6)


@contextlib.contextmanager
def stuck(architecture, **options):
    """A server whose handler is blocked in a C call that no exception reaches, on a lock that the test holds."""
    lock, inside = threading.Lock(), threading.Event()
    lock.acquire()

    def app(request):
        inside.set()
        lock.acquire()  # where it stands
        return Response.text("Hey!")

    server = Server(app, architecture, **options).start()
    try:
        with Client(server.port) as client:
            client.send(HEY)
            inside.wait()
            yield server
    finally:
        lock.release()
        for record in list(server.taskmaster.probe.records.values()):
            record.thread.join()
        server._release()


@pytest.mark.parametrize(
    ("architecture", "name"),
    [("single-thread", "worker-1"), ("thread-per-connection", "worker-2"), ("recycling", "worker-2"),
     ("event-loop", "loop-1")],
)  # fmt: skip
def test_the_report_names_a_thread_that_cannot_be_ended(short, architecture, name):
    with stuck(architecture, **({"standby": 1} if architecture == "recycling" else {})) as server:
        report = server.abandon()
        assert (report.abandoned, report.clean) == (True, False)
        (left,) = report.threads
        assert (left.name, left.state) == (name, "handling")
        if gil_enabled():
            assert __file__ in left.line
            assert left.line.endswith(" in app")
        assert any(line == f"thread {name} could not be ended: handling, at {left.line}" for line in report.lines())


def test_without_the_gil_the_report_reads_no_frame_of_a_thread_that_runs(short, monkeypatch):
    """It may take it down meanwhile, and the process would die of that."""
    monkeypatch.setattr("teachserve.stopping.gil_enabled", lambda: False)
    with stuck("single-thread") as server:
        report = server.abandon()
    assert report.lines()[-1] == (
        "thread worker-1 could not be ended: handling, at n/a (nobody can read it without the GIL)"
    )


def test_a_corrupted_error_names_the_counters_that_are_not_zero(short):
    with stuck("thread-per-connection") as server:
        report = server.abandon()
        assert report.counters == {"threads": 1, "admitted": 1, "placed": 1}
        assert isinstance(report.corrupted, CorruptedError)
        assert report.corrupted.counters == report.counters
        for named in ("threads=1", "admitted=1", "placed=1"):
            assert named in str(report.corrupted)


def test_a_soft_stop_over_its_time_abandons(short):
    with stuck("single-thread", graceful_timeout=0.05) as server:
        report = server.stop()
        assert report.abandoned
        assert [left.name for left in report.threads] == ["worker-1"]
        assert server.abandon() is report, "a second abandon gives the same report"


def test_an_endless_handler_in_python_is_ended():
    entered = threading.Event()

    def app(request):
        entered.set()
        while True:
            pass

    with serving("single-thread", app=app) as server, Client(server.port) as client:
        client.send(HEY)
        entered.wait()
        report = server.abandon()
        assert report.clean
        assert client.end() == b""


def test_a_handler_cannot_swallow_an_abandon_by_accident():
    entered = threading.Event()

    def app(request):
        entered.set()
        while True:
            try:
                while True:
                    pass
            except Exception:
                continue

    with serving("single-thread", app=app) as server, Client(server.port) as client:
        client.send(HEY)
        entered.wait()
        assert server.abandon().clean


@pytest.mark.parametrize("architecture", NAMES)
def test_abandoning_cuts_a_soft_stop_short(stage, architecture):
    """1. A thread is in the handler. 2. stop waits for it. 3. abandon: both end, with one report."""
    s = stage(architecture)
    s.connect(HEY)
    while "handle" not in s.gate.standing().values():
        s.let_one()
    s.stop()
    report = s.server.abandon()
    s.stopper.join(10)
    assert not s.stopper.is_alive()
    assert report.abandoned
    assert report.clean
    assert s.server.report is report


def test_abandon_releases_who_waits_for_a_place_and_who_waits_in_take():
    """Really blocked: two threads wait for a place, four workers of a pool in take, one in accept."""
    with serving("thread-per-connection", max_threads=1, max_accepts=4) as server, contextlib.ExitStack() as clients:
        holding = clients.enter_context(Client(server.port))
        holding.send(HEY)
        assert holding.answer().status == 200
        for _ in range(2):
            clients.enter_context(Client(server.port)).send(HEY)
        assert server.abandon().clean
    with serving("thread-pool", threads=4) as server:
        assert server.abandon().clean


def test_a_place_that_was_handed_on_just_before_an_abandon_is_given_back(stage):
    """1. w1 serves, w2 waits. 2. w1 ends and hands its place on. 3. abandon, before w2 has moved."""
    s = stage("thread-per-connection", max_threads=1, max_accepts=4)
    for _ in range(2):
        s.connect(LAST)
    s.let("a1")
    s.until("w1", "handle")
    s.until("w2", "wait_for_place")
    s.let("w1")
    assert (s.counts.placed, s.counts.queueing) == (1, 0)
    report = s.server.abandon()
    assert report.clean, report.lines()


def test_a_thread_that_is_counted_in_and_not_made_yet_is_abandoned_too(monkeypatch):
    """1. Room is made, and a worker counted in. 2. abandon joins the threads. 3. The worker is made, and ends."""
    counted_in, missed = threading.Event(), threading.Event()
    make = SwiftThread.__init__

    def make_late(thread, *args) -> None:
        counted_in.set()
        missed.wait()
        make(thread, *args)

    class Clock:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def sleep(seconds: float) -> None:
            missed.set()
            time.sleep(seconds)

    with serving("recycling", standby=1, max_threads=1) as server, Client(server.port) as client:
        client.send(HEY)
        assert client.answer().status == 200
        monkeypatch.setattr(SwiftThread, "__init__", make_late)
        monkeypatch.setattr(stopping, "time", Clock)
        changer = threading.Thread(target=server.change, args=("max_threads", 2))
        changer.start()
        counted_in.wait()
        report = server.abandon()
        changer.join()
        assert report.clean, report.lines()


def test_stop_from_a_handlers_thread_does_not_wait_for_itself():
    returned = []

    def app(request):
        returned.append(server.stop())
        return Response.text("Hey!")

    with serving("recycling", app=app) as server, Client(server.port) as client:
        client.send(HEY)
        answer = client.answer()
        assert answer.body == b"Hey!"
        assert client.end() == b""
        assert returned == [None]
        assert server.stop().clean
        assert not server.report.abandoned


def test_stopping_twice_and_from_two_threads_gives_one_report():
    with serving("recycling") as server:
        reports = []
        threads = [threading.Thread(target=lambda: reports.append(server.stop())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert reports[0] is reports[1] is server.stop()


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("architecture", NAMES)
def test_the_port_is_free_at_once(architecture, soft):
    """Connections of the old server may linger in TIME_WAIT; a new one listens and answers on the same port."""
    with serving(architecture) as server:
        with Client(server.port) as client:
            client.send(LAST)
            assert client.answer().status == 200
            client.end()
        with Client(server.port) as idle:
            idle.send(HEY)
            assert idle.answer().status == 200
            server.stop(soft=soft)
            with serving(architecture, port=server.port) as again, Client(again.port) as client:
                client.send(LAST)
                assert client.answer().status == 200


def test_after_a_stop_nobody_listens():
    with serving("recycling") as server:
        server.stop()
        with socket.socket() as late, pytest.raises(ConnectionRefusedError):
            late.connect(("127.0.0.1", server.port))
