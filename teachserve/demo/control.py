"""What a person can change while looking on: one thing, what it is now, and how it is changed."""

from typing import TYPE_CHECKING, ClassVar

from teachserve.demo.picture import Picture

if TYPE_CHECKING:
    from teachserve.demo.feed import Feed

NOT_OURS = "only in a demo: the load on this server is not ours"
ENDED = {
    "connecting": "the server has not said a word yet",
    "stopped": "the server has stopped",
    "abandoned": "the server was abandoned",
    "lost": "the server is gone",
}
"""Why nothing can be asked of a server in this phase."""


class Control:
    """One control. The words given back say what was done, or why it was not.

    `group` is load, server or end; `choices` are the values that can be chosen by name, empty where any number can.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    sentence: ClassVar[str]
    group: ClassVar[str]
    kind: ClassVar[str]
    """Of the mark that a change leaves."""
    choices: ClassVar[tuple[str, ...]] = ()

    def __init__(self, feed: "Feed") -> None:
        self._feed = feed

    def value(self, picture: Picture) -> str:
        """What it is now, as shown."""
        raise NotImplementedError

    def reason(self, picture: Picture) -> str:
        """Why it cannot be used now, in a sentence; "": it can."""
        return ENDED.get(picture.snapshot.phase, "")

    def change(self, direction: int, picture: Picture) -> str:
        """A step up (1) or down (-1)."""
        raise NotImplementedError

    def choose(self, value: str, picture: Picture) -> str:
        """Set it to a value, as `value` shows it."""
        raise NotImplementedError

    def changed(self, before: str, after: str) -> str:
        """Note the change. It in words."""
        words = f"{self.label.lower()} {before} -> {after}"
        self._feed.mark(words, self.kind)
        return words


def doubled(value: float, direction: int) -> float:
    """Twice or half of it."""
    return value * 2 if direction > 0 else value / 2


def stepped(steps: tuple[float, ...], value: float, direction: int) -> float:
    """The next step above or below; the value itself where there is none."""
    beyond = [step for step in steps if (step > value if direction > 0 else step < value)]
    return (min if direction > 0 else max)(beyond, default=value)


def span(seconds: float) -> str:
    """`50ms`, `1s`: a duration as one would type it."""
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
