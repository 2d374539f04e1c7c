"""The server's side of the link, spoken to without the watcher's room: frames out, commands in, losses counted."""

import contextlib
import errno
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve.conformance import Client, get
from teachserve.digest import digest_of
from teachserve.errors import TeachserveError
from teachserve.events import STATES, State
from teachserve.publish.publisher import Publisher
from teachserve.server import Server

HANDLING = State.HANDLING.code


@pytest.fixture
def published(publish) -> Iterator[tuple[Server, Publisher, Callable[[], object]]]:
    with Server(arch="single-thread") as server:
        one = publish(server)
        yield server, one.publisher, one.watch
        one.close()


def _ask(server: Server, times: int) -> None:
    with Client(server.port) as client:
        for _ in range(times):
            client.send(get())
            client.answer()


def test_the_header_comes_first_and_says_what_the_rest_is_made_of(published, tmp_path):
    server, _, watch = published
    assert stat.S_IMODE((tmp_path / "link").stat().st_mode) == 0o600
    header = watch().next()
    assert (header["frame"], header["serial"], header["format"]) == ("header", 1, 1)
    assert header["architecture"] == "single-thread"
    assert header["states"] == [state.value for state in STATES]
    assert header["port"] == server.port
    assert header["sources"][header["source_file"]] == digest_of(header["source_file"])
    assert "taskmaster.py" in {Path(file).name for file in header["sources"]}


def test_a_table_holds_absolute_values_so_that_any_one_of_them_will_do(published):
    server, _, watch = published
    _ask(server, 3)
    early = watch().until("table")["counters"]
    assert early["requests"] == 3, "what happened before anybody watched counts too"
    _ask(server, 2)
    late = watch()
    assert late.until("table")["counters"]["requests"] == 5
    table = late.until("table")
    assert sum(count for _before, after, count in table["flows"] if after == HANDLING) == 5
    assert table["statuses"] == {"200": 5}


def test_the_stream_tells_every_event_and_the_serials_have_no_gap(published):
    server, publisher, watch = published
    watcher = watch()
    watcher.say(command="level", level="stream", number=7)
    assert watcher.until("reply")["to"] == 7
    _ask(server, 20)
    watcher.until("table", lambda frame: frame["counters"]["requests"] == 20)
    watcher.until("table")
    publisher.close("stopped")
    frames = watcher.rest()
    assert frames[-1]["frame"] == "end"
    serials = [frame["serial"] for frame in frames]
    assert serials == list(range(serials[0], serials[0] + len(serials)))


@pytest.mark.parametrize("reads", [True, False])
def test_emitted_is_received_and_lost(published, monkeypatch, reads):
    """With a watcher that reads and with one that never does, until its queue is full and frames are dropped."""
    server, publisher, watch = published
    monkeypatch.setattr("teachserve.publish.watcher.MOST_FRAMES", 1 << 20 if reads else 4)
    monkeypatch.setattr("teachserve.publish.stream.MOST_EVENTS", 50)
    watcher = watch()
    watcher.say(command="level", level="stream")
    assert watcher.until("reply")["ok"]
    (inside,) = publisher._watchers
    asked = 0
    while asked < 200 or (not reads and not inside.lost_frames):
        _ask(server, 100)
        asked += 100
        assert asked < 200_000
    server.stop()
    publisher.close("stopped")
    frames = watcher.rest()
    received = sum(len(words) // 3 for frame in frames if frame["frame"] == "events"
                   for _number, _lost, words in frame["batches"])  # fmt: skip
    lost = inside.lost_events + sum(frame["events"] for frame in frames if frame["frame"] == "lost")
    probe = server.taskmaster.probe
    assert probe.emitted == received + lost + probe.lost
    assert (lost == 0) is reads
    assert received >= len(frames) > 0


def test_a_command_is_carried_out_and_answered(published):
    server, _, watch = published
    watcher = watch()
    watcher.say(command="set", option="delay", value="1us", number=1)
    assert watcher.until("reply")["ok"]
    assert server.delay.seconds == pytest.approx(1e-6)
    watcher.say(command="set", option="standby", value=3, number=2)
    reply = watcher.until("reply")
    assert (reply["to"], reply["ok"]) == (2, False)
    assert reply["error"].startswith("standby means nothing to single-thread")
    watcher.wire.send_bytes(b"\xff nonsense")
    assert not watcher.until("reply")["ok"]
    assert watcher.until("table")["counters"]["threads"] == 1, "the server has not minded"


def test_a_shortage_when_one_watcher_knocks_shuts_out_nobody_after_it(published, monkeypatch):
    """Of descriptors in accept; then of a thread for whoever was accepted; then of a thread that sends to the next."""
    _, publisher, watch = published
    accept, start = publisher._listener.accept, threading.Thread.start
    short_of = ["descriptor", "publisher-watcher", "publisher-sender"]

    def accept_unless_short():
        if short_of[:1] == ["descriptor"]:
            short_of.pop(0)
            raise OSError(errno.EMFILE, "too many open files")
        return accept()

    def start_unless_short(thread: threading.Thread) -> None:
        if short_of[:1] == [thread.name]:
            short_of.pop(0)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(publisher._listener, "accept", accept_unless_short)
    monkeypatch.setattr(threading.Thread, "start", start_unless_short)
    shut_out = 0
    while short_of:
        try:
            assert watch().next()["frame"] == "header"
        except (EOFError, ConnectionError):
            shut_out += 1
    assert shut_out == 2
    assert watch().next()["frame"] == "header"


def test_knocks_that_nobody_lets_in_do_not_hold_up_the_end(published, monkeypatch):
    """The kernel's queue is full: one more connect would wait for ever."""
    _, publisher, _ = published

    def always_short():
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(publisher._listener, "accept", always_short)
    address = publisher._listener.address
    with contextlib.ExitStack() as knocks:
        with contextlib.suppress(BlockingIOError):
            while True:
                knock = knocks.enter_context(socket.socket(socket.AF_UNIX))
                knock.setblocking(False)
                knock.connect(address)
        publisher.close("stopped")
    assert not Path(address).exists()


def test_a_link_file_that_cannot_be_written_leaves_no_socket(tmp_path):
    (tmp_path / "link.new").mkdir()
    with Server(arch="single-thread") as server:
        with pytest.raises(TeachserveError, match=r"cannot make the link .*link: Is a directory"):
            Publisher(server, tmp_path / "link")
        assert [path.name for path in tmp_path.iterdir()] == ["link.new"]
