"""All of this room against a real server: the link, the model and the witness tell one story."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve.events import FIRST_MARK, State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Witness
from teachserve.observe.link import Link
from teachserve.observe.model import Model, Snapshot
from teachserve.observe.places import Flow, Places

from .child import PATIENCE_S

S = State


class Watched:
    """A server in a process of its own, and what its watcher has received so far."""

    def __init__(self, folder: Path, arch: str, *options: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "teachserve", "serve", "--arch", arch, "--port", "0", "--link-file", folder / "link",
             "--log-level", "error", *options],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        self.link = Link.attach(folder / "link", timeout=PATIENCE_S, appear=PATIENCE_S)
        self.address = (self.link.header["host"], self.link.header["port"])
        self.model = Model(strict=True)
        self.received: list[dict] = []
        self._frames = self.link.frames()

    def until(self, seen: Callable[[Snapshot], bool]) -> Snapshot:
        """Fold frames, up to the first after which it was seen."""
        patience = time.monotonic() + PATIENCE_S
        for frame in self._frames:
            self.received.append(frame)
            self.model.apply(frame)
            if seen(self.model.snapshot()):
                return self.model.snapshot()
            assert time.monotonic() < patience, self.model.snapshot()
        raise AssertionError(f"the frames ended first: {self.model.snapshot()}")

    def ask(self, times: int = 1) -> None:
        for _ in range(times):
            with socket.create_connection(self.address) as client:
                client.sendall(b"GET /yo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while client.recv(65536):
                    pass

    def end(self) -> None:
        self.link.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    watched: list[Watched] = []

    def start(arch: str, *options: str) -> Watched:
        watched.append(Watched(tmp_path, arch, *options))
        return watched[-1]

    yield start
    for one in watched:
        one.end()


def test_header_table_kernel_and_accept_queue_agree_about_a_server_at_rest(watch):
    server = watch("recycling", "--standby", "5", "--backlog", "17")
    shown = server.until(lambda shown: shown.states[S.ACCEPTING] == 5 and shown.states[S.WAITING] == 1)
    header = shown.header
    assert (header.process, header.architecture, header.accepting_role) == (server.process.pid, "recycling", "worker")
    assert Path(header.source_file).is_file()
    assert sorted(view.role for view in shown.threads) == ["thread-maker", *["worker"] * 5]
    with Witness(header.process, header.words_descriptor, header.machine, gil=header.gil) as witness:
        patience = time.monotonic() + PATIENCE_S
        while (look := witness.look()).total.confirmed < 100:
            assert look.unavailable is None
            assert time.monotonic() < patience
    assert look.differing == ()
    assert look.shares[S.ACCEPTING].agreement == look.shares[S.WAITING].agreement == 1.0
    assert {one.native for one in look.sightings} == {view.native for view in shown.threads}
    assert AcceptQueue.read(*server.address) == AcceptQueue(length=0, bound=17)


def test_a_request_is_counted_moves_a_thread_and_a_stop_is_seen_to_its_end(watch):
    server = watch("recycling", "--standby", "3")
    server.until(lambda shown: shown.states[S.ACCEPTING] == 3)
    server.ask(4)
    shown = server.until(lambda shown: shown.counters["requests"] == 4)
    assert shown.statuses == {"200": 4}
    assert shown.flows[S.READING, S.HANDLING] == shown.flows[S.HANDLING, S.WRITING] == 4
    server.link.send("stop")
    shown = server.until(lambda shown: shown.phase == "stopped")
    assert shown.threads == ()
    assert shown.illegal_moves == shown.lost_frames == 0
    assert server.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("arch", ["recycling", "thread-pool", "event-loop", "thread-per-connection", "single-thread"])
def test_a_stream_tells_every_move_that_the_table_counts(watch, arch):
    server = watch(arch)
    server.until(lambda shown: shown.states[S.ACCEPTING] + shown.states[S.SELECTING] > 0)
    server.link.send("level", level="stream")
    server.until(lambda _: server.received[-1]["frame"] == "reply")
    server.ask(20)

    def answered() -> int:
        batches = [batch for frame in server.received if frame["frame"] == "events" for batch in frame["batches"]]
        codes = [code for _number, _lost, words in batches for code in words[1::3] if code < FIRST_MARK]
        return codes.count(S.HANDLING.code)

    shown = server.until(lambda shown: shown.counters["requests"] == 20 and answered() >= 20)
    assert answered() == 20
    assert shown.streaming
    assert (shown.lost_events, shown.illegal_moves) == (0, 0)


@pytest.mark.parametrize("arch", ["recycling", "thread-pool", "event-loop", "thread-per-connection", "single-thread"])
def test_what_flows_between_the_places_is_what_the_client_counts(watch, arch):
    server = watch(arch)
    server.until(lambda shown: shown.states[S.ACCEPTING] + shown.states[S.SELECTING] > 0)
    server.ask(25)
    shown = server.until(lambda shown: shown.counters["requests"] == 25)
    assert {flow.total for flow in through(shown)} == {25}
    server.link.send("stop")
    shown = server.until(lambda shown: shown.phase == "stopped")
    assert {flow.total for flow in through(shown)} == {25}


def through(shown: Snapshot) -> list[Flow]:
    """What a request and its connection have flowed through, whatever the architecture."""
    flows = Places.of(shown).flows
    return [flows["accept queue", "accepting"], flows["reading", "handling"], flows["handling", "writing"]]


@pytest.mark.parametrize("arch", ["recycling", "thread-pool", "event-loop", "thread-per-connection", "single-thread"])
def test_the_kernel_never_contradicts_a_thread_in_slow_motion(watch, arch):
    server = watch(arch)
    server.until(lambda shown: shown.states[S.ACCEPTING] + shown.states[S.SELECTING] > 0)
    server.link.send("slow", pause_s=30)
    header = server.until(lambda shown: shown.slow_s == 30).header
    with (
        socket.create_connection(server.address),
        Witness(header.process, header.words_descriptor, header.machine, gil=header.gil) as witness,
    ):
        if arch != "event-loop":  # which pauses in the one verb or in the other
            server.until(lambda shown: shown.states[S.ACCEPTED])
        patience = time.monotonic() + PATIENCE_S
        while (look := witness.look()).total.runtime < 20:
            assert time.monotonic() < patience
        assert look.total.differs == 0
