"""A drawing as SVG: said in words, coloured for either ground, as wide as its page at most, each part a link to its source.

Graphviz lays out and draws; this takes out what it says in fixed points, and puts in what it does not know: a role, a
title and a sentence, a style sheet, and the docstring's sentence where Graphviz leaves the name of the node.
"""

import re
from xml.etree import ElementTree

from teachserve.diagram import dot, layout, style
from teachserve.diagram.drawing import Drawing, Edge, Node, printable

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
SCOPE = "teachserve-drawing"
"""The class of the picture's root: its style sheet touches nothing else of a page that holds it."""

PIXELS_PER_POINT = 4 / 3

_OF_NODE = {"path": "shape", "polygon": "shape", "ellipse": "shape", "polyline": "line"}
_OF_EDGE = {"path": "line", "polygon": "arrow", "ellipse": "arrow", "polyline": "arrow"}


def render(drawing: Drawing, links: dot.Links = dot.line_link) -> str:
    """The picture with its style sheet, complete, in UTF-8. `links`: see `dot.Links`. Raises: layout.DrawingError."""
    drawn = ElementTree.fromstring(layout.run(dot.source(drawing, links, numbered=True), "svg"))
    for part in drawn.iter():
        part.tag = part.tag.removeprefix(f"{{{SVG}}}")
    graph = drawn.find("g")
    numbered = {f"node-{number}": node for number, node in enumerate(drawing.nodes)}
    numbered |= {f"edge-{number}": edge for number, edge in enumerate(drawing.edges)}
    for part in graph.iter("g"):
        if (title := part.find("title")) is not None:  # Graphviz's own: a node's key
            part.remove(title)
        if (one := numbered.get(part.get("id", ""))) is not None:
            _say(part, one)
    _classify_rest(graph)
    for part in graph.iter():
        _modernise(part)
    return _document(drawing, drawn.get("viewBox"), graph)


def _say(part: ElementTree.Element, one: Node | Edge) -> None:
    """The docstring's sentence as the part's title, which a browser shows beside the pointer; classes for its shapes."""
    if (first := next(part.iter("text"), None)) is not None:
        first.set("class", "first")
    classes = _OF_EDGE if isinstance(one, Edge) else _OF_NODE
    for shape in part.iter():
        if shape.tag in classes:
            shape.set("class", classes[shape.tag])
    if one.tooltip:
        said = ElementTree.Element("title")
        said.text = printable(one.tooltip)
        part.insert(0, said)


def _classify_rest(graph: ElementTree.Element) -> None:
    """Classes for the ground, the legend, and the groups' boxes; the box around all of it, which holds the title, goes.

    A group's name comes last, so that a line that goes through it lies below.
    """
    for child in list(graph):
        classes = child.get("class", "").split()
        if child.tag == "polygon":
            child.set("class", "ground")
        elif child.tag == "text":
            child.set("class", "legend")
        elif "cluster" in classes:
            whole = "drawing" in classes
            for part in list(child):
                if part.tag == "text":
                    part.set("class", "title" if whole else "group-name")
                    child.remove(part)
                    graph.append(part)
                elif whole:
                    child.remove(part)
                else:
                    part.set("class", "shape")


def _modernise(part: ElementTree.Element) -> None:
    """Attributes as SVG 2 has them, and none that Graphviz numbers or repeats."""
    part.attrib.pop("id", None)
    part.attrib.pop(f"{{{XLINK}}}title", None)
    if (address := part.attrib.pop(f"{{{XLINK}}}href", None)) is not None:
        part.set("href", address)
    elif part.tag == "a":  # a tooltip alone: no link
        part.tag = "g"
        part.attrib.pop("target", None)


def _document(drawing: Drawing, box: str, graph: ElementTree.Element) -> str:
    width, height = (round(float(size) * PIXELS_PER_POINT) for size in box.split()[2:])
    name = re.sub(r"\W+", "-", drawing.name)  # an id has no blanks
    title, sentence = f"{name}-title", f"{name}-sentence"
    root = ElementTree.Element("svg", {
        "xmlns": SVG,
        "class": SCOPE,
        "viewBox": box,
        "width": str(width),
        "height": str(height),
        "role": "img",
        "aria-labelledby": f"{title} {sentence}",
    })  # fmt: skip
    for tag, key, text in (("title", title, drawing.title), ("desc", sentence, drawing.sentence)):
        ElementTree.SubElement(root, tag, {"id": key}).text = printable(text)
    ElementTree.SubElement(root, "style").text = f"\n{style.style_sheet(SCOPE)}\n"
    root.append(graph)
    for part in root.iter():
        part.tail = "\n"
        if len(part):
            part.text = "\n"
    return ElementTree.tostring(root, encoding="unicode")
