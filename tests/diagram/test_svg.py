"""The SVG: said in words, coloured by classes, linked to the source, and as wide as its page at most."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from teachserve.colours import PALETTE
from teachserve.diagram import svg
from teachserve.diagram.drawing import Drawing, edge_lines, node_lines, printable

from . import drawings

NAMESPACE = "{http://www.w3.org/2000/svg}"
EVERY = pytest.mark.parametrize("drawing", [make() for make in drawings.ALL], ids=lambda drawing: drawing.name)


def parts(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [part for part in root.iter(f"{NAMESPACE}g") if kind in part.get("class", "").split()]


def words(part: ElementTree.Element) -> str:
    return " ".join("".join(part.itertext()).split())


@EVERY
def test_it_says_what_it_shows(drawing: Drawing) -> None:
    root = ElementTree.fromstring(svg.render(drawing))
    assert root.get("role") == "img"
    said = {one.get("id"): one.text for one in root if one.tag in (f"{NAMESPACE}title", f"{NAMESPACE}desc")}
    assert [said[key] for key in root.get("aria-labelledby").split()] == [
        printable(drawing.title),
        printable(drawing.sentence),
    ]


@EVERY
def test_each_part_has_its_words_its_classes_its_link_and_its_sentence(drawing: Drawing) -> None:
    root = ElementTree.fromstring(svg.render(drawing))
    nodes, edges = parts(root, "node"), parts(root, "edge")
    assert (len(nodes), len(edges)) == (len(drawing.nodes), len(drawing.edges))
    left = [words(node) for node in nodes]
    for node in drawing.nodes:
        said = " ".join(" ".join([printable(node.tooltip), *node_lines(node)]).split())
        left.remove(said)
        found = next(one for one in nodes if words(one) == said and node.kind in one.get("class").split())
        link = found.find(f".//{NAMESPACE}a")
        assert (link.get("href") if link is not None else "") == (
            f"{node.file}#L{node.line}" if node.line else node.file
        )
    left = sorted(words(edge) for edge in edges)
    assert left == sorted(" ".join(" ".join([printable(e.tooltip), *edge_lines(e)]).split()) for e in drawing.edges)


@EVERY
def test_the_style_sheet_colours_it_for_both_grounds_and_nothing_outside(drawing: Drawing) -> None:
    text = svg.render(drawing)
    root = ElementTree.fromstring(text)
    sheet = root.find(f"{NAMESPACE}style").text
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")
    for name, (on_dark, on_light) in PALETTE.items():
        assert f"--{name}: {on_light}" in light
        assert f"--{name}: {on_dark}" in dark.splitlines()[0]
    assert all(rule.startswith((f".{svg.SCOPE} ", "@media")) for rule in sheet.strip().splitlines())
    assert "currentColor" not in text
    for hue in {name for part in root.iter() for name in part.get("class", "").split() if name.startswith("hue-")}:
        assert f".{hue} " in sheet
    coloured = {"ground", "line", "shape", "arrow"}
    shapes = [
        part for part in root.iter() if part.tag.removeprefix(NAMESPACE) in ("path", "polygon", "ellipse", "polyline")
    ]
    assert all(part.get("class") in coloured for part in shapes)


@EVERY
def test_it_is_no_wider_than_its_page(drawing: Drawing) -> None:
    root = ElementTree.fromstring(svg.render(drawing))
    assert re.fullmatch(r"0\.00 0\.00 \d+\.\d+ \d+\.\d+", root.get("viewBox"))
    assert root.get("width").isdigit()
    assert f".{svg.SCOPE} {{" in root.find(f"{NAMESPACE}style").text
    assert "max-width: 100%; height: auto" in root.find(f"{NAMESPACE}style").text


def test_no_two_ids_are_one_for_pages_with_several_pictures() -> None:
    ids = [key for make in drawings.ALL for key in re.findall(r' id="([^"]*)"', svg.render(make()))]
    assert len(ids) == len(set(ids)) == 2 * len(drawings.ALL)


def test_what_is_faint_and_what_is_only_told_has_no_link() -> None:
    one = drawings.recycling()
    told = replace(one, nodes=tuple(replace(node, file="", faint=True) for node in one.nodes))
    nodes = parts(ElementTree.fromstring(svg.render(told)), "node")
    assert not any(node.iter(f"{NAMESPACE}a") and node.find(f".//{NAMESPACE}a") is not None for node in nodes)
    assert all("faint" in node.get("class").split() for node in nodes)


def test_a_drawing_of_nothing_is_a_picture_too() -> None:
    root = ElementTree.fromstring(svg.render(Drawing("none", "", "", (), ())))
    assert not parts(root, "node")
