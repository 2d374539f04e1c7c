"""A soft stop: who wakes whom, and what each verb gives once the server stops.

Each thread is drawn in the verbs in which it can block, with what wakes it there. What a verb gives then, it says of itself.
"""

import ast
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from teachserve.diagram.drawing import Drawing, Edge, Group, Node
from teachserve.diagram.keys import BACKLOG, CLIENTS, Place, step_keys, step_places, unknown_key
from teachserve.diagram.life import ENTERS
from teachserve.diagram.moves import NOTHING_CAME
from teachserve.diagram.wording import in_words, project_file, unknown_notes
from teachserve.topology.topology import BEGIN, END, START, RoleLife, Step, Topology
from teachserve.topology.topology import Edge as Way
from teachserve.topology.verbs_source import verbs_source

STOP = "stop"
STOPPING = "teachserve/stopping.py"
UNCHANGED = "the same"
"""What a verb says that a stop does not touch; the legend is of the others."""
LEGEND = 70
"""Characters that a line of the legend has at most."""


class Wake(NamedTuple):
    """How a thread that is blocked in a verb goes on: `what` happens there, and what the verb `gives` then.

    `by` is who does it: the stop ("stop"), whoever ends ("end"), or whoever is in this verb ("read"). `method` is the one in
    the source that does it.
    """

    by: str
    what: str
    gives: str
    method: str


_CONNECTS = "connects to ourselves"
WAKES: dict[str, Wake] = {
    "accept": Wake(STOP, f"{_CONNECTS}\nonce for each that accepts", "None", "Stopper._wake"),
    "select": Wake(STOP, f"{_CONNECTS}:\nthe listener is ready", "None, once\nnothing is\nin progress", "Stopper._wake"),
    "read": Wake(STOP, "shuts for reading\nif no request has begun", "None", "Stopper._sweep"),
    "take": Wake(END, "the last to end:\na token for each taker", "None", "Taskmaster.release_takers"),
    "wait_for_place": Wake("read", "frees a place\nas serve ends", "goes on in turn", "Places._free_place"),
}  # fmt: skip
"""Verb in which a thread can block -> how it goes on once the server stops."""


@cache
def once_stopped(verb: str) -> str:
    """What the verb says of itself about a server that stops, without its full stop; "" where it says nothing."""
    told = ast.get_docstring(verbs_source().methods[verb][0].node) or ""
    found = re.search(r"Once the server stops:\s*(.*?)\.(?=\s|$)", told, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def draw(topology: Topology, name: str = "") -> Drawing:
    """The picture. `name`: the architecture's, where it has one beside its class."""
    name = name or topology.name
    nodes = [
        Node(STOP, ("soft stop", "stopping = True"), "begin", "It stops accepting, and finishes what was accepted.", STOPPING),
        Node(BACKLOG, ("accept queue", "the backlog, in the kernel"), "kernel", "Connected, and accepted by nobody yet."),
        Node(CLIENTS, ("clients",), "client", "Whoever comes later finds the port closed."),
    ]  # fmt: skip
    edges = [
        Edge(STOP, BACKLOG, "when nobody accepts any more", "wake", "Stopper._drain", STOPPING),
        Edge(BACKLOG, CLIENTS, "503", "answer", "Whoever came before the stop's last connect to itself is answered.", STOPPING),
    ]  # fmt: skip
    for role in topology.roles:
        nodes += _nodes(role)
    for role in topology.roles:
        edges += _edges(topology, role)
    notes = unknown_notes(topology, (START, *(role.name for role in topology.roles)))
    noted = {note.key for note in notes}
    edges += [
        Edge(_end(role), unknown_key(role.name), kind="unknown")
        for role in topology.roles
        if unknown_key(role.name) in noted
    ]
    verbs = dict.fromkeys(step.verb for role in topology.roles for step in role.steps if step.verb not in (BEGIN, END))
    return Drawing(
        f"{name}-stop", f"{name}: a soft stop", sentence(topology), (*nodes, *notes), tuple(edges),
        tuple(Group(role.name, role.name) for role in topology.roles), _others(verbs),
    )  # fmt: skip


def _others(verbs: Iterable[str]) -> tuple[str, ...]:
    """What the verbs give in which nobody blocks, those that give the same together, in few lines."""
    found: dict[str, list[str]] = {}
    for verb in verbs:
        if verb not in WAKES and (gives := once_stopped(verb)) not in ("", UNCHANGED):
            found.setdefault(gives.replace("`", ""), []).append(verb)
    told = [f"{in_words(those)}: {gives}" for gives, those in found.items()]
    return tuple(textwrap.wrap(f"once it stops, {'; '.join(told)}", LEGEND, break_on_hyphens=False)) if told else ()


def places(topology: Topology) -> dict[str, Place]:
    """What each node of a thread stands for, by its key."""
    found = {STOP: Place(), BACKLOG: Place(verb="accept"), CLIENTS: Place()}
    for role in topology.roles:
        found |= dict(step_places(role))
    return found


def sentence(topology: Topology) -> str:
    """The picture in words: each verb in which a thread can block, and what it gives."""
    told = ["Once the server stops:"]
    for role in topology.roles:
        verbs = dict.fromkeys(step.verb for step in blocking(role))
        told += [f"{role.name} in {verb}: {once_stopped(verb)}." for verb in verbs] or [f"{role.name} blocks nowhere."]
    return " ".join([*told, "Who waits in the accept queue is answered 503."])


def blocking(role: RoleLife) -> list[Step]:
    """The steps in which the role's threads can block; one that calls select blocks nowhere else."""
    verbs = ("select",) if role.loops else tuple(WAKES)
    return [step for step in role.steps if step.verb in verbs]


def _end(role: RoleLife) -> str:
    return step_keys(role)[-1]


def _nodes(role: RoleLife) -> list[Node]:
    keys = step_keys(role)
    blocked = [
        Node(keys[step.index], (f"in {step.verb}", *([step.queue] if step.verb == "take" and step.queue else [])), "verb",
             f"Once the server stops: {once_stopped(step.verb)}.", project_file(step.file), step.line, role.name,
             state=ENTERS[step.verb].value)
        for step in blocking(role)
    ]  # fmt: skip
    return [*blocked, Node(_end(role), ("the thread ends",), "end", "Its method returns.", group=role.name)]


def _edges(topology: Topology, role: RoleLife) -> list[Edge]:
    keys = step_keys(role)
    steps = blocking(role)
    reads = [step for step in steps if step.verb == "read"]
    found = []
    for step in steps:
        wake, key = WAKES[step.verb], keys[step.index]
        tooltip = f"{wake.method}; {step.verb}: {once_stopped(step.verb)}"
        back = False
        if wake.by == END:
            others = [_end(one) for one in topology.roles if one is not role]
            wakers = others or [STOP]
        elif wake.by == "read" and reads:
            wakers, back = [keys[reads[0].index]], True
        else:
            wakers = [STOP]
        found += [
            Edge(waker, key, wake.what, "wake", tooltip, project_file(step.file), step.line, back) for waker in wakers
        ]
        found += [
            Edge(key, keys[after], wake.gives, "next", tooltip, project_file(step.file), step.line, after < step.index)
            for after in _onward(role, step)
            if after != step.index
        ]
    return _merged(found)


def _onward(role: RoleLife, step: Step) -> list[int]:
    """Where its threads come next from there once the server stops: to a verb in which they can block, or to their end."""
    stations = {one.index for one in blocking(role)} | {role.steps[-1].index}
    ways = [way for way in role.edges if way.before == step.index]
    nothing = [way for way in ways if way.tests and NOTHING_CAME.fullmatch(way.tests[0])]
    todo = [way.after for way in (WAKES[step.verb].gives.startswith("None") and nothing) or ways]
    seen: dict[int, None] = {}
    while todo:
        index = todo.pop(0)
        if index not in seen and index not in stations:
            todo += [way.after for way in role.edges if way.before == index and not _given_up(role.steps[index], way)]
        seen[index] = None
    return [index for index in seen if index in stations]


def _given_up(step: Step, way: Way) -> bool:
    """Whether the way is for a verb that gives True, and this one gives False from then on."""
    return way.tests[:1] == (step.shown,) and once_stopped(step.verb).endswith("False")


def _merged(edges: list[Edge]) -> list[Edge]:
    """One edge between the same two nodes."""
    return list({(edge.tail, edge.head): edge for edge in reversed(edges)}.values())[::-1]
