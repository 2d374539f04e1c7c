"""Several architectures in one picture: the sheet, and what differs between two."""

import pytest

from teachserve.architectures import NAMES
from teachserve.diagram import diff, life, sheet, states
from tests.diagram.seen import ALIENS, architecture, edges, nodes


def test_the_sheet_has_each_architecture_in_a_box_of_its_own():
    drawing = sheet.draw({name: architecture(name) for name in NAMES})
    assert [group.key for group in drawing.groups] == list(NAMES)
    assert {node.group for node in drawing.nodes} == set(NAMES)
    assert (
        "recycling/role worker -> recycling/queue wanted: hand over / WORKER_WANTED / if short_of_acceptors()"
        in edges(drawing)
    )
    assert "client" not in {node.kind for node in drawing.nodes}


def test_from_a_pool_to_recycling_the_acceptor_goes_and_a_thread_maker_comes():
    drawing = diff.draw(architecture("thread-pool"), architecture("recycling"), ("thread-pool", "recycling"))
    shown = nodes(drawing)
    assert shown["role acceptor"].startswith("- acceptor")
    assert shown["role thread-maker"].startswith("+ thread-maker")
    assert shown["role worker"] == (
        "worker / serve / - take / + accept, hand_over, / recycle / - threads from start\n+ standby from start"
    )
    assert edges(drawing, "removed") == [
        "listening socket -> role acceptor: accept",
        "role acceptor -> queue connections: hand over connection / if admit(connection)",
        "queue connections -> role worker: take",
        "role acceptor ~> clients: 503 if not admit",
        "role acceptor -> counters",
    ]
    assert "role worker ~> clients: answer" in edges(drawing, "answer")
    assert drawing.legend == ("- only thread-pool", "+ only recycling")


def test_nothing_differs_from_itself():
    one = architecture("recycling")
    drawing = diff.draw(one, one, ("recycling", "recycling"))
    assert edges(drawing, "added") == edges(drawing, "removed") == []
    assert drawing.sentence == "Only recycling: nothing. Only recycling: nothing."


@pytest.mark.parametrize("view", [life.draw, states.draw])
@pytest.mark.parametrize("name", ALIENS)
def test_any_two_can_be_compared_in_any_view(view, name):
    diff.draw(architecture("thread-pool"), architecture(name), ("thread-pool", "own"), view)


def test_the_difference_in_words_names_each_way_by_its_ends():
    drawing = diff.draw(architecture("single-thread"), architecture("thread-pool"), ("single-thread", "thread-pool"))
    first, second = drawing.sentence.split(" Only ")
    assert first == "Only single-thread: listening socket -> worker (accept)."
    assert "queue connections, role acceptor, counters, " in second
    assert "acceptor -> connections (hand over connection if admit(connection))" in second
