"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachserve.demo.wording import counted, duration, percent, printable, short


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "before"), (0, "0us"), (0.00012, "120us"), (0.0012, "1.2ms"), (0.0123, "12ms"), (0.999, "999ms"),
        (1, "1.0s"), (59.9, "59.9s"), (60, "1m00s"), (243, "4m03s"), (7500, "2h05m"), (400000, "111h"),
    ],
)  # fmt: skip
def test_a_duration_names_its_unit(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0, 1e8))
def test_a_duration_fits_its_column(seconds: float) -> None:
    assert len(duration(seconds)) <= 6


@given(st.integers(0, 10**14), st.integers(4, 8))
def test_a_number_fits_its_column_and_is_never_more_than_it_was(number: int, width: int) -> None:
    text = short(number, width)
    assert len(text) <= width
    scale = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(text[-1], 1)
    assert int(text.rstrip("kMGT")) * scale <= number


def test_a_share_is_100_percent_only_when_nothing_is_missing() -> None:
    assert [percent(share) for share in (None, 0, 0.5, 0.9999, 1.0)] == ["n/a", "0.0 %", "50.0 %", "99.9 %", "100 %"]


def test_one_is_singular() -> None:
    assert (counted(1, "worker"), counted(0, "worker")) == ("1 worker", "0 workers")


def test_escape_sequences_become_spaces() -> None:
    assert printable("a\x1b[2Jb\nc\x9b1m") == "a [2Jb c 1m"
