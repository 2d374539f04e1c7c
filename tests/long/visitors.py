"""The clients of a soak: each visitor is a thread that opens one connection after the other and misuses it in its own way.

What came of every request goes to the `Ledger`, which knows when the server was told to stop and when the next one was up,
and so what was owed: a request of which bytes were sent before the stop was told is answered whole, if only with 503.
"""

import contextlib
import itertools
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.long.stop_storm import read_response

HOST = "127.0.0.1"
PATIENCE_S = 15.0
"""How long an answer may take; reached only where something is wrong."""
PAUSE_S = 0.01
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER so that close(2) resets."""

MALFORMED = (
    b"GET /yo HTTP/1.1\r\n\r\n",
    b"GET /yo HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET /yo HTTP/1.1\nHost: x\n\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
    b"GET /yo HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
)


@dataclass(slots=True)
class Stop:
    """When a server was told to stop, and when the next one answered; by the monotonic clock."""

    told: float
    up: float = float("inf")


class Ledger:
    """What came of all requests: how many of each kind were answered or turned away, and what was lost or wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.stops: list[Stop] = []
        self.answered: Counter[str] = Counter()
        self.turned_away = 0
        self.faults: Counter[str] = Counter()

    def told(self) -> None:
        """The server is about to be told to stop."""
        self.stops.append(Stop(time.monotonic()))

    def up(self) -> None:
        """A server is up: from here on everything is owed."""
        if self.stops:
            self.stops[-1].up = time.monotonic()

    def answer(self, kind: str, begun: float, status: int, fits: bool) -> None:
        """A whole answer came."""
        if status == 503 and any(stop.told <= time.monotonic() and begun < stop.up for stop in self.stops):
            fits = True
        with self._lock:
            self.answered[kind] += 1
            if not fits:
                self.faults[f"{kind}: a wrong answer, {status}"] += 1

    def no_answer(self, kind: str, begun: float, part: bytes) -> None:
        """The connection ended, or nothing came for too long."""
        owed = not any(stop.told <= begun < stop.up for stop in self.stops)
        with self._lock:
            if part:
                self.faults[f"{kind}: an answer was cut off after {part[:20]!r}"] += 1
            elif owed:
                self.faults[f"{kind}: a request that had begun was not answered"] += 1
            else:
                self.turned_away += 1

    def summary(self) -> str:
        """All of it so far, in words."""
        with self._lock:
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.answered.items()))
            lost = self.faults.total()
            return f"{self.answered.total()} answers ({kinds}); {lost} lost or wrong, {self.turned_away} turned away by a stop"

    def no_end(self, kind: str, what: str) -> None:
        """The answer was whole, and then the connection did not end as it should."""
        with self._lock:
            self.faults[f"{kind}: after the answer, {what}"] += 1


class Crowd:
    """Lets visitors in, or keeps them out until nobody is inside: a quiet point."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._open = False
        self.over = False

    @contextlib.contextmanager
    def visit(self):
        """One connection's time. Waits while it is quiet."""
        with self._changed:
            self._changed.wait_for(lambda: self._open or self.over)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def let_in(self) -> None:
        """Let them in."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def hush(self) -> bool:
        """Let nobody in, and wait until nobody is inside. False: somebody would not leave."""
        with self._changed:
            self._open = False
            return self._changed.wait_for(lambda: not self._inside, 2 * PATIENCE_S)

    def end(self) -> None:
        """Send everybody home."""
        with self._changed:
            self.over = True
            self._changed.notify_all()


class Talk:
    """One connection, and what is asked on it."""

    def __init__(self, kind: str, port: int, ledger: Ledger, chance: random.Random):
        self.kind = kind
        self.chance = chance
        self._ledger = ledger
        self._begun: float | None = None
        self._rest = b""
        self.sock = socket.create_connection((HOST, port), 3)
        self.sock.settimeout(PATIENCE_S)

    def send(self, data: bytes) -> None:
        """Send a part of a request, or all of it. With nothing sent no request has begun."""
        if not data:
            return
        with contextlib.suppress(OSError):  # whether there is an answer all the same is seen when it is read
            self.sock.sendall(data)
        self._begun = self._begun or time.monotonic()

    def expect(self, fits: Callable[[int, bytes], bool], more: bool = False) -> bool:
        """Wait for one answer. Whether the connection goes on. `more`: others were asked for in the same packet."""
        answer, self._rest, part = read_response(self.sock, self._rest)
        begun = self._begun
        if not more:
            self._begun = None
        if answer is None:
            self._ledger.no_answer(self.kind, begun, part)
            return False
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head[9:12])
        self._ledger.answer(self.kind, begun, status, fits(status, body))
        return b"\r\nconnection: close" not in head.lower()

    def end(self) -> None:
        """The server closes, and sends nothing more."""
        try:
            if more := self._rest or self.sock.recv(1):
                self._ledger.no_end(self.kind, f"there was more: {more!r}")
        except OSError as error:
            self._ledger.no_end(self.kind, f"no end but {type(error).__name__}")

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def pause(self) -> None:
        """As long as a slow client takes from one packet to the next."""
        time.sleep(PAUSE_S * self.chance.random() * 2)


def _get(name: int, *fields: str) -> bytes:
    return "\r\n".join([f"GET /yo?name={name} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()


def _greets(name: int) -> Callable[[int, bytes], bool]:
    return lambda status, body: (status, body) == (200, b"Hey %d!" % name)


def keep_alive(talk: Talk) -> None:
    """One request after the other on a connection."""
    for name in range(talk.chance.randint(2, 20)):
        talk.send(_get(name))
        if not talk.expect(_greets(name)):
            return


def close(talk: Talk) -> None:
    """One request, and the server closes."""
    talk.send(_get(1, "Connection: close"))
    if not talk.expect(_greets(1)):
        talk.end()


def slow(talk: Talk) -> None:
    """A request in pieces, and an answer that is not read at once."""
    body = talk.chance.randbytes(20_000)
    whole = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    cuts = sorted([0, len(whole), *talk.chance.choices(range(100), k=2), *talk.chance.choices(range(len(whole)), k=4)])
    for start, end in itertools.pairwise(cuts):
        talk.send(whole[start:end])
        talk.pause()
    talk.expect(lambda status, answer: (status, answer) == (200, body))


def pipelined(talk: Talk) -> None:
    """Many requests in one packet."""
    names = range(talk.chance.randint(2, 20))
    talk.send(b"".join(_get(name) for name in names))
    for name in names:
        if not talk.expect(_greets(name), more=True):
            return


def half_closed(talk: Talk) -> None:
    """A client that has finished sending still gets its answer."""
    talk.send(_get(2))
    with contextlib.suppress(OSError):  # the server was faster: a stop
        talk.sock.shutdown(socket.SHUT_WR)
    talk.expect(_greets(2))


def malformed(talk: Talk) -> None:
    """A request that must be refused, and the refusal read."""
    talk.send(talk.chance.choice(MALFORMED))
    if not talk.expect(lambda status, _: 400 <= status < 500):
        talk.end()


def resetting(talk: Talk) -> None:
    """A client that resets somewhere between its first byte and the last of the answer. Nothing is owed to it."""
    request = _get(3) * 3
    with contextlib.suppress(OSError):  # a stop
        talk.sock.sendall(request[: talk.chance.randrange(len(request))])
        if talk.chance.random() < 0.5:
            talk.pause()
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


KINDS = (keep_alive, close, slow, pipelined, half_closed, malformed, resetting)


class Visitor(threading.Thread):
    """Visits again and again, each time in a way that `seed` decides."""

    def __init__(self, port: int, crowd: Crowd, ledger: Ledger, seed: int):
        super().__init__(daemon=True)
        self._port, self._crowd, self._ledger = port, crowd, ledger
        self._chance = random.Random(seed)

    def run(self) -> None:
        while not self._crowd.over:
            kind = self._chance.choice(KINDS)
            with self._crowd.visit():
                if self._crowd.over:
                    return
                begun = time.monotonic()
                try:
                    talk = Talk(kind.__name__.replace("_", "-"), self._port, self._ledger, self._chance)
                except OSError:
                    self._ledger.no_answer("connecting", begun, b"")
                    time.sleep(PAUSE_S)
                    continue
                with talk:
                    kind(talk)
