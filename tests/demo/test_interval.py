"""Between two pictures: what had happened up to a moment, and nothing of what came later."""

from teachserve.demo.interval import Interval
from teachserve.events import MARK_CODES, Mark, State


def test_an_arrival_lies_before_what_its_thread_had_told_and_brings_nothing_forward() -> None:
    """The thread recycled at 50 and accepted at 60 what had arrived at 30: at 40 nobody knows of it."""
    moves = [20, State.WRITING.code, 1, 50, State.RECYCLING.code, 0, 30, MARK_CODES[Mark.ARRIVED], 2,
             60, State.ACCEPTED.code, 2]  # fmt: skip
    frame = {"frame": "events", "at": 100, "threads": [], "batches": [[7, 0, moves]]}
    interval = Interval(0, [frame], [100])
    assert [cut["batches"] for cut in interval.until(40)] == [[[7, 0, moves[:3]]]]
    assert [cut["batches"] for cut in interval.until(55)] == [[[7, 0, moves[:9]]]]
    assert [cut["batches"] for cut in interval.until(60)] == [[[7, 0, moves]]]
    assert [cut["batches"] for cut in interval.until(10)] == [[]]
