"""The proof that a derived graph is the architecture's: what its threads do is in it, and what is in it they do.

The architecture is run through every scenario with each verb recorded. Then every move that was seen must be an edge of the
graph, and every edge of the graph must have been seen, or have its reason in REASONS.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from teachserve.architectures import find
from teachserve.diagram import views
from teachserve.diagram.observed import Call, Move, Observed, Spot, names
from teachserve.diagram.recording import Recording
from teachserve.diagram.scenarios import scenarios
from teachserve.diagram.stage import Hangs
from teachserve.diagram.wording import project_file
from teachserve.taskmaster import Taskmaster
from teachserve.topology.topology import Edge, Topology

logger = logging.getLogger("teachserve")

SCENARIO_S = 20.0
"""How long one scenario may take: usually some milliseconds; a hang is one after five seconds, and its abandon takes two."""


class Way(NamedTuple):
    """A derived edge by its role and its steps' names in a picture: `worker`, `accept`, `read`."""

    role: str
    before: str
    after: str


REASONS: Mapping[str, Mapping[Way, str]] = {}
"""Class -> edges that are derived and cannot be seen, each with the sentence that says why. Of our five every edge is seen."""


@dataclass(frozen=True)
class Proof:
    """What a proof came to. `failures` are sentences: a scenario that did not come to its end, a thread that broke."""

    topology: Topology
    observed: Observed
    reasons: Mapping[Way, str]
    failures: tuple[str, ...] = ()

    @property
    def underived(self) -> tuple[Move, ...]:
        """What was seen and is not derived."""
        return self.observed.underived(self.topology)

    @property
    def unseen(self) -> dict[Way, Edge]:
        """What is derived and was not seen, whether or not there is a reason."""
        return {_way(self.topology, role.name, edge): edge for role, edge in self.observed.unseen(self.topology)}

    @property
    def idle_reasons(self) -> tuple[Way, ...]:
        """Reasons for edges that were seen, or that are not derived."""
        return tuple(way for way in self.reasons if way not in self.unseen)

    @property
    def complete(self) -> bool:
        """All that was seen is derived, and all that is derived was seen or has its reason."""
        return not (self.underived or self.failures or self.idle_reasons or self.unseen.keys() - self.reasons.keys())

    def lines(self) -> list[str]:
        """The proof as text: a table of the derived edges with how often each was seen, then what is wrong."""
        if not self.observed.moves:  # that each edge was never seen is then no news
            return [*self._underivable(), *self.failures, self._verdict()]
        rows, notes = self._rows()
        width = max((len(row[0]) for row in rows), default=0)
        seen_width = max((len(row[1]) for row in rows), default=0)
        lines = [f"{words:{width}}  {seen:>{seen_width}}  {condition}".rstrip() for words, seen, condition in rows]
        return [*lines, *notes, *self._troubles(), self._verdict()]

    def _rows(self) -> tuple[list[tuple[str, str, str]], list[str]]:
        rows, notes = [], []
        unseen = self.unseen
        for role in self.topology.roles:
            for edge in role.edges:
                way = _way(self.topology, role.name, edge)
                times = self.observed.moves.get(Move(role.name, edge.before, edge.after), 0)
                rows.append((_said(way), str(times) if times else "never", edge.condition and f"if {edge.condition}"))
                if way in unseen and way in self.reasons:
                    notes.append(f"never seen, and why: {_said(way)}: {self.reasons[way]}")
        return rows, notes

    def _troubles(self) -> list[str]:
        troubles = [f"seen, but not derived: {self._told(move)}" for move in self.underived]
        troubles += [f"derived, but never seen: {_said(way)}" for way in self.unseen if way not in self.reasons]
        troubles += [f"has a reason, but was seen or is not derived: {_said(way)}" for way in self.idle_reasons]
        return [*troubles, *self._underivable(), *self.failures]

    def _underivable(self) -> list[str]:
        return [
            f"could not be derived: {one.role} line {one.line} of {project_file(one.file)}: {one.why}"
            for one in self.topology.unknown
        ]

    def _told(self, move: Move) -> str:
        told = names(self.topology, move.role)
        times = self.observed.moves[move]
        return f"{move.role}: {_spot(move.before, told)} -> {_spot(move.after, told)} ({times} times)"

    def _verdict(self) -> str:
        derived = sum(len(role.edges) for role in self.topology.roles)
        unseen, total = len(self.unseen), sum(self.observed.moves.values())
        if self.complete:
            told = f", {unseen} with a reason why not" if unseen else ""
            return f"{self.topology.name}: proved; {derived} edges, {derived - unseen} seen{told}; {total} moves, all derived"
        return (
            f"{self.topology.name}: not proved; {derived} edges, {unseen} never seen; {total} moves, "
            f"{sum(self.observed.moves[move] for move in self.underived)} not derived"
        )


def prove(
    architecture: str | type[Taskmaster], topology: Topology | None = None, reasons: Mapping[Way, str] | None = None
) -> Proof:
    """Run an architecture through every scenario and hold what was seen against its graph.

    `topology` and `reasons` stand in for the derived graph and for REASONS. Takes a second or two; where the architecture
    hangs, at most half a minute. A student's taskmaster is imported and run.
    Raises: UnknownArchitecture.
    """
    if isinstance(architecture, type):
        architecture = f"{architecture.__module__}:{architecture.__name__}"
    topology = topology or views.read(architecture)
    recording = Recording(topology, find(architecture)[1])
    failures: dict[str, None] = {}
    with _unheard() as strays:
        for run in scenarios(recording.recorded):
            if failure := _run(run):
                failures[f"{topology.name}: {failure}"] = None
                break  # each of the others may take as long
    failures |= {f"{topology.name}: a thread that was not spawned broke: {stray}": None for stray in strays}
    observed = recording.observed()
    for role, spot, why in observed.broke:
        failures[f"{topology.name}: a {role} broke after {_spot(spot, names(topology, role))}: {why}"] = None
    given = REASONS.get(topology.name, {}) if reasons is None else reasons
    return Proof(topology, observed, given, tuple(failures))


def _run(scenario: Callable[[], None]) -> str:
    """What is wrong with it, "" for nothing. In a thread of its own, for even a start may hang."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            scenario()
        except BaseException as error:  # whatever a student's taskmaster raises
            raised.append(error)

    thread = threading.Thread(target=run, name="scenario", daemon=True)
    thread.start()
    thread.join(SCENARIO_S)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident)
        where = f": line {frame.f_lineno} of {project_file(frame.f_code.co_filename)}" if frame else ""
        return f"it does not come to an end in {SCENARIO_S:g} s{where}"
    if not raised:
        return ""
    return str(raised[0]) if isinstance(raised[0], Hangs) else f"it cannot be run: {_in_words(raised[0])}"


def _in_words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def _unheard() -> Iterator[list[str]]:
    """The scenarios break things on purpose: what the server logs about that is news to nobody.

    Gives what breaks the threads that a student makes without `spawn`, which nobody records: a line each.
    """
    before, hook = logger.disabled, threading.excepthook
    strays: list[str] = []

    def broke(told: threading.ExceptHookArgs) -> None:
        where = traceback.extract_tb(told.exc_traceback)[-1]
        strays.append(f"{_in_words(told.exc_value)} in line {where.lineno} of {project_file(where.filename)}")

    logger.disabled, threading.excepthook = True, broke
    try:
        yield strays
    finally:
        logger.disabled, threading.excepthook = before, hook


def _way(topology: Topology, role: str, edge: Edge) -> Way:
    told = names(topology, role)
    return Way(role, told[edge.before], told[edge.after])


def _said(way: Way) -> str:
    return f"{way.role}: {way.before} -> {way.after}"


def _spot(spot: Spot, told: Mapping[int, str]) -> str:
    if isinstance(spot, Call):
        return f"{spot.verb} in line {spot.line} of {project_file(spot.file)}" if spot.line else spot.verb
    return told.get(spot, str(spot))
