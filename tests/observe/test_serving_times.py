"""How long a thread took for each request, from its events."""

import random

import pytest

from teachserve.events import Mark, State
from teachserve.observe.serving_times import serving_times
from teachserve.observe.snapshot import EventView


def events(*told: tuple[float, State | Mark, int]) -> list[EventView]:
    states = [what for _, what, _ in told]
    return [
        EventView(
            at_s, 3, "worker-3", before if isinstance(before, State) else None, what if isinstance(what, State) else None,
            what if isinstance(what, Mark) else None, connection, False,
        )
        for (at_s, what, connection), before in zip(told, [None, *states], strict=False)
    ]  # fmt: skip


def test_a_request_lasts_from_reading_to_the_end_of_writing() -> None:
    found = serving_times(
        events((1.0, State.ACCEPTED, 7), (1.1, State.READING, 7), (1.2, State.HANDLING, 7), (1.5, State.WRITING, 7),
               (1.6, State.RECYCLING, 0))
    )  # fmt: skip
    assert found.times_s == pytest.approx((0.5,))
    assert found.window_s == pytest.approx(0.6)


def test_on_a_kept_connection_the_idle_time_between_two_requests_is_not_serving() -> None:
    found = serving_times(
        events((1.0, State.READING, 7), (1.1, State.WRITING, 7), (1.2, State.IDLE, 7), (9.0, State.READING, 7),
               (9.1, State.IDLE, 7), (12.0, State.READING, 7), (12.1, State.WRITING, 7), (12.3, State.IDLE, 7))
    )  # fmt: skip
    assert found.times_s == pytest.approx((0.2, 0.3))


def test_a_request_that_has_come_whole_begins_with_its_handling() -> None:
    found = serving_times(
        events((1.0, State.IDLE, 7), (5.0, State.HANDLING, 7), (5.2, State.WRITING, 7), (5.3, State.IDLE, 7))
    )
    assert found.times_s == pytest.approx((0.3,))
    assert serving_times(events((5.0, State.HANDLING, 7), (5.2, State.WRITING, 7), (5.3, State.IDLE, 7))).times_s == ()


def test_what_began_before_the_events_or_is_not_over_counts_nothing() -> None:
    assert (
        serving_times(events((1.0, State.WRITING, 7), (1.1, State.READING, 7), (1.2, State.WRITING, 7))).times_s == ()
    )
    assert serving_times(events()) == ((), 0.0)


def test_an_event_loop_has_many_requests_at_a_time() -> None:
    found = serving_times(
        events((1.0, State.READING, 1), (1.1, State.READING, 2), (1.2, State.SELECTING, 0), (1.3, State.WRITING, 2),
               (1.4, State.WRITING, 1), (1.6, State.SELECTING, 0))
    )  # fmt: skip
    assert found.times_s == pytest.approx((0.3, 0.6))


def test_a_thread_that_only_runs_handlers_has_none() -> None:
    assert serving_times(events((1.0, State.HANDLING, 1), (1.1, State.HANDING_OVER, 1), (1.2, State.WAITING, 0))) == (
        (), pytest.approx(0.2),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_any_events_give_times_within_their_span_and_one_at_most_for_each_end_of_writing(seed: int) -> None:
    dice = random.Random(seed)
    at_s, told = 0.0, []
    for _ in range(dice.randrange(200)):
        at_s += dice.random()
        what = dice.choice([*State, *Mark])
        told.append((at_s, what, dice.choice([0, 1, 2, 3])))
    found = serving_times(events(*told))
    assert all(0 <= seconds <= found.window_s + 1e-9 for seconds in found.times_s)
    assert len(found.times_s) <= sum(what is State.WRITING for _, what, _ in told)
