"""What a trace tells between two of its pictures, so that it can be shown event by event."""

from collections.abc import Iterator
from functools import cached_property

from teachserve.observe.link import Frame

TOLD_AT_ONCE = ("log", "mark", "roles", "reply", "lost")
"""Frames that a moment in between knows already, beside its events."""


class Interval:
    """The frames after one picture up to the next, `moments` being when each came, in us since the first table."""

    def __init__(self, began_us: int, frames: list[Frame], moments: list[int]) -> None:
        self.began_us = began_us
        self.frames = frames
        self._moments = moments
        # With another server its clock begins anew: until its first table there is nothing to show of it.
        kinds = [frame["frame"] for frame in frames]
        self._whole = kinds.index("header") if "header" in kinds else len(frames)

    @cached_property
    def times_us(self) -> list[int]:
        """The moments at which something happened, each once, by time; none is a picture's own."""
        times = {
            at + shift for frame, shift in self._streamed() for _, _, words in frame["batches"] for at in words[::3]
        }
        return sorted(time for time in times if self.began_us < time < self._moments[-1])

    def until(self, at_us: int) -> Iterator[Frame]:
        """The frames as they would be had they been sent at this moment: what happened later is not in them."""
        for frame, moment in zip(self.frames[: self._whole], self._moments, strict=False):
            if frame["frame"] == "events":
                yield _cut(frame, at_us - moment + frame["at"])
            elif frame["frame"] in TOLD_AT_ONCE and moment <= at_us:
                yield frame

    def _streamed(self) -> Iterator[tuple[Frame, int]]:
        """Each frame of events, and what makes its times moments of the trace."""
        for frame, moment in zip(self.frames[: self._whole], self._moments, strict=False):
            if frame["frame"] == "events":
                yield frame, moment - frame["at"]


def _cut(frame: Frame, at: int) -> Frame:
    """The frame without what came after `at`, on the server's clock."""
    batches = []
    for number, lost, words in frame["batches"]:
        # Not by halves: a connection's arrival is told when it is accepted, with a time that lies before.
        kept = 3 * next((number for number, time in enumerate(words[::3]) if time > at), len(words) // 3)
        if kept:
            batches.append([number, lost, words[:kept]])
    # Threads are numbered as they are made: who was made before one that has moved is there too.
    newest = max((number for number, _, _ in batches), default=0)
    return frame | {
        "at": min(at, frame["at"]),
        "threads": [told for told in frame["threads"] if told[0] <= newest],
        "batches": batches,
    }
