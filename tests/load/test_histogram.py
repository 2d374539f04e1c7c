"""Latencies are kept at three digits, with hdrhistogram and without."""

import random
import subprocess
import sys
from collections import Counter

import pytest

from teachserve.load import histogram
from teachserve.load.histogram import Buckets, Hdr
from teachserve.load.result import PERCENTILES
from teachserve.load.tally import Times

needs_hdr = pytest.mark.skipif(histogram.HdrHistogram is None, reason=histogram.NOTICE)
KINDS = [pytest.param(Hdr, marks=needs_hdr), Buckets]


def spread() -> list[int]:
    """Latencies as they come: most of them short, a few a thousand times as long. In us."""
    random.seed(1984)
    return [int(random.lognormvariate(7, 2)) for _ in range(20_001)]


@pytest.mark.parametrize("kind", KINDS)
def test_percentiles_are_right_to_three_digits(kind: type):
    values = spread()
    kept = kind()
    kept.add(Counter(values))
    values.sort()
    assert kept.count == len(values)
    for per_cent, value in zip(PERCENTILES, kept.percentiles(PERCENTILES), strict=True):
        exact = values[round(per_cent / 100 * len(values)) - 1]
        assert value == pytest.approx(exact, rel=0.002, abs=1)
        assert value > 2


@pytest.mark.parametrize("kind", KINDS)
def test_small_values_are_exact(kind: type):
    kept = kind()
    kept.add({1: 5, 7: 3, 2047: 2})
    assert list(kept.recorded()) == [(1, 5), (7, 3), (2047, 2)]
    assert kept.percentiles((50, 80, 100)) == [1, 7, 2047]


@pytest.mark.parametrize("kind", KINDS)
def test_of_nothing_there_is_nothing(kind: type):
    assert (kind().count, list(kind().recorded())) == (0, [])


def test_what_was_put_in_can_be_taken_out_again():
    kept = Buckets()
    old, new = Counter(spread()), Counter({5: 10, 900_000: 3})
    kept.add(old)
    kept.add(new)
    kept.add(old, -1)
    fresh = Buckets()
    fresh.add(new)
    assert list(kept.recorded()) == list(fresh.recorded())
    assert kept.count == 13


@pytest.mark.parametrize("kind", KINDS)
def test_extremes_and_average_are_exact_and_the_bars_hold_everything(kind: type, monkeypatch):
    monkeypatch.setattr("teachserve.load.tally.new_histogram", kind)
    times = Times()
    for batch in ([1_000_500, 3_000_700], [2_000_600, 21_000_123]):
        times.batch.extend(batch)
        times.fold()
    latency = times.latency()
    assert (latency.fastest, latency.slowest) == (0.001000500, 0.021000123)
    assert latency.average == pytest.approx((1_000_500 + 3_000_700 + 2_000_600 + 21_000_123) / 4e9)
    assert [count for _, count in latency.bars] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (latency.bars[0][0], latency.bars[-1][0]) == (latency.fastest, latency.slowest)
    assert latency.percentiles[99.9] <= latency.slowest
    assert times.kept_in == kind.name


def test_one_value_alone_makes_one_bar():
    times = Times()
    times.batch.extend([5_000_000] * 3)
    latency = times.latency()
    assert sum(count for _, count in latency.bars) == latency.count == 3
    assert latency.fastest == latency.slowest == 0.005


def test_a_latency_beyond_all_bounds_is_kept_at_the_bound():
    times = Times()
    times.batch.append(10**16)
    assert times.latency().count == 1


def test_without_hdrhistogram_everything_works_and_says_so():
    script = (
        "import sys; sys.modules['hdrh'] = None\n"
        "from teachserve.load import histogram\n"
        "assert type(histogram.new_histogram()) is histogram.Buckets\n"
        "print(histogram.NOTICE)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        assert said.stdout.startswith("hdrhistogram is not installed: latencies are kept in ")
    assert (said.stderr, said.stdout.count("\n")) == ("", 1)


@pytest.mark.skipif(getattr(sys, "_is_gil_enabled", lambda: True)(), reason="only where there is no GIL")
def test_the_gil_stays_off():
    import teachserve.load  # noqa: F401

    assert not sys._is_gil_enabled()


@needs_hdr
def test_with_hdrhistogram_there_is_nothing_to_say():
    assert (histogram.NOTICE, type(histogram.new_histogram())) == ("", Hdr)
