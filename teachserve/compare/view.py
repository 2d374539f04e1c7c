"""A comparison at one moment: frozen, everything that one frame of the screen is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from teachserve.compare.plan import ComparePlan
from teachserve.compare.score import ScoreView
from teachserve.compare.sides import Side
from teachserve.events import State
from teachserve.observe.places import Waiting
from teachserve.observe.snapshot import Snapshot

STARTING, LIVE, OVER = "starting", "live", "over"
"""What the comparison is at, and a side too."""
RECORDED, NEXT, AT_THE_END = "recorded", "comes next", "at the end"
"""What else a side is at. `recorded`: it ran before, and this is what it was at the same time of its own run."""


@dataclass(frozen=True, slots=True)
class SideView:
    """One side. Rates and latencies (seconds, from the plan) are of the last second, and so are shares of one core.

    `queued` connections in the kernel's accept queue, None: n/a. `cpu` None: not known yet.
    """

    side: Side
    turn: str = STARTING
    gil: bool | None = None
    python: str = ""
    at_s: float = 0.0
    """On the plan's time axis; below 0 before its beginning."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    waiting: tuple[Waiting, ...] = ()
    queued: int | None = None
    answered_per_s: float = 0.0
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    client_cpu: float = 0.0

    @property
    def states(self) -> Mapping[State, int]:
        """Threads by state."""
        return self.snapshot.states


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides and the score. `at_s` on the plan's time axis, `differences` what sets each side apart, in words.

    `remarks` what has to be known to judge the figures, a sentence each.
    """

    plan: ComparePlan
    phase: str
    at_s: float
    sides: tuple[SideView, SideView]
    differences: tuple[str, str]
    score: ScoreView
    remarks: tuple[str, ...] = ()
