"""The verbs that an architecture is written in, and the states that a thread may enter in each."""

from teachserve.events import State

S = State
ANNOUNCES: dict[str, frozenset[State]] = {
    "accept": frozenset({S.ACCEPTING, S.BACKING_OFF, S.ACCEPTED}),
    "select": frozenset({S.SELECTING}),
    "spawn": frozenset({S.CREATING}),
    "hand_over": frozenset({S.HANDING_OVER}),
    "take": frozenset({S.WAITING}),
    "wait_for_place": frozenset({S.WAITING_FOR_PLACE}),
    "recycle": frozenset({S.RECYCLING}),
    "serve": frozenset({S.READING, S.IDLE, S.HANDLING, S.WRITING}),
    "read": frozenset({S.READING, S.IDLE}),
    # A handler may read the rest of its request and send the first of its answer; what writes asks it for the rest.
    "handle": frozenset({S.HANDLING, S.READING, S.WRITING}),
    "write": frozenset({S.WRITING, S.HANDLING}),
}
"""Verb -> the states that a thread may enter in it."""
IN_A_LOOP: dict[str, frozenset[State]] = {
    "accept": frozenset({S.ACCEPTING, S.ACCEPTED}),
    "read": frozenset({S.READING}),
    "handle": frozenset({S.HANDLING}),
    "write": frozenset({S.WRITING}),
}
"""The same for a thread that calls `select`: it waits nowhere else."""
MAY_PASS = frozenset({"wait_for_place", "select", "read"})
"""Verbs that return without a word where there is nothing to wait for."""
QUIET = frozenset({"admit", "short_of_acceptors", "refuse", "close"})
"""Verbs in which a thread stays in the state that it is in."""
VERBS = frozenset(ANNOUNCES.keys() | QUIET)
"""All that a taskmaster is written in."""
ON_A_QUEUE = frozenset({"take", "hand_over", "select"})
"""Verbs whose last argument, or `queue`, is a named queue."""
BEHIND_SERVE = "driver"
"""On what `Taskmaster.serve` calls read, handle and write."""
