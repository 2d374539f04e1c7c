"""The checks of stop and abandon: each with a thread held at every place where a thread can be."""

import contextlib
import functools

from teachserve.conformance.client import PATIENCE_S, Answer, Client, expect_hey, get
from teachserve.conformance.holding import BreakingGate, hold_at, stop_as_far_as_it_goes
from teachserve.conformance.servers import Architecture, serving
from teachserve.conformance.suite import CHECKS, Check, DoesNotFit
from teachserve.server import Server

PLACES = {
    "no_accept": "before anything was accepted",
    "one_request": "after one request, its connection kept alive",
    "finished_thread": "after a connection that has ended, and its thread with it",
    "broken_acceptor": "after a thread broke with a connection just accepted",
    "broken_worker": "after a thread broke in the handler",
    "begin": "with a new thread that holds a connection and has not begun",
    "accepted": "with a thread held between accept and whatever comes next",
    "hand_over": "with a thread held before it hands over",
    "handed_over": "with something handed over and not taken",
    "taken": "with a thread held just after it took something",
    "idle": "with a thread held before it reads, the request being there",
    "read": "with a thread held in the middle of a request",
    "handle": "with a thread held in front of the handler",
    "write": "with a thread held after the handler, before the answer",
    "recycle": "with a thread held between its connection and accept",
}
"""Where a server is when it is stopped or abandoned: each scenario's name and the end of its sentence."""
MAY_BE_REFUSED = {"begin", "accepted"}
"""Held there, a connection may still be refused by the limits' verbs: 503."""


def _bring_to(place: str, gate: BreakingGate, server: Server, clients: contextlib.ExitStack) -> Client | None:
    """Bring the server to this place; the client that is still owed something, if there is one."""
    gate.settle()
    if place == "no_accept":
        return None
    client = clients.enter_context(Client(server.port))
    if place.startswith("broken"):
        gate.break_at = {"broken_acceptor": "accepted", "broken_worker": "handle"}[place]
        client.send(get())
        gate.settle()
        assert server.taskmaster.counts.broken == 1, "the thread that breaks is not counted"
        word = b""
        with contextlib.suppress(ConnectionResetError):
            word = client.sock.recv(65536)
        assert not word or word.startswith(b"HTTP/1.1 500 "), f"of the thread that broke the client was told {word!r}"
        client.sock.close()
        client = clients.enter_context(Client(server.port))
    if place in ("one_request", "finished_thread") or place.startswith("broken"):
        client.send(get("/yo", *(["Connection: close"] if place == "finished_thread" else [])))
        gate.settle()
        expect_hey(client.answer())
        if place == "finished_thread":
            assert not client.end(), "more came after the answer"
            client.sock.close()
            gate.settle()
            return None
        client.follow()
        return client
    request = get("/yo", *(["Connection: close"] if place == "recycle" else []))
    client.send(request[:20] if place == "read" else request)
    name = hold_at(gate, "hand_over" if place == "handed_over" else place)
    if name is None:
        if place == "read":
            client.send(request[20:])
        raise DoesNotFit(place)
    if place == "handed_over":
        gate.play(f"{name}:hand_over")
    if place == "read":
        client.send(request[20:])
    client.follow()
    return client


def check_soft_stop(architecture: Architecture, place: str, **options: object) -> None:
    """Stop softly at this place: the stop ends, and whoever was accepted was answered."""
    gate = BreakingGate(PATIENCE_S)
    with serving(architecture, gate, **options) as server, contextlib.ExitStack() as clients:
        client = _bring_to(place, gate, server, clients)
        stopper = stop_as_far_as_it_goes(gate, server)
        standing = gate.settle()
        stopper.join(PATIENCE_S)
        assert not stopper.is_alive(), f"the stop hangs; the gates where somebody stands: {standing}"
        assert not server.report.abandoned, "the stop had to be forced"
        if client is not None:
            _check_last_answers(place, client.followed())


def _check_last_answers(place: str, answers: list[Answer]) -> None:
    if place in ("one_request", "broken_acceptor", "broken_worker"):
        assert not answers, f"an idle connection was to close without a word; got {answers}"
        return
    assert len(answers) == 1, f"a request that was accepted was answered {len(answers)} times"
    answer = answers[0]
    assert answer.headers.get("connection") == "close", f"the last answer does not say Connection: close: {answer}"
    if place in MAY_BE_REFUSED and answer.status == 503:
        assert answer.headers.get("retry-after"), f"the 503 does not say when to come again: {answer}"
    else:
        expect_hey(answer)


def check_abandon(architecture: Architecture, place: str, **options: object) -> None:
    """Abandon at this place: every thread ends, every counter is zero, the client's connection is closed."""
    gate = BreakingGate(PATIENCE_S)
    with serving(architecture, gate, **options) as server, contextlib.ExitStack() as clients:
        client = _bring_to(place, gate, server, clients)
        report = server.abandon()
        assert report.abandoned, "the report does not say that the server was abandoned"
        assert report.clean, "; ".join(report.lines())
        if client is not None:
            client.followed()


for _place, _where in PLACES.items():
    CHECKS[f"soft_stop_{_place}"] = Check(
        functools.partial(check_soft_stop, place=_place), f"A soft stop loses nothing {_where}."
    )
    CHECKS[f"abandon_{_place}"] = Check(
        functools.partial(check_abandon, place=_place), f"An abandon ends everything {_where}."
    )
