"""The line that says in words what is happening."""

import textwrap

from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture
from teachserve.demo.replay import Player
from teachserve.demo.sentence import sentence

HOLD_S = 0.8
"""A sentence stands at least this long: one that changes with each frame cannot be read. Meanwhile it says how old it is.
That of a picture that stands still is about this picture.
"""


class StoryPane(LinePane):
    """One sentence over at most two lines."""

    about = (
        "What is happening at this instant, in words: who accepts, who serves, who waits where. It stands for a moment "
        "so that it can be read, and says how old it is."
    )
    words = ("ago", "acceptor", "worker", "loop", "serving", "idle", "accept queue")

    player: Player | None = None
    """What plays a recording; None: the pictures come as they are made."""
    frozen = False

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._text, self._phase, self._since_s = "", "", float("-inf")

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        at_s, phase = picture.snapshot.at_s, picture.snapshot.phase
        if phase != self._phase or not self._since_s <= at_s < self._since_s + HOLD_S * self._pace:
            self._text, self._phase, self._since_s = sentence(picture), phase, at_s
        age_s = at_s - self._since_s
        lines = told(self._text, f" ({age_s:.1f}s ago)" if age_s >= 0.05 else "", max(20, width - 2), max(1, height))
        marks = [">", *[" "] * len(lines)]
        return [[(f"{mark} ", "label"), (text, "strong")] for mark, text in zip(marks, lines, strict=False)]

    @property
    def _pace(self) -> float:
        """Seconds on the server's clock in one of the reader's; 0: it stands still."""
        if self.player is not None:
            return self.player.speed if self.player.playing else 0.0
        return 0.0 if self.frozen else 1.0


def told(sentence: str, age: str, width: int, height: int) -> list[str]:
    """As many of its clauses as there is room for in so many lines, and how old it is."""
    clauses = sentence.split("; ")
    for count in range(len(clauses), 0, -1):
        end = "" if count == len(clauses) else "; ..."
        lines = textwrap.wrap("; ".join(clauses[:count]) + end + age, width)
        if len(lines) <= height:
            return lines
    return textwrap.wrap(clauses[0] + age, width, max_lines=height, placeholder=" ...")
