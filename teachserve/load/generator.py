"""The loop: one thread, one selector, and the clients on it."""

import contextlib
import dataclasses
import errno
import heapq
import os
import select
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic_ns

from teachserve.load.client import Client
from teachserve.load.outcomes import Outcomes
from teachserve.load.plan import LoadError, LoadPlan, changes
from teachserve.load.result import Ending, Progress, Result
from teachserve.load.schedule import Schedule
from teachserve.load.tally import Tally
from teachserve.load.target import addresses, allow_descriptors

NS = 1_000_000_000
TICK = NS // 10
PAUSE = NS // 10
"""ns that a client waits after a failed connect or request."""

KNOWN_ANSWERS = 64
LONGEST_KNOWN = 2048

Addresses = list[tuple[int, tuple]]


class Generator:
    """Puts the load of a plan on a server. `run` does it, once; `change` and `stop` work from any thread meanwhile.

    Raises: LoadError, if the host has no address.
    """

    def __init__(self, plan: LoadPlan, tolerant: bool = False) -> None:
        """`tolerant`: that nobody listens is counted and no error, for it is known that somebody did."""
        self.plan = plan
        self._tolerant = tolerant
        allow_descriptors(plan.connections)
        self._addresses = addresses(plan.host, plan.port)
        self.family, self.address = self._addresses[0]
        self.selector = selectors.DefaultSelector()
        self.tally = Tally(monotonic_ns())
        self.outcomes = Outcomes() if plan.outcomes else None
        self.request = plan.request()
        self.keep_alive = plan.keep_alive
        self.late = 0
        """ns by which the run began after the plan's beginning."""
        self.open_loop = plan.rate is not None
        self.known: dict[bytes, tuple[int, int, bool, float]] = {}
        self._clients: list[Client] = []
        self._free: deque[Client] = deque()  # in an open loop: those without a request
        self._asleep: list[tuple[int, int, Client]] = []  # a heap: when to wake, a number that breaks ties, whom
        self._naps = 0
        self._schedule = Schedule()
        self._left = plan.requests
        self._stopping = False
        self._ordering = threading.Lock()
        self._ordered = plan
        self._orders: deque[tuple[LoadPlan, Addresses]] = deque()
        self._moving = 0
        self._connects_elsewhere = 0  # of the tally's: those to the addresses before these
        self._bell, self._bell_rope = socket.socketpair()
        for end in (self._bell, self._bell_rope):
            end.setblocking(False)
        self.selector.register(self._bell, selectors.EVENT_READ, None)

    # From any thread

    def change(self, **values: object) -> None:
        """Go on with other `connections`, `rate` (None: closed loop), `keep_alive`, `host` or `port`.

        Fewer connections: the newest go, and a request that one of them had in hand is aborted. Another host or port:
        new connections go there, a kept one follows once the request that was sent on it is answered.

        Raises: LoadError, at once.
        """
        with self._ordering:
            plan = dataclasses.replace(self._ordered, **changes(values))
            allow_descriptors(plan.connections)
            moves = (plan.host, plan.port) != (self._ordered.host, self._ordered.port)
            self._orders.append((plan, addresses(plan.host, plan.port) if moves else []))
            self._ordered = plan
        self._ring()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    def stop(self) -> None:
        """End the run now. It may be called in a signal handler."""
        self._stopping = True
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full: it will be heard anyway; closed: the run is over
            self._bell_rope.send(b"!")

    # The run

    def run(self, on_tick: Callable[[Progress], None] | None = None) -> Result:
        """Put the load until the plan is done; tell `on_tick` ten times a second. Raises: LoadError, nobody listens."""
        now = monotonic_ns()
        begin = now if self.plan.begin_ns is None else self.plan.begin_ns
        self.late = max(0, now - begin)
        self.tally = Tally(begin)
        try:
            if self.open_loop:
                self._schedule.set_rate(self.plan.rate, begin)
            self._set_connections(0 if self._stopping else self.plan.connections, now)
            self._loop(begin, on_tick)
            return self._conclude()
        finally:
            self._shut()

    def _loop(self, begin: int, on_tick: Callable[[Progress], None] | None) -> None:
        timeout = None if self.plan.timeout is None else int(self.plan.timeout * NS)
        look_every = TICK if timeout is None else min(TICK, max(timeout // 10, 1))
        deadline = None if self.plan.duration is None else begin + int(self.plan.duration * NS)
        tick, look, now = begin + TICK, begin + look_every, begin
        while not self._stopping and not self._all_done() and (deadline is None or now < deadline):
            rang = False
            for key, events in self._wait(now, min(tick, look, tick if deadline is None else deadline)):
                if key.data is None:
                    rang = True
                else:
                    key.data.ready(events)
            if rang:  # after the events: an order may close a connection that has one
                self._obey()
            now = monotonic_ns()
            if self._asleep:
                self._wake(now)
            if self._free:
                self._send_due(now)
            if timeout is not None and now >= look:
                look = now + look_every
                for client in self._clients:
                    if client.began and now - client.began >= timeout:
                        client.time_out()
            if now >= tick:
                tick = max(tick + TICK, now)
                if self._moving:  # once it is 0, nobody looks any more: with 10 000 clients that takes its time
                    self._moving = sum(client.moving for client in self._clients)
                progress = self.tally.progress(self.plan, self._served(), self._moving)
                if on_tick is not None:
                    on_tick(progress)

    def _wait(self, now: int, until: int) -> list[tuple[selectors.SelectorKey, int]]:
        if self._asleep:
            until = min(until, self._asleep[0][0])
        if self._free:
            due = self._schedule.next_due()
            if due is not None and due < until:
                # epoll waits whole milliseconds, and we would be late; select(2) on the epoll waits to the microsecond.
                with contextlib.suppress(ValueError, AttributeError):  # a descriptor above 1023; a selector without one
                    select.select([self.selector], [], [], max(due - now, 0) / NS)
                    return self.selector.select(0)
                until = due
        return self.selector.select(max(until - now, 0) / NS)

    def _all_done(self) -> bool:
        return self.plan.requests is not None and self.tally.finished + self.tally.aborted >= self.plan.requests

    def _served(self) -> list[int]:
        return [client.served for client in self._clients if client.asked]

    def _conclude(self) -> Result:
        now = monotonic_ns()
        for client in self._clients:
            client.abort(now)
        self._schedule.end(now)
        not_sent = self._schedule.dropped
        if self._left is not None:
            not_sent = min(not_sent, self._left)
        ended = Ending.INTERRUPTED if self._stopping else Ending.REQUESTS if self._all_done() else Ending.DEADLINE
        return self.tally.result(self.plan, ended, self._served(), not_sent)

    def _shut(self) -> None:
        for client in self._clients:
            client.close()
        self.selector.close()
        self._bell.close()
        self._bell_rope.close()

    # Orders

    def _obey(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._orders:
            before = self.plan
            self.plan, elsewhere = self._orders.popleft()
            now = monotonic_ns()
            if elsewhere:
                self._move(elsewhere, now)
            if self.plan.keep_alive != before.keep_alive:
                self._set_keep_alive()
            if self.plan.rate != before.rate:
                self._set_rate(self.plan.rate, now)
            if self.plan.connections != before.connections:
                self._set_connections(self.plan.connections, now)

    def _move(self, elsewhere: Addresses, now: int) -> None:
        self._addresses = elsewhere
        self.family, self.address = elsewhere[0]
        self._connects_elsewhere = self.tally.connects
        self.request = self.plan.request()
        self._moving = len(self._clients)
        for client in self._clients:
            client.move(now)

    def _set_keep_alive(self) -> None:
        self.keep_alive = self.plan.keep_alive
        self.request = self.plan.request()
        if not self.keep_alive:
            for client in self._clients:
                if not client.began:
                    client.close()

    def _set_rate(self, rate: float | None, now: int) -> None:
        self.open_loop = rate is not None
        if rate is not None:
            self._schedule.set_rate(rate, now)
            return
        self._schedule.end(now)
        while self._free:
            self.next_request(self._free.popleft(), now)

    def _set_connections(self, connections: int, now: int) -> None:
        while len(self._clients) > connections:
            client = self._clients.pop()
            client.abort(now)
            client.gone = True
            client.close()
        self._free = deque(client for client in self._free if not client.gone)
        fresh = [Client(self) for _ in range(connections - len(self._clients))]
        self._clients += fresh
        for client in fresh:
            self.next_request(client, now)

    @property
    def begun(self) -> int:
        """Requests of an open loop's plan that a client took in hand; those from this number on it did not."""
        return self._schedule.taken

    # What a client asks for

    def next_request(self, client: Client, now: int) -> None:
        """The client has nothing in hand: give it the next request, now or when one is due."""
        if client.gone:
            return
        if self.open_loop:
            due = self._schedule.take(now) if self._left != 0 else None
            if due is None:
                self._free.append(client)
                return
        else:
            due = now
        if self._left is not None:
            if not self._left:
                return
            self._left -= 1
        client.begin(due, self._schedule.taken - 1, now)

    def _send_due(self, now: int) -> None:
        while self._free and self._left != 0 and (due := self._schedule.take(now)) is not None:
            if self._left is not None:
                self._left -= 1
            self._free.popleft().begin(due, self._schedule.taken - 1, now)

    def pause(self, client: Client, now: int) -> None:
        """Let the client go on a little later: what fails at once must not be tried over and over without a pause."""
        self.wake_at(client, now + PAUSE)

    def wake_at(self, client: Client, when: int) -> None:
        """Let the client be idle until then."""
        client.wake = when
        self._naps += 1
        heapq.heappush(self._asleep, (when, self._naps, client))

    def _wake(self, now: int) -> None:
        while self._asleep and self._asleep[0][0] <= now:
            when, _, client = heapq.heappop(self._asleep)
            if client.gone or client.wake != when:
                continue  # its request has timed out meanwhile, so it pauses for another reason
            client.wake = 0
            if client.began:
                client.attempt(now)
            else:
                self.next_request(client, now)

    def learn(self, data: bytes, outcome: tuple[int, int, bool, float]) -> None:
        """Remember what these bytes, a whole answer, mean."""
        if len(data) <= LONGEST_KNOWN:
            if len(self.known) >= KNOWN_ANSWERS:
                self.known.clear()
            self.known[data] = outcome

    def forget(self, sock: socket.socket) -> None:
        """A connection is about to be closed."""
        with contextlib.suppress(KeyError):  # it never came so far as to be registered
            self.selector.unregister(sock)

    def has_other_address(self, tried: tuple, error: int) -> bool:
        """A connect has failed: whether to try again at once, at another of the host's addresses.

        Raises: LoadError, if none has ever succeeded at any.
        """
        if tried is not self.address:
            return True
        if self.tally.connects > self._connects_elsewhere:
            return False
        if len(self._addresses) > 1:
            del self._addresses[0]
            self.family, self.address = self._addresses[0]
            return True
        if self.tally.connects or self._tolerant:
            return False
        where = f"{self.address[0]} port {self.address[1]}"
        if error == errno.ECONNREFUSED:
            raise LoadError(f"cannot connect to {self.plan.url}: nothing listens on {where}; start the server first")
        raise LoadError(f"cannot connect to {self.plan.url}: {where}: {os.strerror(error)}; check the address")
