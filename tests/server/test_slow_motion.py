"""Slow motion: every thread stands at each verb, goes on at once when it is over, and loses nothing."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from shapes import SHAPES

from teachserve.architectures import find
from teachserve.conformance import Client, get, serving
from teachserve.conformance.client import expect_hey
from teachserve.errors import OptionError, TeachserveError
from teachserve.gate import Gate, Ready
from teachserve.server import Server
from teachserve.slow_motion import SlowMotion

LONG_S = 60.0
"""A pause that no test outlasts: whoever goes on in time was let go."""
PATIENCE_S = 20.0
HEY = get()


def until(seen, *arguments: object) -> object:
    """What `seen` gives, once it gives something."""
    patience = time.monotonic() + PATIENCE_S
    while not (found := seen(*arguments)):
        assert time.monotonic() < patience, f"not in {PATIENCE_S:g} s"
        time.sleep(0.001)
    return found


@pytest.fixture
def stood_at(monkeypatch) -> list[str]:
    """The verbs at which threads have come to stand, as they come."""
    verbs: list[str] = []
    hold = SlowMotion.hold

    def noted(self: SlowMotion, verb: str, ready: Ready | None = None) -> None:
        verbs.append(verb)
        hold(self, verb, ready)

    monkeypatch.setattr(SlowMotion, "hold", noted)
    return verbs


@contextlib.contextmanager
def slow(shape: str, stood_at: list[str], **options: object) -> Iterator[tuple[Server, Client]]:
    """A server of this shape in slow motion, with a client whose connection one of its threads has accepted."""
    architecture, given = SHAPES[shape]
    with serving(architecture, **(given | options)) as server:
        server.slow(LONG_S)
        with Client(server.port) as client:
            client.send(HEY)
            bring_to("accept" if architecture == "event-loop" else "accepted", server, stood_at)
            yield server, client
            server.slow(0)


def bring_to(verb: str, server: Server, stood_at: list[str]) -> None:
    """Let everybody go on, verb for verb, until one has come to stand at this one."""
    while verb not in stood_at:
        before = len(stood_at)
        server.slow(LONG_S)
        until(lambda before=before: len(stood_at) > before)


@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_pauses_goes_on_as_soon_as_it_is_over(shape, stood_at):
    with slow(shape, stood_at) as (server, client):
        assert server.taskmaster.slow_s == LONG_S
        server.slow(0)
        expect_hey(client.answer())
        assert server.taskmaster.slow_s == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_another_speed_holds_at_the_next_verb_and_a_new_thread_at_its_first(shape, stood_at):
    with slow(shape, stood_at) as (server, client):
        bring_to("write", server, stood_at)
        assert {"idle", "read"} & set(stood_at)
        assert "handle" in stood_at
        if shape == "thread-per-connection":
            assert {"spawn", "begin"} <= set(stood_at)
        server.slow(0)
        expect_hey(client.answer())


@pytest.mark.parametrize("shape", SHAPES)
def test_switched_on_and_off_under_load_it_loses_nothing(shape):
    """Four clients ask, each in a thread of its own, while the speed changes all the time."""
    architecture, options = SHAPES[shape]
    over = threading.Event()
    answered = []

    def ask(port: int) -> None:
        while not over.is_set():
            with Client(port) as client:
                for _ in range(3):
                    client.send(HEY)
                    answered.append(client.answer().status)

    room = {"max_accepts": 100} if "max_accepts" in find(architecture)[1].used_options() else {}
    with serving(architecture, **(options | room)) as server:
        clients = [threading.Thread(target=ask, args=(server.port,), daemon=True) for _ in range(4)]
        for client in clients:
            client.start()
        for pause_s in [LONG_S, 0, 0.001, LONG_S, 0.002, LONG_S, LONG_S, 0] * 10:
            now = len(answered)
            server.slow(pause_s)
            if pause_s < LONG_S:
                until(lambda now=now: len(answered) > now)
        over.set()
        for client in clients:
            client.join(PATIENCE_S)
            assert not client.is_alive()
    assert set(answered) == {200}
    assert server.report.clean


@pytest.mark.parametrize("shape", SHAPES)
def test_a_soft_stop_ends_slow_motion_in_time_to_serve_what_was_accepted(shape, stood_at):
    with slow(shape, stood_at, graceful_timeout=2) as (server, client):
        bring_to("handle", server, stood_at)
        report = server.stop()
        assert (report.abandoned, report.clean) == (False, True)
        expect_hey(client.answer())
        with pytest.raises(TeachserveError, match="there is no slow motion: the server does not run"):
            server.slow(1)


def test_a_soft_stop_wakes_one_thread_after_the_other(monkeypatch):
    standby = 4
    woken = []

    def pause(self: SlowMotion, at_most_s: float) -> None:
        until(lambda: counts.accepting == standby - len(woken))
        woken.append(at_most_s)

    monkeypatch.setattr(SlowMotion, "pause", pause)
    with Server(arch="recycling", standby=standby) as server:
        counts = server.taskmaster.counts
        server.slow(0.001)
        assert server.stop().clean
    assert len(woken) == standby


@pytest.mark.parametrize("shape", SHAPES)
def test_an_abandon_lets_everybody_go(shape, stood_at):
    with slow(shape, stood_at) as (server, _):
        report = server.abandon()
        assert (report.abandoned, report.clean) == (True, True)
        with pytest.raises(TeachserveError, match="about to end"):
            server.slow(LONG_S)
        server.slow(0)


def test_the_lower_rooms_are_not_held():
    with Server(arch="single-thread") as server, Client(server.port) as client:
        client.send(b"nonsense\r\n\r\n")
        assert client.answer().status == 400
        server.slow(LONG_S)
        records = server.taskmaster.probe.records.values()
        until(lambda: len(records) == 2)
        assert {record.role: record.gate is not None for record in records} == {"worker": True, "closer": False}
        server.slow(0)


@pytest.mark.parametrize("pause_s", [-1, 61, True, None, "soon", float("nan"), float("inf")])
def test_a_pause_that_is_none_is_refused(pause_s):
    with Server(arch="single-thread") as server:
        with pytest.raises(OptionError, match=r"must be 0 or a duration such as 500ms, up to 1m: pause_s="):
            server.slow(pause_s)
        server.slow("500ms")
        assert server.taskmaster.slow_s == 0.5
        server.slow(0)


def test_a_gate_that_was_given_is_not_replaced():
    gate = Gate()
    with Server(arch="single-thread", gate=gate) as server:
        with pytest.raises(TeachserveError, match="make it without gate="):
            server.slow(1)
        gate.open()


def test_before_the_start_there_is_nothing_to_slow_down():
    with pytest.raises(TeachserveError, match="the server does not run"):
        Server().slow(1)
