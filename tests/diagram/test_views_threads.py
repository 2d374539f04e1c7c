"""The threads view: roles, what they share, who hands what to whom, who makes whom."""

import ast
import re

import pytest

from teachserve.architectures import NAMES
from teachserve.diagram import threads
from teachserve.diagram.keys import Place
from teachserve.topology.verbs_source import verbs_source
from tests.diagram.seen import ALIENS, architecture, edges, nodes
from tests.topology.tables import derived


def drawn(name):
    return threads.draw(architecture(name), name)


def test_recycling_shares_the_listening_socket_and_asks_the_thread_maker_over_a_queue():
    assert edges(drawn("recycling")) == [
        "clients -> listening socket: connect",
        "queue wanted -> role thread-maker: take",
        "listening socket -> role worker: accept",
        "role worker -> queue wanted: hand over WORKER_WANTED / if short_of_acceptors()",
        "role thread-maker ~> role worker: spawn / 1 for each take(wanted)",
        "role worker ~> clients: answer",
        "role worker ~> role worker: recycle",
        "role thread-maker -> counters",
        "role worker -> counters",
    ]
    assert nodes(drawn("recycling"), "role") == {
        "role thread-maker": "thread-maker / take, spawn / 1 from start",
        "role worker": "worker / accept, hand_over, serve, / recycle / standby from start",
    }


def test_a_thread_pool_admits_and_hands_connections_over():
    assert edges(drawn("thread-pool"), "hand over") == [
        "role acceptor -> queue connections: hand over connection / if admit(connection)"
    ]
    assert edges(drawn("thread-pool"), "answer") == [
        "role acceptor ~> clients: 503 if not admit",
        "role worker ~> clients: answer",
    ]


def test_a_loop_hands_requests_out_and_takes_answers_back():
    assert edges(drawn("event-loop"), "hand over") == [
        "role loop -> queue requests: hand over request / if request and / options.offload",
        "role worker -> queue answers: hand over handle(request)",
    ]
    assert edges(drawn("event-loop"), "take") == [
        "queue answers ~> role loop: select, take",
        "queue requests -> role worker: take",
    ]


def test_nothing_is_counted_where_nothing_decides_on_it():
    assert "counters" not in nodes(drawn("single-thread"))
    assert nodes(drawn("thread-per-connection"))["counters"] == "counters, one lock / admitted, placed"


def test_what_a_verb_is_said_to_count_it_writes_in_its_own_code():
    methods = verbs_source().methods

    def text(name, seen=()):
        body = ast.unparse(methods[name][0].node)
        called = [one for one in re.findall(r"self\.(\w+)\(", body) if one in methods and one not in (*seen, name)]
        return body + "".join(text(one, (*seen, name)) for one in dict.fromkeys(called))

    for verb, counters in threads.COUNTED_BY.items():
        for counter in counters:
            assert re.search(rf"counts\.{counter} [-+]?= ", text(verb)), (verb, counter)


@pytest.mark.parametrize("name", [*NAMES, *ALIENS])
def test_every_node_stands_in_the_source_and_every_key_stands_for_something(name):
    drawing, places = drawn(name), threads.places(architecture(name))
    for node in drawing.nodes:
        if node.kind in ("role", "queue", "note") and not node.faint:
            assert node.file and node.line and node.tooltip, node
        if node.kind in ("role", "queue"):
            assert node.key in places
    for edge in drawing.edges:
        if edge.kind in ("accept", "take", "hand over", "spawn", "answer"):
            assert edge.file and edge.line and edge.tooltip, edge
    assert len({(edge.tail, edge.head) for edge in drawing.edges}) == len(drawing.edges)
    assert len(drawing.nodes) <= 12
    assert "\n" not in drawing.sentence


def test_keys_say_which_role_and_queue_they_stand_for():
    assert threads.places(architecture("recycling")) == {
        "clients": Place(),
        "listening socket": Place(verb="accept"),
        "queue wanted": Place(queue="wanted"),
        "role thread-maker": Place("thread-maker"),
        "role worker": Place("worker"),
    }


def test_a_file_of_the_project_is_named_from_its_root():
    files = {node.file for node in drawn("recycling").nodes if node.kind == "role"}
    assert files == {"teachserve/architectures/recycling.py"}


def test_a_queue_from_which_nobody_takes_is_seen():
    drawing = drawn("tests.topology.aliens:Forgetful")
    assert "queue inbox" in nodes(drawing)
    assert not [edge for edge in drawing.edges if edge.tail == "queue inbox"]


def test_what_could_not_be_derived_stands_in_the_picture_with_its_line(tmp_path):
    found = derived(tmp_path, (
        "class Own(Taskmaster):\n"
        "    accepting_role = 'worker'\n"
        "    def start(self):\n"
        "        self.spawn(self.work, role='worker')\n"
        "    def work(self):\n"
        "        getattr(self, 'acc' + 'ept')()\n"
    ))  # fmt: skip
    drawing = threads.draw(found)
    [note] = nodes(drawing, "note").values()
    assert note.startswith("worker: unknown / line 7: ")
    assert edges(drawing, "unknown") == ["role worker -> worker.unknown"]
