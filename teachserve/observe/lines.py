"""Where in its architecture's source a thread stands, from its role and its state. Derived from the text, not guessed.

A thread announces a state in a verb, and a role calls that verb in this line or that one. It stays in the state until
its next verb announces another, so for an instant it may be past the line. Where a role could have announced a state
in several lines, the table cannot tell in which: then each of them is shared.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from teachserve.digest import digest_of
from teachserve.events import State
from teachserve.observe.snapshot import Header, ThreadView
from teachserve.observe.stays import Stay
from teachserve.topology.flow import roles
from teachserve.topology.points import Point, Role, VerbCall, reachable
from teachserve.topology.source import Source

PACKAGE = Path(__file__).parents[1]


class Place(NamedTuple):
    """A line of a file, from 1."""

    file: str
    line: int


@dataclass
class Tally:
    """Threads at one line, by state. `shared` are those that may as well stand at another line: at most so many."""

    certain: Counter[State] = field(default_factory=Counter)
    shared: Counter[State] = field(default_factory=Counter)


@dataclass(frozen=True)
class Lines:
    """An architecture's text and who can stand where in it.

    `text` is the file's lines; `problem` says in a sentence why no thread can be given a line, "" where it can.
    """

    file: str
    text: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    problem: str = ""
    _known: dict[Stay, tuple[Place, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, header: Header) -> "Lines":
        """The source of the server that introduced itself so."""
        header = found_here(header)
        file = header.source_file
        name = Path(file).name
        try:
            text = tuple(Path(file).read_text(encoding="utf-8").splitlines())
        except (OSError, ValueError) as error:
            return cls(file, problem=unreadable(file, error))
        try:
            found = roles(Source.read(file, header.source_class))
        except (OSError, SyntaxError, LookupError) as error:
            return cls(file, text, problem=f"no thread can be given a line of {name}: {_reason(error)}")
        files = {file, *(point.file for role in found.values() for point in role.points() if point.file)}
        if problem := changed(files, header):
            return cls(file, text, problem=problem)
        return cls(file, text, found)

    def stands(self, role: str, state: State, queue: str = "") -> tuple[Place, ...]:
        """The lines that a thread of this role may stand at in this state; none for what is no part of the source.

        One line: it stands there (or has just left it), if `certain` too.
        """
        key = Stay(role, state, queue)
        places = self._known.get(key)
        if places is None:
            places = self._known[key] = self._stands(key)
        return places

    def _stands(self, stay: Stay) -> tuple[Place, ...]:
        role, state, queue = stay
        life = self.roles.get(role)
        if life is None or not role:
            return ()
        if state is State.STARTING:
            return _places(reachable(life.begin, until_announced=True))
        points = [point for point in life.points() if point.call and state in life.announces(point.call)]
        if state is State.WAITING and queue:
            points = [point for point in points if point.call.queue in (queue, "")]
        if state is State.ACCEPTED:  # nothing blocks in it: it is what lies between accept and the next verb
            points += reachable((after for point in points for after in point.next), until_announced=True)
        return _places(points)

    def leaves(self, role: str, state: State, queue: str = "") -> tuple[Place, ...]:
        """The lines that it may come past in this state, having left where it stands."""
        standing = {*self.stands(role, state, queue)}
        points = self.roles[role].points() if role in self.roles else ()
        begin = [
            after
            for point in points
            if point.call and Place(point.file, point.line) in standing
            for after in point.next
        ]
        return _places(reachable(begin, until_announced=True))

    def certain(self, role: str) -> bool:
        """Whether the role's life could be read in full."""
        return role in self.roles and not self.roles[role].unread

    def tally(self, threads: Iterable[ThreadView]) -> tuple[dict[Place, Tally], list[ThreadView]]:
        """How many of these threads stand at each line; and those that stand at none."""
        tallies: dict[Place, Tally] = {}
        nowhere = []
        for thread in threads:
            places = self.stands(thread.role, thread.state, thread.queue)
            if not places:
                nowhere.append(thread)
            alone = len(places) == 1 and self.certain(thread.role)
            for place in places:
                tally = tallies.setdefault(place, Tally())
                (tally.certain if alone else tally.shared)[thread.state] += 1
        return tallies, nowhere

    def heat(self, stays: Mapping[Stay, float]) -> dict[Place, float]:
        """Thread-seconds in each second at each line, of those that stand at one line for certain."""
        heat: dict[Place, float] = {}
        for stay, spent in stays.items():
            places = self.stands(*stay)
            if len(places) == 1 and self.certain(stay.role):
                heat[places[0]] = heat.get(places[0], 0.0) + spent
        return heat

    @property
    def calls(self) -> list[VerbCall]:
        """Every verb that any role calls."""
        return [call for role in self.roles.values() for call in role.calls]


def _places(points: Iterable[Point]) -> tuple[Place, ...]:
    return tuple(sorted({Place(point.file, point.line) for point in points if point.line}))


def found_here(header: Header) -> Header:
    """Where the server's file is not here: with this installation's in the place of those that have the same text.

    So a recording shows the code of an architecture of ours wherever it was made.
    """
    if Path(header.source_file).exists():
        return header
    found = {file: str(ours) for file, digest in header.sources.items() if (ours := _installed(file, digest))}
    sources = {found.get(file, file): digest for file, digest in header.sources.items()}
    return replace(header, source_file=found.get(header.source_file, header.source_file), sources=sources)


def _installed(file: str, digest: str) -> Path | None:
    """The file of this installation with the same place in the package and the same text."""
    its = next((up for up in Path(file).parents if up.name == PACKAGE.name), None)
    ours = PACKAGE / Path(file).relative_to(its) if its else None
    return ours if ours and ours.is_file() and digest_of(ours) == digest else None


def changed(files: Iterable[str], header: Header) -> str:
    """Which of these files is not what the server runs, in a sentence; "": all are. Raises: OSError.

    Of a file of which the server told no digest, its age has to do.
    """
    for file in sorted(files):
        name, digest = Path(file).name, header.sources.get(file)
        if digest is not None and digest != digest_of(file):
            return f"{name} has changed since the server read it, which runs the older text"
        if digest is None and Path(file).stat().st_mtime >= datetime.fromisoformat(header.started).timestamp() + 1:
            return f"{name} is younger than the server, which may run an older text"
    return ""


def unreadable(file: str, error: Exception) -> str:
    """That a server's source cannot be read where its watcher is, in a sentence."""
    return f"{Path(file).name or 'its file'} cannot be read here: {_reason(error)}"


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
