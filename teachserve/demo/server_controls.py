"""The running server under one's hands: the options that it can change, slow motion, and its end."""

from typing import TYPE_CHECKING

from teachserve.demo.control import Control, doubled, span, stepped
from teachserve.demo.picture import Picture
from teachserve.demo.restart import Restarts
from teachserve.errors import OptionError
from teachserve.observe.snapshot import ALIVE
from teachserve.options import MOST_THREADS, OPTIONS, parse_duration

if TYPE_CHECKING:
    from teachserve.demo.feed import Feed

NONE = -1.0
"""Where `none` stands among the delays: no handler waits, not even for its turn."""


class OptionControl(Control):
    """An option of the server that it can change while it runs: `set`."""

    group = "server"
    kind = "option"
    option: str

    def __init__(self, feed: "Feed", restarts: Restarts) -> None:
        super().__init__(feed)
        self._restarts = restarts

    def shown(self, value: object) -> str:
        """A value of the option, as shown and as the server takes it."""
        return str(value)

    def value(self, picture: Picture) -> str:
        options = picture.snapshot.options
        return self.shown(options[self.option]) if self.option in options else "n/a"

    def reason(self, picture: Picture) -> str:
        if why := super().reason(picture) or self._restarts.under_way:
            return why
        if self.option not in picture.snapshot.options:
            return f"{self.option} means nothing to {picture.snapshot.header.architecture}"
        return ""

    def choose(self, value: str, picture: Picture) -> str:
        try:
            return self._set(OPTIONS[self.option].parse(value), picture)
        except OptionError as error:
            return str(error)

    def _set(self, after: object, picture: Picture) -> str:
        before = picture.snapshot.options[self.option]
        if after == before:
            return f"{self.label.lower()}: {self.shown(after)} already"
        refused = self._feed.send("set", option=self.option, value=after)
        if refused:
            return refused
        self._restarts.keep(self.option, after)
        return self.changed(self.shown(before), self.shown(after))


class Delay(OptionControl):
    """How long a handler takes."""

    name = option = "delay"
    label = "Delay"
    sentence = "How long each request takes in the handler, in steps from none to a second."
    steps = (NONE, 0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
    choices = ("none", "0", *(span(step) for step in steps[2:]))

    def shown(self, value: float | str) -> str:
        return str(value) if value == "none" else span(value) if value else "0"

    def change(self, direction: int, picture: Picture) -> str:
        now = picture.snapshot.options["delay"]
        after = stepped(self.steps, NONE if now == "none" else now, direction)
        return self._set("none" if after == NONE else after, picture)


class Limit(OptionControl):
    """A number of threads, doubled or halved as far as another option lets it."""

    def bounds(self, options: dict) -> tuple[int, int]:
        """The least and the most that it can be, the other options being what they are."""
        raise NotImplementedError

    def change(self, direction: int, picture: Picture) -> str:
        options = picture.snapshot.options
        wanted = min(MOST_THREADS, max(1, int(doubled(options[self.option], direction))))
        least, most = self.bounds(options)
        after = min(max(wanted, least), most)
        # At the bound already: the server says in its own words what it is.
        return self._set(wanted if after == options[self.option] else after, picture)


class Standby(Limit):
    """The threads of recycling that may wait in accept."""

    name = option = "standby"
    label = "Standby"
    sentence = "How many workers may block in accept beside the one asked for, doubled or halved."

    def bounds(self, options: dict) -> tuple[int, int]:
        return 1, options.get("max_threads", MOST_THREADS)


class MaxThreads(Limit):
    """The threads that may serve at once."""

    name = "max-threads"
    option = "max_threads"
    label = "Max threads"
    sentence = "How many threads may serve at once, doubled or halved."

    def bounds(self, options: dict) -> tuple[int, int]:
        return options.get("standby", 1), options.get("max_accepts", MOST_THREADS + 1) - 1


class Slow(Control):
    """Slow motion."""

    name = kind = "slow"
    label = "Slow motion"
    sentence = "Holds every verb of every thread for so long, so that each move can be seen."
    group = "server"
    steps = (0, 0.05, 0.2, 0.5, 1)
    choices = ("off", *(span(step) for step in steps[1:]))

    def value(self, picture: Picture) -> str:
        return _slow(picture.snapshot.slow_s)

    def change(self, direction: int, picture: Picture) -> str:
        return self._set(stepped(self.steps, picture.snapshot.slow_s, direction), picture)

    def choose(self, value: str, picture: Picture) -> str:
        try:
            return self._set(0.0 if value == "off" else parse_duration(value), picture)
        except ValueError:
            return f"slow motion must be off or a duration such as 200ms, 1s: {value}"

    def _set(self, pause_s: float, picture: Picture) -> str:
        before = picture.snapshot.slow_s
        if pause_s == before:
            return f"slow motion: {_slow(before)} already"
        return self._feed.send("slow", pause_s=pause_s) or self.changed(_slow(before), _slow(pause_s))


def _slow(pause_s: float) -> str:
    return span(pause_s) if pause_s else "off"


class End(Control):
    """An order that ends the server: it has no value, and either direction gives it."""

    group = "end"
    kind = "stop"
    phases: tuple[str, ...]
    words: str

    def __init__(self, feed: "Feed", restarts: Restarts) -> None:
        super().__init__(feed)
        self._restarts = restarts

    def value(self, picture: Picture) -> str:
        return picture.snapshot.phase

    def reason(self, picture: Picture) -> str:
        phase = picture.snapshot.phase
        if why := super().reason(picture) or self._restarts.under_way:
            return why
        return "" if phase in self.phases else "the server is stopping already"

    def choose(self, value: str, picture: Picture) -> str:
        return self.change(1, picture)

    def change(self, direction: int, picture: Picture) -> str:
        self._feed.mark(self.label.lower(), self.kind)
        self.order()
        return self.words

    def order(self) -> None:
        """Give it."""
        raise NotImplementedError


class Stop(End):
    """The soft stop."""

    name = "stop"
    label = "Soft stop"
    sentence = "Stops the server softly: nobody accepts any more, and what was accepted is served."
    phases = ("serving",)
    words = "soft stop: what was accepted is served"

    def order(self) -> None:
        self._feed.stop()


class Abandon(End):
    """The end at once."""

    name = "abandon"
    label = "Abandon"
    sentence = "Ends the server at once: what it has in progress is given up."
    phases = ALIVE
    words = "abandoning: what is in progress is given up"

    def order(self) -> None:
        self._feed.abandon()
