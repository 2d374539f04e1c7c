"""From which state a role's threads go to which, derived from the order of its verbs and from what happens within each verb.

Left out, because they would lead from everywhere to everywhere: that a handler receives the rest of its request or sends its
answer in pieces (reading and writing inside handling), and that a thread breaks.
"""

import re
from typing import NamedTuple

from teachserve.events import TRANSITIONS, State
from teachserve.topology.topology import BEGIN, END, RoleLife, Step, Topology
from teachserve.topology.verbs import ANNOUNCES, IN_A_LOOP, QUIET

S = State
Move = tuple[State, State]

LEFT_OUT = (
    f"left out: a handler that itself receives or sends; a method that raises (any state -> {State.BROKEN.value})"
)
"""What a picture of these moves must say."""
LEFT_OUT_OF_A_LOOP = "left out too: what is ready beside the first, which select gives without a word"
"""What it must say besides, where `queued` is False."""
NOTHING_CAME = re.compile(r"(\w+ is None|not \w+)")
"""The condition on a way from accept, take or select that is gone once the server stops."""

COUNTED = frozenset({S.STARTING, S.RECYCLING})
"""In these a thread is counted as accepting already: it enters accept even once the server stops. Others are sent away."""


class Verb(NamedTuple):
    """What a thread's state does in a verb: `entered` on call, `within` it, and the one it has when the verb `returns`."""

    entered: frozenset[State]
    returns: frozenset[State]
    within: frozenset[Move] = frozenset()


def _plain(state: State) -> Verb:
    return Verb(frozenset({state}), frozenset({state}))


_ACCEPT = Verb(frozenset({S.ACCEPTING}), frozenset({S.ACCEPTED}), frozenset({(S.ACCEPTING, S.ACCEPTED)}))
BLOCKING: dict[str, Verb] = {
    "accept": _ACCEPT._replace(
        within=_ACCEPT.within | {(S.ACCEPTING, S.BACKING_OFF), (S.BACKING_OFF, S.ACCEPTING)}
    ),
    "read": Verb(frozenset({S.READING, S.IDLE}), frozenset({S.READING, S.IDLE}), frozenset({(S.IDLE, S.READING)})),
    **{verb: _plain(state) for verb, state in {
        "select": S.SELECTING, "spawn": S.CREATING, "hand_over": S.HANDING_OVER, "take": S.WAITING, "handle": S.HANDLING,
        "wait_for_place": S.WAITING_FOR_PLACE, "recycle": S.RECYCLING, "write": S.WRITING,
    }.items()},
}  # fmt: skip
"""Verb -> its states in a thread that blocks."""
LOOPING: dict[str, Verb] = BLOCKING | {
    "accept": _ACCEPT._replace(returns=frozenset({S.ACCEPTING, S.ACCEPTED})),
    "read": _plain(S.READING),
}
"""The same in a thread that calls `select`, and blocks nowhere else."""


def moves(topology: Topology, role: RoleLife, *, queued: bool = True) -> frozenset[Move]:
    """The moves of the role's threads. Of a role that could not be derived in full: every move that its verbs allow.

    `queued`: also those of a loop in which several things are ready at once, so that select gives the next without a word.
    """
    if any(one.role == role.name for one in topology.unknown):
        return _allowed(role)
    verbs = LOOPING if role.loops else BLOCKING
    found: set[Move] = set()
    leaving: dict[int, set[State]] = {step.index: set() for step in role.steps}
    leaving[0] = {S.STARTING}
    coming: dict[int, set[State]] = {step.index: set() for step in role.steps}
    before = -1
    while before != (before := sum(map(len, [*leaving.values(), *coming.values()])) + len(found)):
        for way in role.edges:
            first, then = role.steps[way.before], role.steps[way.after]
            states = leaving[way.before]
            if first.verb == "accept" and not role.loops and NOTHING_CAME.fullmatch(way.condition):
                states = {S.ACCEPTING} | (coming[way.before] - COUNTED)
            coming[way.after] |= states
            if then.verb == END:
                found |= {(state, S.ENDED) for state in states}
            elif then.verb in QUIET:
                leaving[way.after] |= states
            else:
                verb = verbs[then.verb]
                found |= {(state, entered) for state in states for entered in verb.entered} | verb.within
                leaving[way.after] |= verb.returns | {
                    state for state in states if passes(then, state, role.loops, queued)
                }
    return frozenset((one, other) for one, other in found if one != other and other in TRANSITIONS[one])


def passes(step: Step, state: State, loops: bool, queued: bool) -> bool:
    """Whether the verb may return without a word to a thread that comes in this state.

    A request that has arrived with the one before needs no waiting; neither does a free place, nor what a loop knows to
    be ready.
    """
    if step.verb == "read":
        return not loops and state in (S.WRITING, S.HANDLING)
    return step.verb == "wait_for_place" or (queued and step.verb == "select")


def announced(role: RoleLife) -> frozenset[State]:
    """The states that the role's verbs announce, from the first to the last of a thread."""
    verbs = [step.verb for step in role.steps if step.verb not in (BEGIN, END)]
    tables = [IN_A_LOOP, ANNOUNCES] if role.loops else [ANNOUNCES]
    states = [next((table[verb] for table in tables if verb in table), frozenset()) for verb in verbs]
    return frozenset({S.STARTING, S.ENDED}).union(*states)


def _allowed(role: RoleLife) -> frozenset[Move]:
    states = announced(role)
    return frozenset((one, other) for one in states for other in TRANSITIONS[one] & states if one != other)
