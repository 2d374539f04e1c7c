"""Where latencies are kept: many numbers in little memory, at a known precision of three digits.

Times arrive as whole microseconds with how often each was seen: to count a batch first and record the few distinct
values costs about 0.1 us a request, to record each one 0.7 us (CPython 3.11, 2.6 GHz).
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from teachserve.interpreter import gil_enabled

LONGEST_US = 3_600_000_000
KEPT_IN_BUCKETS = "latencies are kept in buckets of our own, which are as precise (three digits)"


def _find_hdr() -> tuple[type | None, str]:
    """The class, or None and why not."""
    if not gil_enabled():
        # Its C module does not say that it runs without a GIL, so that importing it switches the GIL on for everybody.
        return None, f"hdrhistogram would switch this Python's GIL on: {KEPT_IN_BUCKETS}"
    try:
        from hdrh.histogram import HdrHistogram
    except ImportError:
        return None, f"hdrhistogram is not installed: {KEPT_IN_BUCKETS}"
    return HdrHistogram, ""


HdrHistogram, NOTICE = _find_hdr()
"""`NOTICE` is the line that says where latencies are kept, empty if they are where they should be."""


class Buckets:
    """Counts by logarithmic bucket: below 2048 us a bucket a microsecond, above it 1024 to each doubling.

    The layout of hdrhistogram at three digits. Source: Gil Tene, http://hdrhistogram.org
    """

    name = "buckets"

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0

    def add(self, counts: Mapping[int, int], sign: int = 1) -> None:
        """Record each value (us) as often as it was seen; with `sign=-1`, take it out again."""
        kept = self._counts
        for value, count in counts.items():
            if value >= 2048:
                width = value.bit_length() - 11
                value = (value >> width << width) + (1 << width) - 1
            kept[value] = kept.get(value, 0) + sign * count
            self.count += sign * count
        if sign < 0:
            self._counts = {value: count for value, count in kept.items() if count}

    def recorded(self) -> Iterator[tuple[int, int]]:
        """Value (us, the bucket's upper end) and count, ascending."""
        return iter(sorted(self._counts.items()))

    def percentiles(self, wanted: Iterable[float]) -> list[int]:
        """For each, ascending: the least value (us) that so many per cent of all do not exceed. Nothing counted: 0."""
        found, seen, value = [], 0, 0
        values = self.recorded()
        for per_cent in wanted:
            rank = math.ceil(self.count * per_cent / 100)
            while seen < rank:
                value, count = next(values)
                seen += count
            found.append(value)
        return found


class Hdr:
    """The same in hdrhistogram."""

    name = "hdrhistogram"

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST_US, 3)

    @property
    def count(self) -> int:
        return self._histogram.total_count

    def add(self, counts: Mapping[int, int]) -> None:
        record = self._histogram.record_value
        for value, count in counts.items():
            record(value, count)

    def recorded(self) -> Iterator[tuple[int, int]]:
        for step in self._histogram.get_recorded_iterator():
            yield step.value_iterated_to, step.count_added_in_this_iter_step

    def percentiles(self, wanted: Iterable[float]) -> list[int]:
        wanted = list(wanted)
        by_percentile = self._histogram.get_percentile_to_value_dict(wanted)
        return [int(by_percentile[per_cent]) for per_cent in wanted]


def new_histogram() -> Hdr | Buckets:
    """The best one there is."""
    return Buckets() if HdrHistogram is None else Hdr()
