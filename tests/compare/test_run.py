"""A real run, looked at while it goes on: what each side is at, and that what is recorded is called so."""

from pathlib import Path

import pytest

from teachserve.compare.plan import ComparePlan
from teachserve.compare.run import Run
from teachserve.compare.sides import sides_of
from teachserve.compare.view import AT_THE_END, LIVE, NEXT, OVER, RECORDED, Comparison
from teachserve.demo.endings import BROKEN, Endings
from teachserve.demo.guard import Guarded
from teachserve.demo.supervisor import Plan

pytestmark = pytest.mark.timeout(90)

SIDES = sides_of(("recycling", "event-loop"), {"delay": "1ms", "graceful_timeout": "2s"}, (), ())


def looked_at(plan: ComparePlan, folder: Path) -> list[Comparison]:
    """Every comparison until it is over; then all of it is taken down, and has nothing to complain about."""
    endings = Endings()
    run = Run(plan, Guarded("comparison", folder, -1), endings)
    run.start()
    seen: list[Comparison] = []
    try:
        for comparison in run.comparisons():
            seen.append(comparison)
            assert endings.wait(0) is None
            if comparison.phase == OVER:
                break
    finally:
        run.end()
    assert run.complaints() == []
    assert [one.supervisor.server.status for one in run.sides] == [0, 0]
    return seen


def test_at_the_same_time_both_are_live_and_stay_as_the_plan_ended(tmp_path: Path) -> None:
    plan = ComparePlan(SIDES, rate=100, connections=4, length_s=1.0)
    seen = looked_at(plan, tmp_path)
    live = [one for one in seen if one.phase == LIVE]
    assert live
    assert [one.at_s for one in live] == sorted(one.at_s for one in live)
    decided = [one.score.decided for one in seen]
    assert decided == sorted(decided)
    last = seen[-1]
    assert (last.score.decided, last.at_s) == (100, 1.0)
    for view in last.sides:
        assert view.turn == AT_THE_END
        assert view.at_s >= 0
        assert view.snapshot.phase == "serving"
        assert view.cpu is not None


def test_one_after_the_other_the_first_is_shown_from_its_record_beside_the_second(tmp_path: Path) -> None:
    plan = ComparePlan(SIDES, rate=100, connections=4, length_s=1.0, in_turn=True)
    seen = looked_at(plan, tmp_path)
    turns = [tuple(view.turn for view in one.sides) for one in seen]
    assert (LIVE, NEXT) in turns
    assert (RECORDED, LIVE) in turns
    assert turns[-1] == (RECORDED, RECORDED)
    for one in seen:
        first, second = one.sides
        if (first.turn, second.turn) == (RECORDED, LIVE) and one.at_s >= 0.5:
            assert 0 <= first.at_s <= one.at_s  # never from after the moment that is shown
    assert seen[-1].score.decided == 100
    assert not any(one.score.decided for one in seen if one.sides[1].turn == NEXT)


def test_a_server_that_does_not_start_ends_it_with_its_own_words(tmp_path: Path) -> None:
    sides = sides_of(("recycling", "event-loop"), {"host": "192.0.2.1"}, (), ())
    endings = Endings()
    run = Run(ComparePlan(sides), Guarded("comparison", tmp_path, -1), endings)
    run.start()
    try:
        ending = endings.wait(60)
    finally:
        run.end()
    assert ending.status == 2
    assert "is no address of this machine" in ending.text
    assert not run.over.is_set()


def test_the_gil_that_was_asked_for_is_checked_against_what_the_server_says(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: 1)
    sides = sides_of(("recycling",), {}, (), (True, False))
    monkeypatch.undo()
    endings = Endings()
    run = Run(ComparePlan(sides), Guarded("comparison", tmp_path, -1), endings)
    for one in run.sides:  # this Python takes no -X gil where it has no choice
        monkeypatch.setattr(type(one.supervisor.plan), "server_arguments", _without_switch)
    run.start()
    try:
        ending = endings.wait(60)
    finally:
        run.end()
    assert ending.status == BROKEN
    assert "has the GIL" in ending.text and "all the same" in ending.text


def _without_switch(plan, *where: object) -> list[str]:
    return Plan.server_arguments(plan, *where)
