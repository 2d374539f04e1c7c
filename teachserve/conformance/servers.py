"""The suite's servers: small limits, routes that fail on purpose; and once one has stopped, nothing of it is left."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

from teachserve.architectures import find
from teachserve.conformance.client import HOST, PATIENCE_S
from teachserve.gate import Gate
from teachserve.handlers import Delay, Routes, built_in_routes
from teachserve.message import Request, Response
from teachserve.server import Server
from teachserve.taskmaster import Taskmaster

SMALL = {"standby": 2, "threads": 2, "max_threads": 3, "max_accepts": 6}
"""Limits that a check reaches with a few clients; those that the architecture uses are set."""

Architecture = str | type[Taskmaster]


def routes() -> Routes:
    """The built-in routes, and some that fail in every way that a handler can."""
    app = built_in_routes(Delay())

    @app.route("/raise")
    def raise_error(request: Request) -> str:
        raise ValueError("raised on purpose")

    @app.route("/exit")
    def leave(request: Request) -> str:
        raise SystemExit("raised on purpose")

    @app.route("/split")
    def split(request: Request) -> Response:
        return Response.text("never sent", headers=[("X-Split", "a\r\nSet-Cookie: b")])

    return app


def wrong(request: Request) -> object:
    """An application that answers /yo and otherwise returns what no application may return."""
    return {"/none": None, "/text": "Hey!", "/status": Response(1000), "/body": Response(body="Hey!")}.get(
        request.path, Response.text("Hey!")
    )


@contextlib.contextmanager
def serving(architecture: Architecture, gate: Gate | None = None, app: Callable | None = None,
            **options: object) -> Iterator[Server]:  # fmt: skip
    """A server with small limits; at the end it is stopped, and nothing of it may be left."""
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    used = find(architecture)[1].used_options()
    small = {name: value for name, value in SMALL.items() if name in used}
    server = Server(app or routes(), architecture, gate=gate, **(small | options)).start()
    try:
        yield server
        server.stop()
    except BaseException:
        server.abandon()
        raise
    report = server.report
    assert report.clean, "; ".join(report.lines())
    assert not server.taskmaster.counts.live.total(), "a thread of the architecture is still counted"
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind((HOST, server.port))
        again.listen()
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), f"thread {thread.name} is left"
    left = open_descriptors() - descriptors
    assert left <= 0, f"{left} descriptors are left"


def open_descriptors() -> int:
    """How many descriptors this process has open; 0 where the system does not tell."""
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    except OSError:
        return 0
