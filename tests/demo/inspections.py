"""A made-up thread that was asked about: its stack, its times, and all its events."""

from dataclasses import replace

from teachserve.events import State
from teachserve.observe.snapshot import EventView, FrameView, Inspection, Snapshot

from .pictures import AT, recycling

STACK = (
    FrameView("/usr/lib/threading.py", 1002, "_bootstrap", "self._bootstrap_inner()"),
    FrameView("/usr/lib/threading.py", 1045, "_bootstrap_inner", "self.run()"),
    FrameView("/src/threads.py", 93, "run", "self.method(*arguments)"),
    FrameView("recycling.py", 27, "work", "self.serve(connection)"),
    FrameView("/src/taskmaster.py", 151, "serve", "driver.drive(connection)"),
    FrameView("/src/driver.py", 88, "drive", "answer = self.handle(request)"),
    FrameView("/src/handlers.py", 44, "yo", "time.sleep(delay)"),
)
TIMES = {State.ACCEPTING: 3.0, State.READING: 0.5, State.HANDLING: 6.0, State.WRITING: 0.25, State.RECYCLING: 0.0}
ROUND = ((State.READING, 0.0004), (State.HANDLING, 0.0011), (State.WRITING, 0.0002), (State.RECYCLING, 0.00005),
         (State.ACCEPTING, 0.008), (State.ACCEPTED, 0.0001))  # fmt: skip


def inspection(number: int, **changes: object) -> Inspection:
    """The server's answer, 0.3 s ago."""
    return replace(Inspection(number, AT - 0.3, STACK, "127.0.0.1:53412", 1200 + number, TIMES), **changes)


def events(number: int, rounds: int = 33) -> tuple[EventView, ...]:
    """The thread's events: 33 requests, the last one answered."""
    told, at_s, before = [], AT - 2, State.ACCEPTED
    for connection in range(1100, 1100 + rounds):
        for state, stay_s in ROUND:
            holds = connection if state not in (State.RECYCLING, State.ACCEPTING) else 0
            told.append(EventView(at_s, number, f"worker-{number}", before, state, None, holds, False))
            before, at_s = state, at_s + stay_s
    return tuple(told)


def asked_about(number: int, of: Snapshot | None = None, **changes: object) -> Snapshot:
    """A snapshot in which this thread has been asked about, and has the focus."""
    return replace(
        of or recycling(), inspected={number: inspection(number)}, focus=number, focused=events(number), **changes
    )
