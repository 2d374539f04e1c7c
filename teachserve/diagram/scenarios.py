"""What a server goes through so that every way through its architecture is gone: load, limits, and every kind of stop.

All but the last are led at the gate, so they are the same each time and wait for no clock: a step is made only where it
would not block, and where nobody can move the scenario is over. In the last, real clients ask all at once.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from teachserve.conformance import get
from teachserve.diagram.stage import HOST, PATIENCE_S, Hangs, Stage
from teachserve.gate import Gate
from teachserve.handlers import Delay, built_in_routes
from teachserve.options import OPTIONS
from teachserve.server import Server
from teachserve.taskmaster import Taskmaster

KEPT, LAST = get("/yo"), get("/yo", "Connection: close")
HALF = len(KEPT) // 2
SMALL = {"standby": 1, "threads": 2, "max_threads": 3, "max_accepts": 5}
"""Limits that a few clients reach; those that the architecture uses are set."""
VARIANTS = ({"offload": 0, "standby": 1}, {"offload": 1, "standby": 2}, {"offload": 2, "standby": 1, "max_threads": 1})
"""Beside SMALL: for the branches that an option decides."""
RUSH_CLIENTS, RUSH_REQUESTS = 4, 8


def _idle(stage: Stage) -> None:
    """A stop of a server that nobody asked anything."""


def _one(stage: Stage) -> None:
    """One request, and the connection is closed."""
    stage.connect(LAST)
    stage.settle()


def _kept(stage: Stage) -> None:
    """Connections that are kept while the server stops: asked twice, and asked for two at once."""
    kept = stage.connect(KEPT)
    stage.connect(KEPT + KEPT)
    stage.settle()
    stage.send(kept, KEPT)
    stage.settle()


def _silent(stage: Stage) -> None:
    """A client that says nothing while the server stops."""
    stage.connect()
    stage.settle()


def _gone(stage: Stage) -> None:
    """Clients that leave without a word, in the middle of a request, or that speak no HTTP."""
    for words in (b"", KEPT[:HALF]):
        stage.connect(words).close()
        stage.settle()
    stage.connect(b"What is this?\r\n\r\n")
    stage.settle()


def _crowd(stage: Stage) -> None:
    """More clients than the limits allow, all in the middle of a request; then each says the rest, one after the other."""
    crowd = [stage.connect(LAST[:HALF]) for _ in range(SMALL["max_accepts"] + 2)]
    stage.settle()
    for client in crowd:
        stage.send(client, LAST[HALF:])
        stage.settle()
    for _ in range(2):
        stage.connect(LAST)
        stage.settle()


def _crowd_at_the_stop(stage: Stage) -> None:
    """The same, while the server stops."""
    crowd = [stage.connect(LAST[:HALF]) for _ in range(SMALL["max_accepts"] + 2)]
    stage.settle()
    stage.stop()
    for client in crowd:
        stage.send(client, LAST[HALF:])
    stage.end()


def _all_at_once(stage: Stage) -> None:
    """Whole requests, more than there are threads, all there before the first thread moves."""
    for _ in range(SMALL["max_accepts"]):
        stage.connect(LAST)
    stage.settle()


def _abandoned(stage: Stage) -> None:
    """An abandon, with one connection kept, one in the middle of a request, and one that waits."""
    stage.connect(KEPT)
    stage.settle()
    for _ in range(SMALL["max_accepts"]):
        stage.connect(KEPT[:HALF])
    stage.settle()
    stage.server.abandon()


LED: tuple[Callable[[Stage], None], ...] = (
    _idle, _one, _kept, _silent, _gone, _crowd, _crowd_at_the_stop, _all_at_once, _abandoned,
)  # fmt: skip
STOPPED_AFTER = 14
"""A stop begins behind each of so many first steps of two requests."""


def scenarios(architecture: type[Taskmaster]) -> Iterator[Callable[[], None]]:
    """Each as a call that runs it to its end. It raises Hangs, or whatever the architecture's start raises."""
    for options in variants(architecture):
        for scenario in LED:
            yield lambda options=options, scenario=scenario: _led(architecture, options, scenario)
        for count in range(1, STOPPED_AFTER + 1):
            yield lambda options=options, count=count: _led(architecture, options, lambda stage: _stopped(stage, count))
    for options in variants(architecture):
        yield lambda options=options: _rush(architecture, options)


def variants(architecture: type[Taskmaster]) -> list[dict[str, object]]:
    """The options with which the architecture is run."""
    used = architecture.used_options()
    found: list[dict[str, object]] = []
    for variant in VARIANTS:
        options = {name: value for name, value in (SMALL | variant).items() if name in used}
        if options not in found:
            found.append(options)
    return found


def _stopped(stage: Stage, count: int) -> None:
    stage.settle()
    stage.connect(LAST)
    stage.connect(KEPT)
    stage.steps(count)
    stage.stop()


@contextlib.contextmanager
def _started(architecture: type[Taskmaster], options: dict[str, object], gate: Gate | None) -> Iterator[Server]:
    times = {"graceful_timeout": PATIENCE_S, "timeout_keep_alive": 60.0, "timeout_request": 60.0}
    assert times.keys() <= OPTIONS.keys()
    server = Server(built_in_routes(Delay()), architecture, gate=gate, **options, **times)
    try:
        server.start()
        yield server
    finally:
        if server.report is None or not server.report.clean:
            server.abandon()


def _led(architecture: type[Taskmaster], options: dict[str, object], scenario: Callable[[Stage], None]) -> None:
    gate = Gate(PATIENCE_S)
    with contextlib.ExitStack() as close, _started(architecture, options, gate) as server:
        stage = Stage(server, gate)
        close.callback(stage.close)
        stage.settle()
        scenario(stage)
        stage.end()


def _rush(architecture: type[Taskmaster], options: dict[str, object]) -> None:
    """Clients of its own that ask all at once, half of them over one connection; a stop in the middle of it."""
    with _started(architecture, options, None) as server:
        half = threading.Semaphore(0)
        clients = [
            threading.Thread(target=_ask, args=(server.port, bool(number % 2), half), name="client", daemon=True)
            for number in range(RUSH_CLIENTS)
        ]
        for client in clients:
            client.start()
        for _ in range(RUSH_CLIENTS * RUSH_REQUESTS // 2):
            if not half.acquire(timeout=PATIENCE_S):
                raise Hangs(f"a client is not answered in {PATIENCE_S:g} s")
        report = server.stop()
        for client in clients:
            client.join(PATIENCE_S)
        if report is None or report.abandoned:
            raise Hangs(f"a soft stop under load does not end in {PATIENCE_S:g} s")


def _ask(port: int, keeps: bool, answered: threading.Semaphore) -> None:
    """Ask again and again, over one connection or each time over a new one, until an answer does not come in time.

    A refusal and a closed port are an answer too: the server stops in the middle of it.
    """
    with contextlib.ExitStack() as close, contextlib.suppress(TimeoutError):
        client = None
        for _ in range(RUSH_REQUESTS):
            try:
                client = client or close.enter_context(socket.create_connection((HOST, port), PATIENCE_S))
                client.sendall(KEPT if keeps else LAST)
                over = b"connection: close" in client.recv(65536).lower() or not keeps
            except TimeoutError:
                raise
            except OSError:
                over = True
            answered.release()
            if over and client is not None:
                client.close()
                client = None
