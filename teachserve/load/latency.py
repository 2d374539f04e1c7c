"""Latencies, kept cheaply: a list append a request; folded into a histogram once a second.

Source: HdrHistogram (Gil Tene). Where it is not installed, every distinct microsecond is counted instead: exact, and larger.
"""

from bisect import bisect_left
from collections import Counter
from itertools import accumulate

try:
    from hdrh.histogram import HdrHistogram
except ImportError:
    HdrHistogram = None

PERCENTILES = (50, 75, 90, 95, 99, 99.9)
LONGEST_US = 3_600_000_000
NO_HISTOGRAM = "hdrhistogram is not installed: latencies are counted by the microsecond instead"


class _Counted:
    """The little of HdrHistogram's interface that is used here, over exact counts."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def record_value(self, value: int, count: int = 1) -> None:
        self._counts[value] += count

    def get_value_at_percentile(self, percentile: float) -> int:
        values = sorted(self._counts)
        if not values:
            return 0
        sums = list(accumulate(self._counts[value] for value in values))
        return values[min(len(values) - 1, bisect_left(sums, percentile / 100 * sums[-1]))]


class Latencies:
    """Latencies of one kind. `add` takes microseconds; everything read is in seconds."""

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.add = self.pending.append
        self._histogram = HdrHistogram(1, LONGEST_US, 3) if HdrHistogram else _Counted()
        self._recent: list[int] = []
        self._counts: Counter[int] = Counter()
        self.count = 0
        self._sum_us = 0
        self._least_us = LONGEST_US
        self._most_us = 0

    def fold(self) -> None:
        """Move what was added since the last time into the histogram; that is then the recent past."""
        pending = self.pending
        self._recent = sorted(pending)
        pending.clear()
        if not self._recent:
            return
        self._least_us = min(self._least_us, self._recent[0])
        self._most_us = max(self._most_us, self._recent[-1])
        self.count += len(self._recent)
        self._sum_us += sum(self._recent)
        for value, count in Counter(self._recent).items():
            self._histogram.record_value(max(1, min(value, LONGEST_US)), count)
            self._counts[_bucket(value)] += count

    def recent(self, percentile: float) -> float | None:
        """The percentile of what was folded last, None where that was nothing."""
        if not self._recent:
            return None
        return self._recent[min(len(self._recent) - 1, int(percentile / 100 * len(self._recent)))] / 1e6

    def summary(self) -> dict[str, float] | None:
        """fastest, mean, slowest and the percentiles, in seconds; None where nothing was recorded."""
        if not self.count:
            return None
        at = self._histogram.get_value_at_percentile
        return {
            "fastest": self._least_us / 1e6,
            "mean": self._sum_us / self.count / 1e6,
            "slowest": self._most_us / 1e6,
            **{f"p{percentile:g}": at(percentile) / 1e6 for percentile in PERCENTILES},
        }

    def bars(self, bars: int = 11) -> list[tuple[float, int]]:
        """(upper edge in seconds, count) of bars of equal width from the fastest to the slowest."""
        if not self.count:
            return []
        width = max(1, (self._most_us - self._least_us) / bars)
        counts = [0] * bars
        for value, count in self._counts.items():
            counts[min(bars - 1, max(0, int((value - self._least_us) / width)))] += count
        return [((self._least_us + width * (bar + 1)) / 1e6, count) for bar, count in enumerate(counts)]


def _bucket(value: int) -> int:
    """To three significant digits: keeps the number of distinct values small."""
    scale = 1
    while value >= 1000 * scale:
        scale *= 10
    return value // scale * scale
