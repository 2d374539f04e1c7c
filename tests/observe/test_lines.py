"""The line derived for a thread is the line on which its frame stands: on real servers, at every gate and under load."""

import contextlib
import importlib
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapes import SHAPES

from teachserve.conformance import Client, get, serving, step
from teachserve.conformance.client import PATIENCE_S
from teachserve.digest import digest_of
from teachserve.events import STATES, State
from teachserve.gate import Gate
from teachserve.observe.lines import PACKAGE, Lines, Place
from teachserve.observe.snapshot import Header, ThreadView
from teachserve.probe import ThreadRecord
from teachserve.publish.account import Roles, header
from teachserve.server import Server

S = State
SERVED = {S.READING, S.IDLE, S.HANDLING, S.WRITING}
# What threads of each shape are held in, so that the proof has seen all of it.
SEEN = {
    "single-thread": {"worker": {S.ACCEPTING, S.ACCEPTED} | SERVED},
    "thread-per-connection": {
        "acceptor": {S.ACCEPTING, S.ACCEPTED, S.CREATING},
        "worker": {S.WAITING_FOR_PLACE} | SERVED,
    },
    "thread-pool": {"acceptor": {S.ACCEPTING, S.ACCEPTED, S.HANDING_OVER}, "worker": {S.WAITING} | SERVED},
    "recycling": {
        "worker": {S.ACCEPTING, S.ACCEPTED, S.HANDING_OVER, S.RECYCLING} | SERVED,
        "thread-maker": {S.WAITING, S.CREATING},
    },
    "event-loop": {"loop": {S.SELECTING, S.ACCEPTED, S.HANDLING, S.WRITING}},
    "event-loop-offload": {
        "loop": {S.SELECTING, S.ACCEPTED, S.HANDING_OVER, S.WAITING, S.WRITING},
        "worker": {S.WAITING, S.HANDLING, S.HANDING_OVER},
    },
}


def lines_of(server: Server) -> Lines:
    """What a watcher derives from the server's header."""
    found = Lines.of(Header.of(header(server, Roles(lambda frame: None))))
    assert found.problem == ""
    return found


def files_of(found: Lines) -> set[str]:
    return {found.file, *(call.file for call in found.calls)}


def place_of(record: ThreadRecord, files: set[str], frames: dict) -> Place | None:
    """The innermost line of the architecture's own code on the thread's stack; None: it is not there (yet)."""
    frame = frames.get(record.thread.ident) if record.thread else None
    while frame is not None and frame.f_code.co_filename not in files:
        frame = frame.f_back
    return frame and Place(frame.f_code.co_filename, frame.f_lineno)


def seen_under_the_gate(architecture: object, options: dict, clients: list[bytes]) -> dict[str, set[State]]:
    """Make one step after the other; after each, every thread that is held has to stand where it is derived to.

    The states in which a thread was seen on a line, by role.
    """
    seen: dict[str, set[State]] = {}
    gate = Gate()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(architecture, gate, **options))
        found = lines_of(server)
        files = files_of(found)
        visitors = [stack.enter_context(Client(server.port)) for _ in clients]
        for visitor, words in zip(visitors, clients, strict=True):
            visitor.send(words)

        def look() -> None:
            frames = sys._current_frames()
            for record in [*server.taskmaster.probe.records.values()]:
                place, state = place_of(record, files, frames), STATES[record.state]
                if place is None:
                    continue
                queue = record.taking.name if record.taking else ""
                standing = found.stands(record.role, state, queue)
                assert place in standing, (record.role, state, place, standing)
                seen.setdefault(record.role, set()).add(state)

        try:
            look()
            while step(gate):
                look()
            for visitor in visitors:
                visitor.sock.close()
            while step(gate):
                look()
        finally:
            gate.open()
    return seen


@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_is_held_at_a_gate_stands_on_the_line_that_is_derived(shape: str) -> None:
    architecture, options = SHAPES[shape]
    small = {"recycling": {"standby": 1}, "thread-per-connection": {"max_threads": 2}}.get(shape, {})
    # The first stay with their servers, the last make the others wait.
    stay, leave = get(), get("/yo", "Connection: close")
    seen = seen_under_the_gate(architecture, options | small, [stay, leave, leave, stay, stay, leave])
    assert {role: states & SEEN[shape][role] for role, states in seen.items()} == SEEN[shape]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_state_of_every_role_has_one_line_or_says_that_it_cannot_tell(shape: str) -> None:
    with serving(SHAPES[shape][0], **SHAPES[shape][1]) as server:
        found = lines_of(server)
    several = {
        (role, state)
        for role in SEEN[shape]
        for state in STATES
        if len(found.stands(role, state)) > 1 and state not in (S.STARTING, S.ACCEPTED)
    }
    # The loop writes what a worker handled in one line, what it handled itself in another.
    assert several == ({("loop", S.WRITING)} if shape.startswith("event-loop") else set())
    assert all(found.certain(role) for role in SEEN[shape])


@pytest.mark.parametrize("shape", SHAPES)
def test_under_load_no_thread_is_seen_on_another_line(shape: str) -> None:
    """Threads run freely; one that moved while it was looked at is passed over. It may have left its line, not come to
    another's: beyond where it stands, only the way to its next verb is allowed."""
    architecture, options = SHAPES[shape]
    looks: Counter[tuple[str, State]] = Counter()
    with serving(architecture, **options) as server:
        found = lines_of(server)
        files = files_of(found)
        with visiting(server.port, [get(), get("/yo", "Connection: close")]) as answered:
            patience = time.monotonic() + PATIENCE_S
            while answered() < 300 or looks.total() < 50:
                assert time.monotonic() < patience, (answered(), looks)
                for record in [*server.taskmaster.probe.records.values()]:
                    moves, state = record.moves, STATES[record.state]
                    place = place_of(record, files, sys._current_frames())
                    if place is None or record.moves != moves or state is S.ENDED:  # then another has its ident
                        continue
                    allowed = {*found.stands(record.role, state), *found.leaves(record.role, state)}
                    assert place in allowed, (record.role, state, place, allowed)
                    looks[record.role, state] += 1


@contextlib.contextmanager
def visiting(port: int, requests: list[bytes]) -> Iterator[Callable[[], int]]:
    """A client a thread that asks again and again, and how many were answered."""
    answered, stop = Counter(), threading.Event()

    def ask(name: int, words: bytes) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, AssertionError), Client(port) as client:
                client.send(words)
                client.answer()
                answered[name] += 1

    threads = [threading.Thread(target=ask, args=(name, words)) for name, words in enumerate(requests)]
    for thread in threads:
        thread.start()
    try:
        yield answered.total
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)


# ---- a student's own ------------------------------------------------------------------------------------------------

BASE = """
from teachserve import taskmaster


class Base(taskmaster.Taskmaster):
    accepting_role = "greeter"
    left = taskmaster.Queue()

    def start(self):
        self.begin(2)

    def begin(self, workers):
        self.spawn(self.greet, role=self.accepting_role)
        for _ in range(workers):
            self.spawn(self.work, role="worker")

    def greet(self):
        while True:
            connection = self.accept()
            if connection is None:
                break
            try:
                self.pass_on(connection)
            finally:
                pass

    def pass_on(self, connection):
        self.hand_over(connection, self.left)

    def work(self):
        while (connection := self.take(self.left)) is not None:
            self.serve(connection)
"""
MINE = """
from base_of_mine import Base
from teachserve.taskmaster import Queue


class Mine(Base):
    right = Queue()

    def start(self):
        super().start()
        self.spawn(self.look_after, role="keeper")

    def pass_on(self, connection):
        if connection.number % 2:
            super().pass_on(connection)
        else:
            self.hand_over(connection, self.right)

    def look_after(self):
        while (connection := self.take(
            self.right
        )) is not None:
            while (request := self.read(connection)) is not None:
                self.write(
                    self.handle(request))
            self.close(connection)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    (tmp_path / "base_of_mine.py").write_text(BASE)
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("mine").Mine
    for name in ("mine", "base_of_mine"):
        del sys.modules[name]


def number_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if words in line)


def test_helpers_bases_and_super_are_followed(mine: type) -> None:
    seen = seen_under_the_gate(mine, {}, [get("/yo", "Connection: close"), get(), get()])
    assert seen["greeter"] >= {S.ACCEPTING, S.ACCEPTED, S.HANDING_OVER}
    assert seen["worker"] >= {S.WAITING} | SERVED
    assert seen["keeper"] >= {S.WAITING} | SERVED
    with serving(mine) as server:
        found = lines_of(server)
    folder = Path(found.file).parent
    assert found.stands("worker", S.WAITING) == (
        Place(str(folder / "base_of_mine.py"), number_of(BASE, "self.take(self.left)")),
    )
    assert {Path(place.file).name for place in found.stands("greeter", S.HANDING_OVER)} == {
        "mine.py",
        "base_of_mine.py",
    }
    # Who reads, handles and writes by hand may read in the handler too: shared.
    assert [place.line for place in found.stands("keeper", S.READING)] == [
        number_of(MINE, "self.read(connection)"), number_of(MINE, "self.handle(request)"),
    ]  # fmt: skip
    assert found.stands("keeper", S.WAITING, "right") == found.stands("keeper", S.WAITING)
    assert found.stands("keeper", S.WAITING, "left") == ()


UNCERTAIN = {
    "take = self.take; take(self.left)": "take is passed on",
    "help_me(self)": "self is passed on",
    "self.unheard_of()": "unheard_of is no verb",
    "(lambda: self.accept())()": "a function inside",
    "self.spawn(self.work, role=name)": "the role that is spawned",
    "self.spawn(self.choose(), role='worker')": "what is spawned",
}


def derived(folder: Path, body: str, bases: str = "Taskmaster") -> Lines:
    """The lines of a class whose workers do this."""
    text = (
        "from teachserve.taskmaster import Taskmaster, Queue\n"
        f"class Own({bases}):\n"
        "    left, right = Queue(), Queue()\n"
        "    def start(self):\n"
        "        self.spawn(self.work, role='worker')\n"
        "    def choose(self):\n"
        "        return None\n"
        "    def work(self):\n" + "".join(f"        {line}\n" for line in body.split("\n"))
    )
    file = folder / "own.py"
    file.write_text(text)
    return Lines.of(source_header(file))


def source_header(file: Path, **changes: object) -> Header:
    later = datetime.now(UTC).isoformat(timespec="seconds")
    return Header.of({"source_file": str(file), "source_class": "Own", "started": later} | changes)


@pytest.mark.parametrize("words", UNCERTAIN)
def test_what_cannot_be_followed_is_said_and_nothing_is_certain_then(words: str, tmp_path: Path) -> None:
    found = derived(tmp_path, f"self.accept()\n{words}")
    assert not found.certain("worker")
    assert UNCERTAIN[words] in " ".join(map(str, found.roles["worker"].unread))
    tallies, nowhere = found.tally([view(1, S.ACCEPTING)])
    assert (nowhere, [tally.certain.total() for tally in tallies.values()]) == ([], [0])


def test_a_base_class_that_is_not_found_is_said(tmp_path: Path) -> None:
    found = derived(tmp_path, "self.accept()", bases="Unheard")
    assert "the base class Unheard of Own cannot be read" in " ".join(map(str, found.roles["worker"].unread))


def test_two_lines_share_a_thread_unless_its_queue_tells_them_apart(tmp_path: Path) -> None:
    found = derived(
        tmp_path, "while True:\n    self.serve(self.take(self.left))\n    self.serve(self.take(self.right))"
    )
    first, second = 10, 11
    places = (Place(found.file, first), Place(found.file, second))
    assert found.stands("worker", S.WAITING, "left") == places[:1]
    assert found.stands("worker", S.WAITING, "right") == places[1:]
    tallies, nowhere = found.tally(
        [view(1, S.READING), view(2, S.READING), view(3, S.WAITING, queue="right"), view(4, S.LINGERING, role="closer")]
    )
    assert {place.line: (dict(tally.certain), dict(tally.shared)) for place, tally in tallies.items()} == {
        first: ({}, {S.READING: 2}),
        second: ({S.WAITING: 1}, {S.READING: 2}),
    }
    assert [one.role for one in nowhere] == ["closer"]


def view(number: int, state: State, role: str = "worker", queue: str = "") -> ThreadView:
    return ThreadView(number, role, 0, state, None, 0, 0, 0, 0, 0, queue=queue)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda file: file.unlink(), "own.py cannot be read here: No such file or directory"),
        (lambda file: os.utime(file, (2e9, 2e9)), "own.py is younger than the server, which may run an older text"),
        (lambda file: file.write_text("class Own(:"), "no thread can be given a line of own.py: invalid syntax"),
        (lambda file: file.write_text("x = 1"), "there is no class Own in it"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "own.py cannot be read here: "),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_runs_is_said(spoil: Callable, says: str, tmp_path: Path) -> None:
    derived(tmp_path, "self.accept()")
    file = tmp_path / "own.py"
    spoil(file)
    found = Lines.of(source_header(file))
    assert says in found.problem
    assert found.stands("worker", S.ACCEPTING) == ()
    assert Lines.of(source_header(tmp_path / "own.py", source_file="")).problem


def test_a_server_of_another_machine_has_the_lines_of_the_same_text_here() -> None:
    ours = PACKAGE / "architectures" / "recycling.py"
    its = "/elsewhere/teachserve/lib/teachserve/architectures/recycling.py"
    told = {"source_class": "Recycling", "started": "2020-01-01T00:00:00+00:00"}
    found = Lines.of(source_header(Path(its), sources={its: digest_of(ours)}, **told))
    assert (found.file, found.text[0]) == (str(ours), ours.read_text().splitlines()[0])
    for sources in ({its: "another text"}, {"/mine.py": digest_of(ours)}):
        other = Lines.of(source_header(Path(its), sources=sources, **told))
        assert other.problem == "recycling.py cannot be read here: No such file or directory"


def test_a_file_is_held_against_what_the_server_told_of_it_however_old_it_is(tmp_path: Path) -> None:
    derived(tmp_path, "self.accept()")
    file = tmp_path / "own.py"
    told = source_header(file, sources={str(file): digest_of(file)})
    os.utime(file, (2e9, 2e9))
    assert Lines.of(told).stands("worker", S.ACCEPTING)
    file.write_text(file.read_text() + "\n")
    os.utime(file, (0, 0))
    assert Lines.of(told).problem == "own.py has changed since the server read it, which runs the older text"
