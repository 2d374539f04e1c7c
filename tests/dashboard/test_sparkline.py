"""The chart: zero is the ground, gaps are gaps, and it moves without shimmering."""

from hypothesis import given
from hypothesis import strategies as st

from teachserve.dashboard.sparkline import sparkline


def test_half_the_value_is_half_the_height() -> None:
    assert sparkline([8, 4, 0], 3, 3) == "█▅▁"


def test_it_is_drawn_from_the_right_and_a_none_is_a_gap() -> None:
    assert sparkline([1, None, 1], 6, 6) == "   █ █"


def test_nothing_is_an_empty_chart() -> None:
    assert sparkline([], 4, 4) == "    "
    assert sparkline([0, 0], 4, 4) == "  ▁▁"
    assert sparkline([1, 2], 0, 4) == ""


def test_a_cell_holds_the_mean_or_the_worst() -> None:
    assert sparkline([0, 8], 2, 4) == "▁█"
    assert sparkline([0, 8, 8, 8], 2, 4) == "▅█"
    assert sparkline([0, 8, 8, 8], 2, 4, cell=max) == "██"


@given(st.integers(0, 200))
def test_cells_keep_their_values_while_the_full_window_moves(first: int) -> None:
    # Six values a cell, and the same greatest value in every window.
    everything = [number // 6 % 4 for number in range(300)]
    charts = [sparkline(everything[at : at + 60], 10, 60, first=at) for at in range(first, first + 7)]
    moved_by_a_cell = charts[6]
    assert charts[0][1:] == moved_by_a_cell[:-1]
    for chart in charts:
        assert chart[1:-1] in charts[0] + charts[6][-1]
