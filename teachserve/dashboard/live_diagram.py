"""The threads' diagram with what is going on now: where the numbers stand in it, and what they are.

Nodes, edges and places are those of `teachserve diagram`. Each node and each edge of which something is counted gets a
line more, whose room is kept when the picture is laid out, so that nothing moves while the numbers change.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from teachserve.dashboard.glyphs import GLYPHS
from teachserve.demo.picture import Picture
from teachserve.demo.wording import short
from teachserve.diagram.drawing import Drawing, Edge, Node
from teachserve.diagram.keys import CLIENTS, SOCKET, Place
from teachserve.errors import TeachserveError
from teachserve.events import STATES, State
from teachserve.observe.lines import changed, found_here, unreadable
from teachserve.observe.snapshot import Header
from teachserve.topology.topology import Topology

if TYPE_CHECKING:
    from teachserve.diagram.cells import Cells

ROOM = {"role": "~" * 24, "queue": "~" * 10, "socket": "~" * 18, "client": "~" * 12}
"""What keeps room in a node, by its kind, and is written over."""
EDGE_ROOM = "~" * 8


@dataclass(frozen=True)
class LiveDiagram:
    """A diagram laid out in so many columns. `problem`: why there is none, in a sentence; "": there is one."""

    problem: str = ""
    drawing: Drawing | None = None
    laid: "Cells | None" = None
    places: Mapping[str, Place] | None = None
    topology: Topology | None = None
    text: tuple[str, ...] = ()

    @classmethod
    def of(cls, header: Header, columns: int) -> "LiveDiagram":
        """That of the server that introduced itself so. Takes up to a second where the renderer is not compiled yet."""
        from teachserve.diagram import cells, threads  # with them comes the renderer: for who looks at a diagram

        header = found_here(header)
        try:
            topology = Topology.read(header.source_file, header.source_class)
            if problem := changed(files_of(topology), header):
                return cls(problem)
            drawing = _with_room(threads.draw(topology, header.architecture))
            text = tuple(Path(header.source_file).read_text(encoding="utf-8").splitlines())
            return cls("", drawing, cells.layout(drawing, columns), threads.places(topology), topology, text)
        except OSError as error:
            return cls(unreadable(header.source_file, error))
        except (SyntaxError, LookupError, ValueError, TeachserveError) as error:
            return cls(f"there is no diagram of it: {error}")

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """Node -> its kind."""
        return {node.key: node.kind for node in self.drawing.nodes}

    def node(self, key: str) -> Node:
        """The node of this key."""
        return next(node for node in self.drawing.nodes if node.key == key)

    def own_line(self, node: Node) -> int:
        """Its line in the architecture's own file; 0: it stands in another one, or nowhere."""
        own = Path(node.file).name == Path(self.topology.file).name and node.line <= len(self.text)
        return node.line if own else 0

    def source_line(self, node: Node) -> tuple[str, str]:
        """`recycling.py:25` and what stands there; "" where it stands nowhere, or in another file."""
        if not node.line:
            return "", ""
        own = self.own_line(node)
        return f"{Path(node.file).name}:{node.line}", self.text[own - 1].strip() if own else ""

    def words(self, picture: Picture) -> Iterator[tuple[int, int, int, str]]:
        """Row, column, room and text of each number in a node."""
        for box in self.laid.boxes:
            room = ROOM.get(self.kinds[box.key], "")
            for row, column, line in box.written:
                if room and line == room:
                    yield row, column, len(room), node_words(self.places[box.key], box.key, picture, len(room))

    def rates(self, picture: Picture) -> dict[int, float]:
        """Edge, by its position in the drawing, -> what goes along it per second; edges of which that cannot be told not."""
        found = {}
        for position, edge in enumerate(self.drawing.edges):
            what = counted(edge)
            if what in RATES and (what not in ALONE or self._alone[what] == 1):
                found[position] = RATES[what](edge, picture)
        return {position: rate for position, rate in found.items() if rate is not None}

    @cached_property
    def _alone(self) -> Counter[str]:
        return Counter(map(counted, self.drawing.edges))


def files_of(topology: Topology) -> set[str]:
    """Every file that something in the diagram was read from."""
    steps = (step.file for role in topology.roles for step in role.steps)
    makings = (making.file for role in topology.roles for making in role.made)
    roles = (role.file for role in topology.roles)
    queues = (file for file, _ in topology.queue_places)
    return {topology.file, *roles, *steps, *makings, *queues} - {""}


def node_words(place: Place, key: str, picture: Picture, width: int) -> str:
    """How many threads, in which states; how many wait; how many clients."""
    snapshot = picture.snapshot
    if key == CLIENTS:
        return "n/a" if picture.load is None else f"{picture.load.connections} now"
    if key == SOCKET:
        queued = "n/a" if picture.queued is None else short(picture.queued)
        return f"{queued} in the backlog"[:width]
    if place.queue:
        queue = snapshot.queues.get(place.queue)
        return "n/a" if queue is None else f"{short(queue.length)} in it"
    states = Counter(thread.state for thread in snapshot.threads if thread.role == place.role)
    told = f"{states.total()} now:" if states else "0 now"
    for state in sorted(states, key=lambda one: (-states[one], STATES.index(one))):
        more = f" {GLYPHS[state]}{states[state]}"
        if len(told) + len(more) > width:
            break
        told += more
    return told


def rate_words(rate: float) -> str:
    """At most eight characters: `2143/s`."""
    return f"{rate:.1f}/s" if 0 < rate < 10 else f"{short(round(rate))}/s"


def counted(edge: Edge) -> str:
    """What is counted along it, a key of RATES; "": nothing."""
    lines = edge.label.split("\n")
    if edge.kind == "answer":
        return "answer" if "answer" in lines else ""
    return lines[0] if edge.kind == "next" else edge.kind


def _move(before: State, after: State) -> Callable[[Edge, Picture], float]:
    return lambda edge, picture: picture.snapshot.flow_rates.get((before, after), 0.0)


def _queue(end: str, field: str) -> Callable[[Edge, Picture], float | None]:
    def rate(edge: Edge, picture: Picture) -> float | None:
        found = picture.snapshot.queue_rates.get(getattr(edge, end).removeprefix("queue "))
        return None if found is None else getattr(found, field)

    return rate


RATES: Mapping[str, Callable[[Edge, Picture], float | None]] = {
    "accept": _move(State.ACCEPTING, State.ACCEPTED),
    "recycle": _move(State.RECYCLING, State.ACCEPTING),
    "hand over": _queue("head", "put"),
    "take": _queue("tail", "taken"),
    "spawn": lambda edge, picture: picture.snapshot.made_per_s,
    "answer": lambda edge, picture: picture.snapshot.requests_per_s,
}
"""Kind of an edge, or what it is called, -> what goes along it per second: exact, from the server's counts."""

ALONE = frozenset({"spawn", "answer"})
"""These are counted over all threads: told where one edge alone is meant."""


def _with_room(drawing: Drawing) -> Drawing:
    return replace(
        drawing,
        nodes=tuple(
            replace(node, label=(*node.label, ROOM[node.kind])) if node.kind in ROOM and not node.faint else node
            for node in drawing.nodes
        ),
        edges=tuple(
            replace(edge, label=f"{edge.label}\n{EDGE_ROOM}") if counted(edge) in RATES else edge
            for edge in drawing.edges
        ),
    )
