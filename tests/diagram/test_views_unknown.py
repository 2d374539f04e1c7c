"""What could not be derived stands in every picture, with its line: nothing is left out in silence."""

import re

import pytest

from teachserve.diagram.drawing import node_lines
from teachserve.diagram.views import VIEWS, render
from tests.topology.tables import of_worker
from tests.topology.test_unknown import MORE, UNKNOWN


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("body", UNKNOWN)
def test_an_unknown_construct_has_a_note_with_its_line_and_all_of_the_reason(view, body, tmp_path):
    found = of_worker(tmp_path, body, MORE)
    drawing = VIEWS[view](found, "own")
    assert found.unknown
    for one in found.unknown:
        [note] = [node for node in drawing.nodes if node.key == f"{one.role}.unknown"]
        assert f"line {one.line}: {one.why}" in note.tooltip
        assert str(one.line) in re.findall(r"\d+", " ".join(node_lines(note)))
    assert f"{found.unknown[0].role}: unknown" in render(drawing, "text", 78).decode()


def test_several_of_one_role_are_one_note(tmp_path):
    found = of_worker(tmp_path, "go = self.accept\ngo()\nme = self\nself.serve(me)")
    [note] = [node for node in VIEWS["threads"](found, "own").nodes if node.kind == "note"]
    assert node_lines(note)[-1] == "and line 10"


def test_several_in_one_line_do_not_say_the_line_twice(tmp_path):
    found = of_worker(tmp_path, "get, put = self.accept, self.serve\nme = self\nyou = self")
    [note] = [node for node in VIEWS["threads"](found, "own").nodes if node.kind == "note"]
    assert node_lines(note)[-2:] == ("and more in line 8", "and line 9, 10")
