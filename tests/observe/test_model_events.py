"""The list of events: each one while streaming, a sample from the tables where not."""

from teachserve.events import EVENT_NAMES, Mark, State
from teachserve.observe.model import EventView, LogLine

from .world import World, events, fold, header, row, table

S = State


def test_tables_give_a_sample_of_events_with_the_state_left_only_where_it_is_known():
    frames = [
        header(),
        table(100, [row(1, S.ACCEPTING, moves=5, since=50), row(2, S.READING, moves=2, since=60, connection=9)]),
        table(200, [row(1, S.ACCEPTED, moves=6, since=150, connection=10), row(2, S.IDLE, moves=5, since=140)]),
        table(300, [row(1, S.ACCEPTED, moves=6, since=150, connection=10), row(3, S.STARTING, since=-1)]),
    ]
    events = fold(frames).snapshot().events
    assert [(event.thread_name, event.before, event.state) for event in events] == [
        ("worker-1", None, S.ACCEPTING),
        ("worker-2", None, S.READING),
        ("worker-2", None, S.IDLE),
        ("worker-1", S.ACCEPTING, S.ACCEPTED),
    ]
    assert events[-1] == EventView(150e-6, 1, "worker-1", S.ACCEPTING, S.ACCEPTED, None, 10, sampled=True)
    assert all(event.sampled for event in events)
    assert events[-1].name == "Accepted"


def test_while_streaming_every_event_is_shown_and_none_is_sampled():
    words = [10, S.ACCEPTING.code, 0, 20, S.ACCEPTED.code, 4, 25, 65, 4]
    streamed = events(30, [[1, 1, 9001]], [1, 0, words])
    told = table(40, [row(1, S.READING, moves=3, since=35)])
    shown = fold([header(), streamed, told]).snapshot()
    assert shown.streaming
    assert [(event.name, event.sampled, event.connection) for event in shown.events] == [
        ("EnteredAccepting", False, 0),
        ("Accepted", False, 4),
        ("Refused", False, 4),
    ]
    assert shown.events[2].mark is Mark.REFUSED
    back = [
        {"frame": "reply", "to": 2, "ok": True, "level": "table"},
        table(50, [row(1, S.HANDLING, moves=4, since=45)]),
    ]
    later = fold([header(), streamed, told, *back]).snapshot()
    assert not later.streaming
    assert (later.events[-1].name, later.events[-1].sampled) == ("EnteredHandling", True)


def test_events_that_a_table_overtook_replace_its_sample_and_move_no_thread_back():
    frames = [
        header(),
        table(100, [row(1, S.HANDLING, moves=3, since=90)]),
        events(100, [[1, 1, 9001]], [1, 0, [70, S.ACCEPTING.code, 0]]),
    ]
    shown = fold(frames).snapshot()
    assert (shown.threads[0].state, shown.threads[0].moves) == (S.HANDLING, 3)
    assert [(event.state, event.sampled) for event in shown.events] == [(S.ACCEPTING, False)]


def test_a_stream_that_was_answered_begins_with_threads_that_stand_anywhere():
    frames = [
        header(),
        table(50, [row(1, S.READING, moves=3, since=40, connection=7)]),
        {"frame": "reply", "to": 1, "ok": True, "level": "stream"},
        events(100, [[1, 1, 9001], [2, 1, 9002]], [1, 0, [30, S.ACCEPTED.code, 7]], [2, 0, [90, S.WRITING.code, 8]]),
        table(110, [row(1, S.READING, moves=3, since=40, connection=7), row(2, S.WRITING, moves=9, since=90)]),
    ]
    shown = fold(frames).snapshot()  # strict: thread 2 is not taken for one that went from starting to writing
    assert shown.illegal_moves == 0
    assert [(event.thread, event.state, event.sampled) for event in shown.events] == [
        (1, S.ACCEPTED, False),
        (2, S.WRITING, False),
    ]


def test_only_the_last_fifty_lines_and_events_are_kept():
    world = World()
    number = world.spawn()
    for line in range(60):
        world.log(str(line))
        world.move(number, S.ACCEPTING)
        world.move(number, S.ACCEPTED)
    world.send_events()
    shown = fold(world.frames).snapshot()
    assert [line.text for line in shown.log] == [str(line) for line in range(10, 60)]
    assert isinstance(shown.log[0], LogLine)
    assert len(shown.events) == 50
    assert shown.events[-1].at_s == shown.log[-1].at_s + 10e-6


def test_each_named_move_is_named_in_the_snapshot():
    for (before, after), name in EVENT_NAMES.items():
        assert EventView(0.0, 1, "worker-1", before, after, None, 0, False).name == name
