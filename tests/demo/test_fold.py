"""Frames to pictures: what a picture is made of survives JSON, and the history is on the server's clock."""

import json

from hypothesis import given
from hypothesis import strategies as st
from observe.world import header, table

from teachserve.demo.fold import ENDED, PictureFold
from teachserve.demo.picture import HISTORY_STEPS, History, LoadView
from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look, Sighting
from teachserve.observe.snapshot import COUNTERS
from teachserve.observe.verdict import Shares, Verdict

from .pictures import picture

counts = st.integers(0, 2**40)
seconds = st.floats(0, 1e6)
maybe_text = st.none() | st.text(max_size=30)
states = st.sampled_from(State)
sightings = st.builds(
    Sighting, counts, counts, states, counts, st.sampled_from(Verdict), maybe_text, st.none() | counts, st.text(),
    st.text(),
)  # fmt: skip
shares = st.builds(Shares, *[counts] * 6)
looks = st.builds(
    Look.made, st.lists(sightings, max_size=5), st.dictionaries(states, shares), st.dictionaries(states, seconds),
    seconds, maybe_text,
)  # fmt: skip
loads = st.builds(
    LoadView, counts, st.booleans(), st.none() | seconds, seconds, st.none() | seconds, st.none() | seconds, counts,
    counts, counts, counts, seconds, st.booleans(),
)  # fmt: skip
queues = st.builds(AcceptQueue, counts, counts, counts, maybe_text)


def through_json(told: object) -> object:
    """As it comes back from a trace file."""
    return json.loads(json.dumps(told))


def observed(at: int, load: LoadView | None = None, look: Look | None = None, queue: AcceptQueue = ENDED) -> dict:
    """The frame that stands after a table."""
    return {
        "frame": "observed", "at": at, "accept_queue": queue.as_json(), "witness": look and look.as_json(),
        "load": load and load.as_json(),
    }  # fmt: skip


@given(looks, loads, queues, sightings)
def test_what_was_observed_comes_back_equal_from_json(look, load, queue, sighting):
    assert Look.of_json(through_json(look.as_json())) == look
    assert LoadView(**through_json(load.as_json())) == load
    assert AcceptQueue(**through_json(queue.as_json())) == queue
    assert Sighting.of_json(through_json(sighting.as_json())) == sighting


def test_a_picture_is_due_after_what_was_observed_and_at_the_end() -> None:
    fold = PictureFold()
    made = picture()
    assert fold.apply(header()) is None
    assert fold.apply(table(1000, serial=2)) is None
    seen = fold.apply(observed(1000, made.load, made.witness, made.accept_queue))
    assert (seen.witness, seen.load, seen.accept_queue) == (made.witness, made.load, made.accept_queue)
    assert seen.sightings == made.sightings
    fold.apply(table(2000, serial=3))
    later = fold.apply(observed(2000, made.load))
    assert later.witness is seen.witness
    end = fold.apply({"frame": "end", "serial": 4, "reason": "stopped"})
    assert (end.snapshot.phase, end.accept_queue, end.witness) == ("stopped", ENDED, seen.witness)


def looked(*verdicts: Verdict, unavailable: str | None = None) -> Look:
    """A round in which the threads were seen so."""
    seen = [Sighting(number, 0, State.READING, 0, one, None, None, "", "") for number, one in enumerate(verdicts)]
    return Look.made(seen, {}, {}, 0.001, unavailable)


def test_how_many_wait_for_the_gil_is_the_mean_of_the_last_two_seconds_looks() -> None:
    gil, running = Verdict.GIL, Verdict.RUNNING
    fold = PictureFold()
    fold.apply(header(gil=True))
    assert fold.apply(observed(0)).gil_waiters is None
    assert fold.apply(observed(100_000, look=looked(gil, gil, running))).gil_waiters == 2.0
    assert fold.apply(observed(200_000)).gil_waiters == 2.0
    assert fold.apply(observed(300_000, look=looked(gil, running, running))).gil_waiters == 1.5
    assert fold.apply(observed(400_000, look=looked(unavailable="not permitted"))).gil_waiters == 1.5
    assert fold.apply(observed(2_200_000, look=looked(running))).gil_waiters == 0.5
    assert fold.apply({"frame": "end", "reason": "stopped"}).gil_waiters is None


def test_where_there_is_no_gil_nobody_waits_for_it() -> None:
    fold = PictureFold()
    fold.apply(header(gil=False))
    assert fold.apply(observed(0, look=looked(Verdict.RUNTIME))).gil_waiters is None


def test_marks_keep_their_moments_when_another_server_takes_the_firsts_place() -> None:
    fold = PictureFold()
    fold.apply(header(epoch_ns=1_000_000_000))
    fold.apply(
        {"frame": "mark", "at": 3_000_000, "text": "architecture recycling -> event-loop", "kind": "architecture"}
    )
    fold.apply(header(epoch_ns=5_000_000_000))
    fold.apply(table(500_000, serial=2))
    (mark,) = fold.apply(observed(500_000)).marks
    assert mark.at_s == -1.0


def test_another_server_begins_anew_and_the_history_goes_on() -> None:
    fold = PictureFold()
    for began, requests in ((0, 10), (9_000_000_000, 20)):
        fold.apply(header(epoch_ns=began))
        fold.apply(table(60_000_000, serial=2))
        last = fold.apply(observed(60_000_000, LoadView(answered_per_s=requests)))
    assert last.history.requests == (10, 20)
    assert last.witness is None
    assert last.snapshot.lost_frames == 0


def test_the_history_takes_a_value_each_half_second_and_keeps_a_minute() -> None:
    fold = PictureFold()
    fold.apply(header())
    for tenth in range(1500):
        fold.apply(table(tenth * 100_000, serial=tenth + 2))
        load = LoadView(answered_per_s=float(tenth), p50=None, p99=0.5)
        history = fold.apply(observed(tenth * 100_000, load)).history
    assert len(history.requests) == len(history.p99) == HISTORY_STEPS
    assert history.first == 300 - HISTORY_STEPS
    assert history.requests[-1] - history.requests[-2] == 5
    assert set(history.p50) == {None}


def test_the_servers_share_of_a_core_is_what_it_used_between_two_steps() -> None:
    fold = PictureFold()
    for epoch_ns in (0, 9_000_000_000):
        fold.apply(header(epoch_ns=epoch_ns))
        for tenth in range(21):
            at = tenth * 100_000
            fold.apply(table(at))
            last = fold.apply(observed(at) | {"cpu_s": 3.0 + 0.04 * tenth})
    cores = [step.core for step in last.history.steps]
    assert [core and round(core, 6) for core in cores] == [None, *[0.4] * 4] * 2
    assert [step.at_s for step in last.history.steps] == [n / 2 - 9 for n in range(5)] + [n / 2 for n in range(5)]


def test_a_server_that_has_ended_adds_nothing_to_the_history() -> None:
    fold = PictureFold()
    fold.apply(header())
    fold.apply(table(1000, serial=2, phase="stopped"))
    fold.apply({"frame": "end", "serial": 3, "reason": "stopped"})
    assert fold.apply(observed(1000)).history == History()


def test_while_events_are_streamed_a_picture_holds_the_connections() -> None:
    fold = PictureFold()
    moves = [10, State.ACCEPTED.code, 1, 20, State.READING.code, 1]
    told = [
        header(), table(5), {"frame": "events", "at": 30, "threads": [[4, 1, 9004]], "batches": [[4, 0, moves]]},
        table(40), table(50), observed(50),
    ]  # fmt: skip
    shown = [picture for frame in told if (picture := fold.apply(frame)) is not None][-1].connections
    assert shown.known
    assert [(view.number, view.place, view.thread) for view in shown.living] == [(1, "reading", 4)]
    fold.apply(header(epoch_ns=2_000_000_000))  # another server
    assert not fold.picture().connections.known


def test_the_lints_look_at_each_observed_frame_and_begin_anew_with_another_server() -> None:
    fold = PictureFold()
    fold.apply(header())
    found = []
    for tenth in range(1, 30):
        at = tenth * 100_000
        fold.apply(table(at, counters=dict.fromkeys(COUNTERS, 0)))
        load = LoadView(connections=9, never_served=2) if tenth < 25 else LoadView(connections=9)
        found.append(fold.apply(observed(at, load, queue=AcceptQueue(3, 8, 0))))
    names = [{finding.lint for finding in picture.findings} for picture in found]
    assert names[0] == set()
    assert names[23] == {"no-acceptor", "never-served"}
    assert names[-1] == {"no-acceptor"}
    assert [(finding.lint, finding.until_s) for finding in found[-1].over] == [("never-served", 2.4)]
    fold.apply(header(epoch_ns=2_000_000_000))
    assert (fold.picture().findings, fold.picture().over) == ((), ())
