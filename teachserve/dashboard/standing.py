"""How many threads stand at each line of the architecture's file, as text for its margin; a function of the picture."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from teachserve.dashboard.chosen import Chosen
from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, Piece
from teachserve.dashboard.sparkline import BARS
from teachserve.demo.picture import Picture
from teachserve.demo.wording import counted, printable
from teachserve.events import STATES
from teachserve.observe.lines import Lines, Place, Tally
from teachserve.observe.snapshot import ThreadView

COUNT = 9
"""Cells for `x400+12?`."""
HEAT = 4
"""Cells for a bar as long as the time that was spent at the line."""


@dataclass(frozen=True)
class Standing:
    """The threads of a picture at the lines of a source."""

    lines: Lines
    tallies: Mapping[Place, Tally]
    nowhere: list[ThreadView]
    heat: Mapping[Place, float]
    chosen: frozenset[Place]

    @classmethod
    def of(cls, picture: Picture, lines: Lines, chosen: Chosen) -> "Standing":
        """Who stands where in this picture."""
        snapshot = picture.snapshot
        tallies, nowhere = lines.tally(snapshot.threads)
        thread = chosen_thread(picture, chosen)
        lit = lines.stands(thread.role, thread.state, thread.queue) if thread else ()
        return cls(lines, tallies, nowhere, lines.heat(picture.stays), frozenset(lit))

    def place(self, line: int) -> Place:
        """A line of the architecture's own file."""
        return Place(self.lines.file, line)

    def hottest(self) -> int:
        """The line with the most threads, or the first at which one can stand; 0: there is none."""
        own = {place.line: tally for place, tally in self.tallies.items() if place.file == self.lines.file}
        most = max(own, key=lambda line: (own[line].certain.total(), own[line].shared.total(), -line), default=0)
        return most or min(self.extent(), default=0)

    def first_chosen(self) -> int:
        """The first line of the file where the chosen thread is, or may be; 0: at none."""
        return min((place.line for place in self.chosen if place.file == self.lines.file), default=0)

    def where(self) -> str:
        """Where the chosen thread is, in words: `at line 24`; at one of several that cannot be told apart."""
        lines = sorted(place.line for place in self.chosen if place.file == self.lines.file)
        if not lines:
            return "at no line of this file"
        return f"at line {lines[0]}" if len(lines) == 1 else f"at one of the lines {', '.join(map(str, lines))}"

    def extent(self) -> tuple[int, ...]:
        """The lines of the file in which threads call verbs, in order."""
        return tuple(sorted({call.line for call in self.lines.calls if call.file == self.lines.file and call.role}))

    def count(self, line: int) -> Piece:
        """`x12`; `x3?` for those that may as well stand elsewhere; in the colour of the state that most are in."""
        tally = self.tallies.get(self.place(line))
        if tally is None:
            return "", ""
        certain, shared = tally.certain.total(), tally.shared.total()
        parts = [f"x{certain}"] if certain else []
        parts += [f"{'+' if certain else 'x'}{shared}?"] if shared else []
        state = max(tally.certain or tally.shared, key=(tally.certain or tally.shared).__getitem__)
        return "".join(parts), css_name(state)

    def bar(self, line: int) -> Piece:
        """How much of the threads' time was spent here, beside the line where most was."""
        most = max(self.heat.values(), default=0.0)
        spent = self.heat.get(self.place(line), 0.0)
        eighths = max(1, round(HEAT * len(BARS) * spent / most)) if spent and most else 0
        full, rest = divmod(eighths, len(BARS))
        return (SIDEWAYS[-1] * full + (SIDEWAYS[rest - 1] if rest else "")).ljust(HEAT), "spark"

    def states(self, line: int) -> Line:
        """`# 12 handling`, for each state of those that stand there."""
        tally = self.tallies.get(self.place(line), Tally())
        return [
            (f"  {GLYPHS[state]} {tally[state]}{mark} {state.value}", css_name(state))
            for tally, mark in ((tally.certain, ""), (tally.shared, "?"))
            for state in STATES
            if tally[state]
        ]

    def glyphs(self, line: int) -> Line:
        """` r8 #16 w8?`, the same in short."""
        return [(f" {text[2]}{text[4:].split(' ')[0]}", style) for text, style in self.states(line)]

    def elsewhere(self) -> str:
        """Who stands at no line of the file: below the architecture, or in a base class's file."""
        by = Counter((one.role, one.state) for one in self.nowhere)
        parts = [f"{counted(count, role)} {state.value}" for (role, state), count in sorted(by.items())]
        for place, tally in sorted(self.tallies.items()):
            if place.file != self.lines.file:
                shared = f"+{tally.shared.total()}?" if tally.shared else ""
                parts.append(f"x{tally.certain.total()}{shared} at {Path(place.file).name}:{place.line}")
        return printable(", ".join(parts))

    def doubt(self) -> str:
        """Why no line of some role is certain."""
        told = [f"{role.name}: {role.unread[0]}" for role in self.lines.roles.values() if role.unread and role.name]
        return printable("; ".join(told))


SIDEWAYS = "▏▎▍▌▋▊▉█"


def chosen_thread(picture: Picture, chosen: Chosen) -> ThreadView | None:
    """The thread that is chosen, by itself or by its connection."""
    threads = picture.snapshot.threads
    if chosen.connection:
        return next((one for one in threads if one.connection == chosen.connection), None)
    return next((one for one in threads if one.number == chosen.thread), None)


def at_line(picture: Picture, lines: Lines, place: Place) -> list[ThreadView]:
    """The threads that stand at this line, or may."""
    return [one for one in picture.snapshot.threads if place in lines.stands(one.role, one.state, one.queue)]
