"""The terminal's picture: inside its columns, every edge unbroken from its tail to its head, every word somewhere."""

import random
from itertools import pairwise

import pytest

from teachserve.diagram import cells, text
from teachserve.diagram.drawing import Drawing, Edge, Group, Node, edge_lines, node_lines
from teachserve.diagram.layout import DrawingError
from teachserve.diagram.placing import Box, text_width

from . import drawings


def many(seed: int) -> Drawing:
    """A drawing that nobody would draw: up to twelve nodes, edges anywhere."""
    dice = random.Random(seed)
    count = dice.randint(2, 12)
    nodes = tuple(
        Node(
            f"n{number}",
            ("x" * dice.randint(1, 22),) * dice.randint(1, 2),
            "verb",
            group=dice.choice(("", "one", "two")),
        )
        for number in range(count)
    )
    edges = tuple(
        Edge(
            f"n{dice.randrange(count)}",
            f"n{dice.randrange(count)}",
            dice.choice(("", "if there is one", "a\nb")),
            back=dice.random() < 0.2,
        )
        for _ in range(dice.randint(1, count + 4))
    )
    return Drawing(f"many-{seed}", "Many", "", nodes, edges, (Group("one", "one"), Group("two", "two")))


EVERY = pytest.mark.parametrize(
    "drawing", [*(make() for make in drawings.ALL), *map(many, range(8))], ids=lambda drawing: drawing.name
)


def border(box: Box) -> set[tuple[int, int]]:
    return {
        (row, column)
        for row in range(box.row, box.bottom + 1)
        for column in range(box.column, box.right + 1)
        if row in (box.row, box.bottom) or column in (box.column, box.right)
    }


@EVERY
@pytest.mark.parametrize("columns", [78, 118])
def test_every_edge_leads_from_its_tail_to_its_head_and_every_word_is_there(drawing: Drawing, columns: int) -> None:
    laid = cells.layout(drawing, columns)
    boxes = {box.key: box for box in laid.boxes}
    inside = {place for box in laid.boxes for place in _cells(box)}
    assert sum(len(_cells(box)) for box in laid.boxes) == len(inside), "boxes overlap"
    taken = set(inside)
    for path in laid.paths:
        edge = drawing.edges[path.edge]
        places = [(row, column) for row, column, _ in path.cells]
        assert places[0] in border(boxes[edge.tail])
        assert not set(places[1:]) & inside
        assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in pairwise(places)), "broken"
        down, right = {"▲": (-1, 0), "▼": (1, 0), "◄": (0, -1), "►": (0, 1)}[path.cells[-1][2]]
        assert (places[-1][0] + down, places[-1][1] + right) in border(boxes[edge.head])
        words = " ".join(part.strip() for _, _, part in path.label)
        noted = next((note for note in laid.notes if note.startswith(f"({path.note}) ")), "")
        assert " ".join(edge_lines(edge)) == (noted.partition(") ")[2] if path.note else words)
        for row, column, part in path.label:
            covered = {(row, column + offset) for offset in range(text_width(part))}
            assert not covered & taken, "a label lies on a box or on another label"
            taken |= covered


def _cells(box: Box) -> set[tuple[int, int]]:
    return {(row, column) for row in range(box.row, box.bottom + 1) for column in range(box.column, box.right + 1)}


@EVERY
@pytest.mark.parametrize("columns", [78, 118])
@pytest.mark.parametrize("ascii", [False, True])
def test_no_line_is_too_wide_and_each_node_s_words_stand_in_it(drawing: Drawing, columns: int, ascii: bool) -> None:
    shown = text.render(drawing, columns, ascii)
    assert max(map(text_width, shown.splitlines())) <= columns
    assert all(line == line.rstrip() for line in shown.splitlines())
    if ascii:
        assert shown.isascii()
    else:
        assert all(line in shown for node in drawing.nodes for line in node_lines(node) if "  " not in line)


def test_where_there_are_too_few_columns_one_line_says_how_many_are_needed() -> None:
    with pytest.raises(DrawingError) as refused:
        text.render(drawings.recycling(), 20)
    assert "recycling-threads needs at least" in str(refused.value)
    assert "there are 20" in str(refused.value)
    assert "\n" not in str(refused.value)
    needed = int(str(refused.value).split("at least ")[1].split()[0])
    assert text.render(drawings.recycling(), needed)


def test_a_group_whose_members_stand_apart_is_said_in_words() -> None:
    nodes = tuple(Node(key, (key,), "verb", group=group) for key, group in (("a", "g"), ("b", ""), ("c", "g")))
    apart = Drawing("apart", "", "", nodes, (Edge("a", "b"), Edge("b", "c")), (Group("g", "a thread"),))
    laid = cells.layout(apart, 78)
    assert bool(laid.groups) != bool(laid.ungrouped)


def test_the_life_s_steps_stand_in_their_thread_s_box() -> None:
    laid = cells.layout(drawings.life(), 78)
    (frame,) = laid.groups
    inside = {box.key for box in laid.boxes if frame.column < box.column and box.right < frame.right}
    assert inside == {node.key for node in drawings.life().nodes if node.group}
    assert "╭╌ worker ╌" in text.render(drawings.life(), 78)


def test_what_is_observed_is_dashed_what_is_hot_is_thick_and_what_is_faint_has_a_thin_border() -> None:
    nodes = (Node("a", ("first",), "verb"), Node("b", ("second",), "verb", faint=True))

    def drawn(**edge: object) -> str:
        return text.render(Drawing("two", "", "", nodes, (Edge("a", "b", **edge),)), 78)

    assert "┆" in drawn(kind="observed")
    assert "▼" in drawn(kind="observed")
    assert "▼" not in drawn(kind="guard")
    assert "┃" in drawn(weight=1.0)
    assert not {"┆", "┃"} & set(drawn())
    assert "╌" in drawn()
    assert "╌" not in text.render(drawings.recycling(), 78)


def test_the_recycling_architecture_fits_a_terminal() -> None:
    shown = text.render(drawings.recycling(), 78).splitlines()
    assert len(shown) <= 40
    assert any("│ answer" in line for line in shown)
    assert any("recycle()" in line for line in shown)
