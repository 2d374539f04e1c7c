"""A drawing that contradicts itself is refused where it is made, not where it is drawn."""

from dataclasses import replace

import pytest

from teachserve.diagram.drawing import Drawing, Edge, Group, Node, edge_lines, node_lines, printable

from . import drawings

A, B = Node("a", ("a",), "verb"), Node("b", ("b",), "verb")


@pytest.mark.parametrize(
    ("nodes", "edges", "groups", "told"),
    [
        ((A, B), (Edge("a", "c"),), (), "head of edge 'a' -> 'c'"),
        ((A, B), (Edge("c", "a"),), (), "tail of edge 'c' -> 'a'"),
        ((A, A), (), (), "two nodes have the key 'a'"),
        ((A,), (), (Group("g", "g"), Group("g", "h")), "two groups have the key 'g'"),
        ((replace(A, group="g"),), (), (), "group of node 'a'"),
        ((replace(A, kind="thing"),), (), (), "kind of node 'a': 'thing' is none of role, verb"),
        ((replace(A, state="dreaming"),), (), (), "state of node 'a'"),
        ((A, B), (Edge("a", "b", kind="thing"),), (), "kind of edge 'a' -> 'b'"),
        ((A, B), (Edge("a", "b", weight=1.5),), (), "must be 0 to 1: 1.5"),
        ((A,), (), (Group("g", "g", "thing"),), "kind of group 'g'"),
    ],
)
def test_what_names_nothing_that_there_is_is_refused(nodes, edges, groups, told: str) -> None:
    with pytest.raises(ValueError, match="some") as refused:
        Drawing("some", "", "", nodes, edges, groups)
    assert told in str(refused.value)


def test_a_direction_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="direction"):
        replace(drawings.recycling(), direction="up")


def test_a_node_s_lines_end_with_how_many_and_none_is_empty() -> None:
    assert node_lines(Node("a", ("one\ntwo", ""), "role", count="1 for each")) == ("one", "two", "1 for each")


def test_what_a_colour_says_of_an_edge_a_sign_says_too() -> None:
    assert [edge_lines(Edge("a", "b", "x", kind)) for kind in ("next", "added", "removed", "unknown")] == [
        ("x",), ("+ x",), ("- x",), ("? x",),
    ]  # fmt: skip
    assert edge_lines(Edge("a", "b", kind="added")) == ("+",)


def test_control_characters_are_shown_as_their_escapes() -> None:
    assert printable("a\tb\x00c\x1b[31m é 日") == "a b\\x00c\\x1b[31m é 日"
