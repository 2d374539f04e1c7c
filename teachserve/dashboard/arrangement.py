"""Where the rooms, their tokens and the lanes between them stand, for a pane of a given size.

Rooms on a connection's way stand one below the other in its order, side rooms at the right, in the rows between them. A
flow to the next room is the arrow between the two; every other has a lane of its own at the right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from teachserve.observe import places
from teachserve.observe.places import Pair, Places, Room

COUNT, ASIDE_COUNT = 5, 4
"""Cells for a room's number."""
LANE = 6
"""Cells for a lane: its line, a number of up to four digits, and a blank."""
MOST_GAP = 5
"""Lines between two rooms where there is plenty: further apart they would no longer be one picture."""
LEAST_TOKENS = 10
ASIDE_TOKENS = 4
RARE = 0.001
"""A flow below this share of all is not drawn but told below the picture."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. `gap`: lines between two rooms, 0 where none is left: then there are no lanes and no side
    rooms.

    `left` and `right` are the first column of a room and the first behind it, `marks` the first of its tokens and how
    many of them fit in a line, all by the room's name. `lanes`: pair of rooms -> the column of its lane.
    """

    gap: int
    token_lines: int
    rows: dict[str, int]
    left: dict[str, int]
    right: dict[str, int]
    marks: dict[str, tuple[int, int]]
    lanes: dict[Pair, int]
    untold: tuple[Pair, ...]
    """Flows that are not drawn: rare ones, and those that no lane is left for."""


def arrange(found: Places, labels: Mapping[str, str], width: int, height: int) -> Layout:
    """Lay the rooms out: as tall as there is room for, the lanes as many as there is room for."""
    count = len(found.way)
    gap = next((lines for lines in (2, 1) if count + lines * (count - 1) <= height), 0)
    token_lines = max(1, min(3, (height - gap * (count - 1)) // count))
    if gap and token_lines == 3 and count > 1:
        gap = max(gap, min(MOST_GAP, (height - token_lines * count) // (count - 1)))
    pitch = token_lines + gap
    rows = {room.name: position * pitch for position, room in enumerate(found.way)}
    beside = found.beside if gap else ()
    rows |= _rows_beside(found, beside, pitch, token_lines)
    way_width = max(len(labels[room.name]) for room in found.way) + 1 + COUNT + 1
    aside_label = max((len(labels[room.name]) for room in beside), default=0) + 1 + ASIDE_COUNT
    aside_width = aside_label + 1 + ASIDE_TOKENS + 1 if beside else 0
    drawn, untold = _lanes(found, rows if gap else {}, (width - way_width - aside_width - LEAST_TOKENS - 2) // LANE)
    tokens = width - way_width - aside_width - 2 - LANE * len(drawn)
    first = way_width + tokens + 2
    behind = {room.name: first - 2 for room in found.way} | {room.name: first + aside_width - 1 for room in beside}
    lanes = {pair: first + aside_width + LANE * position for position, pair in enumerate(drawn)}
    return Layout(
        gap=gap,
        token_lines=token_lines,
        rows=rows,
        left={room.name: 0 if room in found.way else first for room in found.rooms},
        right=behind,
        marks={room.name: (way_width, tokens) for room in found.way}
        | {room.name: (first + aside_label + 1, ASIDE_TOKENS) for room in beside},
        lanes=lanes,
        untold=untold,
    )


def _lanes(found: Places, rows: Mapping[str, int], most: int) -> tuple[list[Pair], tuple[Pair, ...]]:
    """Which flows get a lane, the shortest first; and those that are not drawn at all, greatest first."""
    following = set(pairwise(room.name for room in found.way))
    everything = sum(flow.total for flow in found.flows.values())
    others = sorted((pair for pair in found.flows if pair not in following or not rows),
                    key=lambda pair: (-found.flows[pair].total, pair))  # fmt: skip
    drawn = [pair for pair in others if {*pair} <= rows.keys() and found.flows[pair].total >= RARE * everything]
    drawn = drawn[: max(0, most)]
    untold = tuple(pair for pair in others if pair not in drawn)
    return sorted(drawn, key=lambda pair: (abs(rows[pair[0]] - rows[pair[1]]), pair)), untold


def _rows_beside(found: Places, beside: Sequence[Room], pitch: int, token_lines: int) -> dict[str, int]:
    """Side rooms stand in the rows between the others, each as near as may be to where its threads come from."""
    free = [position * pitch + token_lines for position in range(len(found.way) - 1)]
    names = [room.name for room in found.way]
    near = {
        places.CREATING.name: places.ACCEPT_QUEUE.name,
        places.QUEUES.name: places.ACCEPTING.name,
        places.IDLE.name: places.HANDLING.name,
    }
    rows = {}
    for room in beside:
        anchor = near.get(room.name)
        wanted = names.index(anchor) * pitch + token_lines if anchor in names else (free[-1] if free else 0)
        if free:
            rows[room.name] = min(free, key=lambda row: abs(row - wanted))
            free.remove(rows[room.name])
    return rows


def scale_of(count: int, room: str, layout: Layout) -> int:
    """How many a mark has to stand for, so that there is a cell for each mark."""
    lines = 1 if layout.left[room] else layout.token_lines
    return max(1, -(-count // max(1, layout.marks[room][1] * lines)))
