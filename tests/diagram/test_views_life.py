"""The life of a connection: who holds it at each step, from the SYN to the close."""

from pathlib import Path

import pytest

from teachserve.architectures import NAMES
from teachserve.diagram import life
from teachserve.diagram.keys import Place
from teachserve.diagram.locate import locate
from teachserve.topology.topology import Topology
from tests.diagram.seen import ALIENS, architecture, edges, nodes
from tests.topology.tables import of_worker


def drawn(name):
    return life.draw(architecture(name), name)


def test_in_recycling_one_thread_holds_it_from_accept_to_close():
    assert edges(drawn("recycling")) == [
        "clients -> backlog: SYN, ACK",
        "backlog -> worker.accept: accept(2)",
        "worker.accept -> worker.short_of_acceptors: connection is not None",
        "worker.short_of_acceptors -> worker.hand_over wanted: short_of_acceptors()",
        "worker.short_of_acceptors -> worker.read: not short_of_acceptors()",
        "worker.hand_over wanted -> worker.read",
        "worker.read -> worker.handle: request is not None",
        "worker.read -> worker.close: request is None",
        "worker.close -> worker.recycle",
        "worker.handle -> worker.write",
        "worker.write ~> worker.read",
        "worker.recycle ~> worker.accept: recycle()",
        "worker.recycle -> worker.end: not recycle()",
    ]
    assert drawn("recycling").legend == ("thread-maker: holds no connection, see the threads",)


def test_in_a_pool_no_thread_holds_it_while_it_is_on_the_queue():
    drawing = drawn("thread-pool")
    groups = {node.key: node.group for node in drawing.nodes}
    assert groups["queue connections"] == ""
    assert (groups["acceptor.accept"], groups["worker.read"]) == ("acceptor", "worker")
    assert "acceptor.hand_over connections -> queue connections" in edges(drawing)
    assert "queue connections -> worker.take connections" in edges(drawing)
    assert "acceptor.admit ~> acceptor.accept: not admit(connection) / answered 503" in edges(drawing)


def test_a_thread_is_spawned_with_the_connection():
    assert edges(drawn("thread-per-connection"), "spawn") == ["acceptor.spawn worker -> worker.admit: with connection"]


def test_a_loop_says_what_is_ready_in_few_words_and_all_of_it_beside_the_pointer():
    from_select = [edge for edge in drawn("event-loop").edges if edge.tail == "loop.select answers"]
    assert [edge.label for edge in from_select] == ["ready is listener", "ready is answers", "else"]
    assert from_select[-1].tooltip == ("if ready is not None and ready is not listener and ready is not answers")


def test_a_close_that_is_written_stands_once(tmp_path):
    found = of_worker(tmp_path, (
        "while (one := self.accept()):\n    self.serve(one)\n    if one:\n        self.close(one)\n    self.serve(one)"
    ))  # fmt: skip
    keys = nodes(life.draw(found))
    assert [key for key in keys if "close" in key] == ["worker.close 2", "worker.close", "worker.close 3"]
    assert set(keys) - {"worker.end"} <= {*life.places(found)}


@pytest.mark.parametrize("name", [*NAMES, *ALIENS])
def test_every_step_stands_in_the_source_and_has_its_place(name):
    drawing, places = drawn(name), life.places(architecture(name))
    for node in drawing.nodes:
        if node.kind == "verb":
            assert node.file and node.line and node.tooltip, node
            place = places[node.key]
            assert node.key.startswith(f"{place.role}.{place.verb}")
    assert len({(edge.tail, edge.head) for edge in drawing.edges}) == len(drawing.edges)
    assert len(drawing.nodes) <= 17


def test_keys_say_which_verb_of_which_role_they_stand_for():
    places = life.places(architecture("event-loop"))
    assert places["loop.take answers"] == Place("loop", "take", "answers")
    assert places["loop.write"] == Place("loop", "write")
    assert places["queue requests"] == Place(queue="requests")
    assert life.places(architecture("recycling"))["worker.close"] == Place("worker", "close")


def test_two_swapped_verbs_make_another_picture(tmp_path):
    text = Path(locate("recycling")[0]).read_text()
    swapped = text.replace("self.accept()", "self.TEMPORARY()").replace("self.recycle()", "self.accept()")
    file = tmp_path / "recycling.py"
    file.write_text(swapped.replace("self.TEMPORARY()", "self.recycle()"))
    other = life.draw(Topology.read(str(file), "Recycling"), "recycling")
    assert edges(other) != edges(drawn("recycling"))


def test_the_sentence_says_then_only_where_one_step_may_follow_the_other():
    assert drawn("event-loop").sentence.split(". ")[1:] == [
        "loop: select, then accept; take from answers, then write; read, then hand_over to requests; handle",
        "worker: take from requests, then handle, then hand_over to answers.",
    ]
