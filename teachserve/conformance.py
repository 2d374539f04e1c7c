"""The conformance suite: grades any taskmaster, yours too. `teachserve check module:Class` runs it; so do our tests.

Each check starts a real server on a free port of this machine, asks it over real sockets, stops it, and looks whether
anything is left: a thread, a descriptor, a counter, the port. A check raises AssertionError with a sentence, or
DoesNotFit where an architecture has no such place. No test framework inside, no sleep, no absolute time judged.
"""

import contextlib
import functools
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from teachserve.architectures import find
from teachserve.gate import Divergence, Gate, Ready
from teachserve.handlers import Delay, Routes, built_in_routes
from teachserve.message import Request, Response
from teachserve.server import Server
from teachserve.taskmaster import Taskmaster

HOST = "127.0.0.1"
PATIENCE_S = 10.0
"""How long anything may take before it counts as hanging. Reached only where something is wrong."""
SMALL = {"standby": 2, "threads": 2, "max_threads": 3, "max_accepts": 6}
"""Limits that a check reaches with a few clients; those that the architecture uses are set."""

Architecture = str | type[Taskmaster]


class DoesNotFit(Exception):
    """The architecture has no such place: nobody ever stands there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what runs it, and the sentence that it puts to the proof."""

    function: Callable[..., None]
    sentence: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to. `failure` is the sentence that says what is wrong, "" for nothing."""

    name: str
    sentence: str
    failure: str = ""
    fits: bool = True


CHECKS: dict[str, Check] = {}
"""Every check by its name."""


def run(architecture: Architecture, **options: object) -> list[Result]:
    """Run every check over one architecture. Raises: UnknownArchitecture, OptionError."""
    Server(None, architecture, **options)
    return [run_one(name, architecture, **options) for name in CHECKS]


def run_one(name: str, architecture: Architecture, **options: object) -> Result:
    """Run one check by its name."""
    check = CHECKS[name]
    try:
        check.function(architecture, **options)
    except DoesNotFit:
        return Result(name, check.sentence, fits=False)
    except Exception as error:  # whatever a student's taskmaster raises
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return Result(name, check.sentence, failure=f"{kind}{error}" or type(error).__name__)
    return Result(name, check.sentence)


def _check(sentence: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(function: Callable[..., None]) -> Callable[..., None]:
        CHECKS[function.__name__.removeprefix("check_")] = Check(function, sentence)
        return function

    return register


# ---- clients -------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """One response: its status, its header fields by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A client that speaks bytes over a real socket. `heads_only`: its requests are HEAD, so no answer has a body."""

    def __init__(self, port: int, heads_only: bool = False):
        self.sock = socket.create_connection((HOST, port), PATIENCE_S)
        self._received = bytearray()
        self._heads_only = heads_only
        self._follower: threading.Thread | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        if self._follower is not None:
            self._follower.join(PATIENCE_S)
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.sock.sendall(data)

    def answer(self) -> Answer:
        """The next whole answer. Raises: AssertionError where the connection ends first."""
        while (answer := self._parse()) is None:
            data = self.sock.recv(65536)
            assert data, f"the connection ended without an answer; received {bytes(self._received)!r}"
            self._received += data
        return answer

    def end(self) -> bytes:
        """Whatever else arrives until the server closes; a reset counts as an end."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                self._received += data
        return bytes(self._received)

    def follow(self) -> None:
        """Read to the end in a thread of its own, and close: for whoever directs the server at the same time."""

        def read_and_close() -> None:
            self.end()
            self.sock.close()

        self._follower = threading.Thread(target=read_and_close, name="client", daemon=True)
        self._follower.start()

    def followed(self) -> list[Answer]:
        """Every answer, once the server has closed the connection that is followed."""
        self._follower.join(PATIENCE_S)
        assert not self._follower.is_alive(), "the server did not close the connection"
        answers = []
        while (answer := self._parse()) is not None:
            answers.append(answer)
        return answers

    def _parse(self) -> Answer | None:
        head, found, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if self._heads_only else int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._received[:] = rest[length:]
        return Answer(int(first.split()[1]), headers, rest[:length])


def get(path: str = "/yo", *fields: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


# ---- servers -------------------------------------------------------------------------------------------------------


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


def _wrong(request: Request) -> object:
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


# ---- requests and answers ------------------------------------------------------------------------------------------


def _hey(answer: Answer, body: bytes = b"Hey!") -> None:
    assert (answer.status, answer.body) == (200, body), f"expected 200 with {body!r}, got {answer}"


def _answers(server: Server) -> None:
    """A new client is answered."""
    with Client(server.port) as client:
        client.send(get("/yo", "Connection: close"))
        _hey(client.answer())
        assert not client.end(), "more came after the answer"


@_check("A kept-alive connection is answered request by request.")
def check_keep_alive(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        for _ in range(3):
            client.send(get())
            answer = client.answer()
            _hey(answer)
            assert answer.headers.get("connection") != "close", "the connection was to live on"


@_check("A client that says Connection: close is answered, told the same, and the connection ends.")
def check_close(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(get("/yo", "Connection: close"))
        answer = client.answer()
        _hey(answer)
        assert answer.headers.get("connection") == "close", "the answer does not say Connection: close"
        assert not client.end(), "more came after the answer"


@_check("HTTP/1.0 ends the connection after one answer, unless the client asks to keep it.")
def check_http_1_0(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server:
        with Client(server.port) as client:
            client.send(get(version="1.0"))
            _hey(client.answer())
            assert not client.end(), "more came after the answer"
        with Client(server.port) as client:
            for _ in range(2):
                client.send(get("/yo", "Connection: keep-alive", version="1.0"))
                answer = client.answer()
                _hey(answer)
                assert answer.headers.get("connection") == "keep-alive", "the answer does not say keep-alive"


@_check("Pipelined requests are answered in order.")
def check_pipelining(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(b"".join(get(f"/yo?name={number}") for number in range(20)))
        for number in range(20):
            _hey(client.answer(), b"Hey %d!" % number)


@_check("HEAD gets the head that GET would get, and no body.")
def check_head(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port, heads_only=True) as client:
        for _ in range(2):
            client.send(get(method="HEAD"))
            answer = client.answer()
            assert (answer.status, answer.headers["content-length"]) == (200, "4"), f"got {answer}"
        client.send(get("/yo", "Connection: close", method="HEAD"))
        client.answer()
        assert not client.end(), "a body came after the head"


@_check("A sized and a chunked body both arrive whole, and the next request begins right behind them.")
def check_bodies(architecture: Architecture, **options: object) -> None:
    body = bytes(range(256)) * 300
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:1], body[1:5000], body[5000:]))
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(get("/echo", f"Content-Length: {len(body)}", method="POST", body=body))
        _hey(client.answer(), body)
        client.send(get("/echo", "Transfer-Encoding: chunked", method="POST", body=chunked + b"0\r\n\r\n") + get())
        _hey(client.answer(), body)
        _hey(client.answer())


@_check("A name in UTF-8 comes back in UTF-8.")
def check_utf8(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(get("/yo?name=J%C3%BCrgen%20%E2%98%83"))
        _hey(client.answer(), "Hey Jürgen ☃!".encode())


REFUSED = {
    "nonsense": (b"GET nonsense\r\n\r\n", 400),
    "bare line feeds": (get().replace(b"\r", b""), 400),
    "no Host": (b"GET /yo HTTP/1.1\r\n\r\n", 400),
    "two lengths": (get("/echo", "Content-Length: 1", "Content-Length: 2", method="POST"), 400),
    "unknown path": (get("/nowhere"), 404),
    "wrong method": (get("/yo", method="DELETE"), 405),
    "long body": (get("/echo", "Content-Length: 2000", method="POST"), 413),
    "long chunk": (get("/echo", "Transfer-Encoding: chunked", method="POST", body=b"fff\r\n"), 413),
    "long line": (get("/" + "x" * 300), 414),
    "many fields": (get("/yo", *(f"X-{number}: 1" for number in range(30))), 431),
    "long head": (get("/yo", "X: " + "x" * 2000), 431),
}
LIMITS = {"limit_request_line": 200, "limit_header_count": 20, "limit_header_bytes": 1000, "limit_request_body": 1000}


@_check("What cannot be served is answered 400, 404, 405, 413, 414 or 431, and the next client is served.")
def check_refusals(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **(LIMITS | options)) as server:
        for name, (request, status) in REFUSED.items():
            with Client(server.port) as client:
                client.send(request)
                answer = client.answer()
                assert answer.status == status, f"{name}: expected {status}, got {answer}"
                if status == 405:
                    assert answer.headers.get("allow") == "GET, HEAD", f"the 405 does not say what is allowed: {answer}"
                if status not in (404, 405):
                    assert answer.headers.get("connection") == "close", f"{name}: the answer does not say close"
                    assert not client.end(), f"{name}: more came after the answer"
            _answers(server)


@_check("Whatever a handler raises or returns, the answer is 500 and no worker ends of it.")
def check_handler_errors(architecture: Architecture, **options: object) -> None:
    for app, paths in ((routes(), ("/raise", "/exit", "/split")), (_wrong, ("/none", "/text", "/status", "/body"))):
        with serving(architecture, app=app, **options) as server:
            for path in paths:
                with Client(server.port) as client:
                    client.send(get(path))
                    assert (answer := client.answer()).status == 500, f"{path}: expected 500, got {answer}"
            _answers(server)
            assert server.taskmaster.counts.broken == 0, "a handler's error broke a thread"


@_check("Several clients at once are all answered, or told 503 with Retry-After.")
def check_crowd(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server.port)) for _ in range(12)]
        for client in clients:
            client.send(get("/yo", "Connection: close"))
        for client in clients:
            answer = client.answer()
            if answer.status == 503:
                assert answer.headers.get("retry-after"), f"the 503 does not say when to come again: {answer}"
            else:
                _hey(answer)
            client.end()


@_check("Clients that leave without a word, or in the middle of one, cost nobody anything.")
def check_leavers(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server:
        for words in (b"", b"GET /yo HT", get("/echo", "Content-Length: 9", method="POST", body=b"half"), get() * 3):
            with Client(server.port) as client:
                client.send(words)
            _answers(server)


# ---- stop and abandon, with a thread held at each place ------------------------------------------------------------


class BreakingGate(Gate):
    """A gate at which one thread can be made to break: the next that goes through the verb `break_at`."""

    break_at: str | None = None

    def hold(self, verb: str, ready: Ready | None = None) -> None:
        super().hold(verb, ready)
        if verb == self.break_at:
            self.break_at = None
            raise RuntimeError("broken on purpose")


def step(gate: Gate, names: Iterable[str] | None = None) -> str | None:
    """Let the first of these actors (any but `stop`) that can move make one step; its name, None where nobody can."""
    for name, verb in gate.standing().items():
        if (name != "stop") if names is None else (name in names):
            with contextlib.suppress(Divergence):
                gate.play(f"{name}:{verb}")
                return name
    return None


def hold_at(gate: Gate, verb: str) -> str | None:
    """Go on until somebody stands at this gate; its name, None where nobody gets there. `stop` stays where it is."""
    while True:
        for name, at in gate.standing().items():
            if at == verb:
                return name
        if step(gate) is None:
            return None


def stop_as_far_as_it_goes(gate: Gate, server: Server) -> threading.Thread:
    """Start a soft stop and let it, and nobody else, go on until it waits for somebody."""
    stopper = gate.thread("stop", server.stop)
    while step(gate, ["stop"]):
        pass
    return stopper


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
        _hey(client.answer())
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
        _hey(answer)


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
