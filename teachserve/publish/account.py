"""What the server says of itself at one moment: the header, and the table of absolute values."""

import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from teachserve.connection import Connection
from teachserve.digest import digest_of
from teachserve.events import MARKS, ROW_WORDS, ROWS, SERVING, STATES
from teachserve.interpreter import gil_enabled
from teachserve.message import Request, Response
from teachserve.probe import ThreadRecord
from teachserve.publish.watcher import Frame
from teachserve.queues import NamedQueue

if TYPE_CHECKING:
    from teachserve.server import Server

FORMAT = 1


class Roles:
    """Every role by its number in the frames. `tell` gets the frame that names a new one, before its number is used."""

    def __init__(self, tell: Callable[[Frame], None]):
        self._tell = tell
        self._roles: list[str] = []

    def number(self, role: str) -> int:
        """The role's number."""
        if role not in self._roles:
            self._roles.append(role)
            self._tell(self.frame())
        return self._roles.index(role)

    def known(self) -> list[str]:
        """The roles in the order of their numbers."""
        return list(self._roles)

    def frame(self) -> Frame:
        """The frame that names them all."""
        return {"frame": "roles", "roles": self.known()}


def header(server: "Server", roles: Roles) -> Frame:
    """Who serves where and with what, and what the other frames are made of. The first frame of each watcher."""
    taskmaster, probe = server.taskmaster, server.taskmaster.probe
    return {
        "frame": "header",
        "format": FORMAT,
        "process": os.getpid(),
        "architecture": server.architecture,
        "accepting_role": taskmaster.accepting_role,
        "host": server.options.host,
        "port": server.port,
        "options": server.options.values,
        "python": platform.python_version(),
        "gil": gil_enabled(),
        "machine": platform.machine(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "epoch_ns": probe.epoch_ns,
        "clock": "us since epoch_ns, CLOCK_MONOTONIC",
        "states": [state.value for state in STATES],
        "marks": [mark.value for mark in MARKS],
        "roles": roles.known(),
        "queues": list(taskmaster.queues),
        "words_descriptor": probe.descriptor,
        "rows": ROWS,
        "row_words": ROW_WORDS,
        "listener_descriptor": taskmaster.listener_descriptor,
        "source_file": sys.modules[type(taskmaster).__module__].__file__,
        "source_class": type(taskmaster).__name__,
        "sources": sources(type(taskmaster)),
    }


@cache
def sources(architecture: type) -> dict[str, str]:
    """File -> digest, of each file that the class is made of and that can be read: that of the first call.

    Somebody may change a file while the server runs what was in it.
    """
    files = {getattr(sys.modules[kind.__module__], "__file__", None) for kind in architecture.__mro__}
    found = {}
    for file in sorted(filter(None, files)):
        with suppress(OSError):  # it comes out of an archive, or is gone: then nobody can hold it against anything
            found[file] = digest_of(file)
    return found


def table(server: "Server", roles: Roles, take_ended: Callable[[], list[ThreadRecord]]) -> Frame:
    """Every thread and every sum as of now. `take_ended` gives the threads whose end no table has told yet."""
    taskmaster, probe = server.taskmaster, server.taskmaster.probe
    with taskmaster.lock:
        alive = list(probe.records.values())
        ended = take_ended()
        flows, statuses, times = dict(probe.flows), dict(probe.statuses), list(probe.times)
        requests, recycled = probe.requests, probe.recycled
        counts = taskmaster.counts
        counters = {
            "accepting": counts.accepting,
            "waiting_for_place": counts.queueing,
            "threads": counts.live.total() + counts.lower,
            "made": counts.made,
            "ended": counts.ended,
            "surplus": counts.surplus,
            "broken": counts.broken,
            "refused_threads": counts.refused_threads,
            "connections": counts.connections,
            "refused": counts.refused,
            "admitted": counts.admitted,
            "placed": counts.placed,
        }
        queued = [(tuple(queue.items), queue.handed_over, queue.takers) for queue in taskmaster.queues.values()]
    now = probe.now_us()
    lost = probe.lost
    positions = {queue: position for position, queue in enumerate(taskmaster.queues.values())}
    watched = watched_in_progress = 0
    rows = []
    for record in alive:
        for move, count in record.flows.copy().items():
            flows[move] = flows.get(move, 0) + count
        for status, count in record.statuses.copy().items():
            statuses[status] = statuses.get(status, 0) + count
        times = [total + own for total, own in zip(times, record.times, strict=True)]
        requests += record.requests
        recycled += record.recycled
        lost += record.lost
        if (loop := record.loop) is not None:
            seats, in_progress = loop.watched()
            watched += seats
            watched_in_progress += in_progress
        rows.append(_row(record, server, roles, positions))
    rows += [_row(record, server, roles, positions) for record in ended]
    counters |= {
        "serving": sum(STATES[record.state] in SERVING for record in alive),
        "requests": requests,
        "recycled": recycled,
        "watched": watched,
        "watched_in_progress": watched_in_progress,
        "lingering": taskmaster.closer.lingering,
        "hurried": taskmaster.closer.hurried,
        "lost_events": lost,
    }
    return {
        "frame": "table",
        "at": now,
        "threads": rows,
        "flows": [(move >> 8, move & 255, count) for move, count in flows.items()],
        "times": [spent // 1000 for spent in times],
        "queues": [(len(items), ever, takers, _connections(items)) for items, ever, takers in queued],
        "counters": counters,
        "statuses": statuses,
        "options": {name: server.options.values[name] for name in server.changeable},
        "slow_s": taskmaster.slow_s,
        "phase": _phase(server),
    }


def _connections(items: tuple[object, ...]) -> int:
    """How many of a queue's items a client waits for; the others are the threads' own affair."""
    return sum(isinstance(item, (Connection, Request, Response)) for item in items)


def _phase(server: "Server") -> str:
    if server.report is not None:
        return "abandoned" if server.report.abandoned else "stopped"
    return "stopping" if server.taskmaster.stopping else "serving"


def _row(record: ThreadRecord, server: "Server", roles: Roles, positions: dict[NamedQueue, int]) -> tuple:
    since = server.taskmaster.probe.us(record.since) if record.since >= 0 else -1
    return (record.number, roles.number(record.role), record.native, record.state, record.moves, since, record.connection,
            record.requests, record.connections, record.recycled, positions.get(record.taking, -1))  # fmt: skip
