"""Made-up pictures: what the tests feed the screen with, so that no server and no clock has a part in them."""

from dataclasses import replace

from teachserve.demo.picture import History, LoadView, Picture, Step
from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.snapshot import COUNTERS, EventView, Header, LogLine, QueueView, Snapshot, ThreadView
from teachserve.observe.verdict import Shares, Verdict

AT = 12.5


def header(architecture: str = "recycling", role: str = "worker", **changes: object) -> Header:
    """A server as it introduces itself."""
    frame = {
        "process": 4711, "architecture": architecture, "accepting_role": role, "host": "127.0.0.1", "port": 40123,
        "options": {"standby": 8, "max_threads": 100, "delay": 0.001, "backlog": 2048, "graceful_timeout": 30.0},
        "python": "3.13.0", "gil": True, "started": "2025-11-25T08:00:00Z", "epoch_ns": 1, "machine": "x86_64",
        "queues": ["wanted"], "words_descriptor": 7, "rows": 4096, "row_words": 4, "listener_descriptor": 5,
        "source_file": "recycling.py", "format": 1,
    }  # fmt: skip
    return Header.of(frame | changes)


def thread(number: int, state: State, role: str = "worker", **changes: object) -> ThreadView:
    """One thread, 0.25 s in its state, holding a connection where the state says so."""
    holds = state in (State.READING, State.IDLE, State.HANDLING, State.WRITING, State.ACCEPTED)
    view = ThreadView(
        number=number, role=role, native=9000 + number, state=state, since_s=AT - 0.25, moves=number * 7,
        connection=1200 + number if holds else 0, requests=400 + number, connections=40 + number,
        recycled=39 + number,
    )  # fmt: skip
    return view._replace(**changes)


def snapshot(threads: list[ThreadView], **changes: object) -> Snapshot:
    """A server that is serving, with these threads."""
    states = dict.fromkeys(State, 0)
    for one in threads:
        states[one.state] += 1
    counters = dict.fromkeys(COUNTERS, 0) | {
        "threads": len(threads), "made": 120, "recycled": 3400, "ended": 120 - len(threads), "requests": 54321,
        "connections": 5432,
    }  # fmt: skip
    flows = {
        (State.STARTING, State.ACCEPTING): 120, (State.ACCEPTING, State.ACCEPTED): 5432,
        (State.ACCEPTED, State.READING): 5400, (State.READING, State.HANDLING): 5400,
        (State.HANDLING, State.WRITING): 5400, (State.WRITING, State.RECYCLING): 5400,
        (State.RECYCLING, State.ACCEPTING): 3400, (State.ACCEPTED, State.HANDING_OVER): 32,
        (State.HANDING_OVER, State.READING): 32, (State.WAITING, State.CREATING): 32,
        (State.CREATING, State.WAITING): 32,
    }  # fmt: skip
    events = tuple(
        EventView(AT - 0.01 * n, n, f"worker-{n}", State.ACCEPTING, State.ACCEPTED, None, 1200 + n, True)
        for n in range(20, 0, -1)
    )
    made = Snapshot(
        header=header(), at_s=AT, phase="serving", threads=tuple(threads), states=states,
        queues={"wanted": QueueView(0, 112, 1, 0)}, counters=counters, flows=flows, requests_per_s=7012.0, window_s=1.0,
        options={"standby": 8, "max_threads": 100, "delay": 0.001, "backlog": 2048, "graceful_timeout": 30.0},
        events=events, log=(LogLine(3.0, "worker-5 broke: ZeroDivisionError"),),
    )  # fmt: skip
    return replace(made, **changes)


def recycling(count: int = 11, accepting: int = 3) -> Snapshot:
    """Workers, some in accept, the others spread over what serving is made of; and the thread-maker."""
    serving = (State.READING, State.HANDLING, State.WRITING, State.RECYCLING, State.HANDLING)
    threads = [thread(1, State.WAITING, "thread-maker", requests=0, connections=0, recycled=0)]
    for number in range(2, 2 + count):
        state = State.ACCEPTING if number < 2 + accepting else serving[number % len(serving)]
        threads.append(thread(number, state))
    return snapshot(threads)


SEEN = {
    State.ACCEPTING: (Verdict.CONFIRMED, "accept4", 5, "inet_csk_accept"),
    State.READING: (Verdict.CONFIRMED, "recvfrom", 31, "wait_woken"),
    State.HANDLING: (Verdict.GIL, "futex", None, "futex_wait_queue"),
    State.WAITING: (Verdict.CONFIRMED, "read", 9, "eventfd_read"),
}


def sightings(of: Snapshot) -> list[Sighting]:
    """What the kernel says of each thread, where it says what we expect."""
    told = []
    for one in of.threads:
        verdict, call, descriptor, wchan = SEEN.get(one.state, (Verdict.RUNNING, None, None, "0"))
        told.append(Sighting(one.number, one.native, one.state, 5, verdict, call, descriptor, wchan, ""))
    return told


def step(number: int) -> Step:
    """One of the 120 moments of the last minute."""
    states = tuple(
        1 + (number + state.code) % 4 if state in (State.ACCEPTING, State.HANDLING) else 0 for state in State
    )
    p99 = None if number < 60 else 0.040 + 0.001 * (number % 20)
    return Step(
        at_s=AT - 60 + 0.5 * number, requests=5000.0 + 40 * (number % 50), p50=0.010 + 0.0001 * (number % 30), p99=p99,
        connections=540.0, made=float(number % 3), ended=2.0, queued=number % 9, core=0.01 * (number % 90), states=states,
    )  # fmt: skip


def picture(of: Snapshot | None = None, **changes: object) -> Picture:
    """A picture with everything in it."""
    of = of or recycling()
    shares = {State.ACCEPTING: Shares(900, 40, 10, 30, 0, 0), State.HANDLING: Shares(0, 10, 60, 20, 5, 0)}
    look = Look(tuple(sightings(of)), shares, sum(shares.values(), Shares()), {}, 0.001)
    made = Picture(
        snapshot=of,
        accept_queue=AcceptQueue(0, 2048, 0, None),
        witness=look,
        sightings={one.number: one for one in look.sightings},
        gil_waiters=2.4,
        load=LoadView(100, False, None, 7001.0, 0.0123, 0.0456, 54000, 0, 0, 0, 0.34, False),
        history=History(tuple(step(number) for number in range(120))),
    )
    return replace(made, **changes)
