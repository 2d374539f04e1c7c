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


def render(drawing: Drawing, links: dot.Links = dot.line_link) -> str:
    """The picture with its style sheet, complete, in UTF-8. `links`: see `dot.Links`. Raises: layout.DrawingError."""
    drawn = ElementTree.fromstring(layout.run(dot.source(drawing, links, numbered=True), "svg"))
    graph = drawn.find(f"{{{SVG}}}g")
    numbered = {f"node-{number}": node for number, node in enumerate(drawing.nodes)}
    numbered |= {f"edge-{number}": edge for number, edge in enumerate(drawing.edges)}
    for part in graph.iter(f"{{{SVG}}}g"):
        if (title := part.find(f"{{{SVG}}}title")) is not None:  # Graphviz's own: a node's key
            part.remove(title)
        if (one := numbered.get(part.get("id", ""))) is not None:
            _say(part, one)
    for part in graph.iter():
        _plain(part)
    _name_graph(graph)
    return _document(drawing, drawn.get("viewBox"), graph)


def _say(part: ElementTree.Element, one: Node | Edge) -> None:
    """The docstring's sentence as the part's title, which a browser shows beside the pointer; classes for its shapes."""
    if one.tooltip:
        said = ElementTree.Element(f"{{{SVG}}}title")
        said.text = printable(one.tooltip)
        part.insert(0, said)
    texts = part.iter(f"{{{SVG}}}text")
    for number, text in enumerate(texts):
        if not number:
            text.set("class", "first")
    for shape in part.iter():
        tag = shape.tag.removeprefix(f"{{{SVG}}}")
        if isinstance(one, Edge) and tag in ("path", "polygon", "polyline", "ellipse"):
            shape.set("class", "line" if tag == "path" else "arrow")
        elif tag in ("path", "polygon", "ellipse"):
            shape.set("class", "shape")
        elif tag == "polyline":
            shape.set("class", "line")


def _plain(part: ElementTree.Element) -> None:
    """Attributes as SVG 2 has them, and none that Graphviz numbers or repeats."""
    part.attrib.pop("id", None)
    part.attrib.pop(f"{{{XLINK}}}title", None)
    if (address := part.attrib.pop(f"{{{XLINK}}}href", None)) is not None:
        part.set("href", address)
    elif part.tag == f"{{{SVG}}}a":  # a tooltip alone: no link
        part.tag = f"{{{SVG}}}g"
        part.attrib.pop("target", None)


def _name_graph(graph: ElementTree.Element) -> None:
    for child in graph:
        if child.tag == f"{{{SVG}}}polygon":
            child.set("class", "ground")
        elif child.tag == f"{{{SVG}}}text":
            child.set("class", "legend")
        elif "cluster" in child.get("class", "").split():
            title = "drawing" in child.get("class").split()
            for part in list(child):
                if title and part.tag == f"{{{SVG}}}polygon":
                    child.remove(part)
                elif part.tag == f"{{{SVG}}}text":
                    part.set("class", "title" if title else "first")
                elif part.tag in (f"{{{SVG}}}polygon", f"{{{SVG}}}path"):
                    part.set("class", "shape")


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
        part.tag = part.tag.removeprefix(f"{{{SVG}}}")
        part.tail = "\n"
        if len(part):
            part.text = "\n"
    return ElementTree.tostring(root, encoding="unicode")
