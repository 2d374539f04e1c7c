"""Of programs that are made up, the derived edges are the moves that their runs make: none is missing, none invented."""

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from teachserve.topology.topology import Topology

from .programs import every_move, programs, run
from .tables import derived


def edges(found: Topology) -> set[tuple[str, str]]:
    [worker] = found.roles
    names = {step.index: step.shown or step.verb for step in worker.steps}
    return {(names[edge.before], names[edge.after]) for edge in worker.edges}


def topology(text: str) -> Topology:
    with tempfile.TemporaryDirectory() as folder:
        return derived(Path(folder), text)


SLOW = settings(max_examples=40)


@SLOW
@given(programs())
def test_the_edges_are_exactly_the_moves_of_every_run(text: str) -> None:
    found = topology(text)
    assert edges(found) == every_move(text)
    assert found.unknown == ()


@SLOW
@given(programs(raising=True), st.lists(st.booleans(), max_size=60))
def test_no_move_is_missing_where_something_is_raised_or_a_helper_calls_itself(text: str, coins: list[bool]) -> None:
    called = run(compile(text, "program", "exec"), coins).called
    assert {*pairwise(called)} <= edges(topology(text))
