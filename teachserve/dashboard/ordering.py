"""What a person orders of the server and the load: one order after the other, each answered in a sentence."""

import asyncio
from collections import deque
from collections.abc import Callable

from textual import work

from teachserve.dashboard.control import ControlPane

NOTHING = "nothing can be changed here"
MOST_ORDERS = 4
"""Changes that may wait for their turn: a key that is held down must not work on long after it is released."""


class Ordering:
    """The orders of an app whose `source` may have controls, as of its `newest` picture."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._stop_asked = False
        self._orders: deque[Callable[[], str]] = deque()

    def why_not(self, name: str) -> str:
        """Why this control cannot be used now; "" where it can."""
        controls = self.source.controls
        return NOTHING if controls is None else controls.reason(name, self.newest)

    def forget_stop(self) -> None:
        """A server serves that nobody has asked to stop."""
        self._stop_asked = False

    def action_stop(self) -> None:
        """Softly first; asked again, abandon."""
        name = "abandon" if self._stop_asked else "stop"
        controls = self.source.controls
        self._stop_asked = controls is None or not controls.reason(name, self.newest)
        if controls is not None:
            self.action_change(name, 1)
        elif name == "stop":
            self.source.stop()
            self.say("soft stop: what was accepted is served. X again abandons")
        else:
            self.source.abandon()
            self.say("abandoning: what is in progress is given up")

    def on_control_pane_change(self, message: ControlPane.Change) -> None:
        """From the controls."""
        self.action_change(message.name, message.direction)

    def on_control_pane_start(self, message: ControlPane.Start) -> None:
        """From the controls."""
        self.choose(message.name, message.value)

    def action_change(self, name: str, direction: int) -> None:
        """A control a step up or down, or the action. The rate of a replay is its speed."""
        if self.source.player is not None and name == "rate":
            self.play_faster(2.0**direction)
            return
        self._order(name, lambda: self.source.controls.change(name, direction, self.newest))

    def choose(self, name: str, value: str) -> None:
        """A control to this value."""
        self._order(name, lambda: self.source.controls.choose(name, value, self.newest))

    def _order(self, name: str, order: Callable[[], str]) -> None:
        """Have it done after what was asked for before; where it cannot be done, say why."""
        if self.newest is None or len(self._orders) >= MOST_ORDERS:
            return
        if reason := self.why_not(name):
            self.say(reason)
            return
        self._orders.append(order)
        if len(self._orders) == 1:
            self._carry_out()

    @work
    async def _carry_out(self) -> None:
        """A server may take its time to answer: another thread waits for it, and the screen goes on."""
        while self._orders:
            told = await asyncio.to_thread(self._orders[0])
            self._orders.popleft()
            self.say(told)
            if self.board.control.display:
                self.board.control.watch_picture()

    def say(self, text: str) -> None:
        """In a box for a moment; the newest replaces the one before, so that a key held down does not fill the screen."""
        self.clear_notifications()
        self.notify(text, markup=False)
