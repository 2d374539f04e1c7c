"""All that a person can change while looking on, by name: for the keys, the panel of controls and the palette."""

from typing import TYPE_CHECKING

from teachserve.demo.control import Control
from teachserve.demo.load_controls import Connections, KeepAlive, Rate
from teachserve.demo.picture import Picture
from teachserve.demo.restart import Architecture, Restarts, Threads
from teachserve.demo.server_controls import Abandon, Delay, MaxThreads, Slow, Standby, Stop
from teachserve.demo.supervisor import Supervisor

if TYPE_CHECKING:
    from teachserve.demo.feed import Feed


class Controls:
    """The controls of one feed. What is changed leaves a mark.

    None of this waits longer than half a second, which is how long a server may take to answer.
    """

    def __init__(self, feed: "Feed", supervisor: Supervisor | None) -> None:
        restarts = Restarts(feed, supervisor)
        self.all: tuple[Control, ...] = (
            Connections(feed),
            Rate(feed),
            KeepAlive(feed),
            Delay(feed, restarts),
            Standby(feed, restarts),
            Threads(feed, restarts),
            MaxThreads(feed, restarts),
            Architecture(feed, restarts),
            Slow(feed),
            Stop(feed, restarts),
            Abandon(feed, restarts),
        )
        self._by_name = {control.name: control for control in self.all}

    def value(self, name: str, picture: Picture) -> str:
        """What it is now, as shown; `n/a` where it means nothing."""
        return self._by_name[name].value(picture)

    def reason(self, name: str, picture: Picture) -> str:
        """Why it cannot be used now, in a sentence; "": it can."""
        return self._by_name[name].reason(picture)

    def change(self, name: str, direction: int, picture: Picture) -> str:
        """A step up (1) or down (-1): what was done, or why it was not, in words."""
        return self.reason(name, picture) or self._by_name[name].change(direction, picture)

    def choose(self, name: str, value: str, picture: Picture) -> str:
        """Set it to a value, as `value` shows it or as one would type it: what was done, or why it was not, in words."""
        return self.reason(name, picture) or self._by_name[name].choose(value, picture)
