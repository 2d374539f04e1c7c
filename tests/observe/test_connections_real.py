"""Where connections are, in real servers of each architecture: what each place is called, and that nothing is left over."""

import sys

import pytest

from teachserve.conformance import Client, get
from teachserve.gate import Gate
from teachserve.observe.connection_view import ConnectionView
from teachserve.observe.connections import ConnectionLog

from .streamed import Streamed, streamed

ARRIVED = ["accept queue"] if sys.platform.startswith("linux") else []
SERVED = ["reading", "handling", "writing", "idle", "handling", "writing", "closed"]
PATHS = {
    "single-thread": ["accepted", *SERVED],
    "recycling": ["accepted", "handing over", *SERVED],
    "thread-pool": ["accepted", "handing over", "queue connections", *SERVED],
    "thread-per-connection": ["accepted", "creating", "starting", *SERVED],
    "event-loop": ["accepted", "watched", "reading", "handling", "writing", "watched", "reading", "handling", "writing",
                   "closed"],
}  # fmt: skip
LAST = get("/yo", "Connection: close")


@pytest.mark.parametrize("architecture", PATHS)
def test_the_path_of_a_connection_with_two_requests(architecture):
    """Held at the gate after each step, for a thread that is fast enough is where a slower one is not yet."""
    log, gate = ConnectionLog(), Gate()
    options = {"standby": 1} if architecture == "recycling" else {}
    with streamed(architecture, gate, log.apply, **options) as server, Client(server.server.port) as client:
        for request in (get(), LAST):
            gate.settle()
            client.send(request)
            gate.settle()
            client.answer()
        server.tell()
        server.tell()
        (view,) = log.connections().ended
    assert [step.place for step in view.path] == ARRIVED + PATHS[architecture]
    assert (view.requests, view.incomplete, view.number) == (2, False, 1)
    assert log.connections().role(view.accepted_by) == server.server.taskmaster.accepting_role
    held = {step.thread for step in view.path} - {0}
    assert len(held) == (2 if architecture in ("thread-pool", "thread-per-connection") else 1)


def test_a_request_goes_to_a_worker_and_comes_back():
    log = ConnectionLog()
    with streamed("event-loop", take=log.apply, offload=1) as server:
        view = _served(server, log)
    assert [step.place for step in view.path][-9:] == [
        "watched", "reading", "handing over", "queue requests", "handling", "handing over", "queue answers", "writing",
        "closed",
    ]  # fmt: skip
    assert log.connections().takers == {"queue requests": {"worker"}, "queue answers": {"loop"}}


def test_a_connection_waits_for_a_place():
    log = ConnectionLog()
    with (
        streamed("thread-per-connection", take=log.apply, max_threads=1) as server,
        Client(server.server.port) as holder,
    ):
        holder.send(get())
        holder.answer()
        with Client(server.server.port):
            server.until(lambda: [view.place for view in log.connections().living] == ["idle", "waiting for a place"])
            holder.send(LAST)
            server.until(lambda: [view.place for view in log.connections().living] == ["reading"])


def test_many_connections_leave_nothing_over(architecture="thread-pool"):
    log = ConnectionLog()
    with streamed(architecture, take=log.apply) as server:
        for _ in range(30):
            with Client(server.server.port) as client:
                client.send(LAST)
                client.end()
        server.until(lambda: len(log.connections().ended) == 30)
        shown = log.connections()
    assert not shown.living
    assert [view.requests for view in shown.ended] == [1] * 30
    assert all(not view.incomplete and view.slowest_s is not None for view in shown.ended)


def _served(server: Streamed, log: ConnectionLog) -> ConnectionView:
    with Client(server.server.port) as client:
        client.send(LAST)
        client.end()
        server.until(lambda: log.connections().ended)
    return log.connections().ended[0]
