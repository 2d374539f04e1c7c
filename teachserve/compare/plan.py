"""What is to be compared, and how: checked once, before any process is started."""

import math
from dataclasses import dataclass
from typing import Any

from teachserve.compare.sides import CompareError, Side, Sides
from teachserve.demo.supervisor import Plan
from teachserve.load.plan import LoadPlan

RATE = 500.0
"""Requests/s where none is asked for. Chosen, not measured: a rate that each architecture can keep up with although two
servers and two generators share a laptop's cores, so that at first it is the order of answers that differs."""
LENGTH_S = 10.0
TIE_S = 100e-6
"""Answers closer than this came at once. A generator reads its clock after it has read the answer, and others may be
before it in the same round of its selector; this is what that takes on a core that others use too."""
GRACE_S = 2.0
"""How long an answer is waited for after the last request of the plan was due."""
MOST_PLANNED = 2_000_000
PATH = "/yo"


@dataclass(frozen=True)
class SidePlan(Plan):
    """What to start for one side, its Python with a GIL or without where that is asked for."""

    gil: bool | None = None

    def server_arguments(self, *where: Any) -> list[str]:
        """The command line of the interpreter."""
        switch = [] if self.gil is None else ["-X", f"gil={int(self.gil)}"]
        return [*switch, *super().server_arguments(*where)]


@dataclass(frozen=True, slots=True)
class ComparePlan:
    """One arrival plan for two sides: request i is due `i / rate` seconds after a beginning that both share.

    `length_s` of the plan, `tie_s` apart answers count as at once, `in_turn` whether one side runs after the other.

    Raises: CompareError, LoadError.
    """

    sides: Sides
    rate: float = RATE
    connections: int = 100
    keep_alive: bool = False
    length_s: float = LENGTH_S
    tie_s: float = TIE_S
    in_turn: bool = False

    def __post_init__(self) -> None:
        LoadPlan("localhost", 80, rate=self.rate)  # first: of a rate that is no number none can be planned
        LoadPlan("localhost", 80, **self.load)
        if self.planned > MOST_PLANNED:
            raise CompareError(
                f"a plan holds at most {MOST_PLANNED} requests: {self.rate:g} requests/s for {self.length_s:g} s are "
                f"{self.planned}; lower -q or -z"
            )

    @property
    def planned(self) -> int:
        """Requests in the plan."""
        return max(1, math.ceil(self.rate * self.length_s))

    @property
    def load(self) -> dict[str, Any]:
        """The load generators' plan, without address and beginning."""
        return {
            "path": PATH,
            "connections": self.connections,
            "keep_alive": self.keep_alive,
            "rate": self.rate,
            "requests": self.planned,
            "duration": self.length_s + GRACE_S,
            "outcomes": True,
        }

    def start(self, side: Side) -> SidePlan:
        """What to start for this side."""
        return SidePlan(side.architecture, dict(side.options), self.load, side.gil)

    def sentence(self, cores: int) -> str:
        """On what the two run: whoever reads the score has to know."""
        if self.in_turn:
            return f"one after the other, each alone with its load generator on {_cores(cores)}: both from what was recorded"
        return f"both servers and both load generators share {_cores(cores)}: --one-after-the-other runs them in turn"


def _cores(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"
