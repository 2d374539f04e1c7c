"""Faults that concern an event loop alone."""

import signal
import threading

from teachserve.conformance import Client, get, serving

from .child import ARCHITECTURES, BLOCKING, Child, hears_nothing, until

LAST = get("/yo", "Connection: close")
LOOPS = [name for name in ARCHITECTURES if name not in BLOCKING]


def test_who_sent_in_time_is_answered_after_the_loop_was_suspended(on_every, clients):
    """However long it was: what has arrived is read before a deadline is judged."""

    def scene(child: Child) -> None:
        client = clients.enter_context(child.serving().client(LAST[:20]))
        assert child.answers()  # the loop has read the half by now
        child.suspend()
        client.send(LAST[20:])
        hears_nothing([client], 1.2)
        child.send(signal.SIGCONT)
        assert client.answer().status == 200

    on_every(scene, "--timeout-request", "1s", architectures=LOOPS)


def test_a_listening_socket_that_is_broken_ends_the_loop_softly(on_every):
    def scene(child: Child) -> None:
        child.serving().inject("accept", "EBADF")
        child.client().sock.close()
        assert child.status() == 1
        assert "cannot accept any more: Bad file descriptor" in child.log()
        assert "stopped in" in child.log()

    on_every(scene, "--graceful-timeout", "500ms", architectures=LOOPS)


def test_half_a_request_that_the_last_look_finds_has_its_time_too():
    """1. The loop handles A; B idles. 2. stop sets the flag. 3. B sends half a head. 4. The loop answers A, looks at B."""
    handling, go_on = threading.Event(), threading.Event()

    def app(request):
        handling.set()
        assert go_on.wait(10)
        raise SystemExit  # any answer will do

    with serving("event-loop", app=app, timeout_request=0.1, timeout_keep_alive=3600, graceful_timeout=2) as server:
        with Client(server.port) as b, Client(server.port) as a:
            until(lambda: server.snapshot()["connections"] == 2, "they are not accepted")
            a.send(get())
            assert handling.wait(10)
            stopper = threading.Thread(target=server.stop)
            stopper.start()
            until(lambda: server.taskmaster.stopping, "the stop does not begin")
            b.send(get()[:20])
            go_on.set()
            assert a.answer().status == 500
            stopper.join()
        assert not server.report.abandoned, server.report.lines()
