"""The picture of any moment of a trace: a fold that can go back, and between two tables event by event.

A picture is due after each `observed` and at an end: these are the stops. Forward the fold goes on; backward it begins at
the checkpoint before. Where the trace holds events, a moment between two stops is the stop before it and every event up
to that moment. What is shown of a moment depends on nothing but the moment.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from time import monotonic, thread_time

from teachserve.demo.checkpoints import Checkpoints
from teachserve.demo.fold import Branch, PictureFold
from teachserve.demo.interval import Interval
from teachserve.demo.picture import Picture
from teachserve.observe.link import Frame
from teachserve.observe.trace import Trace, TraceError

STOPS = ("observed", "end", "gone", "waiting")
CHECKPOINT_S = 0.3
"""A checkpoint is kept where folding on from the one before would take longer."""
BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What a fold raises at a line that has the look of a frame and is none."""


class Playback:
    """Pictures by their moment, in us since the first table. One thread at a time may use it."""

    def __init__(self, trace: Trace) -> None:
        """Raises: TraceError where the trace shows nothing."""
        self.trace = trace
        self.damage = trace.damage
        """What of the file could not be shown, in a sentence; grows when a line is met that is no frame."""
        self._ends = [number + 1 for number, kind in enumerate(trace.kinds) if kind in STOPS]
        self._moments = [trace.moments_us[end - 1] for end in self._ends]
        if not self._ends:
            raise TraceError(self.damage or f"the trace {trace.path} has no moment that could be shown")
        self._fold, self._stop = PictureFold(), -1
        """A stop is a number; -1 is before the first."""
        self._checkpoints = Checkpoints()
        self._checkpoints.put(-1, self._fold)
        self._reader = _Reader(trace)
        self._interval: tuple[int, Interval] | None = None
        self._branch: tuple[int, Branch] | None = None
        self._shown: tuple[tuple[int, int], Picture] | None = None
        self._go_to(0)

    @property
    def length_us(self) -> int:
        """The moment of the last picture."""
        return self._moments[-1]

    @property
    def marks_s(self) -> tuple[float, ...]:
        """The moments, in seconds, at which a person has changed something."""
        trace = self.trace
        return tuple(at / 1e6 for at, kind in zip(trace.moments_us, trace.kinds, strict=True) if kind == "mark")

    def picture(self, at_us: int) -> Picture:
        """What was known at that moment: the first picture for all before, the same object while nothing changes.

        Raises: TraceError where the file has changed meanwhile.
        """
        self._go_to(self._stop_at(at_us))
        seen = 0
        if at_us > self._moments[self._stop] and (interval := self._after(self._stop)):
            seen = bisect_right(interval.times_us, at_us)
        if self._shown is None or self._shown[0] != (self._stop, seen):
            picture = self._between(interval, interval.times_us[seen - 1]) if seen else self._fold.picture()
            self._shown = (self._stop, seen), picture
        return self._shown[1]

    def approach(self, at_us: int, seconds: float) -> int | None:
        """Read on towards that moment, for so long at most. None: it is reached; else the moment that is.

        The first way to a moment far on takes as long as folding everything before it. Raises: TraceError.
        """
        stop = self._stop_at(at_us)
        self._go_to(stop, seconds)
        return self._moments[self._stop] if self._stop < min(stop, len(self._ends) - 1) else None

    def stop_us(self, at_us: int) -> int:
        """The moment of the stop at or before that moment; of the first, where there is none before."""
        return self._moments[self._stop_at(at_us)]

    def next_us(self, at_us: int) -> int:
        """The moment of the next event or stop; at the end the end."""
        stop = self._stop_at(at_us)
        interval = self._after(stop)
        if interval is None:
            return self.length_us
        seen = bisect_right(interval.times_us, at_us)
        return interval.times_us[seen] if seen < len(interval.times_us) else self._moments[stop + 1]

    def before_us(self, at_us: int) -> int:
        """The moment of the event or stop before; at the beginning the beginning."""
        # Several stops may have one moment, as the last table and the end have: all of them are left at once.
        stop = bisect_left(self._moments, at_us) - 1
        if stop < 0:
            return self._moments[0]
        interval = self._after(stop)
        seen = bisect_left(interval.times_us, at_us) if interval else 0
        return interval.times_us[seen - 1] if seen else self._moments[stop]

    def close(self) -> None:
        """Give the file back. What is asked for later opens it again."""
        self._reader.close()

    def _stop_at(self, at_us: int) -> int:
        return max(0, bisect_right(self._moments, at_us) - 1)

    def _go_to(self, stop: int, seconds: float = math.inf) -> None:
        """Fold to this stop, for so long at most, or to the last one before a line that is no frame."""
        until = monotonic() + seconds
        checkpoint = self._checkpoints.before(stop)
        if not checkpoint <= self._stop <= stop:
            self._fold, self._stop = self._checkpoints.take(checkpoint), checkpoint
        began = thread_time()
        while self._stop < stop and monotonic() < until:
            try:
                for frame in self._after(self._stop).frames:
                    self._fold.advance(frame)
            except BROKEN:
                self._cut_off(self._stop + 1)
                return
            self._stop += 1
            if thread_time() - began > CHECKPOINT_S:
                self._checkpoints.put(self._stop, self._fold)
                began = thread_time()

    def _cut_off(self, stop: int) -> None:
        """From here on the trace is no good."""
        del self._ends[stop:], self._moments[stop:]
        self.damage = f"the trace {self.trace.path} is damaged: "
        if not self._ends:
            raise TraceError(f"{self.damage}nothing of it can be shown")
        self.damage += f"what is shown ends at {self.length_us / 1e6:.1f} s"
        checkpoint = self._checkpoints.before(stop - 1)  # the fold has taken part of what is no good
        self._fold, self._stop = self._checkpoints.take(checkpoint), checkpoint
        self._go_to(stop - 1)

    def _after(self, stop: int) -> Interval | None:
        """What leads from this stop to the next; None after the last."""
        if stop + 1 >= len(self._ends):
            return None
        if self._interval is None or self._interval[0] != stop:
            first, last = self._ends[stop] if stop >= 0 else 0, self._ends[stop + 1]
            began = self._moments[stop] if stop >= 0 else 0
            frames = self._reader.frames(first, last)
            self._interval = stop, Interval(began, frames, list(self.trace.moments_us[first:last]))
        return self._interval[1]

    def _between(self, interval: Interval, at_us: int) -> Picture:
        """The picture of a moment after the stop at which the fold stands."""
        if self._branch is None or self._branch[0] != self._stop:
            self._branch = self._stop, self._fold.branch()
        return self._branch[1].after(interval.until(at_us))


class _Reader:
    """Reads frames in their order without opening the file for each."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._next = 0
        self._frames: Iterator[Frame] = iter(())

    def frames(self, first: int, last: int) -> list[Frame]:
        """The frames first to last - 1. Raises: TraceError."""
        if first != self._next or first == 0:
            self._frames = self._trace.frames(first)
        self._next = last
        return [next(self._frames) for _ in range(last - first)]

    def close(self) -> None:
        """Give the file back."""
        self._frames, self._next = iter(()), 0
