"""Mermaid: every part once, and no character that ends a label before its end."""

import re

import pytest

from teachserve.diagram import mermaid
from teachserve.diagram.drawing import Drawing, edge_lines, node_lines

from . import drawings


def shown(label: str) -> str:
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label).replace("<br/>", "\n")


@pytest.mark.parametrize("drawing", [make() for make in drawings.ALL], ids=lambda drawing: drawing.name)
def test_every_label_can_be_read_back(drawing: Drawing) -> None:
    lines = [line.strip() for line in mermaid.render(drawing).splitlines()]
    assert lines[0] == "flowchart TB"
    nodes = [re.fullmatch(r'n\d+\W+?"([^"]*)"\W+', line) for line in lines]
    edges = [re.fullmatch(r'n\d+ [-=.>]+(?:\|"([^"]*)"\|)? n\d+', line) for line in lines]
    assert sorted(shown(found[1]) for found in nodes if found) == sorted(
        "\n".join(node_lines(node)) for node in drawing.nodes
    )
    assert [shown(found[1] or "") for found in edges if found] == [
        "\n".join(edge_lines(edge)) for edge in drawing.edges
    ]


def test_it_says_what_it_shows() -> None:
    lines = mermaid.render(drawings.recycling()).splitlines()
    assert lines[1] == "  accTitle: Recycling: every worker accepts"
    assert lines[2].startswith("  accDescr: Clients connect to the listening socket, each worker")
