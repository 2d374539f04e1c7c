"""A demo in this process, without a screen and without a guard: real servers, a real load, a feed that is read."""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from teachserve.demo.endings import Endings
from teachserve.demo.feed import Feed
from teachserve.demo.guard import PROCESSES, Guarded
from teachserve.demo.headless import Reader
from teachserve.demo.load_line import LoadLine
from teachserve.demo.picture import Picture
from teachserve.demo.supervisor import Plan, Supervisor
from teachserve.observe.link import Link

PATIENCE_S = 30.0
"""No test waits so long; it is there so that a broken one fails instead of hanging."""


def ours() -> set[int]:
    """The processes that this one has started and that are still there. (`children` knows those of one thread.)"""
    told = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parent = stat.read_text().rpartition(")")[2].split()[1]
            told |= {int(stat.parent.name)} if int(parent) == os.getpid() else set()
    return told


class Demo:
    """It, from when the load runs."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.endings = Endings()
        self.supervisor = Supervisor(plan, Guarded("demo", folder, -1), self.endings)
        self.supervisor.start_server()
        link = self.supervisor.link()
        child = self.supervisor.start_load(link.header["host"], link.header["port"])
        self.load = LoadLine(child, plan.load)
        self.supervisor.began()
        self.feed = Feed(link, self.supervisor, self.load)
        self.controls = self.feed.controls
        self.newest: Picture | None = None
        self._seen = threading.Condition()
        self.reader = Reader(self.feed, self, self.endings)

    def see(self, picture: Picture) -> None:
        """The reader has another picture."""
        with self._seen:
            self.newest = picture
            self._seen.notify_all()

    def until(self, condition: Callable[[Picture], object]) -> Picture:
        """The first picture from now on of which this is true."""
        with self._seen:
            assert self._seen.wait_for(lambda: self.newest and condition(self.newest), PATIENCE_S), self.newest
            return self.newest

    def under_load(self, architecture: str = "") -> Picture:
        """Until a server of this architecture answers the load."""
        return self.until(
            lambda picture: (
                picture.snapshot.header.architecture == (architecture or self.supervisor.plan.architecture)
                and picture.snapshot.phase == "serving"
                and picture.snapshot.counters["requests"] > 20
            )
        )

    def idle(self) -> None:
        """Until no restart is under way any more."""
        for thread in threading.enumerate():
            if thread.name == "restart":
                thread.join(PATIENCE_S)
                assert not thread.is_alive()

    def take_over(self, link: Link) -> None:
        """What a restart does once the new server listens."""
        self.feed.follow(link)
        self.load.move(link.header["host"], link.header["port"])

    def noted(self) -> set[int]:
        """The processes that the guard knows."""
        return set(json.loads((self.folder / PROCESSES).read_text()).values())

    def ended_load(self) -> dict:
        """The load's result, after its end."""
        self.supervisor.end_load()
        return self.load.wait_for_result(PATIENCE_S)

    def log(self) -> list[str]:
        return [line.text for line in self.newest.snapshot.log]


@contextlib.contextmanager
def running(
    folder: Path, architecture: str = "recycling", load: dict | None = None, **options: object
) -> Iterator[Demo]:
    """A demo, and afterwards nothing of it: no process, no thread."""
    before, processes = set(threading.enumerate()), ours()
    load = {"path": "/yo", "connections": 20, "keep_alive": False, "rate": None} | (load or {})
    demo = Demo(folder, Plan(architecture, options, load))
    try:
        yield demo
    finally:
        demo.supervisor.end()
        demo.feed.close()
        demo.reader.join(PATIENCE_S)
        for thread in set(threading.enumerate()) - before:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), thread
        assert ours() <= processes
