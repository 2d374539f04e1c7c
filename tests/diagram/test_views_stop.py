"""The stop: who wakes whom, drawn from one table, which must be what a real stop does."""

import os
import re
import socket
from pathlib import Path

import pytest

from teachserve import stopping, taskmaster
from teachserve.architectures import NAMES
from teachserve.connection import Connection
from teachserve.diagram import stop
from teachserve.queues import Tokens
from teachserve.server import Server
from tests.diagram.seen import ALIENS, architecture, edges, nodes


def drawn(name):
    return stop.draw(architecture(name), name)


def test_in_recycling_the_last_worker_wakes_the_thread_maker():
    assert edges(drawn("recycling"), "wake") == [
        "stop -> backlog: when nobody accepts any more",
        "worker.end -> thread-maker.take wanted: the last to end: / a token for each taker",
        "stop -> worker.accept: connects to ourselves / once for each that accepts",
        "stop -> worker.read: shuts for reading / if no request has begun",
    ]


def test_whoever_waits_for_a_place_gets_it_from_whoever_served():
    assert "worker.read ~> worker.wait_for_place: frees a place / as serve ends" in edges(
        drawn("thread-per-connection")
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("single-thread", ["worker.accept -> worker.end: None", "worker.read ~> worker.accept: None"]),
        ("recycling", ["worker.accept -> worker.end: None", "worker.read -> worker.end: None"]),
        (
            "thread-pool",
            ["worker.take connections -> worker.end: None", "worker.read ~> worker.take connections: None"],
        ),
    ],
)
def test_whoever_reads_nothing_goes_on_where_the_source_goes_on(name, expected):
    assert [edge for edge in edges(drawn(name), "next") if edge.startswith("worker.")] == expected


def test_a_loop_blocks_in_select_alone():
    assert [key for key in nodes(drawn("event-loop"), "verb") if key.startswith("loop")] == ["loop.select answers"]


def test_what_a_verb_gives_is_said_in_its_own_words():
    assert stop.once_stopped("recycle") == "False"
    assert stop.once_stopped("wait_for_place") == "goes on in turn"
    assert stop.once_stopped("select") == "None when nothing is in progress"
    assert " ".join(drawn("recycling").legend) == (
        "once it stops, spawn, short_of_acceptors and recycle: False; write: the answer says Connection: close"
    )


def test_the_picture_in_words_names_who_is_blocked_for_each_verb():
    assert "worker in read: None for a connection on which no request has begun." in drawn("thread-pool").sentence


@pytest.mark.parametrize("name", [*NAMES, *ALIENS])
def test_every_node_of_a_thread_has_its_place(name):
    drawing, places = drawn(name), stop.places(architecture(name))
    assert {node.key for node in drawing.nodes if node.kind != "note"} <= set(places)
    assert len({(edge.tail, edge.head) for edge in drawing.edges}) == len(drawing.edges)
    assert len(drawing.nodes) <= 14


def test_the_methods_that_wake_are_there():
    for wake in stop.WAKES.values():
        owner, method = wake.method.split(".")
        files = [stopping.__file__, taskmaster.__file__, str(Path(taskmaster.__file__).with_name("places.py"))]
        texts = [Path(file).read_text() for file in files]
        assert any(re.search(rf"class {owner}\b", text) and f"def {method}(" in text for text in texts), wake.method


@pytest.mark.parametrize(("name", "options"), [("recycling", {"standby": 2}), ("thread-pool", {"threads": 2})])
def test_a_real_stop_wakes_as_it_is_drawn(name, options, monkeypatch):
    done = []

    def told(owner, method, word):
        real = getattr(owner, method)
        monkeypatch.setattr(owner, method, lambda *args: (done.append(word(*args)), real(*args))[1])

    with Server(arch=name, **options) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 ")
        while not {"idle", "accepting"} <= {thread["state"] for thread in server.snapshot()["threads"]}:
            os.sched_yield()  # its thread is on its way back to read, and who handed it over on its way back to accept
        told(stopping.Stopper, "_connect", lambda _: "connects")
        told(Connection, "shut", lambda _, how: "shuts for reading" if how == socket.SHUT_RD else "shuts")
        told(Tokens, "put", lambda _, tokens=1: f"{tokens} tokens")
        report = server.stop()
    assert report.clean
    takers = 1 if name == "recycling" else 2
    assert done.index("shuts for reading") < done.index("connects") < done.index(f"{takers} tokens")
