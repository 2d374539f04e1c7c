"""What differs between two architectures: one picture of both, in which each part says whose it is."""

from collections.abc import Callable
from dataclasses import replace

from teachserve.diagram import threads
from teachserve.diagram.drawing import SIGNS, Drawing, Edge, Node
from teachserve.diagram.wording import in_words, short
from teachserve.topology.topology import Topology

Ends = tuple[str, str]
REMOVED, ADDED = SIGNS["removed"], SIGNS["added"]


def draw(
    first: Topology, second: Topology, names: tuple[str, str], view: Callable[[Topology, str], Drawing] = threads.draw
) -> Drawing:
    """From the first to the second, by the keys of `view`: what only the first has is removed, what only the second, added."""
    old, new = view(first, names[0]), view(second, names[1])
    olds, news = ({node.key: node for node in one.nodes} for one in (old, new))
    nodes = [_node(olds.get(key), news.get(key)) for key in dict.fromkeys([*news, *olds])]
    before, after = ({(edge.tail, edge.head): edge for edge in one.edges} for one in (old, new))
    edges = [_edge(before.get(ends), after.get(ends)) for ends in dict.fromkeys([*after, *before])]
    groups = tuple({group.key: group for group in (*new.groups, *old.groups)}.values())
    used = {node.group for node in nodes}
    return Drawing(
        f"{names[0]}-{names[1]}", f"From {names[0]} to {names[1]}", _sentence(names, olds, news, before, after), tuple(nodes),
        tuple(edges), tuple(group for group in groups if group.key in used),
        (f"{REMOVED} only {names[0]}", f"{ADDED} only {names[1]}"),
    )  # fmt: skip


def _node(old: Node | None, new: Node | None) -> Node:
    if new is None:
        return replace(old, label=(f"{REMOVED} {old.label[0]}", *old.label[1:]), faint=True)
    if old is None:
        return replace(new, label=(f"{ADDED} {new.label[0]}", *new.label[1:]))
    ours, theirs = (", ".join(one.label[1:]).replace(",,", ",").split(", ") for one in (old, new))
    shared = [word for word in theirs if word in ours]
    lines = [", ".join(shared), *_signed(REMOVED, ours, theirs), *_signed(ADDED, theirs, ours)]
    count = (
        new.count
        if new.count == old.count
        else "\n".join(f"{sign} {one.count}" for sign, one in ((REMOVED, old), (ADDED, new)) if one.count)
    )
    return replace(new, label=(new.label[0], *(part for line in lines for part in short(line))), count=count)


def _signed(sign: str, words: list[str], others: list[str]) -> list[str]:
    left = [word for word in words if word and word not in others]
    return [f"{sign} {', '.join(left)}"] if left else []


def _edge(old: Edge | None, new: Edge | None) -> Edge:
    if new is None:
        return replace(old, kind="removed")
    if old is None:
        return replace(new, kind="added")
    if old.label == new.label:
        return new
    ours, theirs = old.label.split("\n"), new.label.split("\n")
    lines = [line for line in theirs if line in ours]
    lines += [f"{REMOVED} {line}" for line in ours if line and line not in theirs]
    lines += [f"{ADDED} {line}" for line in theirs if line and line not in ours]
    return replace(new, label="\n".join(lines), tooltip=f"{REMOVED} {old.tooltip} {ADDED} {new.tooltip}")


def _sentence(
    names: tuple[str, str],
    olds: dict[str, Node],
    news: dict[str, Node],
    before: dict[Ends, Edge],
    after: dict[Ends, Edge],
) -> str:
    parts = []
    for name, nodes, others, edges, those in (
        (names[0], olds, news, before, after),
        (names[1], news, olds, after, before),
    ):
        own = [key for key in nodes if key not in others]
        ways = [
            f"{_brief(tail)} -> {_brief(head)}" + (f" ({' '.join(edge.label.split())})" if edge.label else "")
            for (tail, head), edge in edges.items()
            if (tail, head) not in those
        ]
        parts.append(f"Only {name}: {in_words([*own, *ways]) if own or ways else 'nothing'}.")
    return " ".join(parts)


def _brief(key: str) -> str:
    """A part's name on a way, where nobody takes a role for a queue."""
    return key.removeprefix("role ").removeprefix("queue ")
