"""A published server and watchers that speak to it without the watcher's room."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client as connect
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from teachserve.publish.publisher import Publisher
from teachserve.server import Server

STILL_S = 1.0
"""How long a closed publisher's sender may take from one frame to the next."""


class Told:
    """A watcher that reads frames one by one."""

    def __init__(self, link_file: Path):
        told = json.loads(link_file.read_text())
        self.wire: Connection = connect(told["address"], "AF_UNIX", authkey=bytes.fromhex(told["key"]))
        self.received: Counter[int] = Counter()
        """Events of a thread in focus, by its number."""

    def next(self) -> dict:
        frame = json.loads(self.wire.recv_bytes())
        if frame["frame"] == "focused":
            self.received[frame["thread"]] += len(frame["words"]) // 3
        return frame

    def until(self, kind: str, wanted: Callable[[dict], object] = bool) -> dict:
        """The next frame of this kind for which it holds."""
        while True:
            frame = self.next()
            if frame["frame"] == kind and wanted(frame):
                return frame

    def rest(self) -> list[dict]:
        """Every frame that is still to come, once the publisher has closed."""
        frames = []
        try:
            while self.wire.poll(STILL_S):
                frames.append(self.next())
        except (EOFError, ConnectionResetError):
            pass
        return frames

    def say(self, **command: object) -> None:
        self.wire.send_bytes(json.dumps(command).encode())


class Published:
    """A running server, its publisher, and as many watchers as `watch` is called for."""

    def __init__(self, server: Server, link_file: Path):
        self.server = server
        self.publisher = Publisher(server, link_file)
        self._link_file = link_file
        self._watchers: list[Told] = []

    def watch(self) -> Told:
        self._watchers.append(Told(self._link_file))
        return self._watchers[-1]

    def close(self) -> None:
        if not self.publisher._closing.is_set():
            self.publisher.close("stopped")
        for watcher in self._watchers:
            watcher.wire.close()


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Callable[[Server], Published]]:
    """Publishes a running server; the publisher is closed, the server is its maker's to stop."""
    published: list[Published] = []

    def publish_one(server: Server) -> Published:
        published.append(Published(server, tmp_path / "link"))
        return published[-1]

    yield publish_one
    for one in published:
        one.close()
