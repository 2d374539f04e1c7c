"""Lints about waiting: connections that wait for a thread, and the threads that keep them waiting."""

from collections import deque

from teachserve.events import SERVING, State
from teachserve.observe.lints.lint import Case, Lint, Moment, Since, loops, numbers
from teachserve.observe.times import span


class QueueWait(Lint):
    name = "queue-wait"
    rule = "nothing waits on a named queue for longer than 100 ms"
    one = "1 item waits on '{queue}', for {waited} at least"
    many = "{count} items wait on '{queue}', the first of them for {waited} at least"
    remedy = "more threads that take from it (--threads, --offload), or clients that do not keep them (--close)"
    lesson = "teachserve demo --arch thread-pool --threads 2 --keep-alive"
    MOST_S = 0.1

    def __init__(self) -> None:
        self._ages: dict[str, _Age] = {}

    def look(self, moment: Moment) -> Case | None:
        worst: tuple[float, str] | None = None
        for name, queue in moment.snapshot.queues.items():
            age = self._ages.setdefault(name, _Age())
            since_s = age.oldest(queue.length, queue.handed_over, moment.at_s)
            if since_s is not None and moment.since(since_s) > self.MOST_S and (worst is None or since_s < worst[0]):
                worst = since_s, name
        if worst is None:
            return None
        since_s, name = worst
        facts = {"queue": name, "waited": span(round(moment.since(since_s) * 1e6))}
        return Case(since_s, moment.snapshot.queues[name].length, facts)


class _Age:
    """How old the first item of one queue is, from tables alone.

    First in, first out: with `length` of `handed_over` items still there, the first is number handed_over - length + 1,
    and has been there since the first table that had counted so many.
    """

    MOST_MARKS = 600

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def oldest(self, length: int, handed_over: int, at_s: float) -> float | None:
        """Since when, at the latest, the first item has been there. None: there is none."""
        marks = self._marks
        if not marks or marks[-1][1] < handed_over:
            marks.append((at_s, handed_over))
        if len(marks) > self.MOST_MARKS:  # every second is dropped: then an item looks younger than it is
            self._marks = marks = deque(mark for number, mark in enumerate(marks) if number % 2 or number > 500)
        while len(marks) > 1 and marks[0][1] < handed_over - length + 1:
            marks.popleft()
        return marks[0][0] if length else None


class AllServing(Lint):
    name = "all-serving"
    rule = "of the threads that may serve, one is free at least once a second"
    one = "the only thread that may serve has been serving all the time: whoever comes now waits"
    many = "all {count} threads that may serve have been serving all the time: whoever comes now waits"
    remedy = (
        "more threads (--max-threads, --threads, --offload), faster handlers, or clients that do not stay (--close)"
    )
    lesson = "teachserve demo --arch thread-pool --threads 4 --keep-alive"
    LEAST_S = 1.0

    def __init__(self) -> None:
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        snapshot = moment.snapshot
        serving = [thread for thread in snapshot.threads if thread.state in SERVING]
        loop = loops(snapshot)
        if loop:
            serving = [thread for thread in serving if thread.number not in loop]
        most = self._most(moment)
        since_s = self._since.so(most and len(serving) >= most, moment.at_s)
        if since_s is None or moment.since(since_s) < self.LEAST_S:
            return None
        return Case(since_s, len(serving), {}, numbers(serving))

    @staticmethod
    def _most(moment: Moment) -> int:
        """How many threads may serve: an option says it, or else all that accept do both."""
        snapshot = moment.snapshot
        for option in ("threads", "max_threads", "offload"):
            if option in snapshot.options:
                return int(snapshot.options[option])
        if loops(snapshot):
            return 0
        return sum(thread.role == snapshot.header.accepting_role for thread in snapshot.threads)


class IdleHolder(Lint):
    name = "idle-holder"
    rule = "while others wait for a thread, none is held for more than a second by a client that asks nothing"
    one = "1 thread is idle, held for {longest} by a client that asks nothing, while {waiting} wait"
    many = "{count} threads are idle, held by clients that ask nothing, one of them for {longest}, while {waiting} wait"
    remedy = (
        "a shorter --timeout-keep-alive, more threads, or an event loop, which needs no thread for an idle connection"
    )
    lesson = "teachserve demo --arch thread-pool --threads 2 --connections 20 --keep-alive --rate 1"
    MOST_IDLE_S = 1.0
    LEAST_WAITING_S = 0.2

    def __init__(self) -> None:
        self._since = Since()

    def look(self, moment: Moment) -> Case | None:
        snapshot = moment.snapshot
        idle = [thread for thread in snapshot.threads if thread.state is State.IDLE]
        holders = [thread for thread in idle if moment.lasting(thread) > self.MOST_IDLE_S]
        since_s = self._since.so(holders and moment.waiting, moment.at_s)
        if since_s is None or moment.since(since_s) < self.LEAST_WAITING_S:
            return None
        longest = max(moment.lasting(thread) for thread in holders)
        facts = {"longest": span(round(longest * 1e6)), "waiting": moment.waiting}
        return Case(since_s, len(holders), facts, numbers(holders))


class NeverServed(Lint):
    name = "never-served"
    rule = "two seconds after the clients came, each has had an answer"
    one = "1 of {connections} clients has not had a single answer"
    many = "{count} of {connections} clients have not had a single answer"
    remedy = (
        "threads for all of them (--max-threads, --threads), or clients that do not keep their connections (--close)"
    )
    lesson = "teachserve demo --arch thread-pool --threads 4 --keep-alive"
    LEAST_S = 2.0

    def __init__(self) -> None:
        self._since = Since()
        self._connections = 0

    def look(self, moment: Moment) -> Case | None:
        clients = moment.clients
        if clients is None:
            return None
        if clients.connections > self._connections:  # those who came just now get their two seconds
            self._since.so(False, moment.at_s)
        self._connections = clients.connections
        since_s = self._since.so(clients.never_served, moment.at_s)
        if since_s is None or moment.since(since_s) < self.LEAST_S:
            return None
        return Case(since_s, clients.never_served, {"connections": clients.connections})
