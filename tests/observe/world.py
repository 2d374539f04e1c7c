"""A server that is not there: threads that wander along TRANSITIONS, the frames that it would send, and a model of them."""

from collections import Counter

from teachserve.events import EVENT_NAMES, MARK_CODES, MARKS, STATES, TRANSITIONS, Mark, State
from teachserve.observe.model import Model
from teachserve.observe.snapshot import COUNTERS

ROLES = ["acceptor", "worker"]
ENDS = (State.ENDED, State.BROKEN)


def header(**changes: object) -> dict:
    return {
        "frame": "header",
        "serial": 1,
        "format": 1,
        "process": 4711,
        "architecture": "recycling",
        "accepting_role": "worker",
        "host": "127.0.0.1",
        "port": 8000,
        "options": {"standby": 8, "delay": 0.0},
        "python": "3.13.0",
        "gil": True,
        "started": "2026-01-02T03:04:05+00:00",
        "epoch_ns": 1_000_000_000,
        "clock": "us since epoch_ns, CLOCK_MONOTONIC",
        "machine": "x86_64",
        "states": [state.value for state in STATES],
        "marks": [mark.value for mark in MARKS],
        "roles": ROLES,
        "queues": ["wanted"],
        "words_descriptor": 5,
        "rows": 4096,
        "row_words": 4,
        "listener_descriptor": 3,
        "source_file": "recycling.py",
        "source_class": "Recycling",
        "sources": {"recycling.py": "0123456789abcdef"},
    } | changes


def table(at: int, threads: list = (), serial: int | None = None, **changes: object) -> dict:
    frame = {
        "frame": "table",
        "at": at,
        "threads": [list(row) for row in threads],
        "flows": [],
        "times": [0] * len(STATES),
        "queues": [[0, 0, 0, 0]],
        "counters": dict.fromkeys(COUNTERS, 0),
        "statuses": {},
        "options": {"delay": 0.0},
        "slow_s": 0.0,
        "phase": "serving",
    } | changes
    return frame if serial is None else frame | {"serial": serial}


def events(at: int, threads: list, *batches: list) -> dict:
    return {"frame": "events", "at": at, "threads": threads, "batches": list(batches)}


def row(number: int, state: State, *, moves: int = 0, since: int = 0, role: int = 1, connection: int = 0,
        queue: int = -1) -> list:  # fmt: skip
    return [number, role, 9000 + number, state.code, moves, since, connection, 0, 0, 0, queue]


class World:
    """Give it moves, ask it for frames. `illegal` moves of its threads are made like any other."""

    def __init__(self):
        self.at = 0
        self.serial = 1
        self.threads: dict[int, list] = {}
        self.ended: list[list] = []
        self.born: list[list] = []
        self.events: dict[int, list[int]] = {}
        self.flows: Counter[tuple[int, int]] = Counter()
        self.counters: Counter[str] = Counter()
        self.emitted = 0
        self.frames = [header()]

    def spawn(self, role: int = 1) -> int:
        self.at += 7
        self.counters["made"] += 1
        number = self.counters["made"]
        self.threads[number] = [number, role, 9000 + number, State.STARTING.code, 0, self.at, 0, 0, 0, 0, -1]
        self.born.append([number, role, 9000 + number])
        return number

    def move(self, number: int, after: State) -> None:
        self.at += 5
        row = self.threads[number]
        before = STATES[row[3]]
        self.flows[before.code, after.code] += 1
        if after is State.ACCEPTED:
            self.counters["connections"] += 1
            row[6] = self.counters["connections"]
        if before is State.WRITING:
            self.counters["requests"] += 1
        if (before, after) in EVENT_NAMES and EVENT_NAMES[before, after] == "Recycled":
            self.counters["recycled"] += 1
        row[3], row[4], row[5] = after.code, row[4] + 1, self.at
        self._emit(number, after.code, row[6])
        if after in ENDS:
            self.counters["ended"] += 1
            self.ended.append(self.threads.pop(number))

    def mark(self, number: int, mark: Mark) -> None:
        self.at += 1
        self._emit(number, MARK_CODES[mark], self.threads[number][6])

    def wander(self, thread: int, choice: int) -> None:
        """Some thread makes some move that is allowed; no thread: one is made."""
        if not self.threads:
            self.spawn()
        numbers = sorted(self.threads)
        number = numbers[thread % len(numbers)]
        allowed = sorted(TRANSITIONS[STATES[self.threads[number][3]]], key=lambda state: state.code)
        self.move(number, allowed[choice % len(allowed)])

    def play(self, moves: list[tuple[int, int]]) -> None:
        """One `wander` after the other; for thread 6 another thread is made first."""
        for thread, choice in moves:
            if thread == 6:
                self.spawn()
            self.wander(thread, choice)

    def send_table(self) -> None:
        self.at += 3
        counters = {name: self.counters[name] for name in COUNTERS} | {"threads": len(self.threads)}
        frame = table(
            self.at,
            [*self.threads.values(), *self.ended],
            flows=[[before, after, count] for (before, after), count in self.flows.items()],
            counters=counters,
            queues=[[self.at % 3, self.at, self.at % 2, self.at % 3]],
            statuses={"200": self.counters["requests"]},
        )
        self.ended = []
        self._send(frame)

    def send_events(self) -> None:
        batches = [[number, 0, words] for number, words in self.events.items()]
        self._send(events(self.at, self.born, *batches))
        self.events, self.born = {}, []

    def log(self, text: str) -> None:
        self._send({"frame": "log", "at": self.at, "text": text})

    def _emit(self, number: int, code: int, connection: int) -> None:
        self.emitted += 1
        self.events.setdefault(number, []).extend((self.at, code, connection))

    def _send(self, frame: dict) -> None:
        self.serial += 1
        self.frames.append(frame | {"serial": self.serial})


def fold(frames: list, strict: bool = True) -> Model:
    model = Model(strict=strict)
    for frame in frames:
        model.apply(frame)
    return model
