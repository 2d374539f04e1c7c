"""The score counts each request once, whatever order its two outcomes come in, and says what it does not know."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachserve.compare.score import CELLS, COLUMNS, NOT_SENT, UNTOLD, Score, ScoreView, SideScore
from teachserve.load.outcomes import ABORTED, FAILED

TIE_US = 100
RATE = 1000.0
# The same examples in every run, and a slow machine is no failure.
bounded = settings(max_examples=60, derandomize=True, database=None)
OUTCOMES = st.tuples(st.sampled_from([200, 200, 200, 503, 404, FAILED, ABORTED]), st.integers(0, 400))
SIDE = st.dictionaries(st.integers(0, 39), OUTCOMES)


def scored(first: dict, second: dict, planned: int = 40, begun: tuple[int, int] | None = None) -> ScoreView:
    """The score of these outcomes, told one side after the other."""
    score = Score(planned, RATE, TIE_US)
    for side, told in enumerate((first, second)):
        score.add(side, flat(told))
    if begun is not None:
        score.end(begun)
    return score.view()


def flat(told: dict[int, tuple[int, int]]) -> list[int]:
    return [value for number, (outcome, us) in told.items() for value in (number, outcome, us)]


@bounded
@given(SIDE, SIDE, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_batches_and_what_is_told_twice_change_nothing(
    first: dict, second: dict, chance: random.Random, over: bool
) -> None:
    batches = [
        (side, [number, *outcome]) for side, told in enumerate((first, second)) for number, outcome in told.items()
    ]
    batches += chance.sample(batches, len(batches) // 2)
    chance.shuffle(batches)
    score = Score(40, RATE, TIE_US)
    for side, batch in batches:
        score.add(side, batch)
        score.view()  # to look changes nothing either
    if over:
        score.end((40, 40))
        score.end((0, 0))
    assert score.view() == scored(first, second, begun=(40, 40) if over else None)


@bounded
@given(SIDE, SIDE, st.integers(0, 40), st.integers(0, 40))
def test_at_the_end_every_request_of_the_plan_is_in_exactly_one_sum(
    first: dict, second: dict, begun: int, other: int
) -> None:
    view = scored(first, second, begun=(begun, other))
    one, two = view.sides
    assert view.decided == 40
    assert view.tied + view.neither + view.unknown + one.first + one.alone + two.first + two.alone == 40
    for side, told, taken in ((one, first, begun), (two, second, other)):
        fates = (
            side.answered,
            side.refused,
            side.other_statuses,
            side.failed,
            side.given_up,
            side.not_sent,
            side.untold,
        )
        assert sum(fates) == 40
        assert side.not_sent == sum(number not in told for number in range(taken, 40))
        assert side.untold == sum(number not in told for number in range(taken))
        assert (side.latency.count if side.latency else 0) == side.answered
        assert (side.lead.count if side.lead else 0) == side.first
    assert len(view.marks) == 40 and "." not in view.marks


@bounded
@given(SIDE, SIDE)
def test_to_change_the_sides_changes_the_letters_and_nothing_else(first: dict, second: dict) -> None:
    one, two = scored(first, second), scored(second, first)
    assert one.sides == two.sides[::-1]
    assert (one.decided, one.tied, one.neither) == (two.decided, two.tied, two.neither)
    assert one.marks == two.marks.translate(str.maketrans("ABab", "BAba"))


@bounded
@given(SIDE, SIDE, st.integers(0, 39))
def test_what_is_lost_on_one_side_makes_its_request_unknown_and_leaves_the_others_as_they_are(
    first: dict, second: dict, lost: int
) -> None:
    whole = scored(first, second, begun=(40, 40))
    part = scored({n: told for n, told in first.items() if n != lost}, second, begun=(40, 40))
    changed = [number for number in range(40) if whole.marks[number] != part.marks[number]]
    assert changed in ([], [lost])
    assert part.marks[lost] == "?"


@pytest.mark.parametrize(
    ("first", "second", "mark"),
    [
        ((200, 1000), (200, 1101), "A"),
        ((200, 1101), (200, 1000), "B"),
        ((200, 1000), (200, 1100), "="),
        ((200, 1000), (503, 1), "a"),
        ((FAILED, 1), (200, 1000), "b"),
        ((503, 1), (FAILED, 1), "-"),
        ((ABORTED, 1), (200, 9), "b"),
    ],
)
def test_the_earlier_answer_is_first_and_a_refusal_is_no_answer(first: tuple, second: tuple, mark: str) -> None:
    assert scored({0: first}, {0: second}).marks == mark


def test_a_request_that_one_side_alone_has_told_of_is_open() -> None:
    view = scored({0: (200, 5), 1: (200, 5)}, {1: (200, 500)})
    assert (view.decided, view.marks) == (1, ".A")
    assert view.sides[0].answered == 2


def test_the_lead_is_how_much_earlier_it_was() -> None:
    view = scored(dict.fromkeys(range(10), (200, 1000)), {n: (200, 1000 + 200 * (n + 1)) for n in range(10)})
    lead = view.sides[0].lead
    assert (lead.count, lead.p50, lead.p99, lead.most) == (10, 0.001, 0.002, 0.002)
    assert view.sides[1].lead is None
    assert view.share(view.sides[0].first) == 1.0


@pytest.mark.parametrize(
    ("first", "second", "alike"), [(0, 0, True), (50, 50, True), (60, 40, True), (61, 39, False), (0, 5, False)]
)
def test_a_difference_that_chance_makes_too_is_called_so(first: int, second: int, alike: bool) -> None:
    view = ScoreView(first + second, sides=(SideScore(first=first), SideScore(alone=second)))
    assert view.chance_will_do is alike


def test_without_anything_decided_there_is_no_share() -> None:
    assert scored({}, {}).share(0) is None


def test_the_chart_has_the_latencies_of_each_part_of_the_plan() -> None:
    planned = 2 * CELLS
    view = scored({n: (200, 1000 * (n // 4 + 1)) for n in range(planned)}, {3: (503, 1)}, planned)
    first, second = view.chart[CELLS // 2]
    assert first == tuple((at / 1000, at / 1000) for at in range(1, CELLS // 2 + 1))
    assert list(view.chart) == list(COLUMNS)
    assert set(second) == {None}
    assert len(view.chart[CELLS][0]) == CELLS


def test_an_answer_after_the_end_of_the_plan_is_one_but_counts_for_no_rate() -> None:
    side = scored({0: (200, 40_000), 1: (200, 39_001), 39: (200, 1000)}, {}).sides[0]
    assert (side.answered, side.in_time) == (3, 2)


def test_a_number_beyond_the_plan_is_passed_over() -> None:
    assert scored({40: (200, 1)}, {}).sides[0].answered == 0


def test_the_outcomes_that_nobody_tells_are_no_status() -> None:
    assert len({NOT_SENT, UNTOLD, FAILED, ABORTED}) == 4
    assert max(NOT_SENT, UNTOLD, FAILED, ABORTED) < 100
