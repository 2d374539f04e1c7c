"""Single threads seen close up: every event of the one in focus, and what an inspection of one has found. No clock, no I/O."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from teachserve.events import FIRST_MARK, STATES
from teachserve.observe.snapshot import EventView, FrameView, Inspection

KEPT_FOCUSED = 200
"""Events of the thread in focus that are kept."""
KEPT_INSPECTED = 8
"""Threads of which the newest inspection is kept."""

Draw = Callable[[int, int, int, Sequence[int]], EventView]
"""(thread, role, code before or -1, [at in us, code, connection]) -> the event as it is shown."""


class CloseUp:
    """Folds in the frames that are about one thread: `focused` events and the replies to `focus` and `inspect`.

    A watcher that streams gets the events of the thread in focus among all others: `follow` is given those.
    """

    def __init__(self, draw: Draw):
        self._draw = draw
        self.focus: int | None = None
        self.lost = 0
        """Events of the thread in focus that did not come; while streaming, those of any thread that may have been its."""
        self.focused: deque[EventView] = deque(maxlen=KEPT_FOCUSED)
        self.inspected: dict[int, Inspection] = {}
        self._before = -1

    def reply(self, frame: Mapping[str, Any]) -> None:
        """The server's answer to a command."""
        if "focus" in frame:
            self._look_at(frame["focus"])
        if "inspect" in frame:
            told = frame["inspect"]
            self.inspected.pop(told["thread"], None)
            self.inspected[told["thread"]] = _inspection(told)
            if len(self.inspected) > KEPT_INSPECTED:
                self.inspected.pop(next(iter(self.inspected)))

    def events(self, frame: Mapping[str, Any]) -> None:
        """A `focused` frame."""
        self._look_at(frame["thread"])
        self.follow(frame["thread"], frame["role"], frame["lost"], frame["words"])

    def follow(self, number: int, role: int, lost: int, words: Sequence[int]) -> None:
        """Events of some thread, flat: time in us, code, connection; those of another than the one in focus are passed over."""
        if number != self.focus:
            return
        if lost:
            self.lose(lost)
        kept = -3 * KEPT_FOCUSED
        left = [code for code in words[:kept][1::3] if code < FIRST_MARK]
        self._before = left[-1] if left else self._before
        for event in zip(*[iter(words[kept:])] * 3, strict=True):
            code = event[1]
            self.focused.append(self._draw(number, role, self._before if code < FIRST_MARK else -1, event))
            if code < FIRST_MARK:
                self._before = code

    def lose(self, events: int) -> None:
        """Some events did not come: what was left by the next move is not known."""
        if self.focus is not None:
            self.lost += events
            self._before = -1

    def _look_at(self, thread: int | None) -> None:
        if thread != self.focus:
            self.focus, self.lost, self._before = thread, 0, -1
            self.focused.clear()


def _inspection(told: Mapping[str, Any]) -> Inspection:
    return Inspection(
        thread=told["thread"],
        at_s=told["at"] / 1e6,
        stack=tuple(FrameView(*frame) for frame in told["stack"]),
        peer=told["peer"],
        connection=told["connection"],
        times_s={state: spent / 1e6 for state, spent in zip(STATES, told["times_us"], strict=False)},
    )
