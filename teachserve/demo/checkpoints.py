"""Folds kept on the way, so that going back need not begin at the beginning."""

import pickle
import zlib
from bisect import bisect_right

from teachserve.demo.fold import PictureFold

MOST_BYTES = 100_000_000
"""A fold that follows connections has the last minute of their events with it, 0.5 MB compressed."""


class Checkpoints:
    """Folds by the number of the stop that they stand at. Bounded: where it gets too much, every other one goes."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._stops: list[int] = []
        self._folds: list[bytes] = []

    def put(self, stop: int, fold: PictureFold) -> None:
        """Keep this fold as it is now."""
        position = bisect_right(self._stops, stop)
        if position and self._stops[position - 1] == stop:
            return
        self._stops.insert(position, stop)
        self._folds.insert(position, zlib.compress(pickle.dumps(fold), 1))
        while len(self._stops) > 2 and sum(map(len, self._folds)) > self._most_bytes:
            del self._stops[1::2], self._folds[1::2]

    def before(self, stop: int) -> int:
        """The last one that stands at or before this stop."""
        return self._stops[bisect_right(self._stops, stop) - 1]

    def take(self, stop: int) -> PictureFold:
        """A copy of the one that stands there."""
        return pickle.loads(zlib.decompress(self._folds[self._stops.index(stop)]))
