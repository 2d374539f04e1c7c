"""The line that says in words what is happening: a table of pictures and what it says of them."""

from dataclasses import replace

import pytest

from teachserve.demo.sentence import sentence
from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.snapshot import QueueView, Snapshot

from .pictures import AT, header, picture, recycling, snapshot, thread

S = State
LONGEST = 152
"""Two lines of a terminal of 80 columns."""


def of(role: str, *threads: tuple[str, State] | tuple[str, State, int], queues: dict | None = None) -> Snapshot:
    """A server whose `role` accepts, with these threads: (role, state, how many)."""
    made = []
    for kind, state, *count in threads:
        for _ in range(*(count or [1])):
            made.append(thread(len(made) + 1, state, kind, since_s=AT - 0.02))
    waiting = {name: QueueView(length, ever, 0, 0) for name, (length, ever) in (queues or {}).items()}
    return snapshot(made, header=header(role=role), queues=waiting)


WORKERS = ("worker", S.HANDLING, 6), ("worker", S.READING, 2)
TABLE = [
    (
        recycling(11, 3),
        0,
        "3 of 11 workers block in accept(2); the next connection wakes one of them; 7 serve.",
    ),
    (
        recycling(11, 3),
        5,
        "3 of 11 workers are in accept(2); 7 serve; 5 connections wait in the kernel's queue.",
    ),
    (
        recycling(11, 1),
        0,
        "1 of 11 workers blocks in accept(2); the next connection wakes it; 8 serve.",
    ),
    (
        of("worker", ("worker", S.ACCEPTING, 8), queues={"wanted": (0, 0)}),
        0,
        "8 of 8 workers block in accept(2); the next connection wakes one of them; nobody serves.",
    ),
    (
        of("worker", *WORKERS, queues={"wanted": (0, 9)}),
        92,
        "All 8 workers serve; 92 connections wait in the kernel's queue.",
    ),
    (
        of("worker", ("worker", S.HANDLING, 6), ("worker", S.RECYCLING, 2), queues={"wanted": (1, 9)}),
        1,
        "None of 8 workers is in accept(2): 6 serve, 2 are recycling; "
        "1 connection waits in the kernel's queue and 1 item on 'wanted'.",
    ),
    (
        of("worker", ("worker", S.IDLE, 3), ("worker", S.HANDLING, 1)),
        0,
        "All 4 workers serve (3 idle, kept by their clients); nothing waits in a queue.",
    ),
    (
        of("worker", ("worker", S.IDLE, 4)),
        7,
        "All 4 workers serve, but idle: their clients keep the connections; "
        "7 connections wait in the kernel's queue.",
    ),
    (
        of("acceptor", ("acceptor", S.ACCEPTING), *WORKERS, queues={"connections": (92, 100)}),
        0,
        "The acceptor blocks in accept(2); all 8 workers serve; "
        "92 items wait on 'connections'; nothing in the kernel's queue.",
    ),
    (
        of("acceptor", ("acceptor", S.ACCEPTING), ("worker", S.WAITING, 5), ("worker", S.HANDLING, 3),
           queues={"connections": (0, 100)}),
        0,
        "The acceptor blocks in accept(2); of 8 workers 3 serve, 5 wait for work; nothing waits in a queue.",
    ),
    (
        of("acceptor", ("acceptor", S.HANDLING)),
        12,
        "The acceptor is inside a handler for 20ms: nobody accepts and nobody else is served; "
        "12 connections wait in the kernel's queue.",
    ),
    (
        of("acceptor", ("acceptor", S.IDLE)),
        3,
        "The acceptor waits for the next request of a kept connection: nobody accepts; "
        "3 connections wait in the kernel's queue.",
    ),
    (
        of("acceptor", ("acceptor", S.CREATING), ("worker", S.HANDLING, 4)),
        98,
        "The acceptor waits for the thread that it spawned to run: nobody accepts; all 4 workers serve; "
        "98 connections wait in the kernel's queue.",
    ),
    (
        of("acceptor", ("acceptor", S.ACCEPTING), ("worker", S.HANDLING, 50), ("worker", S.WAITING_FOR_PLACE, 20)),
        0,
        "The acceptor blocks in accept(2); of 70 workers 50 serve, 20 wait for a place; nothing waits in a queue.",
    ),
    (
        of("loop", ("loop", S.HANDLING), queues={"requests": (0, 0), "answers": (0, 0)}),
        0,
        "The loop is inside a handler for 20ms: nobody accepts and nobody else is served; nothing waits in a queue.",
    ),
    (
        of("loop", ("loop", S.SELECTING), ("worker", S.HANDLING, 4), queues={"requests": (60, 99), "answers": (0, 9)}),
        0,
        "The loop blocks in epoll_wait(2) until one of its sockets is ready; all 4 workers serve; "
        "60 items wait on 'requests'; nothing in the kernel's queue.",
    ),
    (
        of("loop", ("loop", S.READING), queues={"requests": (1, 99), "answers": (52, 60)}),
        0,
        "The loop reads a request: nobody accepts; 1 item waits on 'requests' and 52 on 'answers'; "
        "nothing in the kernel's queue.",
    ),
    (
        of("loop", ("loop", S.ACCEPTING)),
        0,
        "The loop blocks in accept(2): the next connection wakes it; nothing waits in a queue.",
    ),
    (
        of("acceptor", ("worker", S.HANDLING)),
        2,
        "There is no acceptor: nobody accepts; 2 connections wait in the kernel's queue.",
    ),
    (
        replace(recycling(11, 0), phase="stopping"),
        0,
        "Soft stop: nobody accepts any more; of 12 threads left 9 still serve what was accepted.",
    ),
    (
        replace(recycling(), phase="stopping", threads=()),
        0,
        "Soft stop: nobody accepts any more, and every thread has ended.",
    ),
    (
        replace(recycling(0), phase="stopped"),
        0,
        "The server has stopped: 54321 requests served, nothing that was accepted is left over.",
    ),
    (
        replace(recycling(0), phase="abandoned"),
        0,
        "The server was abandoned after 54321 requests: what was in progress is lost.",
    ),
    (
        replace(recycling(0), phase="lost"),
        0,
        "The server is gone without a word: this is the last that it said, after 54321 requests.",
    ),
    (
        replace(snapshot([]), header=None, phase="connecting"),
        0,
        "Waiting for the server's first word.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "queued", "words"), TABLE, ids=[row[2][:40] for row in TABLE])
def test_it_says_what_is_happening(given: Snapshot, queued: int, words: str) -> None:
    assert sentence(picture(given, accept_queue=AcceptQueue(queued, 2048, 0))) == words
    assert len(words) <= LONGEST


def test_where_the_kernel_cannot_be_asked_it_claims_nothing_about_its_queue() -> None:
    blind = picture(of("worker", *WORKERS), accept_queue=AcceptQueue(unavailable="only Linux tells"))
    assert sentence(blind) == "All 8 workers serve; the kernel's queue: n/a."
    queued = of("worker", *WORKERS, queues={"wanted": (1, 9)})
    blind = picture(queued, accept_queue=AcceptQueue(unavailable="only Linux tells"))
    assert sentence(blind) == "All 8 workers serve; 1 item waits on 'wanted'; the kernel's queue: n/a."


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("count", [1, 400])
def test_it_has_a_sentence_for_every_state_and_none_too_long(state: State, count: int) -> None:
    for role in ("worker", "acceptor"):
        given = of(role, (role, state, count), ("worker" if role == "acceptor" else "maker", state, count))
        words = sentence(picture(given, accept_queue=AcceptQueue(2048, 2048, 0)))
        assert words.endswith(".")
        assert words[0].isupper() or not words[0].isalpha()
        assert len(words) <= LONGEST + 30


def test_no_time_is_told_in_a_handler_that_was_entered_just_now() -> None:
    now = thread(1, S.HANDLING, "loop", since_s=AT)
    text = sentence(picture(snapshot([now], header=header("event-loop", "loop"))))
    assert text.startswith("The loop is inside a handler: nobody accepts")
