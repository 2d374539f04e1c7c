"""The server's side of the link: frames to whoever watches, commands from them.

A watcher is another process. It can be slow, stopped or gone, and the server must not notice: each has a sender thread of
its own behind a bounded queue of encoded frames; where that is full the frame is dropped whole and its loss counted, and
the next absolute values repair the picture. The link is `multiprocessing.connection` over AF_UNIX with an HMAC key, and
carries JSON, never pickle.
"""

import contextlib
import json
import logging
import os
import platform
import secrets
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing import connection as link
from pathlib import Path
from typing import TYPE_CHECKING

from teachserve.errors import TeachserveError
from teachserve.events import MARKS, ROW_WORDS, ROWS, SERVING, STATES
from teachserve.probe import STREAM, TABLE, UNWATCHED, ThreadRecord

if TYPE_CHECKING:
    from teachserve.server import Server

FORMAT = 1
PERIOD_S = 0.1
MOST_FRAMES = 128
"""Encoded frames that may wait for one watcher."""
MOST_EVENTS = 2000
"""Events encoded in one call: json holds the GIL."""
FAREWELL_S = 1.0
"""How long the last frames may take to reach a watcher that reads."""
LEVELS = {"table": TABLE, "stream": STREAM}

Frame = dict[str, object]


class _Watcher:
    """One watcher: its level, its queue of encoded frames, the thread that sends them."""

    def __init__(self, wire: link.Connection):
        self.wire = wire
        self.level = TABLE
        self.serial = 0
        self.lost_frames = self.lost_events = 0
        self.frames: deque[bytes] = deque()
        self.changed = threading.Condition()
        self.closing = False
        self.gone = False
        self.repair = False  # what it lost may have named a role

    def put(self, frame: Frame, events: int = 0) -> None:
        """Queue a frame; dropped and counted where the queue is full. Never waits."""
        with self.changed:
            self.serial += 1
            if len(self.frames) >= MOST_FRAMES or self.gone:
                self.lost_frames += 1
                self.lost_events += events
                return
            if self.lost_frames:
                lost = {"frame": "lost", "frames": self.lost_frames, "events": self.lost_events}
                self.lost_frames = self.lost_events = 0
                self.frames.append(json.dumps({"serial": self.serial, **lost}).encode())
                self.serial += 1
                self.repair = True
            self.frames.append(json.dumps({"serial": self.serial, **frame}, separators=(",", ":")).encode())
            self.changed.notify()

    def send_all(self) -> None:
        """The sender thread's life: blocks on this watcher, and on no other."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.frames or self.closing or self.gone)
                if self.gone or not self.frames:
                    break
                data = self.frames.popleft()
            try:
                self.wire.send_bytes(data)
            except OSError:
                break
        with self.changed:
            self.gone = True
            self.changed.notify_all()
        self.wire.close()


class Publisher:
    """Publishes one server to any number of watchers. `commands` maps a command's name to what carries it out.

    `link_file` appears when the link is ready (mode 0600: it holds the key); the socket lies beside it. Both are removed
    by `close`.

    Raises: TeachserveError where they cannot be made.
    """

    def __init__(self, server: "Server", link_file: Path, commands: dict[str, Callable[..., object]]):
        self._server = server
        self._taskmaster = server.taskmaster
        self._probe = server.taskmaster.probe
        self._commands = commands
        self._link_file = link_file
        self._socket_path = link_file.with_name(link_file.name + ".sock")
        self._key = secrets.token_bytes(32)
        self._watchers: list[_Watcher] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._offsets: dict[int, int] = {}
        self._told_lost: dict[int, int] = {}
        self._born: set[int] = set()
        self._roles: list[str] = []
        self._streamed_out: list[ThreadRecord] = []  # ended, their last events sent, and not yet in a table
        self._log = _LogFrames(self)
        try:
            self._listener = link.Listener(str(self._socket_path), "AF_UNIX")
            self._write_link_file()
        except OSError as error:
            raise TeachserveError(f"cannot make the link {link_file}: {error.strerror or error}") from None
        logging.getLogger("teachserve").addHandler(self._log)
        self._threads = [
            threading.Thread(target=run, name=f"publisher-{run.__name__.strip('_')}", daemon=True)
            for run in (self._publish, self._welcome)
        ]
        for thread in self._threads:
            thread.start()

    def close(self, reason: str) -> None:
        """Send the last table and the end frame, and take the link away. Waits at most `FAREWELL_S` seconds."""
        self._closing.set()
        self._threads[0].join()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wake:
            wake.connect(str(self._socket_path))  # close would not wake who waits in accept
        self._threads[1].join(FAREWELL_S)
        logging.getLogger("teachserve").removeHandler(self._log)
        if self._probe.level == STREAM:
            self._stream()
        self._broadcast(self._table())
        self._broadcast({"frame": "end", "reason": reason})
        with self._lock:
            watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            with watcher.changed:
                watcher.closing = True
                watcher.changed.notify_all()
        deadline = time.monotonic() + FAREWELL_S
        for watcher in watchers:
            with watcher.changed:
                watcher.changed.wait_for(lambda watcher=watcher: watcher.gone, max(0, deadline - time.monotonic()))
        self._link_file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.close()

    # ---- threads -----------------------------------------------------------------------------------------------

    def _welcome(self) -> None:
        while not self._closing.is_set():
            try:
                wire = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._attend, args=(wire,), name="publisher-watcher", daemon=True).start()

    def _attend(self, wire: link.Connection) -> None:
        """One watcher, from the handshake to its end."""
        try:
            link.deliver_challenge(wire, self._key)
            link.answer_challenge(wire, self._key)
        except (OSError, EOFError, link.AuthenticationError):
            wire.close()
            return
        watcher = _Watcher(wire)
        with self._lock:
            if self._closing.is_set():
                wire.close()
                return
            watcher.put(self._header())  # under the lock: no role may become known between this and the next line
            self._watchers.append(watcher)
        self._set_level()
        threading.Thread(target=watcher.send_all, name="publisher-sender", daemon=True).start()
        try:
            while True:
                self._obey(watcher, wire.recv_bytes(65536))
        except (OSError, EOFError):
            pass  # the watcher has left, or the sender has closed the link
        finally:
            with watcher.changed:
                watcher.gone = watcher.gone or not watcher.closing
                watcher.changed.notify_all()
            with self._lock:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)
            self._set_level()

    def _publish(self) -> None:
        """Ten times a second: the table, and to those who stream, the events."""
        while not self._closing.wait(PERIOD_S):
            with self._lock:
                watched = bool(self._watchers)
            if watched:
                if self._probe.level == STREAM:
                    self._stream()
                self._broadcast(self._table())

    # ---- frames ------------------------------------------------------------------------------------------------

    def _broadcast(self, frame: Frame, least: int = TABLE, events: int = 0) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            if watcher.repair:
                watcher.repair = False
                watcher.put({"frame": "roles", "roles": list(self._roles)})
            if watcher.level >= least:
                watcher.put(frame, events)

    def _header(self) -> Frame:
        server, taskmaster = self._server, self._taskmaster
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
            "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
            "machine": platform.machine(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "epoch_ns": self._probe.epoch_ns,
            "clock": "us since epoch_ns, CLOCK_MONOTONIC",
            "states": [state.value for state in STATES],
            "marks": [mark.value for mark in MARKS],
            "roles": list(self._roles),
            "queues": list(taskmaster.queues),
            "words_descriptor": self._probe.descriptor,
            "rows": ROWS,
            "row_words": ROW_WORDS,
            "listener_descriptor": taskmaster.listener_descriptor,
            "source_file": sys.modules[type(taskmaster).__module__].__file__,
        }

    def _role(self, role: str) -> int:
        if role not in self._roles:
            self._roles.append(role)
            self._broadcast({"frame": "roles", "roles": list(self._roles)})
        return self._roles.index(role)

    def _table(self) -> Frame:
        taskmaster, probe = self._taskmaster, self._probe
        with taskmaster.lock:
            alive = list(probe.records.values())
            ended = [probe.ended.popleft() for _ in range(len(probe.ended))] if probe.level != STREAM else []
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
            }
            queues = [(len(queue.items), queue.handed_over) for queue in taskmaster.queues.values()]
        ended, self._streamed_out = ended + self._streamed_out, []
        now = probe.now_us()
        lost = probe.lost
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
            rows.append(self._row(record))
        rows += [self._row(record) for record in ended]
        counters |= {
            "serving": sum(STATES[record.state] in SERVING for record in alive),
            "requests": requests,
            "recycled": recycled,
            "lingering": taskmaster.closer.lingering,
            "hurried": taskmaster.closer.hurried,
            "lost_events": lost,
        }
        phase = "stopping" if taskmaster.stopping else "serving"
        if self._server.report is not None:
            phase = "abandoned" if self._server.report.abandoned else "stopped"
        return {
            "frame": "table",
            "at": now,
            "threads": rows,
            "flows": [(move >> 8, move & 255, count) for move, count in flows.items()],
            "times": [spent // 1000 for spent in times],
            "queues": queues,
            "counters": counters,
            "statuses": statuses,
            "options": {"delay": self._server.delay.seconds, "delay_kind": self._server.delay.kind},
            "phase": phase,
        }

    def _row(self, record: ThreadRecord) -> tuple:
        since = self._probe.us(record.since) if record.since >= 0 else -1
        return (record.number, self._role(record.role), record.native, record.state, record.moves, since, record.connection,
                record.requests, record.connections, record.recycled)  # fmt: skip

    def _stream(self) -> None:
        """Drain every thread's events and send them, at most MOST_EVENTS a frame."""
        with self._taskmaster.lock:
            records = list(self._probe.records.values())
            ended = [self._probe.ended.popleft() for _ in range(len(self._probe.ended))]
        births = [record for record in (*ended, *records) if record.number not in self._born]
        self._born.update(record.number for record in births)
        threads = [(record.number, self._role(record.role), record.native) for record in births]
        batches, size = [], 0
        for record in (*ended, *records):
            for words in self._drain(record):
                for start in range(0, len(words), 3 * MOST_EVENTS):
                    piece = words[start : start + 3 * MOST_EVENTS]
                    batches.append((record.number, record.lost - self._told_lost.get(record.number, 0), piece))
                    self._told_lost[record.number] = record.lost
                    size += len(piece) // 3
                    if size >= MOST_EVENTS:
                        self._send_events(threads, batches, size)
                        threads, batches, size = [], [], 0
        if batches or threads:
            self._send_events(threads, batches, size)
        for record in ended:
            self._born.discard(record.number)
            self._offsets.pop(record.number, None)
            self._told_lost.pop(record.number, None)
        self._streamed_out = ended

    def _send_events(self, threads: list, batches: list, size: int) -> None:
        frame = {"frame": "events", "at": self._probe.now_us(), "threads": threads, "batches": batches}
        self._broadcast(frame, STREAM, size)

    def _drain(self, record: ThreadRecord) -> Iterator[list[int]]:
        """What the thread has announced since the last time. It goes on writing meanwhile, and is never waited for."""
        offset = self._offsets.get(record.number, 0)
        current = record.buffer  # before the chunks: one that fills up meanwhile is found among them
        while record.chunks:
            chunk = record.chunks.popleft()
            yield chunk[offset:]
            offset = 0
            if chunk is current:
                current = None
        if current is not None:
            words = current[offset:]
            offset += len(words)
            yield words
        self._offsets[record.number] = offset

    # ---- commands ----------------------------------------------------------------------------------------------

    def _obey(self, watcher: _Watcher, data: bytes) -> None:
        number = None
        answer = {}
        try:
            command = json.loads(data)
            number = command.pop("number", None)
            name = command.pop("command")
            if name == "level":
                watcher.level = LEVELS[command["level"]]
                self._set_level()
                answer = {"level": command["level"]}
            else:
                self._commands[name](**command)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = (
                str(error) if isinstance(error, TeachserveError) else f"not understood: {data[:80].decode('latin-1')}"
            )
            watcher.put({"frame": "reply", "to": number, "ok": False, "error": text})
        else:
            watcher.put({"frame": "reply", "to": number, "ok": True, **answer})

    def _set_level(self) -> None:
        with self._lock:
            level = max((watcher.level for watcher in self._watchers), default=UNWATCHED)
        with self._taskmaster.lock:
            self._probe.watch(level)

    def log(self, text: str) -> None:
        """One line that a person should know."""
        self._broadcast({"frame": "log", "at": self._probe.now_us(), "text": text})

    def _write_link_file(self) -> None:
        """Appears whole or not at all: whoever waits for it may read it at once."""
        known = {
            "address": str(self._socket_path),
            "key": self._key.hex(),
            "process": os.getpid(),
            "host": self._server.options.host,
            "port": self._server.port,
            "architecture": self._server.architecture,
        }
        partial = self._link_file.with_name(self._link_file.name + ".new")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known, file)
        partial.rename(self._link_file)


class _LogFrames(logging.Handler):
    """Shows the log's lines to the watchers."""

    def __init__(self, publisher: Publisher):
        super().__init__(logging.INFO)
        self._publisher = publisher

    def emit(self, record: logging.LogRecord) -> None:
        self._publisher.log(record.getMessage().splitlines()[0])
