"""Steps that call the same verb and go on the same way are one box of the life's picture; others are not."""

from teachserve.diagram.annotate import annotate
from teachserve.diagram.folded import folded
from teachserve.diagram.traffic import Traffic
from teachserve.diagram.views import VIEWS
from teachserve.events import State
from tests.diagram.recordings import record, recorded
from tests.diagram.seen import architecture
from tests.topology.tables import of_worker, table


def lines(topology):
    return table(folded(topology).roles[0])


def test_the_loop_writes_in_one_box_what_it_handled_and_what_it_took():
    drawing = VIEWS["life"](architecture("event-loop"), "event-loop")
    into = {edge.tail: edge.label for edge in drawing.edges if edge.head == "loop.write"}
    assert into == {"loop.take answers": "", "loop.handle": ""}
    assert [node.key for node in drawing.nodes if node.label == ("write",)] == ["loop.write"]
    [write] = [node for node in drawing.nodes if node.key == "loop.write"]
    assert "write(take(answers)) or write(handle(request))" in write.tooltip


def test_two_serves_that_go_on_the_same_way_are_one_with_all_that_is_within_them(tmp_path):
    body = "while c := self.accept():\n    if self.admit(c):\n        self.serve(c)\n    else:\n        self.serve(c)"
    assert lines(of_worker(tmp_path, body)) == [
        "begin -> accept",
        "accept -> admit [c]",
        "accept -> end [not c]",
        "admit -> read",
        "read ~> accept [request is None]",
        "read -> handle [request is not None]",
        "handle -> write",
        "write ~> read",
    ]


def test_on_the_way_to_one_box_stand_the_conditions_of_all(tmp_path):
    body = "while c := self.accept():\n    if c > 1:\n        self.close(c)\n    elif c > 0:\n        self.close(c)"
    assert "accept -> close [c and c > 1 or c and c <= 1 and c > 0]" in lines(of_worker(tmp_path, body))


def test_what_goes_on_another_way_or_hands_over_something_else_stays_apart(tmp_path):
    twice = "while c := self.accept():\n    self.hand_over(c, self.left)\n    self.hand_over(c, self.left)"
    found = of_worker(tmp_path, twice)
    assert lines(found) == table(found.roles[0])
    other = "while c := self.accept():\n    self.hand_over(c, self.left) if c else self.hand_over(1, self.left)"
    found = of_worker(tmp_path, other)
    assert lines(found) == table(found.roles[0])


def test_who_is_spawned_keeps_the_step_that_spawns_it(tmp_path):
    body = "while c := self.accept():\n    if c:\n        self.close(c)\n    else:\n        self.close(c)\n    "
    found = folded(of_worker(tmp_path, body + "self.spawn(self.other, role='other')", "def other(self): pass"))
    [made] = found.role("other").made
    assert found.role(made.by).steps[made.step].verb == "spawn"


def test_all_that_one_box_stands_for_is_counted_in_it(tmp_path):
    topology, _ = record("event-loop", tmp_path / "run.trace")
    told = recorded(tmp_path / "run.trace")
    [writes] = [step for step in folded(topology).role("loop").steps if step.verb == "write"]
    times = Traffic.of(folded(topology), told).step("loop", writes).times
    assert times == sum(
        moves for (role, _, after), moves in told.moves.items() if role == "loop" and after is State.WRITING
    )
    drawing = annotate(VIEWS["life"](topology, "event-loop"), topology, told)
    [count] = [node.count for node in drawing.nodes if node.key == "loop.write"]
    assert count.startswith(f"{times} times")
