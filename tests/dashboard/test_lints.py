"""Broken rules on the screen: named wherever one looks, explained in their own pane."""

from dataclasses import replace

from demo.pictures import AT, picture

from teachserve.observe.lints import LINTS, Finding

from .board import text_of

WAITING = Finding("queue-wait", "the oldest of 12 items on 'connections' waits for 230 ms", AT - 1.5)
CHURNED = Finding("churn", "12 threads were made and 11 ended as surplus in a second", 3.0, until_s=5.5)


def test_a_broken_rule_is_named_in_every_view() -> None:
    shown = replace(picture(), findings=(WAITING,))
    for view in ("places", "threads", "events", "kernel"):
        assert "! queue-wait" in text_of(shown, view=view)


def test_many_broken_rules_are_counted_where_there_is_no_room_for_their_names() -> None:
    findings = tuple(Finding(name, "so it is", AT) for name in LINTS)
    assert f"! {len(LINTS)} lints (8)" in text_of(replace(picture(), findings=findings))
    lossy = replace(picture().snapshot, lost_events=123_456, lost_frames=12_345)
    told = text_of(replace(picture(), findings=findings, snapshot=lossy)).split("\n")
    assert next(line for line in told if line.startswith(" Link")).endswith(f" ! {len(LINTS)} (8)")


def test_the_pane_says_what_is_wrong_since_when_and_what_to_do_and_what_was() -> None:
    text = text_of(replace(picture(), findings=(WAITING,), over=(CHURNED,)), (160, 50), view="events")
    assert f"Lints: 1 of {len(LINTS)} rules broken now, 1 before" in text
    assert "waits for 230 ms (for 1.5s)" in text
    assert "    Remedy: " + LINTS["queue-wait"].remedy[:40] in text
    assert "until 5.5s: 12 threads were made" in text


def test_where_all_is_well_it_says_so() -> None:
    assert f"Lints: 0 of {len(LINTS)} rules broken now" in text_of(picture(), view="events")
