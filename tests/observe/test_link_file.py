"""Which servers can be watched: those that listen; what the others left is removed."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve.observe.link_file import LinkError, LinkFile, servers
from teachserve.publish.runtime_directory import runtime_directory


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return runtime_directory()


@pytest.fixture
def listen(directory: Path) -> Iterator[Callable[..., socket.socket]]:
    """A server's link file and socket; it listens until it is closed."""
    listening: list[socket.socket] = []

    def start(process: int, backlog: int = 8) -> socket.socket:
        file = directory / f"{process}.link"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{file}.sock")
        listener.listen(backlog)
        told = {"address": f"{file}.sock", "key": "00", "process": process, "url": "http://[::1]:80"}
        file.write_text(json.dumps(told | {"architecture": "recycling"}))
        listening.append(listener)
        return listener

    yield start
    for listener in listening:
        listener.close()


def test_without_a_server_there_is_none(directory):
    assert servers() == []


def test_those_that_listen_are_found_by_number_with_what_they_say(listen, directory):
    listen(20)
    listen(3)
    assert [one.process for one in servers()] == [3, 20]
    path = directory / "3.link"
    assert servers()[0] == LinkFile(path, f"{path}.sock", b"\0", 3, "http://[::1]:80", "recycling")


def test_what_a_dead_server_left_is_removed_though_its_number_lives(listen, directory):
    listen(os.getpid()).close()
    listen(4)
    assert [one.process for one in servers()] == [4]
    assert sorted(path.name for path in directory.iterdir()) == ["4.link", "4.link.sock"]


def test_what_may_not_be_removed_is_passed_over(listen, directory, monkeypatch):
    def remove(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr("teachserve.observe.link_file.remove", remove)
    listen(3).close()
    listen(4)
    assert [one.process for one in servers()] == [4]


def test_a_socket_that_is_gone_counts_as_dead(listen, directory):
    listen(5)
    (directory / "5.link.sock").unlink()
    assert servers() == []
    assert list(directory.iterdir()) == []


def test_one_that_is_suspended_while_others_knock_is_alive(listen):
    listen(6, backlog=0)
    for _ in range(3):  # each look knocks, and after the first the kernel's queue is full
        assert [one.process for one in servers()] == [6]


def test_a_file_that_is_none_of_ours_is_named(directory):
    (directory / "7.link").write_text("[]")
    with pytest.raises(LinkError, match=r"7\.link is not a link file"):
        servers()
