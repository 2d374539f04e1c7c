"""Moves that are not allowed are counted once each, and what was lost on the way is told and forges none."""

import pytest

from teachserve.events import CODES, STATES, TRANSITIONS, State
from teachserve.observe.model import IllegalMove

from .world import events, fold, header, table

S = State


def test_moves_that_the_table_of_moves_does_not_allow_are_counted():
    allowed, forbidden = [S.READING, S.HANDLING], [S.ENDED, S.ACCEPTING]
    flows = [[before.code, after.code, 3] for before, after in (allowed, forbidden)]
    shown = fold([header(), table(1, flows=flows)], strict=False).snapshot()
    assert shown.illegal_moves == 3
    with pytest.raises(IllegalMove, match="from ended to accepting"):
        fold([header(), table(1, flows=flows)], strict=True)


@pytest.mark.parametrize("before", STATES)
def test_every_move_of_the_stream_is_checked(before):
    for after in STATES:
        words = [10, CODES[before], 0, 20, CODES[after], 0]
        frames = [header(), events(30, [], [1, 0, words])]
        legal = after in TRANSITIONS[before]
        assert fold(frames, strict=False).snapshot().illegal_moves == (not legal)
        if not legal:
            with pytest.raises(IllegalMove, match="thread 1 went"):
                fold(frames, strict=True)


def test_an_illegal_move_is_counted_once_although_stream_and_table_both_tell_it():
    words = [10, S.READING.code, 1, 20, S.CREATING.code, 1, 30, S.LINGERING.code, 1]
    streamed = events(30, [[1, 1, 9001]], [1, 0, words])
    told = table(40, flows=[[S.CREATING.code, S.LINGERING.code, 1]])
    assert fold([header(), streamed], strict=False).snapshot().illegal_moves == 1
    assert fold([header(), streamed, told], strict=False).snapshot().illegal_moves == 1


def test_events_that_were_lost_break_the_chain_and_forge_no_illegal_move():
    began = [header(), events(10, [], [1, 0, [10, S.LINGERING.code, 0]])]
    read = [20, S.READING.code, 1]
    assert fold([*began, events(20, [], [1, 0, read])], strict=False).snapshot().illegal_moves == 1
    told_in_the_batch = fold([*began, events(20, [], [1, 4, read])]).snapshot()
    assert (told_in_the_batch.illegal_moves, told_in_the_batch.lost_events) == (0, 4)
    lost = {"frame": "lost", "frames": 1, "events": 7}
    told_apart = fold([*began, lost, events(20, [], [1, 0, read])]).snapshot()
    assert (told_apart.illegal_moves, told_apart.lost_events, told_apart.lost_frames) == (0, 7, 1)
    not_told_yet = fold([*began, events(20, [], [1, 0, read]) | {"serial": 5}]).snapshot()
    assert (not_told_yet.illegal_moves, not_told_yet.lost_frames) == (0, 3)


def test_a_lost_frame_shows_as_a_gap_and_is_told_and_counted_once():
    gap = [header(), table(1, serial=2), table(2, serial=6)]
    assert fold(gap).snapshot().lost_frames == 3
    told = {"frame": "lost", "serial": 7, "frames": 3, "events": 0}
    assert fold([*gap, told, table(3, serial=8)]).snapshot().lost_frames == 3
