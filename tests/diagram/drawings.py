"""Drawings made by hand: the recycling architecture as it would be drawn, and one with everything that can go wrong in text."""

from teachserve.diagram.drawing import EDGE_KINDS, NODE_KINDS, Drawing, Edge, Group, Node
from teachserve.events import EVENT_NAMES, MEANING, State

FILE = "teachserve/architectures/recycling.py"


def recycling() -> Drawing:
    """Its threads: who they are, what they share, who hands what to whom."""
    nodes = (
        Node("client", ("clients",), "client"),
        Node("socket", ("listening socket", "backlog in the kernel"), "socket", "The one socket that all workers accept from."),
        Node("worker", ("worker", "accept, serve, recycle"), "role", "Takes a connection, serves it, and goes back to accept.",
             FILE, 28, state=State.ACCEPTING, count="standby, at most max_threads"),
        Node("wanted", ("wanted", "a queue"), "queue", "A named queue.", FILE, 15),
        Node("thread-maker", ("thread-maker", "take, spawn"), "role", "Makes a worker when one is asked for.",
             FILE, 23, state=State.WAITING, count="1"),
    )  # fmt: skip
    edges = (
        Edge("client", "socket", "connect", "next"),
        Edge("socket", "worker", "accept", "accept", "Take the next connection.", FILE, 29),
        Edge("worker", "client", "answer", "answer", "Read, handle, write.", FILE, 32, back=True),
        Edge(
            "worker", "wanted", "hand_over\nif short_of_acceptors()", "hand over", "Put an item on a queue.", FILE, 31
        ),
        Edge("wanted", "thread-maker", "take", "take", "Take the next item.", FILE, 24),
        Edge("thread-maker", "worker", "spawn", "spawn", "Make a new thread.", FILE, 25, back=True),
        Edge("worker", "worker", "recycle()", "next", "Whether to go back to accept.", FILE, 33, back=True),
    )
    return Drawing(
        "recycling-threads",
        "Recycling: every worker accepts",
        "Clients connect to the listening socket; each worker accepts, serves and recycles; a worker that leaves nobody in"
        " accept hands over a wish to the queue wanted, from which the thread-maker takes it and spawns a worker.",
        nodes,
        edges,
        legend=("if, and what stands in brackets: the source's own words",),
    )


def life() -> Drawing:
    """A worker's steps, in its box, between the kernel and the client."""
    steps = (
        ("begin", "begin", "begin", ""), ("accept", "accept", "verb", "accepting"),
        ("hand_over", "hand_over\nwanted", "verb", "handing over"), ("read", "read", "verb", "reading"),
        ("handle", "handle", "verb", "handling"), ("write", "write", "verb", "writing"),
        ("recycle", "recycle", "verb", "recycling"), ("end", "end", "end", "ended"),
    )  # fmt: skip
    nodes = (
        Node("syn", ("client's SYN",), "client"),
        Node("backlog", ("backlog",), "kernel"),
        *(Node(key, tuple(label.split("\n")), kind, f"{label}, as a sentence.", FILE, 20 + number, "worker", state=state)
          for number, (key, label, kind, state) in enumerate(steps)),
    )  # fmt: skip
    edges = (
        Edge("syn", "backlog", "the kernel answers"),
        Edge("backlog", "accept", "", "accept"),
        Edge("begin", "accept"),
        Edge("accept", "hand_over", "short_of_acceptors()"),
        Edge("accept", "read", "not short_of_acceptors()"),
        Edge("accept", "end", "connection is None"),
        Edge("hand_over", "read"),
        Edge("read", "handle", "a request is there"),
        Edge("handle", "write"),
        Edge("write", "read", "keep-alive", back=True),
        Edge("write", "recycle", "the connection ends"),
        Edge("recycle", "accept", "recycle()", back=True),
        Edge("recycle", "end", "not recycle()"),
    )
    return Drawing("recycling-life", "Recycling: the life of a connection", "It is accepted, read, handled, written.",
                   nodes, edges, (Group("worker", "worker"),))  # fmt: skip


def nasty() -> Drawing:
    """Every kind, and every text that a format might take for its own."""
    texts = ('a "quoted" one', "<b>&amp; less < more > and &", "back\\slash \\n \\N \\", "zwei\nZeilen", "日本語 ünïcode",
             "semi; colon: comma, #hash", "{brace|pipe} [x] (y)", "percent %% `tick` $x", "<html>", "end",
             "control \x07 \t tab")  # fmt: skip
    nodes = tuple(
        Node(f'k"{number}\\<&:', (text,), kind, text, f'a "b"/{kind}<&.py', number, 'g"1' if number < 3 else "")
        for number, (kind, text) in enumerate(zip(NODE_KINDS, texts, strict=True))
    )
    edges = tuple(
        Edge(
            nodes[number % 11].key,
            nodes[(number + 1) % 11].key,
            texts[number % 11],
            kind,
            texts[number % 11],
            back=number >= 10,
        )
        for number, kind in enumerate(EDGE_KINDS)
    )
    return Drawing('nasty <&"', texts[1], texts[0], nodes, edges, (Group('g"1', texts[2]),), texts)


def states() -> Drawing:
    """The states that a worker can be in, and the moves between them: the densest picture there is."""
    s = State
    worker = (
        s.STARTING,
        s.ACCEPTING,
        s.ACCEPTED,
        s.HANDING_OVER,
        s.READING,
        s.HANDLING,
        s.WRITING,
        s.IDLE,
        s.RECYCLING,
        s.ENDED,
    )
    nodes = tuple(Node(state.name.lower(), (state.value,), "state", MEANING[state], state=state) for state in worker)
    backwards = {(s.RECYCLING, s.ACCEPTING), (s.IDLE, s.READING), (s.WRITING, s.READING), (s.RECYCLING, s.HANDING_OVER)}
    moves = (
        (s.STARTING, s.ACCEPTING), (s.ACCEPTING, s.ACCEPTED), (s.ACCEPTING, s.ENDED), (s.ACCEPTED, s.HANDING_OVER),
        (s.ACCEPTED, s.READING), (s.HANDING_OVER, s.READING), (s.READING, s.HANDLING), (s.READING, s.WRITING),
        (s.HANDLING, s.WRITING), (s.WRITING, s.IDLE), (s.WRITING, s.RECYCLING), (s.IDLE, s.RECYCLING), (s.READING, s.RECYCLING),
        (s.RECYCLING, s.ENDED), *sorted(backwards),
    )  # fmt: skip
    edges = tuple(
        Edge(one.name.lower(), other.name.lower(), EVENT_NAMES.get((one, other), ""), back=(one, other) in backwards)
        for one, other in moves
    )
    return Drawing(
        "recycling-states",
        "Recycling: a worker's states",
        "It starts, accepts, serves, recycles and ends.",
        nodes,
        edges,
    )


ALL = (states, recycling, life, nasty)
