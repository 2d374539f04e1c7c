"""One side as it runs: its server and its load generator, and what the two tell."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic_ns
from typing import Any

from teachserve.compare.plan import ComparePlan
from teachserve.compare.sides import Side
from teachserve.compare.view import LIVE, OVER, SideView
from teachserve.demo.child import Child
from teachserve.demo.endings import BROKEN, Ending, Endings
from teachserve.demo.feed import queue_of
from teachserve.demo.guard import Guarded
from teachserve.demo.supervisor import StartError, Supervisor
from teachserve.observe.link import Link
from teachserve.observe.model import Model
from teachserve.observe.places import waiting
from teachserve.observe.proc import process_cpu

KEPT_VIEWS = 1200
WINDOW_S = 1.0


class Processes:
    """Notes the processes of both sides in one place, where the guard looks for them."""

    def __init__(self, guarded: Guarded) -> None:
        self.guarded = guarded
        self._noted: dict[str, int] = {}
        self._lock = threading.Lock()

    def note(self, letter: str, processes: dict[str, int]) -> None:
        """These are this side's now."""
        with self._lock:
            kept = {what: process for what, process in self._noted.items() if not what.startswith(f"{letter}'s ")}
            self._noted = kept | {f"{letter}'s {what}": process for what, process in processes.items()}
            self.guarded.note_processes(self._noted)


class SideFolder:
    """A side's part of what the guard keeps: a folder of its own."""

    def __init__(self, processes: Processes, letter: str) -> None:
        self.folder: Path = processes.guarded.folder / letter
        self.folder.mkdir(mode=0o700)
        self._processes = processes
        self._letter = letter

    def note_processes(self, processes: dict[str, int]) -> None:
        """Tell the guard which processes it would have to wait for."""
        self._processes.note(self._letter, processes)


class SideEndings:
    """Reasons to end go to the one who waits for them; here is only asked whether to go on."""

    def __init__(self, endings: Endings) -> None:
        self.over = threading.Event()
        self.end = endings.end

    def wait(self, timeout: float | None = None) -> Ending | None:
        """A reason not to wait for a server any longer."""
        return Ending(BROKEN, "the comparison is ending") if self.over.is_set() else None


class SideSupervisor(Supervisor):
    """Starts and ends a side's processes. That a load generator comes to the end of its plan is no surprise."""

    def __init__(self, side: Side, plan: ComparePlan, folder: SideFolder, endings: SideEndings) -> None:
        super().__init__(plan.start(side), folder, endings)
        self.side = side

    def _ended(self, child: Child) -> None:
        if self._ending or (child is self.load and child.status == 0):
            return
        if self._began.is_set():
            self._culprit = self._culprit or child
            self.endings.end(Ending(BROKEN, f"side {self.side.name}: {child.how()}: the comparison has ended"))

    def complaints(self) -> list[str]:
        """What the side's processes have to complain about."""
        return [f"{self.side.letter}'s {line}" for line in super().complaints()]


class SideRun:
    """A side's whole run, in the order of its methods. `tell` gets its load generator's outcomes, in another thread.

    Both servers are watched without the kernel's witness: it would take its share of the cores that they have between them.
    """

    def __init__(self, supervisor: SideSupervisor, tell: Callable[[list[int]], None]) -> None:
        self.supervisor = supervisor
        self.side = supervisor.side
        self.view = SideView(self.side)
        self.recorded: list[SideView] = []
        self.result: dict[str, Any] | None = None
        self.begun = 0
        self.lost = 0
        self.late_s = 0.0
        self.cpu_s: float | None = None
        """CPU time of the server from before the plan's beginning to its end."""
        self.load_over = threading.Event()
        self._tell = tell
        self._progress: dict[str, Any] = {}
        self._begin_ns: int | None = None
        self._every = 1
        self._tables = 0
        self._link: Link | None = None
        self._threads: list[threading.Thread] = []
        self._cpu: deque[tuple[int, float]] = deque()

    def listen(self) -> None:
        """Wait until the server listens, and read what it tells from then on. Raises: StartError."""
        self._link = self.supervisor.link()
        gil = self._link.header["gil"]
        if self.side.gil not in (None, gil):
            raise StartError(
                BROKEN, f"side {self.side.name}: its Python has the GIL {'on' if gil else 'off'} all the same"
            )
        self._start(self._read_frames, "frames")

    def put_load(self, begin_ns: int) -> None:
        """Start the load generator, which keeps to the plan from `begin_ns` on."""
        supervisor, header = self.supervisor, self._link.header
        supervisor.plan = replace(supervisor.plan, load=supervisor.plan.load | {"begin_ns": begin_ns})
        self._cpu_began = process_cpu(header["process"])
        child = supervisor.start_load(header["host"], header["port"])
        supervisor.began()
        self._start(self._read_load, "load", child)
        self._begin_ns = begin_ns

    def end(self) -> None:
        """Take the side's processes down, and read what they say until then. It may be called again."""
        self.supervisor.end()
        if self._link is not None:
            self._link.close()
        for thread in self._threads:
            thread.join()
        self.view = replace(self.view, turn=OVER)

    def _start(self, what: Callable, name: str, *arguments: object) -> None:
        thread = threading.Thread(target=what, name=f"{name}-{self.side.letter}", args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _read_load(self, child: Child) -> None:
        for line in child.process.stdout:
            with contextlib.suppress(ValueError):  # half a line: the generator was killed
                told = json.loads(line)
                match told.pop("frame"):
                    case "outcomes":
                        self.begun, self.lost, self.late_s = told["begun"], told["lost"], told["late_s"]
                        self._tell(told["outcomes"])
                    case "result":
                        self._note_cpu()
                        self.result = told
                    case _:
                        self._progress = told
        self.load_over.set()

    def _note_cpu(self) -> None:
        now = process_cpu(self._link.header["process"])
        if now is not None and self._cpu_began is not None:
            self.cpu_s = now - self._cpu_began

    def _read_frames(self) -> None:
        model = Model()
        for frame in self._link.frames():
            model.apply(frame)
            if frame["frame"] in ("table", "end", "gone"):
                self._look(model)

    def _look(self, model: Model) -> None:
        snapshot = model.snapshot()
        header, told = snapshot.header, self._progress
        queue = queue_of(header)
        queued = None if queue.unavailable else queue.length
        self.view = SideView(
            side=self.side,
            turn=LIVE if self.result is None else OVER,
            gil=header.gil,
            python=header.python,
            at_s=-1.0 if self._begin_ns is None else (monotonic_ns() - self._begin_ns) / 1e9,
            snapshot=snapshot,
            waiting=tuple(waiting(snapshot, queued)),
            queued=queued,
            answered_per_s=0.0 if self.result else told.get("per_s", 0.0),
            p50=None if self.result else told.get("p50"),
            p99=None if self.result else told.get("p99"),
            cpu=self._cpu_share(header.process),
            client_cpu=0.0 if self.result else told.get("client_cpu", 0.0),
        )
        if self.result is None and self.view.at_s >= 0:
            self._record()

    def _cpu_share(self, process: int) -> float | None:
        now, used = monotonic_ns(), process_cpu(process)
        if used is None:
            return None
        self._cpu.append((now, used))
        while len(self._cpu) > 2 and now - self._cpu[1][0] >= WINDOW_S * 1e9:
            self._cpu.popleft()
        then, used_then = self._cpu[0]
        return (used - used_then) / (now - then) * 1e9 if now > then else None

    def _record(self) -> None:
        """Keep each table, and of a long run every second, fourth, ... one."""
        if self._tables % self._every == 0:
            self.recorded.append(self.view)
            if len(self.recorded) >= KEPT_VIEWS:
                self.recorded = self.recorded[::2]
                self._every *= 2
        self._tables += 1
