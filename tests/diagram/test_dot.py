"""Graphviz's text: what Graphviz reads in it is what the drawing says, whatever characters that has."""

import json
import re
from html import unescape

import pytest

from teachserve.diagram import dot, layout
from teachserve.diagram.drawing import edge_lines, node_lines

from . import drawings


def meant(label: str) -> str:
    """What Graphviz shows for a label: its own escapes, and HTML's entities, replaced."""
    return unescape(re.sub(r"\\(.)", lambda escaped: "\n" if escaped[1] == "n" else escaped[1], label))


@pytest.mark.parametrize("drawing", [make() for make in drawings.ALL], ids=lambda drawing: drawing.name)
def test_graphviz_reads_the_nodes_edges_and_labels_that_were_meant(drawing) -> None:
    read = json.loads(layout.run(dot.source(drawing), "json0"))
    things = {one["_gvid"]: one for one in read["objects"]}
    nodes = {one["name"].replace("\\\\", "\\"): meant(one["label"]) for one in things.values() if "shape" in one}
    assert nodes == {node.key: "\n".join(node_lines(node)) for node in drawing.nodes}
    ends = {"back": ("head", "tail")}  # written from where it leads to
    edges = [
        (*(things[one[end]]["name"] for end in ends.get(one.get("dir"), ("tail", "head"))), meant(one.get("label", "")))
        for one in read["edges"]
    ]
    assert sorted(
        (tail.replace("\\\\", "\\"), head.replace("\\\\", "\\"), said) for tail, head, said in edges
    ) == sorted((edge.tail, edge.head, "\n".join(f"  {line}  " for line in edge_lines(edge))) for edge in drawing.edges)


def test_a_change_of_one_edge_changes_one_line() -> None:
    one = drawings.recycling()
    other = type(one)(**{**vars(one), "edges": (*one.edges[:2], *one.edges[3:])})
    lines, fewer = dot.source(one).splitlines(), dot.source(other).splitlines()
    assert len(lines) == len(fewer) + 1
    assert [line for line in lines if line not in fewer] == [
        line for line in lines if line.startswith("\tclient -> worker")
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


def test_a_way_back_is_ranked_from_where_it_leads_to_with_its_arrow_there() -> None:
    lines = dot.source(drawings.recycling()).splitlines()
    [back] = [line for line in lines if 'label="  answer  "' in line]
    assert back.strip().startswith("client -> worker [")
    assert "dir=back, arrowtail=normal" in back
    [alone] = [line for line in lines if "worker -> worker" in line]
    assert "arrowhead=normal" in alone


def test_weight_is_thickness() -> None:
    one = drawings.recycling()
    heavy = type(one)(
        **{**vars(one), "edges": tuple(type(edge)(**{**vars(edge), "weight": 1.0}) for edge in one.edges)}
    )
    assert "penwidth=8.2" in dot.source(heavy)
