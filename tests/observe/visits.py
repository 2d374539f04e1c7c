"""A server that is not there, with every kind of thread in it: it knows where each connection is, and tells it in frames.

Which thread goes on next is given from outside, so that hypothesis finds the order in which the fold goes wrong.
"""

from collections import defaultdict
from collections.abc import Iterator

from teachserve.events import FIRST_QUEUE, MARK_CODES, Mark, State

from .world import header, row, table

S = State
QUEUES = ["connections", "requests", "answers"]
ROLES = ["acceptor", "worker", "loop", "single", "offload"]
Life = Iterator[None]


class Visits:
    """Give it choices; `frames` is what a watcher gets, `truth` where each connection was: (us, place, thread).

    `raw` holds every event by time, `unit` is the us of the shortest time between two of them.
    """

    def __init__(self, unit: int = 1) -> None:
        self.unit = unit
        self.at = 1000 * unit
        self.raw: list[tuple[int, int, int, int]] = []
        self.frames: list[dict] = [header(roles=ROLES, queues=QUEUES, accepting_role="acceptor")]
        self.truth: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
        self.told_at = 0
        self._serial = 1
        self._connections = 0
        self._newest = 0
        self._lives: dict[int, Life] = {}
        self._roles: dict[int, int] = {}
        self._born: list[list[int]] = []
        self._words: dict[int, list[int]] = defaultdict(list)
        self._stands: dict[int, tuple[State, int, int]] = {}
        self._queued: dict[str, list[int]] = {name: [] for name in QUEUES}
        self._arrivals: list[int] = []
        self._lives[0] = self._clients()
        for role, life in ((0, self._acceptor), (1, self._worker), (1, self._worker), (2, self._loop), (4, self._offload),
                           (0, self._maker), (3, self._single), (3, self._single)):  # fmt: skip
            self._spawn(role, life)

    # ---- from outside --------------------------------------------------------------------------------------------

    def go_on(self, choice: int) -> None:
        """One thread makes its next move, if it can."""
        self.at += (1 + choice % 7) * self.unit
        number = sorted(self._lives)[choice % len(self._lives)]
        if next(self._lives[number], "over") == "over":
            del self._lives[number]

    def drain(self, choices: list[int], lose: bool = False) -> None:
        """What the publisher does: one thread's events after the other's, while the threads go on; then a table."""
        batches = []
        born, self._born = self._born, []
        for number in sorted(self._words, key=lambda one: (one * 7) % 5):
            if words := self._words.pop(number):
                batches.append([number, 0, words])
            for choice in choices[len(batches) :: 5]:
                self.go_on(choice)
        self._send({"frame": "events", "at": self.at, "threads": born, "batches": batches}, lose)
        self.at += self.unit
        rows = [
            row(number, state, since=since, role=self._roles[number], connection=about)
            for number, (state, about, since) in self._stands.items()
        ]
        self._send(table(self.at, rows, queues=[[len(items), 0] for items in self._queued.values()]), lose=False)

    def role(self, number: int) -> str:
        """A thread's role."""
        return ROLES[self._roles[number]]

    def place(self, number: int, at: int) -> tuple[str, int]:
        """Where a connection was at this moment: the place's word and the thread."""
        return [(place, thread) for since, place, thread in self.truth[number] if since <= at][-1]

    # ---- frames --------------------------------------------------------------------------------------------------

    def _send(self, frame: dict, lose: bool) -> None:
        self._serial += 1
        if not lose:
            self.frames.append(frame | {"serial": self._serial})

    def _move(self, number: int, state: State, about: int = 0) -> None:
        _, before, _ = self._stands.get(number, (None, 0, 0))
        if before != about and before and self.truth[before][-1][2] == number and self.truth[before][-1][1] != "closed":
            left = {"creating": ("starting", 0)}.get(self.truth[before][-1][1], ("watched", number))
            self.truth[before].append((self.at, *left))
        self._stands[number] = (state, about, self.at)
        if state in (S.ENDED, S.BROKEN):
            del self._stands[number]
        if about:
            self.truth[about].append((self.at, state.value, number))
        self._say(number, self.at, state.code, about)

    def _mark(self, number: int, code: int, about: int, at: int | None = None) -> None:
        self._say(number, self.at if at is None else at, code, about)

    def _say(self, number: int, *event: int) -> None:
        self._words[number] += event
        self.raw.append((event[0], number, *event[1:]))

    def _put(self, number: int, queue: str, connection: int) -> None:
        self._mark(number, FIRST_QUEUE + QUEUES.index(queue), connection)
        self.truth[connection].append((self.at, f"queue {queue}", 0))
        self._queued[queue].append(connection)

    def _close(self, number: int, connection: int) -> None:
        self._mark(number, MARK_CODES[Mark.CLOSED], connection)
        self.truth[connection].append((self.at, "closed", number))

    # ---- lives ---------------------------------------------------------------------------------------------------

    def _spawn(self, role: int, life, *args: int) -> int:
        self._newest += 1
        self._roles[self._newest] = role
        self._born.append([self._newest, role, 9000 + self._newest])
        self._lives[self._newest] = life(self._newest, *args)
        return self._newest

    def _accept(self, me: int) -> Iterator[int]:
        self._move(me, S.ACCEPTING)
        yield
        while not self._arrivals:
            yield
        arrived = self._arrivals.pop(0)
        self._connections += 1
        new = self._connections
        self._mark(me, MARK_CODES[Mark.ARRIVED], new, arrived)
        self.truth[new].append((arrived, "accept queue", 0))
        self._move(me, S.ACCEPTED, new)
        yield
        return new

    def _clients(self) -> Life:
        while True:
            self._arrivals.append(self.at)
            yield

    def _take(self, me: int, queue: str) -> Iterator[int]:
        self._move(me, S.WAITING)
        yield
        while not self._queued[queue]:
            yield
        return self._queued[queue].pop(0)

    def _serve(self, me: int, connection: int) -> Life:
        self._move(me, S.READING, connection)
        yield
        for _ in range(1 + connection % 3):
            for state in (S.HANDLING, S.WRITING, S.IDLE):
                self._move(me, state, connection)
                yield
        self._close(me, connection)

    def _acceptor(self, me: int) -> Life:
        while True:
            new = yield from self._accept(me)
            self._move(me, S.HANDING_OVER, new)
            yield
            self._put(me, "connections", new)
            yield

    def _worker(self, me: int) -> Life:
        while True:
            yield from self._serve(me, (yield from self._take(me, "connections")))

    def _single(self, me: int) -> Life:
        while True:
            yield from self._serve(me, (yield from self._accept(me)))
            self._move(me, S.RECYCLING)
            yield

    def _maker(self, me: int) -> Life:
        while True:
            new = yield from self._accept(me)
            self._move(me, S.CREATING, new)
            yield
            self._mark(me, MARK_CODES[Mark.SPAWNED], self._spawn(1, self._made, new))

    def _made(self, me: int, connection: int) -> Life:
        while self.truth[connection][-1][1] != "starting":  # its maker has not gone on yet: the truth is kept simple
            yield
        self._move(me, S.WAITING_FOR_PLACE, connection)
        yield
        yield from self._serve(me, connection)
        self._move(me, S.ENDED)

    def _loop(self, me: int) -> Life:
        seats: list[int] = []
        while True:
            self._move(me, S.SELECTING)
            yield
            if self._queued["answers"]:
                connection = yield from self._take(me, "answers")
                self._move(me, S.WRITING, connection)
                yield
                if connection % 2:
                    self._close(me, connection)
                else:
                    seats.append(connection)
            elif seats and self.at // self.unit % 3:
                self._move(me, S.READING, connection := seats.pop(0))
                yield
                if self.at // self.unit % 2:
                    self._move(me, S.HANDING_OVER, connection)
                    yield
                    self._put(me, "requests", connection)
                    yield
                else:
                    self._move(me, S.HANDLING, connection)
                    yield
                    self._move(me, S.WRITING, connection)
                    yield
                    seats.append(connection)
            else:
                seats.append((yield from self._accept(me)))

    def _offload(self, me: int) -> Life:
        while True:
            connection = yield from self._take(me, "requests")
            self._move(me, S.HANDLING, connection)
            yield
            self._move(me, S.HANDING_OVER, connection)
            yield
            self._put(me, "answers", connection)
            yield
