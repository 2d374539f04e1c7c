"""Records every verb that an architecture's threads call, and from which line, without a word in the architecture's file.

A subclass, made when it is needed, whose verbs note the caller's line and then do what they always do. What a verb calls
inside is the verb's own affair and is not noted, but for the read, handle and write of `serve`. Each thread counts for
itself, so that nobody waits for anybody and nothing leans on the GIL; what is kept is one number a move.
"""

import sys
import threading
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from teachserve.connection import Connection
from teachserve.diagram.observed import Call, Move, Observed, Spot
from teachserve.diagram.wording import project_file
from teachserve.driver import Driver
from teachserve.errors import Abandoned
from teachserve.message import Request, Response
from teachserve.queues import NamedQueue
from teachserve.taskmaster import Taskmaster
from teachserve.topology.topology import BEGIN, END, Step, Topology
from teachserve.topology.verbs import ANNOUNCES, ON_A_QUEUE, QUIET

_OPENED = "serve"
_VERBS = tuple(sorted((ANNOUNCES.keys() | QUIET) - {_OPENED, "spawn"}))
_Site = tuple[str, CodeType, int, str, str, str]


class Recording:
    """What the threads of any number of servers with one architecture have done."""

    def __init__(self, topology: Topology, architecture: type[Taskmaster]) -> None:
        self._steps: defaultdict[tuple[str, str, str, str], list[Step]] = defaultdict(list)
        for role in topology.roles:
            for step in role.steps:
                self._steps[role.name, step.verb, step.within, _same(step.file)].append(step)
        self._ends = {role.name: role.steps[-1].index for role in topology.roles}
        self._derived = {(role.name, edge.before, edge.after) for role in topology.roles for edge in role.edges}
        self._files = {_same(step.file) for role in topology.roles for step in role.steps}
        self._spots: dict[_Site, Spot] = {}
        self._local = threading.local()
        self._lock = threading.Lock()  # guards the two below
        self._live: set[_Life] = set()
        self._ended = Observed()
        self.recorded = _recorded(self, architecture)
        """The architecture, to be given to a Server."""

    def observed(self) -> Observed:
        """Everything up to now, of threads that still run too."""
        with self._lock:
            moves, broke = Counter(self._ended.moves), Counter(self._ended.broke)
            for life in self._live:
                moves.update(life.moves.copy())
        return Observed(moves, broke)

    # ---- called by the threads that are recorded ---------------------------------------------------------------

    @property
    def here(self) -> "_Life | None":
        """The life of the thread that calls; None where it has none, or is in a verb already."""
        life = getattr(self._local, "life", None)
        return None if life is None or life.inside else life

    def live(self, role: str, method: Callable[..., None], args: tuple) -> None:
        """A recorded thread's whole life."""
        life = self._local.life = _Life(role, 0 if role in self._ends else Call(BEGIN))
        with self._lock:
            self._live.add(life)
        broke = ""
        try:
            method(*args)
            life.come_to(self._ends.get(role, Call(END)))
        except Abandoned:
            raise
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if _same(frame.filename) in self._files]
            if own[-1:] == frames[-1:] and self._may_end(life):
                life.come_to(self._ends[role])
            else:
                where = (own or frames)[-1]  # what a verb was given wrongly is to be mended where it is called
                broke = f"{type(error).__name__} in line {where.lineno} of {project_file(where.filename)}"
            raise
        finally:
            del self._local.life
            with self._lock:
                self._live.discard(life)
                self._ended.moves.update(life.moves)
                if broke:
                    self._ended.broke[role, life.spot, broke] += 1

    def call(self, life: "_Life", verb: str, frame: FrameType, run: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Note a verb that is called in this frame, and call it."""
        queue = next((one.name for one in (*args, *more.values()) if isinstance(one, NamedQueue)), "")
        life.come_to(self._spot(life.role, frame, verb, queue if verb in ON_A_QUEUE else "", ""))
        return life.within(run, *args, **more)

    def inner(self, life: "_Life", frame: FrameType, verb: str) -> None:
        """Note a verb of the `serve` that is called in this frame."""
        life.come_to(self._spot(life.role, frame, verb, "", _OPENED))

    def _may_end(self, life: "_Life") -> bool:
        """Whether it is derived that it may end here: then it raised what its source raises."""
        return (life.role, life.spot, self._ends.get(life.role)) in self._derived

    def _spot(self, role: str, frame: FrameType, verb: str, queue: str, within: str) -> Spot:
        site = role, frame.f_code, frame.f_lasti, verb, queue, within
        spot = self._spots.get(site)
        if spot is None:
            spot = self._spots[site] = self._find(role, frame, verb, queue, within)
        return spot

    def _find(self, role: str, frame: FrameType, verb: str, queue: str, within: str) -> Spot:
        file = frame.f_code.co_filename
        steps = self._steps.get((role, verb, within, _same(file)), [])
        _, end_line, _, end_column = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
        if end_column is None:  # the interpreter was told to keep no columns
            steps = [step for step in steps if step.line == frame.f_lineno]
        else:
            steps = [step for step in steps if step.ends == (end_line, end_column)]
        found = [step for step in steps if step.queue in (queue, "")]
        return found[0].index if found else Call(verb, file, frame.f_lineno)


class _Life:
    """Where one thread is, whether a verb is at work in it, and its moves so far."""

    def __init__(self, role: str, spot: Spot) -> None:
        self.role, self.spot = role, spot
        self.inside = False
        self.moves: dict[Move, int] = {}

    def come_to(self, spot: Spot) -> None:
        """Its next verb, or its end."""
        move = Move(self.role, self.spot, spot)
        self.moves[move] = self.moves.get(move, 0) + 1
        self.spot = spot

    def within(self, run: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Run a verb; what it calls is its own."""
        self.inside = True
        try:
            return run(*args, **more)
        finally:
            self.inside = False


class _Watched:
    """A driver that notes what `serve` has it do."""

    def __init__(self, note: Callable[[str], None], driver: Driver) -> None:
        self._note, self._driver = note, driver

    def read(self, connection: Connection) -> Request | None:
        self._note("read")
        return self._driver.read(connection)

    def handle(self, request: Request) -> Response:
        self._note("handle")
        return self._driver.handle(request)

    def write(self, response: Response) -> None:
        self._note("write")
        self._driver.write(response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def _recorded(recording: Recording, architecture: type[Taskmaster]) -> type[Taskmaster]:
    """The architecture with verbs that note themselves.

    They stand between the architecture and the verbs, where `super()` finds them too. A Taskmaster refuses a subclass that
    hides a name of its own, so an instance becomes one of these only once it is made.
    """

    def spawn(self: Taskmaster, method: Callable[..., None], *args: object, role: str) -> bool:
        if not isinstance(method, _Recorded):  # one that broke is spawned again as it was
            method = _Recorded(recording, role, method)
        life, run = recording.here, super(noting, self).spawn
        if life is None:
            return run(method, *args, role=role)
        return recording.call(life, "spawn", sys._getframe(1), run, method, *args, role=role)

    def serve(self: Taskmaster, connection: object) -> None:
        life, run = recording.here, super(noting, self).serve
        if life is None:
            run(connection)
            return
        me = self.this_thread
        driver = me.driver
        me.driver = _Watched(partial(recording.inner, life, sys._getframe(1)), driver)
        try:
            life.within(run, connection)
        finally:
            me.driver = driver

    def verb(name: str) -> Callable[..., Any]:
        def noted(self: Taskmaster, *args: Any, **more: Any) -> Any:
            life, run = recording.here, getattr(super(noting, self), name)
            if life is None:
                return run(*args, **more)
            return recording.call(life, name, sys._getframe(1), run, *args, **more)

        return noted

    verbs = {name: verb(name) for name in _VERBS} | {"spawn": spawn, "serve": serve}
    noting = type("Noting", (Taskmaster,), verbs)

    def begin(self: Taskmaster, *args: Any, **more: Any) -> None:
        super(made, self).__init__(*args, **more)
        self.__class__ = running

    named = {"__module__": architecture.__module__, "__qualname__": architecture.__qualname__}
    running = type(architecture.__name__, (architecture, noting), dict(named))
    made = type(architecture.__name__, (architecture,), named | {"__init__": begin})
    return made


class _Recorded:
    """What a recorded thread runs."""

    def __init__(self, recording: Recording, role: str, method: Callable[..., None]) -> None:
        self._recording, self._role, self._method = recording, role, method

    def __call__(self, *args: object) -> None:
        self._recording.live(self._role, self._method, args)


def _same(file: str) -> str:
    """One name for a file, however it was found."""
    return str(Path(file).resolve()) if file else ""
