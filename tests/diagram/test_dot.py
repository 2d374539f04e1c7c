"""Graphviz's text: what Graphviz reads in it is what the drawing says, whatever characters that has."""

import json
from html import unescape

import pytest

from teachserve.diagram import dot, layout

from . import drawings


@pytest.mark.parametrize("drawing", [make() for make in drawings.ALL], ids=lambda drawing: drawing.name)
def test_graphviz_reads_the_nodes_edges_and_labels_that_were_meant(drawing) -> None:
    read = json.loads(layout.run(dot.source(drawing), "json0"))
    nodes = [one for one in read["objects"] if "cluster" not in one["name"]]
    meant = {dot.name_of(node.key).strip('"').replace('\\"', '"'): node for node in drawing.nodes}
    assert {one["name"] for one in nodes} == set(meant)
    for one in nodes:
        shown = unescape(one["label"]).replace("\\n", "\n").replace("\\\\", "\\")
        node = meant[one["name"]]
        if "\\" not in "".join(node.label):
            expected = "\n".join([*"\n".join(node.label).split("\n"), *([node.count] if node.count else [])])
            assert shown == expected or "\x07" in expected
    assert len(read["edges"]) == len(drawing.edges)


def test_a_change_of_one_edge_changes_one_line() -> None:
    one = drawings.recycling()
    other = type(one)(**{**vars(one), "edges": (*one.edges[:2], *one.edges[3:])})
    lines, fewer = dot.source(one).splitlines(), dot.source(other).splitlines()
    assert len(lines) == len(fewer) + 1
    assert [line for line in lines if line not in fewer] == [
        line for line in lines if line.startswith("\tworker -> client")
    ]


def test_links_say_where_and_how() -> None:
    assert 'URL="teachserve/architectures/recycling.py#L28"' in dot.source(drawings.recycling())
    assert 'URL="../recycling.py:28"' in dot.source(
        drawings.recycling(), lambda file, line: f"../{file.split('/')[-1]}:{line}"
    )


def test_every_font_is_large_enough_for_a_wall() -> None:
    sizes = [
        float(part.split(",")[0].split("]")[0])
        for make in drawings.ALL
        for part in dot.source(make()).split("fontsize=")[1:]
    ]
    assert sizes
    assert min(sizes) >= 14


def test_a_way_back_ranks_nothing_and_weight_is_thickness() -> None:
    source = dot.source(drawings.recycling())
    back = [line for line in source.splitlines() if "-> client" in line]
    assert "constraint=false" in back[0]
    one = drawings.recycling()
    heavy = type(one)(
        **{**vars(one), "edges": tuple(type(edge)(**{**vars(edge), "weight": 1.0}) for edge in one.edges)}
    )
    assert "penwidth=8.2" in dot.source(heavy)
