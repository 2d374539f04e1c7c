"""One thread seen close up, when a watcher asks: where in the Python code it stands, and for whom."""

import linecache
import sys
from types import FrameType
from typing import TYPE_CHECKING

from teachserve.connection import Connection
from teachserve.errors import TeachserveError
from teachserve.interpreter import gil_enabled
from teachserve.probe import ThreadRecord
from teachserve.publish.watcher import Frame

if TYPE_CHECKING:
    from teachserve.server import Server


def find(server: "Server", number: object) -> ThreadRecord:
    """The record of this thread. Raises: TeachserveError where there is none."""
    taskmaster = server.taskmaster
    with taskmaster.lock:
        record = taskmaster.probe.records.get(number)
    if record is None:
        raise TeachserveError(f"there is no thread {number}: it has ended, or was never made")
    return record


def inspect(server: "Server", number: object) -> Frame:
    """Its stack, outermost first, as [file, line, function, source line]; its connection; its time by state in us.

    Without the GIL there is no stack: the thread takes its frames down while they are read, and the process dies of it.
    A stay counts when it is over, as in the tables. Raises: TeachserveError where there is no such thread.
    """
    record = find(server, number)
    probe = server.taskmaster.probe
    readable = record.thread is not None and gil_enabled()
    stack = _stack(sys._current_frames().get(record.thread.ident)) if readable else []
    connection = _connection(record)
    return {
        "thread": record.number,
        "at": probe.now_us(),
        "stack": stack,
        "peer": "" if connection is None else _address(connection.peer),
        "connection": record.connection,
        "times_us": [spent // 1000 for spent in record.times],
    }


def _stack(frame: FrameType | None) -> list[tuple[str, int, str, str]]:
    """The thread runs on meanwhile: what it is about to leave may still be told."""
    stack = []
    while frame is not None:
        file, line, code = frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code
        stack.append((file, line, code.co_name, linecache.getline(file, line).strip()))
        frame = frame.f_back
    return stack[::-1]


def _connection(record: ThreadRecord) -> Connection | None:
    """The connection in its hands; an event loop's is one of many."""
    pending, loop = record.pending, record.loop  # once: the thread runs on
    if pending is not None:
        return pending.connection
    return record.held if loop is None else loop.watching(record.connection)


def _address(peer: tuple | str | None) -> str:
    match peer:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ""
