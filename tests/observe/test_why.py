"""Why a connection took long: the sentences are true of the events, and those that are expected of real servers."""

import random
import re
import sys
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from teachserve.conformance import Client, get, step
from teachserve.conformance.holding import hold_at
from teachserve.events import FIRST_MARK, SERVING, STATES, Mark, State, mark_of
from teachserve.gate import Gate
from teachserve.observe.connection_view import Connections
from teachserve.observe.connections import ConnectionLog
from teachserve.observe.model import Model
from teachserve.observe.snapshot import Snapshot
from teachserve.observe.why import why

from .streamed import Streamed, streamed
from .visits import Visits

S = State
ENDS = (S.ENDED, S.BROKEN)
LAST = get("/yo", "Connection: close")
HELD_S = 0.06
"""How long whoever is held stays at the gate: several ticks of the kernel."""


# ---- what is said, against the events themselves -------------------------------------------------------------------


class Oracle:
    """Reads a sentence and looks every claim up in the raw events, one by one, in the plainest way."""

    def __init__(self, visits: Visits):
        self.visits = visits
        self.raw = sorted(visits.raw, key=lambda one: one[0])
        self.claims: Counter[str] = Counter()
        self.moves: dict[int, tuple[list[int], list[tuple[State, int]]]] = {}
        for when, who, code, about in self.raw:
            if code < FIRST_MARK:
                times, states = self.moves.setdefault(who, ([], []))
                times.append(when)
                states.append((STATES[code], about))

    def state(self, thread: int, at: int) -> tuple[State, int] | None:
        times, states = self.moves.get(thread, ([], []))
        place = bisect_right(times, at)
        return states[place - 1] if place and states[place - 1][0] not in ENDS else None

    def states(self, role: str, at: int) -> list[State]:
        known = [self.state(thread, at) for thread in self.moves if self.visits.role(thread) == role]
        return [state[0] for state in known if state]

    def moments(self, began: int, ended: int) -> list[int]:
        return sorted({began, *(when for when, *_ in self.raw if began <= when < ended)})

    def check(self, sentence: str, role: str, connection: int) -> None:
        self.connection = connection
        for pattern, look_up in {
            r"nobody accepting .*?from ([\d.]+) s to ([\d.]+) s": self.nobody,
            r"at ([\d.]+) s (?:all )?(\d+)(?: of (\d+))? (\w+)s serving(?: \((\d+) idle\))?": self.serving,
            r"(\w+)-(\d+) inside a handler for connection (\d+) from ([\d.]+) s for ([\d.]+) (m?s)": self.inside,
            r"the first free at ([\d.]+) s; taken by (\w+)-(\d+) at ([\d.]+) s": self.taken,
            r"(\d+) accepted before it": self.accepted,
            r"'connections': .*?(\d+) taken before it": self.ahead,
            r"spawned at ([\d.]+) s, running at ([\d.]+) s": self.spawned,
            r"(\w+)-(\d+) was done with connection (\d+) at ([\d.]+) s": self.done,
        }.items():
            for found in re.finditer(pattern, sentence):
                self.claims[look_up.__name__] += 1
                look_up(role, *found.groups())

    def nobody(self, role: str, began: str, ended: str) -> None:
        can = {S.ACCEPTING, S.SELECTING}
        assert all(not can & set(self.states(role, at)) for at in self.moments(us(began), us(ended)))

    def serving(self, _role: str, at: str, count: str, of: str | None, role: str, idle: str | None) -> None:
        states = self.states(role, us(at))
        assert sum(state in SERVING for state in states) == int(count)
        assert len(states) == int(of or count)
        assert states.count(S.IDLE) == int(idle or 0)

    def inside(self, _role: str, role: str, thread: str, connection: str, began: str, length: str, unit: str) -> None:
        assert self.visits.role(int(thread)) == role
        ended = us(began) + (us(length) // 1000 if unit == "ms" else us(length))
        assert {self.state(int(thread), at) for at in self.moments(us(began), ended)} == {(S.HANDLING, int(connection))}

    def taken(self, _role: str, free: str, role: str, thread: str, at: str) -> None:
        assert self.visits.role(int(thread)) == role
        assert (us(at), int(thread)) in {(when, who) for when, who, *_ in self.raw}
        assert {S.WAITING, S.SELECTING} & {
            STATES[code] for when, who, code, _ in self.raw
            if when == us(free) and self.visits.role(who) == role and code < FIRST_MARK
        }  # fmt: skip

    def spawned(self, _role: str, spawned: str, running: str) -> None:
        (thread,) = [about for when, _, code, about in self.raw
                     if code >= FIRST_MARK and mark_of(code) is Mark.SPAWNED and when == us(spawned)]  # fmt: skip
        assert next(when for when, who, *_ in self.raw if who == thread) == us(running)

    def stay(self, place: str) -> tuple[int, int]:
        """From and to of a place in which the connection was once."""
        steps = [*self.visits.truth[self.connection], (1 << 60, "", 0)]
        number = [step[1] for step in steps].index(place)
        return steps[number][0], steps[number + 1][0]

    def accepted(self, _role: str, count: str) -> None:
        began, ended = self.stay("accept queue")
        moves = [when for when, _, code, about in self.raw
                 if began < when <= ended and code == S.ACCEPTED.code and about != self.connection]  # fmt: skip
        assert len(moves) == int(count)

    def ahead(self, _role: str, count: str) -> None:
        """Each of them was handed over before it, and taken while it waited."""
        began, ended = self.stay("queue connections")
        taken = 0
        for number, steps in self.visits.truth.items():
            for (put, place, _), (then, *_) in pairwise(steps):
                taken += place == "queue connections" and put < began < then <= ended and number != self.connection
        assert taken == int(count)

    def done(self, _role: str, _name: str, thread: str, connection: str, at: str) -> None:
        assert self.visits.truth[int(connection)][-1] == (us(at), "closed", int(thread))


def us(seconds: str) -> int:
    return round(float(seconds) * 1e6)


def test_every_claim_is_true_of_the_events():
    """Times are multiples of 2 ms, so that none is rounded in the sentences."""
    claims: Counter[str] = Counter()
    for seed in range(5):
        choose = random.Random(seed)
        visits = Visits(unit=2000)
        for _ in range(5):
            choices = [choose.randrange(10_000) for _ in range(80)]
            for choice in choices:
                visits.go_on(choice)
            visits.drain(choices)
        visits.drain([])
        visits.drain([])
        log = ConnectionLog()
        for frame in visits.frames:
            log.apply(frame)
        shown, oracle = log.connections(), Oracle(visits)
        for view in (*shown.living, *shown.ended):
            for sentence in why(view, shown, Snapshot())[1:]:
                oracle.check(sentence, shown.role(view.accepted_by), view.number)
        claims += oracle.claims
    assert set(claims) == {"nobody", "serving", "inside", "taken", "spawned", "done", "accepted", "ahead"}
    assert min(claims.values()) >= 5


# ---- real servers, held at the gate --------------------------------------------------------------------------------


class Told:
    """A server held at the gate, and what is known of its connections."""

    def __init__(self, server: Streamed, log: ConnectionLog, model: Model):
        self.gate: Gate = server.server.taskmaster.gate
        self.server = server
        self._log = log
        self._model = model

    def until(self, actor: str, verb: str) -> None:
        """Let this thread alone go on until it stands there."""
        while (at := self.gate.standing()[actor]) != verb:
            self.gate.play(f"{actor}:{at}")

    def hold(self) -> None:
        """Everybody stands where he is for a while, and the clock goes on."""
        threading.Event().wait(HELD_S)

    def reason(self, number: int, place: str) -> str:
        """The one sentence that is said of this connection about this place: on a busy machine there may be others."""
        shown = self.connections()
        sentences = why(shown.connection(number), shown, self._model.snapshot())[1:]
        (found,) = [sentence for sentence in sentences if place in sentence]
        return found

    def connections(self) -> Connections:
        self.server.tell()
        self.server.tell()
        return self._log.connections()


@pytest.fixture
def held(request: pytest.FixtureRequest) -> Callable[..., Told]:
    def start(architecture: str, **options: object) -> Told:
        log, model = ConnectionLog(), Model()

        def take(frame: dict) -> None:
            log.apply(frame)
            model.apply(frame)

        context = streamed(architecture, Gate(), take, **options)
        server = context.__enter__()
        request.addfinalizer(lambda: context.__exit__(None, None, None))
        server.tell()
        server.tell()
        return Told(server, log, model)

    return start


def client(told: Told, request: pytest.FixtureRequest, words: bytes = LAST) -> Client:
    """A client that has sent a request, and is closed with the test."""
    one = Client(told.server.server.port)
    request.addfinalizer(one.sock.close)
    one.send(words)
    return one


def matches(sentence: str, *parts: str) -> None:
    """The sentence has these parts in this order; a number of seconds stands as #."""
    pattern = ".*".join(re.escape(part).replace(r"\#", r"[\d.]+ [mu]?s") for part in parts)
    assert re.fullmatch(pattern, sentence), sentence


needs_arrivals = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of arrivals")


@needs_arrivals
def test_single_thread_nobody_accepts_while_a_handler_runs(held, request):
    told = held("single-thread")
    client(told, request)
    told.until("w1", "handle")
    client(told, request)
    told.hold()
    told.gate.settle()
    sentence = told.reason(2, "in the accept queue")
    matches(sentence, "waited at least # in the accept queue: nobody accepting from # to #; worker-1 inside a handler for "
                      "connection 1 from # for #")  # fmt: skip
    own = told.reason(1, "handling took")
    matches(own, "handling took # of #: the application's own code")


@needs_arrivals
def test_recycling_all_serve_and_a_worker_is_asked_for(held, request):
    told = held("recycling", standby=1, max_threads=8)
    client(told, request)
    told.until("w1", "hand_over")
    client(told, request)
    told.gate.play("w1:hand_over")
    told.hold()
    told.gate.settle()
    sentence = told.reason(2, "in the accept queue")
    matches(sentence, "waited at least # in the accept queue: nobody accepting from # to #; ",
                      "worker-2 reading, with connection 1 from # for #; worker-3 asked for at #, running at #")  # fmt: skip


@needs_arrivals
def test_recycling_at_its_limit_all_serve_the_clients_that_stay(held, request):
    told = held("recycling", standby=2, max_threads=2)
    stay = [client(told, request, get()) for _ in range(2)]
    told.gate.settle()
    client(told, request)
    told.hold()
    stay[0].send(LAST)
    told.gate.settle()
    sentence = told.reason(3, "in the accept queue")
    matches(
        sentence,
        "waited at least # in the accept queue: nobody accepting from # to #; at # all 2 workers serving (2 idle)",
    )
    kept = told.reason(1, "idle for")
    matches(kept, "idle for #: the client kept it, and worker-", " with it")


def test_thread_pool_the_queue_waits_for_a_worker(held, request):
    told = held("thread-pool", threads=2)
    stay = [client(told, request, get()) for _ in range(2)]
    told.gate.settle()
    client(told, request)
    told.gate.settle()
    told.hold()
    so_far = told.reason(3, "in 'connections'")
    matches(so_far, "waited # so far in 'connections': at # all 2 workers serving (2 idle); none free yet")
    stay[1].send(LAST)
    told.gate.settle()
    sentence = told.reason(3, "in 'connections'")
    matches(sentence, "waited # in 'connections': at # all 2 workers serving (2 idle); the first free at #; taken by worker-",
                      " at #")  # fmt: skip


def test_thread_per_connection_waits_for_a_place(held, request):
    told = held("thread-per-connection", max_threads=1)
    first = client(told, request, get())
    told.gate.settle()
    client(told, request)
    told.gate.settle()
    told.hold()
    first.send(LAST)
    told.gate.settle()
    sentence = told.reason(2, "for a place")
    matches(
        sentence,
        "waited # for a place, of which there are 1: 1 thread serving at #; worker-2 was done with connection 1 at #",
    )


def test_thread_per_connection_waits_for_its_thread_to_run(held, request):
    told = held("thread-per-connection")
    client(told, request)
    told.until("a1", "spawn")
    told.gate.play("a1:spawn")
    told.hold()
    told.gate.settle()
    sentence = told.reason(1, "until its thread ran")
    matches(sentence, "waited # until its thread ran: spawned at #, running at #")


def test_event_loop_is_inside_another_handler(held, request):
    told = held("event-loop")
    client(told, request)
    waits = client(told, request, b"")
    told.until("l1", "handle")
    waits.send(LAST)
    told.hold()
    told.gate.settle()
    sentence = told.reason(2, "watched by")
    matches(sentence, "watched by the loop for #: # of it the loop was not in select; the longest: loop-1 inside a handler for "
                      "connection 1 from # for #")  # fmt: skip
    matches(
        told.reason(1, "handling took"),
        "handling took # of # in the loop, and everybody else waited for it: the application's own code",
    )


def test_event_loop_a_silent_client_is_watched_in_select(held, request):
    told = held("event-loop")
    client(told, request, b"")
    told.gate.settle()
    told.hold()
    sentence = told.reason(1, "watched by")
    matches(
        sentence, "watched by the loop for # so far: the loop was in select, and nothing had arrived: the client's time"
    )


def test_event_loop_a_request_waits_for_a_worker(held, request):
    told = held("event-loop", offload=1)
    client(told, request)
    assert hold_at(told.gate, "handle") == "w1"
    client(told, request)
    while step(told.gate, ["l1"]):  # until it can only wait
        pass
    told.hold()
    told.gate.settle()
    sentence = told.reason(2, "in 'requests'")
    matches(sentence, "waited # in 'requests': worker-2 inside a handler for connection 1 from # for #; the first free at #; "
                      "taken by worker-2 at #")  # fmt: skip


def test_a_request_that_arrives_slowly_is_the_clients_doing(held, request):
    told = held("single-thread")
    slow = client(told, request, b"GET /yo HTTP/1.1\r\n")
    told.gate.settle()
    told.hold()
    slow.send(b"Host: x\r\nConnection: close\r\n\r\n")
    told.gate.settle()
    sentence = told.reason(1, "reading took")
    matches(sentence, "reading took #: worker-1 waited for the client's request")


def test_a_connection_that_waited_for_nothing_gets_a_headline_only(held, request):
    told = held("thread-pool")
    client(told, request)
    told.gate.settle()
    shown = told.connections()
    headline = why(shown.connection(1), shown, Snapshot())[0]
    matches(headline, "connection 1: # until it was closed, 1 request: ", "")


def test_slow_motion_is_said_for_it_makes_every_time_longer(held, request):
    told = held("thread-pool")
    client(told, request)
    told.gate.settle()
    shown = told.connections()
    sentences = why(shown.connection(1), shown, Snapshot(slow_s=0.5))
    assert sentences[1] == "slow motion is on: at each verb a thread is held for 500 ms"


def test_nothing_is_known_while_no_events_are_streamed():
    log = ConnectionLog()
    visits = Visits()
    for choice in range(100):
        visits.go_on(choice * 37)
    visits.drain([])
    visits.drain([])
    for frame in visits.frames:
        log.apply(frame)
    living = log.connections().living[0]
    log.apply({"frame": "reply", "to": 1, "ok": True, "level": "table"})
    assert why(living, log.connections(), Snapshot()) == [
        f"connection {living.number}: not known, for no events are streamed"
    ]


def test_after_a_loss_it_is_said_that_something_is_missing():
    visits = Visits(unit=2000)
    for lose in (False, False, True, False, False, False):
        for choice in range(60):
            visits.go_on(choice * 37)
        visits.drain([], lose=lose)
    log = ConnectionLog()
    for frame in visits.frames:
        log.apply(frame)
    shown = log.connections()
    holed = next(view for view in shown.living if view.incomplete)
    assert "part of its life was not seen" in why(holed, shown, Snapshot())[1]
