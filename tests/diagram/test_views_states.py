"""The states view: what the threads can be in, and the moves, which recordings of real servers must not leave."""

from pathlib import Path

import pytest

from teachserve.architectures import NAMES
from teachserve.diagram import moves, states
from teachserve.events import STATES, TRANSITIONS, State
from teachserve.observe.trace import Trace
from tests.diagram.seen import ALIENS, architecture, edges, nodes
from tests.topology.tables import of_worker

TRACES = Path(__file__).parents[1] / "snapshots" / "traces"


def all_moves(name, **how):
    found = architecture(name)
    return frozenset().union(*(moves.moves(found, role, **how) for role in found.roles))


def test_a_single_thread_goes_round():
    assert edges(states.draw(architecture("single-thread"))) == [
        "starting -> accepting",
        "accepting -> accepted: Accepted",
        "accepting -> backing off: BackedOff",
        "accepting -> ended",
        "accepted -> reading",
        "backing off ~> accepting",
        "reading ~> accepting",
        "reading -> handling",
        "reading -> ended",
        "handling -> writing",
        "writing ~> accepting",
        "writing ~> reading",
        "writing ~> handling",
        "writing -> idle: KeptAlive",
        "writing -> ended",
        "idle ~> accepting",
        "idle ~> reading",
        "idle ~> handling",
        "idle -> ended",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_recorded_move_is_missing(name):
    counts = [frame["flows"] for frame in Trace(TRACES / f"{name}.trace").frames() if frame["frame"] == "table"]
    made = {(STATES[left], STATES[entered]) for flows in counts for left, entered, count in flows if count}
    assert len(made) > 5
    # Who closes what clients still send to is a thread too, and no role.
    closer = {(State.STARTING, State.WAITING), (State.STARTING, State.ENDED), (State.WAITING, State.ENDED)}
    made = {move for move in made - closer if State.LINGERING not in move}
    assert made <= all_moves(name)


@pytest.mark.parametrize("name", [*NAMES, *ALIENS])
def test_every_move_is_an_allowed_one(name):
    for one, other in all_moves(name):
        assert other in TRANSITIONS[one]
    assert all_moves(name, queued=False) <= all_moves(name)


def test_only_states_that_its_verbs_announce_are_drawn():
    drawn = nodes(states.draw(architecture("thread-pool")))
    assert "recycling" not in drawn
    assert "waiting for a place" not in drawn
    assert {"handing over", "waiting", "idle"} <= set(drawn)


def test_a_state_stands_with_the_one_role_that_enters_it():
    groups = {node.key: node.group for node in states.draw(architecture("thread-pool")).nodes}
    assert (groups["accepting"], groups["waiting"], groups["starting"]) == ("acceptor", "worker", "")


def test_of_a_role_that_is_not_known_in_full_every_move_is_drawn_that_its_verbs_allow(tmp_path):
    found = of_worker(tmp_path, "one = self.accept()\nself.serve(one)\ngo = self.recycle\ngo()")
    made = moves.moves(found, found.role("worker"))
    assert (State.ACCEPTED, State.HANDLING) in made
    assert list(nodes(states.draw(found), "note")) == ["worker.unknown"]
