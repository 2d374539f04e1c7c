"""Moments as the lints see them, made up: `at(1.0, ...)` is one, `look(...)` shows several to one set of lints."""

from collections.abc import Iterable

from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.lints import Clients, Finding, Lints, Moment
from teachserve.observe.snapshot import COUNTERS, Header, QueueView, Snapshot, ThreadView
from teachserve.observe.verdict import Verdict

S = State


def thread(number: int, state: State, since_s: float | None = 0.0, role: str = "worker", moves: int = 5) -> ThreadView:
    return ThreadView(number, role, 9000 + number, state, since_s, moves, 0, 0, 0, 0)


def at(
    at_s: float,
    *threads: ThreadView,
    queued: int = 0,
    bound: int = 128,
    drops: int = 0,
    queues: dict[str, QueueView] | None = None,
    options: dict[str, object] | None = None,
    witness: Look | None = None,
    clients: Clients | None = None,
    unavailable: str | None = None,
    accepting: int = 1,
    ended: int = 0,
    made: int = 0,
    waiting_for_place: int = 0,
    requests: int = 0,
    **changes: object,
) -> Moment:
    counters = dict.fromkeys(COUNTERS, 0) | {
        "accepting": accepting, "ended": ended, "made": made, "waiting_for_place": waiting_for_place,
        "requests": requests,
    }  # fmt: skip
    states = dict.fromkeys(State, 0)
    for one in threads:
        states[one.state] += 1
    shown = Snapshot(
        header=Header.of({"accepting_role": "worker"}), at_s=at_s, phase=changes.pop("phase", "serving"), threads=threads,
        states=states, counters=counters, queues=queues or {}, options=options or {}, **changes,
    )  # fmt: skip
    return Moment(shown, AcceptQueue(queued, bound, drops, unavailable), witness, clients)


def differing(*numbers: int) -> Look:
    """A look in which the kernel contradicts these threads."""
    seen = [
        Sighting(number, 9000 + number, S.READING, 7, Verdict.DIFFERS, "accept4", 5, "", "reading blocks in recvfrom")
        for number in numbers
    ]
    return Look.made(seen, {}, {}, 0.001, None)


def look(moments: Iterable[Moment]) -> dict[str, Finding]:
    """The findings at the last of these moments, by lint."""
    lints = Lints()
    found: tuple[Finding, ...] = ()
    for moment in moments:
        found = lints.apply(moment)
    return {finding.lint: finding for finding in found}
