"""The pictures are for a wall: no text of theirs lies on a line that it does not tell of, on a box, or on a border."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from teachserve.diagram import layout

PICTURES = sorted((Path(__file__).parents[2] / "diagrams").glob("*.dot"))
STEPS = 24
"""Points at which each piece of a curve is looked at."""
POINTS_PER_INCH = 72

Point = tuple[float, float]


class Rectangle(NamedTuple):
    """In points, the origin at the lower left."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, middle: str, width: float, height: float) -> "Rectangle":
        x, y = map(float, middle.split(","))
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def holds(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.bottom < point[1] < self.top

    def overlaps(self, other: "Rectangle") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def leaves(self, other: "Rectangle") -> bool:
        """Whether a part of it lies in the other, and a part does not."""
        inside = (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )
        return self.overlaps(other) and not inside


def curve(text: str) -> list[Point]:
    """Points along Graphviz's piecewise Bézier curve."""
    corners = [tuple(map(float, part.split(","))) for part in text.split() if part[0] not in "es"]
    points = []
    for first in range(0, len(corners) - 3, 3):
        for step in range(STEPS + 1):
            t = step / STEPS
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
            pairs = list(zip(weights, corners[first : first + 4], strict=True))
            points.append((sum(w * x for w, (x, _) in pairs), sum(w * y for w, (_, y) in pairs)))
    return points


def label(edge: dict) -> Rectangle | None:
    """What the letters of an edge's label cover: its lines as wide as they were measured, without the blanks around them."""
    lines = [drawn for drawn in edge.get("_ldraw_", []) if drawn["op"] == "T"]
    if not lines:
        return None
    size = next(drawn["size"] for drawn in edge["_ldraw_"] if drawn["op"] == "F")
    width = max(drawn["width"] * len(drawn["text"].strip()) / len(drawn["text"]) for drawn in lines)
    return Rectangle.around(edge["lp"], width, size * len(lines))


def blemishes(source: str) -> list[str]:
    """What lies badly in this picture, in words."""
    drawn = json.loads(layout.run(source, "json"))
    names = [one["name"] for one in drawn["objects"]]
    boxes = {
        one["name"]: Rectangle.around(one["pos"], *(float(one[side]) * POINTS_PER_INCH for side in ("width", "height")))
        for one in drawn["objects"]
        if "pos" in one
    }
    groups = [one for one in drawn["objects"] if "bb" in one and one["class"].startswith("group")]
    borders = {one["name"]: Rectangle(*map(float, one["bb"].split(","))) for one in groups}
    lines = [(f"{names[edge['tail']]} to {names[edge['head']]}", curve(edge["pos"])) for edge in drawn["edges"]]
    found = []
    for number, edge in enumerate(drawn["edges"]):
        if (covered := label(edge)) is None:
            continue
        others = lines[:number] + lines[number + 1 :]
        found += [f"{edge['label']} lies on {ends}" for ends, line in others if any(map(covered.holds, line))]
        found += [f"{edge['label']} lies on {name}" for name, box in boxes.items() if covered.overlaps(box)]
        found += [
            f"{edge['label']} lies on the border of {name}" for name, box in borders.items() if covered.leaves(box)
        ]
    return found


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_no_label_lies_on_a_line_of_another_edge_on_a_box_or_on_a_border(path: Path) -> None:
    assert not blemishes(path.read_text())


def test_what_lies_badly_is_found() -> None:
    each_with_each = [f'{one} -> {other} [label="{one} to {other}"]' for one in "abc" for other in "xyz"]
    assert blemishes(f"digraph {{ splines=line; {'; '.join(each_with_each)} }}")
