"""Where connections are and were: what is folded from the stream is what happened, whatever order it is told in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from teachserve.events import FIRST_QUEUE, MARK_CODES, Mark, State
from teachserve.observe.connection_view import UNKNOWN, Connections, ConnectionView
from teachserve.observe.connections import KEPT_ENDED, MOST_LIVING, ConnectionLog

from .visits import Visits
from .world import header, row, table

S = State
CHOICES = st.lists(st.integers(0, 10_000), min_size=5, max_size=120)


def fold(frames: list[dict]) -> Connections:
    log = ConnectionLog()
    for frame in frames:
        log.apply(frame)
    return log.connections()


def steps(view: ConnectionView) -> list[tuple[int, str, int]]:
    return [(round(step.at_s * 1e6), step.place, step.thread) for step in view.path]


def played(rounds: list[list[int]], lost: list[bool]) -> Visits:
    """Moves, drain, moves, drain, and at the end twice nothing but a drain: then all that happened is told."""
    visits = Visits()
    for number, choices in enumerate(rounds):
        for choice in choices:
            visits.go_on(choice)
        visits.drain(choices, lose=number < len(lost) and lost[number])
    visits.drain([])
    visits.drain([])
    return visits


@given(st.lists(CHOICES, min_size=1, max_size=6))
def test_what_is_folded_is_what_happened(rounds):
    visits = played(rounds, [])
    shown = fold(visits.frames)
    assert {view.number for view in (*shown.living, *shown.ended)} == set(visits.truth)
    for view in (*shown.living, *shown.ended):
        truth = visits.truth[view.number]
        assert steps(view) == truth[-64:]
        assert (view.place, view.thread) == truth[-1][1:]
        assert not view.incomplete
        assert (view.ended_at_s is None) == (view in shown.living) == (truth[-1][1] != "closed")
        stays = pairwise(truth)
        spent: dict[str, int] = {}
        for (at, place, _), (then, *_) in stays:
            spent[place] = spent.get(place, 0) + then - at
        assert {place: round(seconds * 1e6) for place, seconds in view.waits.items()} == spent


@given(st.lists(CHOICES, min_size=1, max_size=6), st.data())
def test_every_moment_tells_what_was_true_at_that_moment(rounds, data):
    visits = played(rounds, [])
    cut = data.draw(st.integers(1, len(visits.frames)), label="cut")
    shown = fold(visits.frames[:cut])
    for view in shown.living:
        assert (view.place, view.thread) == visits.place(view.number, round(shown.at_s * 1e6) - 1)


@given(st.lists(CHOICES, min_size=2, max_size=8), st.lists(st.booleans(), max_size=8))
def test_after_a_loss_nothing_false_is_told(rounds, lost):
    visits = played(rounds, lost)
    log = ConnectionLog()
    for frame in visits.frames:
        log.apply(frame)
        shown = log.connections()
        at = round(shown.at_s * 1e6) - 1
        for view in shown.living:
            assert view.place == UNKNOWN or (view.place, view.thread) == visits.place(view.number, at)
        for view in (*shown.living, *shown.ended):
            if not view.incomplete:
                assert steps(view) == [step for step in visits.truth[view.number] if step[0] <= at][-64:]


@given(st.lists(CHOICES, min_size=1, max_size=4))
def test_what_was_captured_does_not_change(rounds):
    visits = played(rounds, [])
    log, captured = ConnectionLog(), []
    for frame in visits.frames:
        log.apply(frame)
        shown = log.connections()
        captured.append((shown, [steps(view) for view in shown.living], list(shown.timeline.events())))
    for shown, paths, events in captured:
        assert [steps(view) for view in shown.living] == paths
        assert list(shown.timeline.events()) == events


# ---- one thing at a time -------------------------------------------------------------------------------------------


def events(at: int, *batches: tuple[int, list[tuple[int, State | int, int]]], lost: int = 0, **more: object) -> dict:
    """A frame of (thread, its events): an event is a time, a state or a mark's code, a number."""
    flat = [
        [
            thread,
            lost,
            [word for at, what, about in told for word in (at, what if isinstance(what, int) else what.code, about)],
        ]
        for thread, told in batches
    ]
    return {
        "frame": "events",
        "at": at,
        "threads": [[thread, 1, 9000] for thread, _ in batches],
        "batches": flat,
    } | more


def told(*frames: dict) -> Connections:
    """These frames and two tables, so that nothing is held back."""
    return fold([header(), *frames, table(9_000_000), table(9_000_000)])


CLOSED, REFUSED, ARRIVED = (MARK_CODES[mark] for mark in (Mark.CLOSED, Mark.REFUSED, Mark.ARRIVED))
SERVED = [(10, ARRIVED, 1), (20, S.ACCEPTED, 1), (30, S.READING, 1), (40, S.HANDLING, 1), (90, S.WRITING, 1)]


def test_a_living_connection_says_since_when_and_who_accepted_it():
    (view,) = told(events(100, (3, SERVED))).living
    assert (view.place, view.thread, view.since_s) == ("writing", 3, 90e-6)
    assert (view.arrived_at_s, view.accepted_at_s, view.accepted_by, view.ended_at_s) == (10e-6, 20e-6, 3, None)
    assert view.waits == {"accept queue": 10e-6, "accepted": 10e-6, "reading": 10e-6, "handling": 50e-6}


def test_requests_are_counted_and_the_slowest_runs_from_its_handling_to_its_answer():
    more = [(100, S.IDLE, 1), (200, S.HANDLING, 1), (210, S.WRITING, 1), (230, CLOSED, 1), (231, S.ACCEPTING, 0)]
    shown = told(events(300, (3, SERVED + more)))
    assert not shown.living
    (view,) = shown.ended
    assert (view.requests, view.slowest_s, view.place, view.ended_at_s) == (2, 60e-6, "closed", 230e-6)


def test_a_body_that_is_read_and_an_answer_that_is_sent_in_pieces_are_one_request():
    pieces = [(50, S.READING, 1), (60, S.HANDLING, 1), (70, S.WRITING, 1), (80, S.HANDLING, 1), (99, S.IDLE, 1)]
    (view,) = told(events(100, (3, SERVED[:4] + pieces))).living
    assert (view.requests, view.slowest_s) == (1, 59e-6)


def test_a_request_that_is_handed_over_begins_there():
    queue = FIRST_QUEUE
    loop = [(20, S.ACCEPTED, 1), (22, S.SELECTING, 0), (30, S.READING, 1), (31, S.HANDING_OVER, 1), (32, queue, 1),
            (33, S.SELECTING, 0), (80, S.WRITING, 1), (85, S.SELECTING, 0)]  # fmt: skip
    work = [(5, S.WAITING, 0), (50, S.HANDLING, 1), (60, S.HANDING_OVER, 1), (61, queue, 1), (62, S.WAITING, 0)]
    shown = told(events(100, (3, loop), (4, work)))
    (view,) = shown.living
    assert (view.requests, view.slowest_s, view.place, view.thread) == (1, 54e-6, "watched", 3)
    assert (view.waits["queue wanted"], view.waits["watched"]) == (37e-6, 8e-6)
    assert (shown.loops, shown.takers) == (frozenset({3}), {"queue wanted": frozenset({"worker"})})


def test_a_refused_connection_ends_there_and_its_closing_does_not_bring_it_back():
    shown = told(
        events(100, (3, [*SERVED[:2], (25, REFUSED, 1), (26, CLOSED, 1), (27, S.WRITING, 1), (28, S.WAITING, 0)]))
    )
    assert not shown.living
    assert [(view.place, view.ended_at_s) for view in shown.ended] == [("refused", 25e-6)]


def test_what_began_before_the_watching_is_shown_from_the_table_and_said_to_be_incomplete():
    rows = [row(3, S.IDLE, since=40, connection=7), row(4, S.HANDING_OVER, since=40, connection=8)]
    shown = fold([header(), table(50, rows), events(60, (5, SERVED)), table(100, rows), table(200, rows)])
    assert [(view.number, view.place, view.thread, view.incomplete) for view in shown.living] == [
        (1, "writing", 5, False),
        (7, "idle", 3, True),
    ]


def test_nothing_is_known_before_events_are_streamed_and_after():
    assert not fold([header(), table(50, [row(3, S.IDLE, since=40, connection=7)])]).known
    streaming = [header(), events(100, (3, SERVED)), table(110), table(120)]
    assert fold(streaming).known
    assert len(fold(streaming).living) == 1
    left = fold([*streaming, {"frame": "reply", "to": 1, "ok": True, "level": "table"}, table(130)])
    assert (left.known, left.living) == (False, ())


def test_a_thread_that_lost_events_makes_its_connections_and_the_queued_ones_doubtful():
    kept = [(10, S.ACCEPTED, 2), (11, S.READING, 2)]
    queued = [(12, S.ACCEPTED, 5), (13, S.HANDING_OVER, 5), (14, FIRST_QUEUE, 5), (15, S.ACCEPTING, 0)]
    shown = told(
        events(100, (3, SERVED), (4, kept), (6, queued)), table(110), table(120),
        events(200, (3, [(150, S.HANDLING, 9)]), lost=4), table(210), table(220),
    )  # fmt: skip
    assert {view.number: (view.place, view.incomplete) for view in shown.living} == {
        1: (UNKNOWN, True), 2: ("reading", False), 5: (UNKNOWN, True), 9: (UNKNOWN, True),
    }  # fmt: skip
    later = [events(9_100_000, (3, [(9_050_000, S.WRITING, 9)])), table(9_100_001), table(9_200_000)]
    frames = [
        events(100, (3, SERVED)), table(110), events(200, (3, [(150, S.HANDLING, 9)]), lost=4), table(210), table(220),
        *later,
    ]  # fmt: skip
    shown = fold([header(), *frames])
    assert {view.number: view.place for view in shown.living} == {1: UNKNOWN, 9: "writing"}


def test_a_connection_that_was_lost_sight_of_is_forgotten_after_ten_seconds_and_counted():
    frames = [header(serial=1), events(100, (3, SERVED), serial=2), table(110, serial=3), table(120, serial=4)]
    lost = [table(130, serial=6), table(10_000_000, serial=7), table(10_000_000, serial=8)]
    assert [view.place for view in fold([*frames, *lost]).living] == [UNKNOWN]
    shown = fold([*frames, *lost, table(10_200_000, serial=9), table(10_200_000, serial=10)])
    assert (shown.living, shown.forgotten) == ((), 1)


def test_one_that_was_seen_again_is_not_forgotten_however_long_it_stays():
    frames = [header(serial=1), events(100, (3, SERVED), serial=2), table(110, serial=3), table(120, serial=4)]
    again = [
        table(130, serial=6), events(150, (3, [(140, S.IDLE, 1)]), serial=7), table(160, serial=8), table(170, serial=9),
        table(30_000_000, serial=10), table(60_000_000, serial=11),
    ]  # fmt: skip
    shown = fold([*frames, *again])
    assert [(view.place, view.incomplete) for view in shown.living] == [("idle", True)]
    assert shown.forgotten == 0


def test_what_comes_before_the_end_in_any_order_is_folded_by_time():
    queue = FIRST_QUEUE
    hands, takes = [(10, S.ACCEPTED, 1), (20, S.HANDING_OVER, 1), (21, queue, 1)], [(30, S.READING, 1), (40, CLOSED, 1)]
    shown = fold([header(), table(5), events(50, (4, takes), (3, hands)), {"frame": "end", "reason": "stopped"}])
    assert [[step.place for step in view.path] for view in shown.ended] == [
        ["accepted", "handing over", "queue wanted", "reading", "closed"]
    ]


def test_a_frame_that_says_that_frames_were_lost_says_the_same():
    frames = [header(), events(100, (3, SERVED)), table(110), table(120)]
    shown = fold([*frames, {"frame": "lost", "frames": 1, "events": 9}, table(130), table(140)])
    assert [(view.place, view.incomplete) for view in shown.living] == [(UNKNOWN, True)]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("teachserve.observe.connections.MOST_LIVING", 50)
    most = KEPT_ENDED + 200
    opened = [(number, S.ACCEPTED, number) for number in range(1, most)]
    shut = [(most + number, CLOSED, number) for number in range(1, most - 100)]
    log = ConnectionLog()
    for frame in (header(), events(most, (3, opened)), table(most), table(2 * most)):
        log.apply(frame)
    assert [view.number for view in log.connections().living] == list(range(most - 50, most))
    assert log.connections().forgotten == most - 51
    monkeypatch.undo()
    shown = told(events(2 * most, (3, [*opened, *shut])))
    assert [view.number for view in shown.ended] == list(range(most - 100 - KEPT_ENDED, most - 100))
    assert MOST_LIVING > len(shown.living) == 100


def test_the_path_holds_the_last_64_steps():
    moves = [(100 + n, S.HANDLING if n % 2 else S.IDLE, 1) for n in range(200)]
    (view,) = told(events(300, (3, SERVED + moves))).living
    assert len(view.path) == 64
    assert (view.requests, view.path[-1].at_s) == (101, 299e-6)


def test_at_the_end_of_the_server_every_connection_has_ended():
    shown = fold([header(), events(100, (3, SERVED)), table(110), {"frame": "end", "reason": "abandoned"}])
    assert not shown.living
    assert [(view.number, view.place, view.incomplete) for view in shown.ended] == [(1, UNKNOWN, True)]
