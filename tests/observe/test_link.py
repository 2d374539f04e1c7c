"""The link: what comes over it, what goes, and one clear sentence for everything that can be wrong with it."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, Listener
from pathlib import Path

import pytest

from teachserve.observe import link as link_module
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError, LinkFileMissing
from teachserve.observe.model import Model

from .child import PATIENCE_S
from .world import header, table

KEY = bytes(range(32))


class FakeServer:
    """Listens like a server's publisher; `serve` is what it does with its one watcher."""

    def __init__(self, folder: Path, serve: Callable[[Connection], None]):
        self.link_file = folder / "link"
        self.address = str(folder / "link.sock")
        self.errors: list[str] = []
        self._listener = Listener(self.address, "AF_UNIX", authkey=KEY)
        self._serve = serve
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.write_link_file()

    def write_link_file(self, **changes: object) -> None:
        told = {"address": self.address, "key": KEY.hex(), "process": os.getpid(), "host": "127.0.0.1", "port": 80}
        self.link_file.write_text(json.dumps(told | changes))

    def end(self) -> None:
        self._thread.join(PATIENCE_S)
        self._listener.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with self._listener.accept() as watcher:
                self._serve(watcher)
        except Exception as error:  # a refused key is one of the things tested
            self.errors.append(str(error))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def start_server(folder) -> Iterator[Callable[[Callable], FakeServer]]:
    servers: list[FakeServer] = []

    def start(serve: Callable[[Connection], None]) -> FakeServer:
        servers.append(FakeServer(folder, serve))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


def send(watcher: Connection, *frames: dict) -> None:
    for frame in frames:
        watcher.send_bytes(json.dumps(frame).encode())


def until_the_watcher_leaves(watcher: Connection) -> None:
    try:
        while True:
            watcher.recv_bytes()
    except (EOFError, OSError):
        pass


def sentence_of(attach: Callable[[], object]) -> str:
    with pytest.raises(LinkError) as raised:
        attach()
    sentence = str(raised.value)
    assert sentence and "\n" not in sentence
    return sentence


# ---- frames and commands -------------------------------------------------------------------------------------------


def test_the_header_comes_first_and_then_every_frame_until_the_end(start_server):
    sent = [header(), table(1, serial=2), {"frame": "end", "serial": 3, "reason": "stopped"}]
    server = start_server(lambda watcher: send(watcher, *sent))
    with Link.attach(server.link_file) as link:
        assert link.header == sent[0]
        assert link.process == os.getpid()
        assert list(link.frames()) == sent


def test_a_server_that_goes_without_an_end_leaves_a_last_frame_that_the_model_understands(start_server):
    server = start_server(lambda watcher: send(watcher, header(), table(1, serial=2)))
    model = Model(strict=True)
    with Link.attach(server.link_file) as link:
        for frame in link.frames():
            model.apply(frame)
    assert model.snapshot().phase == "lost"
    assert model.snapshot().log[-1].text == f"the server (process {os.getpid()}) went without a goodbye"


def test_what_is_no_frame_ends_the_link_as_if_the_server_had_gone(start_server):
    def serve(watcher: Connection) -> None:
        send(watcher, header())
        watcher.send_bytes(b"[1, 2]")

    server = start_server(serve)
    with Link.attach(server.link_file) as link:
        assert [frame["frame"] for frame in link.frames()] == ["header", "gone"]


def test_commands_are_numbered_and_arrive_as_they_were_sent(start_server):
    received = []

    def serve(watcher: Connection) -> None:
        send(watcher, header())
        received.extend(json.loads(watcher.recv_bytes()) for _ in range(3))

    server = start_server(serve)
    with Link.attach(server.link_file) as link:
        assert link.send("level", level="stream") == 1
        assert link.send("set", option="delay", value="1ms") == 2
        assert link.send("stop") == 3
        server.end()
    assert received == [
        {"command": "level", "number": 1, "level": "stream"},
        {"command": "set", "number": 2, "option": "delay", "value": "1ms"},
        {"command": "stop", "number": 3},
    ]


def test_threads_may_send_at_once_and_no_command_is_torn_or_numbered_twice(start_server):
    received = []

    def serve(watcher: Connection) -> None:
        send(watcher, header())
        received.extend(json.loads(watcher.recv_bytes()) for _ in range(400))

    server = start_server(serve)
    with Link.attach(server.link_file) as link:
        together = threading.Barrier(8)
        numbers: list[int] = []

        def send_fifty(thread: int) -> None:
            together.wait()
            for _ in range(50):
                numbers.append(link.send("level", level="table", thread=thread, padding="x" * 300))

        threads = [threading.Thread(target=send_fifty, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.end()
    assert sorted(numbers) == list(range(1, 401))
    assert [command["number"] for command in received] == list(range(1, 401))
    assert {len(command["padding"]) for command in received} == {300}


def test_closing_wakes_the_thread_that_waits_for_frames_and_it_ends_without_a_last_word(start_server):
    server = start_server(lambda watcher: (send(watcher, header()), until_the_watcher_leaves(watcher)))
    link = Link.attach(server.link_file)
    seen = []
    began = threading.Event()

    def read() -> None:
        for frame in link.frames():
            seen.append(frame["frame"])
            began.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert began.wait(PATIENCE_S)
    link.close()
    link.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert seen == ["header"]
    assert sentence_of(lambda: link.send("stop")) == "the link to the server is closed"


def test_a_server_that_reads_no_commands_costs_a_bounded_wait_and_the_link(start_server, monkeypatch):
    monkeypatch.setattr(link_module, "SEND_S", 0.05)
    leave = threading.Event()
    server = start_server(lambda watcher: (send(watcher, header()), leave.wait(PATIENCE_S)))
    try:
        with Link.attach(server.link_file) as link:
            sentence = sentence_of(lambda: [link.send("set", padding="x" * 10_000) for _ in range(1000)])
            assert sentence == f"the server (process {os.getpid()}) takes no commands: is it stopped?"
            # Half a command may have left: whatever followed would be read as its other half.
            assert "is gone: stop was not sent" in sentence_of(lambda: link.send("stop"))
            assert [frame["frame"] for frame in link.frames()] == ["header", "gone"]
    finally:
        leave.set()


# ---- what can be wrong ---------------------------------------------------------------------------------------------


def test_a_link_file_that_is_missing_is_named_and_how_to_get_one(folder):
    with pytest.raises(
        LinkFileMissing, match=f"there is no link file {folder / 'none'}: start a server with --link-file"
    ):
        Link.attach(folder / "none")


def test_a_link_file_that_is_on_its_way_is_waited_for(start_server, folder, monkeypatch):
    server = start_server(lambda watcher: send(watcher, header(), {"frame": "end", "reason": "stopped"}))
    text = server.link_file.read_text()
    server.link_file.unlink()
    looked = threading.Event()

    read = Path.read_bytes

    def read_and_tell(path: Path) -> bytes:
        try:
            return read(path)
        finally:
            looked.set()

    monkeypatch.setattr(Path, "read_bytes", read_and_tell)

    def write() -> None:
        assert looked.wait(PATIENCE_S)
        (folder / "new").write_text(text)
        (folder / "new").rename(server.link_file)

    writer = threading.Thread(target=write)
    writer.start()
    with Link.attach(server.link_file, appear=PATIENCE_S) as link:
        assert [frame["frame"] for frame in link.frames()] == ["header", "end"]
    writer.join()


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"address": "x", "key": "zz", "process": 1}', '"word"'])
def test_a_file_that_is_no_link_file_is_named(folder, text):
    (folder / "file").write_text(text)
    assert sentence_of(lambda: Link.attach(folder / "file")) == (f"{folder / 'file'} is not a link file: remove it")


def test_a_folder_in_the_link_files_place_cannot_be_read(folder):
    assert sentence_of(lambda: Link.attach(folder)) == f"the link file {folder} cannot be read: Is a directory"


def test_a_server_that_has_gone_is_said_to_be_gone(start_server):
    server = start_server(lambda watcher: send(watcher, header()))
    with Link.attach(server.link_file):
        pass
    server.end()
    gone = f"the server that wrote {server.link_file} (process {os.getpid()}) is gone; start it again"
    assert sentence_of(lambda: Link.attach(server.link_file)) == gone
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(server.address)
    assert sentence_of(lambda: Link.attach(server.link_file)) == gone


def test_a_wrong_key_is_said_to_be_one(start_server):
    server = start_server(lambda watcher: send(watcher, header()))
    server.write_link_file(key="00" * 32)
    assert sentence_of(lambda: Link.attach(server.link_file)) == (
        f"the server does not take the key in {server.link_file}: the file is of another start; name the newer one"
    )
    server.end()
    assert len(server.errors) == 1


@pytest.mark.parametrize("changes", [{"format": 2}, {"states": ["asleep"]}])
def test_another_version_of_the_frames_is_refused(start_server, changes):
    server = start_server(lambda watcher: (send(watcher, header(**changes)), until_the_watcher_leaves(watcher)))
    assert sentence_of(lambda: Link.attach(server.link_file)) == (
        f"the server speaks format {changes.get('format', 1)} of the frames, this watcher format 1: "
        "run both from one version of teachserve"
    )


def test_a_server_that_closes_after_the_handshake_is_said_to_have_closed(start_server):
    server = start_server(lambda watcher: None)
    assert "closed the link at once" in sentence_of(lambda: Link.attach(server.link_file))


@pytest.mark.parametrize("first", [table(1), {"frame": "log"}])
def test_a_link_that_does_not_begin_with_a_header_is_no_teachserve(start_server, first):
    server = start_server(lambda watcher: (send(watcher, first), until_the_watcher_leaves(watcher)))
    assert sentence_of(lambda: Link.attach(server.link_file)) == (
        f"what answers at the link in {server.link_file} is not a teachserve server"
    )


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\4what", b"\0\0\0\4"])
def test_something_else_at_the_address_is_said_to_be_no_teachserve(folder, says):
    address = str(folder / "s")
    (folder / "link").write_text(json.dumps({"address": address, "key": KEY.hex(), "process": 1}))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(1)

        def answer() -> None:
            with listener.accept()[0] as client:
                client.sendall(says)

        other = threading.Thread(target=answer)
        other.start()
        sentence = sentence_of(lambda: Link.attach(folder / "link"))
        other.join()
    assert "is not a teachserve server" in sentence or "closed the link at once" in sentence


def test_a_server_that_does_not_answer_costs_a_bounded_wait(folder):
    (folder / "link").write_text(json.dumps({"address": str(folder / "s"), "key": KEY.hex(), "process": 99}))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "s"))
        silent.listen(1)
        assert sentence_of(lambda: Link.attach(folder / "link", timeout=0.05)) == (
            "the server (process 99) did not answer within 0.05 s: is it stopped?"
        )
