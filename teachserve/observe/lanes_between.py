"""Lanes at a moment between two tables: what the events since the table tell, laid on the lanes of that table."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from teachserve.events import FIRST_MARK
from teachserve.observe.lane import CODE_BITS, Lane, Lanes
from teachserve.observe.model import ENDS


def with_events(lanes: Lanes, frames: Iterable[Mapping[str, Any]], roles: Mapping[int, str], at_us: int) -> Lanes:
    """The lanes as of `at_us`, with these frames' events. `roles` names threads that may be new: each has a lane of its own.

    The lanes that are given stay as they are; only those in which something happened are copied.
    """
    told: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for frame in frames:
        if frame["frame"] == "events":
            for number, _, words in frame["batches"]:
                moves = zip(words[::3], words[1::3], strict=True)
                told[number] += [(at, code) for at, code in moves if code < FIRST_MARK]
    made = [_extended(lane, told.pop(lane.number, [])) for lane in lanes.lanes]
    for number, moves in sorted(told.items()):
        if moves and number in roles:
            begins = array("q", [moves[0][0]])
            made.append(_extended(Lane(roles[number], array("q"), 0, begins, array("q", [number]), 1, None), moves))
    return lanes._replace(at_us=at_us, lanes=tuple(made))


def _extended(lane: Lane, moves: list[tuple[int, int]]) -> Lane:
    if not moves:
        return lane
    runs = lane.runs[: lane.length]
    last = runs[-1] >> CODE_BITS if runs else -1
    ended_us = lane.ended_us
    for at, code in moves:
        if at > last and ended_us is None:
            runs.append(at << CODE_BITS | code)
            last, ended_us = at, at if code in ENDS else None
    return lane if len(runs) == lane.length else lane._replace(runs=runs, length=len(runs), ended_us=ended_us)
