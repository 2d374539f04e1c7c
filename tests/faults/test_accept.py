"""accept(2) fails: for want of descriptors or memory, for one client, or for good."""

import contextlib
import errno
import resource
import signal
import time

import pytest

from teachserve.conformance import Client, get
from teachserve.connection import ListeningSocket
from teachserve.server import Server

from .child import ARCHITECTURES, BLOCKING, Child, hears_nothing, reset, until

LAST = get("/yo", "Connection: close")
WATCH_S = 0.3
ROOM = 3
"""Descriptors that are left."""
MOST_CPU = 0.2
"""Of the time that passes. A loop without a pause would take all of it."""


def cpu_share(child: Child, waiting: list) -> float:
    """The part of a core that it uses while nobody of those who wait gets anything."""
    cpu, began = child.cpu_s(), time.monotonic()
    hears_nothing(waiting, WATCH_S)
    return (child.cpu_s() - cpu) / (time.monotonic() - began)


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"])
def test_a_shortage_is_said_once_and_waited_out(on_every, clients, error):
    def scene(child: Child) -> None:
        child.listening()
        waiting = [clients.enter_context(child.client(LAST)) for _ in range(3)]
        child.says("cannot accept")
        assert cpu_share(child, waiting) < MOST_CPU
        child.mend("accept")
        for client in waiting:
            assert client.answer().body == b"Hey!"
        assert child.log().count("cannot accept") == 1
        child.stop()

    on_every(scene, faults={"accept": error})


def test_more_clients_than_descriptors_and_then_fewer(on_every, clients):
    def scene(child: Child) -> None:
        child.serving()
        free = sorted({*range(100)} - {*map(int, child.descriptors())})
        _, most = resource.prlimit(child.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(child.process.pid, resource.RLIMIT_NOFILE, (free[ROOM], most))
        crowd = [clients.enter_context(child.client()) for _ in range(2 * ROOM)]
        child.says("cannot accept")
        assert cpu_share(child, crowd) < MOST_CPU
        assert child.log().count("cannot accept") == 1
        for client in crowd:
            client.sock.close()
        child.is_as_before()
        child.stop()

    more_than_one = [name for name in ARCHITECTURES if name != "single-thread"]  # which never holds two
    on_every(scene, "--timeout-keep-alive", "5m", architectures=more_than_one)


@pytest.mark.parametrize("error", ["ECONNABORTED", "EPROTO", "EINTR", "ENETDOWN"])
def test_an_error_about_one_client_is_that_clients_alone(on_every, error):
    def scene(child: Child) -> None:
        child.serving()
        child.inject("accept", error)
        for _ in range(5):
            with child.client() as client:
                assert client.end() == b""
        child.mend("accept")
        child.is_as_before()
        assert "ERROR" not in child.log()
        child.stop()

    on_every(scene)


def test_a_client_that_is_gone_before_it_is_accepted(launch, architecture):
    child = launch(architecture=architecture).serving()
    child.suspend()
    for words in (b"", LAST[:10], LAST, get() + get()):
        reset(child.client(words))
    child.send(signal.SIGCONT)
    child.is_as_before()
    assert "ERROR" not in child.log()
    child.stop()


@pytest.mark.parametrize("architecture", BLOCKING)
def test_a_listening_socket_that_is_broken_ends_the_server_with_one_line(launch, architecture):
    child = launch(architecture=architecture).serving()
    child.inject("accept", "EBADF")

    def ended() -> bool:
        """Whoever waits in accept(2) already takes one more client each."""
        with contextlib.suppress(OSError):
            child.client().sock.close()
        return child.process.poll() is not None

    until(ended, lambda: f"it lives on: {child.log()}")
    assert child.status() == 1
    assert child.log().count("ERROR") == 1, child.log()
    assert "cannot accept any more: Bad file descriptor" in child.log()
    assert "Traceback" not in child.log()


@pytest.mark.parametrize("architecture", BLOCKING)
def test_in_a_program_too_a_broken_listening_socket_ends_the_server(monkeypatch, architecture):
    with Server(arch=architecture) as server:

        def fail(listener: ListeningSocket) -> None:
            raise OSError(errno.EBADF, "Bad file descriptor")

        monkeypatch.setattr(ListeningSocket, "accept", fail)
        for _ in range(10):  # whoever waits in accept(2) already
            with contextlib.suppress(OSError), Client(server.port) as client:
                client.send(LAST)
        assert until(lambda: server.report, "it lives on").clean
