"""Puts the load on: many clients in one thread, each a non-blocking socket, driven by `selectors`.

In a closed loop a slow server slows its own load down, and the requests that nobody sent are in no latency: coordinated
omission (Gil Tene). With a rate the loop is open: the plan says when a request is due, and its latency is given from there
as well as from the send. Source: Schroeder, Wierman, Harchol-Balter, Open Versus Closed (NSDI 2006); wrk2.
"""

import errno
import heapq
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable

import httptools

from teachserve.load.latency import Latencies
from teachserve.load.plan import LoadPlan
from teachserve.load.result import Counts, as_result, client_bound

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
TICK_S = 0.1
FOLD_S = 1.0
RETRY_S = 0.1
"""The pause after a refused connect: a server that is not there must not make us spin."""


class Client:
    """One of the -c clients: at most one connection, at most one request in flight."""

    __slots__ = ("answered", "close_after", "connect_at", "done", "due", "parser", "retry_after", "sending", "sent_at",
                 "served", "sock", "status")  # fmt: skip

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.parser: httptools.HttpResponseParser | None = None
        self.served = 0  # 200s
        self.answered = False  # this connection has answered before
        self.sent_at = 0.0  # 0: nothing in flight
        self.due = 0.0
        self.connect_at = 0.0
        self.sending = False
        self.done = self.close_after = False
        self.retry_after = 0.0
        self.status = 0

    # What httptools calls back.

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) == 11 and name.lower() == b"retry-after" and value.isdigit():
            self.retry_after = float(value)

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.close_after = not self.parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self.done = self.status >= 200


class Generator:
    """Runs one plan. `run` returns the result; `change` and `stop` may be called from within `on_tick`.

    Raises: OSError from `run` where the very first connect is refused or the host cannot be resolved.
    """

    def __init__(self, plan: LoadPlan):
        self.plan = plan
        self.keep_alive = plan.keep_alive
        self.rate = plan.rate
        self.counts = Counts()
        self.from_send, self.from_plan, self.connect_time = Latencies(), Latencies(), Latencies()
        self.clients: list[Client] = []
        self.ended = "interrupted"
        self._departed: list[Client] = []
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Client] = deque()
        self._resting: list[tuple[float, int, Client]] = []
        self._watched: dict[int, Callable[[], None]] = {}
        self._issued = 0
        self._running = True
        self._next_due = 0.0
        self._window: deque[tuple[float, int]] = deque(maxlen=11)

    # ---- from outside ------------------------------------------------------------------------------------------

    def run(self, on_tick: Callable[["Generator"], None] | None = None) -> dict:
        """Run until the plan or `stop` ends it; `on_tick` is called ten times a second. The result, see `as_result`."""
        plan = self.plan
        family, kind, protocol, _, self._address = socket.getaddrinfo(plan.host, plan.port, type=socket.SOCK_STREAM)[0]
        self._kind = (family, kind, protocol)
        with socket.socket(*self._kind) as probe:  # a server that is not there is a mistake, not a result
            probe.settimeout(plan.timeout)
            probe.connect(self._address)
        self._set_request()
        self._started = self._last_fold = now = time.monotonic()
        self._cpu_started = time.process_time()
        self._next_due = now
        self._resize(plan.connections)
        deadline = now + plan.duration if plan.duration is not None else float("inf")
        next_tick = now + TICK_S
        try:
            while self._running:
                now = time.monotonic()
                if now >= deadline:
                    self.ended = "deadline"
                    break
                if self._all_done():
                    self.ended = "requests"
                    break
                while self._resting and self._resting[0][0] <= now:
                    self._idle.append(heapq.heappop(self._resting)[2])
                self._issue(now)
                if now >= next_tick:
                    next_tick = now + TICK_S
                    self._tick(now)
                    if on_tick is not None:
                        on_tick(self)
                wait = min(next_tick, deadline)
                if self.rate and self._idle:
                    wait = min(wait, self._next_due)
                for key, _ in self._selector.select(max(0.0, wait - time.monotonic())):
                    if isinstance(key.data, Client):
                        self._attend(key.data)
                    else:
                        key.data()
        finally:
            self.seconds = time.monotonic() - self._started
            self.counts.aborted = sum(client.sent_at > 0 for client in self.clients)
            for client in self.clients:
                self._disconnect(client)
            self._selector.close()
            for latencies in (self.from_send, self.from_plan, self.connect_time):
                latencies.fold()
        return self.result()

    def watch(self, descriptor: int, on_readable: Callable[[], None]) -> None:
        """Call back when this descriptor is readable, from within `run`."""
        self._selector.register(descriptor, READ, on_readable)

    def change(self, connections: int | None = None, rate: float | None = None, keep_alive: bool | None = None) -> None:
        """Change the load while it runs: clients, requests/s (0: closed loop), keep-alive."""
        if connections is not None:
            self._resize(max(1, connections))
        if rate is not None:
            self.rate = rate or None
            self._next_due = time.monotonic()
        if keep_alive is not None:
            self.keep_alive = keep_alive
            self._set_request()

    def stop(self) -> None:
        """End the run; the result is of what was measured."""
        self._running = False

    def cpu_share(self) -> float:
        """CPU seconds of this process for each second of the run."""
        seconds = getattr(self, "seconds", None) or time.monotonic() - self._started
        return (time.process_time() - self._cpu_started) / seconds if seconds else 0.0

    def result(self) -> dict:
        """What was measured so far, as `as_result` documents it."""
        served = [client.served for client in self.clients + self._departed]
        return as_result(self.plan, self.counts, served, self.seconds, self.cpu_share(), self.from_send, self.from_plan,
                         self.connect_time, self.ended)  # fmt: skip

    def progress(self) -> dict:
        """Absolute counts since the start, and the last second's requests/s and latencies (seconds, from the send)."""
        counts = self.counts
        (then, before), (now, ok) = self._window[0], self._window[-1]
        return {
            "frame": "progress",
            "at_s": now - self._started,
            "requests": counts.statuses[200],
            "statuses": {str(status): count for status, count in sorted(counts.statuses.items())},
            "unavailable_503": counts.statuses[503],
            "errors": dict(counts.errors),
            "refused": counts.refused,
            "reset": counts.reset,
            "timed_out": counts.timed_out,
            "connects": counts.connects,
            "connections": len(self.clients),
            "in_flight": sum(client.sent_at > 0 for client in self.clients),
            "backing_off": len(self._resting),
            "never_served": sum(not client.served for client in self.clients),
            "keep_alive": self.keep_alive,
            "rate": self.rate,
            "per_s": (ok - before) / (now - then) if now > then else 0.0,
            "p50": self.from_send.recent(50),
            "p99": self.from_send.recent(99),
            "client_cpu": self.cpu_share(),
            "client_bound": client_bound(self.cpu_share()),
        }

    # ---- clients -----------------------------------------------------------------------------------------------

    def _set_request(self) -> None:
        plan = self.plan
        host = f"[{plan.host}]" if ":" in plan.host else plan.host
        close = "" if self.keep_alive else "Connection: close\r\n"
        self._request = f"GET {plan.path} HTTP/1.1\r\nHost: {host}:{plan.port}\r\n{close}\r\n".encode()

    def _resize(self, connections: int) -> None:
        while len(self.clients) < connections:
            client = Client()
            self.clients.append(client)
            self._idle.append(client)
        while len(self.clients) > connections:
            client = self.clients.pop()
            self._disconnect(client)
            client.sent_at = 0.0
            self._departed.append(client)
        alive = set(self.clients)
        self._idle = deque(client for client in self._idle if client in alive)
        self._resting = [rest for rest in self._resting if rest[2] in alive]
        heapq.heapify(self._resting)

    def _all_done(self) -> bool:
        asked = self.plan.requests
        return asked is not None and self._issued >= asked and all(not client.sent_at for client in self.clients)

    def _issue(self, now: float) -> None:
        """Give idle clients something to do: in a closed loop at once, in an open one when it is due."""
        idle = self._idle
        most = self.plan.requests
        while idle and (most is None or self._issued < most):
            if self.rate:
                if self._next_due > now:
                    return
                due = self._next_due
                self._next_due += 1 / self.rate
            else:
                due = now
            self._issued += 1
            client = idle.popleft()
            client.due = due
            client.sent_at = time.monotonic()
            self._ask(client)

    def _ask(self, client: Client) -> None:
        if client.sock is None:
            self._connect(client)
        else:
            if client.answered:
                self.counts.reused += 1
            self._send(client)

    def _connect(self, client: Client) -> None:
        sock = socket.socket(*self._kind)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sock = sock
        client.answered = False
        client.connect_at = time.monotonic()
        client.parser = httptools.HttpResponseParser(client)
        error = sock.connect_ex(self._address)
        if error not in (0, errno.EINPROGRESS):
            self._selector.register(sock, READ, client)
            self._failed(client, OSError(error, ""))
            return
        self._selector.register(sock, READ, client)
        self._send(client)

    def _send(self, client: Client) -> None:
        """The request is far smaller than any socket's buffer: it goes out whole, or the connection is not up yet."""
        try:
            client.sock.send(self._request)
        except BlockingIOError:
            client.sending = True
            self._selector.modify(client.sock, READ | WRITE, client)
        except OSError as error:
            self._failed(client, error)
        else:
            if client.connect_at:
                self.connect_time.add(int((time.monotonic() - client.connect_at) * 1e6))
                client.connect_at = 0.0
                self.counts.connects += 1

    def _attend(self, client: Client) -> None:
        if client.sock is None:
            return
        if client.sending:
            error = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._failed(client, OSError(error, ""))
                return
            client.sending = False
            self._selector.modify(client.sock, READ, client)
            self._send(client)
            return
        try:
            data = client.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(client, error)
            return
        if not client.sent_at:  # nothing was asked: the server ends an idle connection
            self._disconnect(client)
            return
        if not data:
            self._ended(client)
            return
        self.counts.received += len(data)
        try:
            client.parser.feed_data(data)
        except httptools.HttpParserError:
            self._give_up(client, "the answer is not HTTP")
            return
        if client.done:
            self._answered(client)

    def _answered(self, client: Client) -> None:
        now = time.monotonic()
        status = client.status
        self.counts.statuses[status] += 1
        if status == 200:
            client.served += 1
            self.from_send.add(int((now - client.sent_at) * 1e6))
            if self.rate:
                self.from_plan.add(int((now - client.due) * 1e6))
        client.sent_at = 0.0
        client.done = False
        client.answered = True
        if client.close_after or not self.keep_alive:
            self._disconnect(client)
        if status == 503 and self.plan.backoff and client.retry_after:
            self._rest(client, now + client.retry_after)
        else:
            self._idle.append(client)
        client.retry_after = 0.0

    def _ended(self, client: Client) -> None:
        """The server has finished sending: the end of an answer without a length, or no answer at all."""
        if client.status >= 200 and not client.done and client.close_after:
            client.close_after = True
            self._answered(client)
        elif client.answered:
            self._again(client)
        else:
            self._give_up(client, "closed without an answer")

    def _again(self, client: Client) -> None:
        """A kept-alive connection went away just when it was used: that is nobody's error (RFC 9112 section 9.3.1)."""
        self.counts.reset += 1
        self._disconnect(client)
        self._connect(client)

    def _failed(self, client: Client, error: OSError) -> None:
        if error.errno == errno.ECONNREFUSED:
            self.counts.refused += 1
            self._give_up(client, "connection refused", RETRY_S)
        elif not client.sent_at:
            self._disconnect(client)
        elif client.answered and error.errno in (errno.ECONNRESET, errno.EPIPE):
            self._again(client)
        elif error.errno == errno.ECONNRESET:
            self._give_up(client, "connection reset")
        else:
            self._give_up(client, errno.errorcode.get(error.errno, "error").lower(), RETRY_S)

    def _give_up(self, client: Client, kind: str, pause_s: float = 0.0) -> None:
        self.counts.errors[kind] += 1
        client.sent_at = 0.0
        self._disconnect(client)
        if pause_s:
            self._rest(client, time.monotonic() + pause_s)
        else:
            self._idle.append(client)

    def _rest(self, client: Client, until: float) -> None:
        heapq.heappush(self._resting, (until, id(client), client))

    def _disconnect(self, client: Client) -> None:
        if client.sock is not None:
            self._selector.unregister(client.sock)
            client.sock.close()
            client.sock = client.parser = None
            client.sending = False
        client.status = 0

    def _tick(self, now: float) -> None:
        self._window.append((now, self.counts.statuses[200]))
        if now - self._last_fold >= FOLD_S:
            self._last_fold = now
            for latencies in (self.from_send, self.from_plan, self.connect_time):
                latencies.fold()
        limit = now - self.plan.timeout
        for client in self.clients:
            if client.sent_at and client.sent_at < limit:
                self.counts.timed_out += 1
                self._give_up(client, "timed out")
