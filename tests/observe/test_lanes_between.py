"""A moment between two tables shows what a fold of the same events would."""

from hypothesis import given
from hypothesis import strategies as st

from teachserve.events import State
from teachserve.observe.lane import CODE_BITS, Lanes
from teachserve.observe.lanes_between import with_events
from teachserve.observe.model import ENDS

from .remembered import STEPS, Remembered, code_at, folded, played
from .world import events, header, row, table


def states(lanes: Lanes, world: Remembered) -> dict[tuple[int, int], int]:
    """(thread, moment) -> state, for as long as the thread lives."""
    return {
        (lane.thread_at(at), at): code
        for lane in lanes.lanes
        for at in range(lane.runs[0] >> CODE_BITS, world.at + 1)
        if (code := code_at(lane, at)) not in ENDS
    }


@given(STEPS, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99)), max_size=30))
def test_the_events_since_the_table_are_in_the_lanes(steps: list, moves: list) -> None:
    world = played(steps, streaming=True)
    before = folded(world.frames)
    kept = [(lane, [*lane.runs[: lane.length]]) for lane in before.lanes]
    count = len(world.frames)
    for thread, choice in moves:
        world.wander(thread, choice)
    world.send_events()
    roles = dict.fromkeys(world.truth, "worker")
    between = with_events(before, world.frames[count:], roles, world.at)
    assert between.at_us == world.at
    assert states(between, world) == states(folded(world.frames), world)
    assert [(lane, [*lane.runs[: lane.length]]) for lane in before.lanes] == kept


def test_a_lane_without_events_is_the_same_and_a_thread_that_nobody_knows_has_none() -> None:
    before = folded([header(), table(10, [row(1, State.READING)])])
    between = with_events(before, [events(20, [], [7, 0, [15, 2, 0]])], {}, 20)
    assert between.lanes[0] is before.lanes[0]
    assert len(between.lanes) == 1
