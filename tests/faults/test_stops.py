"""Stops that meet a hanging handler or a slow client, and signals at any moment."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import termios
import time

import pytest

from teachserve.conformance import get

from .child import ARCHITECTURES, BLOCKING, Child, free_port, listens, until

TIMES = ("--timeout-request", "300ms", "--timeout-keep-alive", "1h", "--timeout-write", "300ms")
MOMENTS = 18


def hanging(child: Child, clients: contextlib.ExitStack) -> None:
    """Once a handler has begun that never returns."""
    clients.enter_context(child.serving().client(get("/hang")))
    until((child.faults / "hanging").exists, "the handler does not begin")


def test_a_handler_that_never_returns_holds_a_stop_no_longer_than_its_time(on_every, clients):
    def scene(child: Child) -> None:
        hanging(child, clients)
        child.send(signal.SIGTERM)
        assert child.status() == 143
        assert re.search(r"thread \w+-\d+ could not be ended: handling, at (.* in|n/a \(nobody) ", child.log())

    on_every(scene, "--graceful-timeout", "200ms")


def test_a_second_signal_is_not_held_up_by_a_handler_that_never_returns(on_every, clients):
    def scene(child: Child) -> None:
        hanging(child, clients)
        child.send(signal.SIGTERM)
        child.says("stopping softly")
        child.send(signal.SIGINT)
        assert child.status() == 130
        assert "could not be ended: handling" in child.log()

    on_every(scene, "--graceful-timeout", "1h")


def test_nobody_who_is_slow_or_silent_holds_a_stop(on_every, clients):
    """Nor a connection that is kept alive for an hour. A single thread is with the first, and the others wait."""

    def scene(child: Child) -> None:
        silent = clients.enter_context(child.serving().client(get()))
        assert silent.answer().body == b"Hey!"
        for words in (b"", get()[:20], get("/echo", "Content-Length: 9", method="POST"), get("/big")):
            clients.enter_context(child.client(words))
        if child.architecture not in BLOCKING:
            assert child.answers()  # by now it has read what came before
        child.stop()

    on_every(scene, *TIMES)


def test_a_hundred_signals(launch, architecture):
    child = launch(architecture=architecture).serving()
    for _ in range(100):
        child.send(signal.SIGTERM)
    assert child.status() in (0, 143, -signal.SIGTERM), child.log()  # at the very end Python gives its handlers back
    assert "Traceback" not in child.log()


def test_the_end_of_its_terminal_is_a_soft_stop(launch, clients, architecture):
    """Closing the terminal's other side sends SIGHUP, and from then on the log has nowhere to go."""
    terminal, stderr = pty.openpty()
    port = free_port()
    child = launch(
        "--port", str(port), architecture=architecture, stderr=stderr, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(stderr)
    until(lambda: listens(port), "it does not listen")
    child.port = port
    busy = clients.enter_context(child.client(get("/slow")))
    until((child.faults / "slow").exists, "the handler does not begin")
    os.close(terminal)
    assert busy.answer().body == b"late"
    assert child.status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_moment_of_the_start(launch, number):
    """The moments lie between the interpreter's own start, which no program can change, and the end of the server's."""
    child = launch()
    began = begun(child)
    child.says("serves on")
    start_s = 1.2 * (time.monotonic() - began)
    for moment in range(MOMENTS):
        child = launch("--graceful-timeout", "1s", architecture=list(ARCHITECTURES)[moment % len(ARCHITECTURES)])
        wait_until(begun(child) + start_s * moment / MOMENTS)
        child.send(number)
        assert child.status() in (0, 128 + number, -number), child.log()
        assert "Traceback" not in child.log()


def begun(child: Child) -> float:
    """When the interpreter had started."""
    until((child.faults / "begun").exists, "it does not begin")
    return time.monotonic()


def wait_until(moment: float) -> None:
    until(lambda: time.monotonic() >= moment, "time does not pass")
