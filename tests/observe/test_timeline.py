"""What the threads did lately: what is kept is right, what is not kept is said, and how a time is written."""

import pytest

from teachserve.events import FIRST_MARK, STATES, State
from teachserve.observe import timeline as timeline_module
from teachserve.observe.connections import ConnectionLog
from teachserve.observe.snapshot import Snapshot
from teachserve.observe.timeline import Recorder
from teachserve.observe.times import moment, span, stretch
from teachserve.observe.why import why

from .visits import Visits

S = State


def played(rounds: int) -> tuple[Visits, ConnectionLog]:
    visits, log = Visits(unit=2000), ConnectionLog()
    for number in range(rounds):
        for choice in range(60):
            visits.go_on(choice * 37 + number)
        visits.drain([])
    visits.drain([])
    visits.drain([])
    for frame in visits.frames:
        log.apply(frame)
    return visits, log


def test_what_is_dropped_is_remembered_as_where_each_thread_stood(monkeypatch):
    monkeypatch.setattr(timeline_module, "KEPT_EVENTS", 100)
    monkeypatch.setattr(timeline_module, "BLOCK_EVENTS", 20)
    visits, log = played(8)
    kept = log.connections().timeline
    events = list(kept.events())
    assert 0 < len(events) <= 200  # the newest block is kept, however long it is
    assert kept.began is not None
    assert kept.began <= max(event.at for event in events[:20])
    raw = sorted(visits.raw, key=lambda one: one[0])
    for at in (kept.began, events[len(events) // 2].at, kept.ended):
        last = {thread: code for when, thread, code, _ in raw if when <= at and code < FIRST_MARK}
        alive = {thread: code for thread, code in last.items() if STATES[code] not in (S.ENDED, S.BROKEN)}
        assert {thread: stand.state for thread, stand in kept.standing(at).items()} == alive


def test_what_is_older_than_a_minute_is_dropped():
    recorder = Recorder()
    recorder.complete(0)
    recorder.add([(10, 1, S.READING.code, 1)], 20)
    recorder.add([(30_000_000, 1, S.HANDLING.code, 1)], 30_000_001)
    recorder.add([(60_000_040, 1, S.WRITING.code, 1)], 60_000_041)
    kept = recorder.capture()
    assert [event.at for event in kept.events()] == [30_000_000, 60_000_040]
    assert not kept.covers(19)
    assert kept.covers(20)
    assert kept.standing(20)[1].state == S.READING.code


def test_a_reason_that_lies_before_what_is_kept_is_not_told(monkeypatch):
    monkeypatch.setattr(timeline_module, "KEPT_EVENTS", 60)
    monkeypatch.setattr(timeline_module, "BLOCK_EVENTS", 20)
    _, log = played(8)
    shown = log.connections()
    told = [sentence for view in shown.ended for sentence in why(view, shown, Snapshot())]
    assert any(sentence.endswith("what the threads did then is not kept any more") for sentence in told)


def test_until_it_is_known_of_every_thread_where_it_stands_nothing_is_covered():
    visits, log = Visits(unit=2000), ConnectionLog()
    for choice in range(100):
        visits.go_on(choice * 37)
    visits.drain([])
    visits.drain([])
    first, *later = visits.frames
    for frame in [first, *later[:2]]:
        log.apply(frame)
    assert not log.connections().timeline.covers(visits.at)
    for frame in later[2:]:
        log.apply(frame)
    assert log.connections().timeline.covers(later[1]["at"])
    assert not log.connections().timeline.covers(later[1]["at"] - 1)


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0 us"), (999, "999 us"), (1000, "1.0 ms"), (9_940, "9.9 ms"), (10_000, "10 ms"), (412_400, "412 ms"),
     (999_499, "999 ms"), (999_500, "1.00 s"), (61_234_000, "61.23 s")],
)  # fmt: skip
def test_a_length_of_time_is_short_and_has_its_unit(us, text):
    assert span(us) == text


def test_a_moment_is_told_to_the_millisecond_and_a_short_stretch_by_its_length():
    assert moment(3_104_400) == "3.104 s"
    assert stretch(3_104_000, 3_490_000) == "from 3.104 s to 3.490 s"
    assert stretch(3_104_000, 3_104_538) == "for 538 us from 3.104 s"
