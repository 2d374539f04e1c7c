"""One thread close up: every event of the thread in focus, in its order, and what is not known between two of them."""

from teachserve.events import MARK_CODES, STATES, Mark, State
from teachserve.observe.closeup import KEPT_FOCUSED
from teachserve.observe.snapshot import FrameView, Inspection

from .world import events, fold, header, row, table

S = State


def reply(**answer: object) -> dict:
    return {"frame": "reply", "to": 1, "ok": True, **answer}


def focused(thread: int, *words: int, lost: int = 0, at: int = 99) -> dict:
    return {"frame": "focused", "at": at, "thread": thread, "role": 1, "lost": lost, "words": list(words)}


def shown(*frames: dict):
    return fold([header(), *frames]).snapshot()


def test_events_of_the_thread_in_focus_are_shown_with_the_state_that_each_left():
    words = [10, S.ACCEPTING.code, 0, 20, S.ACCEPTED.code, 7, 25, MARK_CODES[Mark.REFUSED], 7, 30, S.READING.code, 7]
    told = shown(reply(focus=3), focused(3, *words[:6]), focused(3, *words[6:]))
    assert (told.focus, told.focus_lost) == (3, 0)
    assert [(event.thread_name, event.before, event.state, event.mark) for event in told.focused] == [
        ("worker-3", None, S.ACCEPTING, None),
        ("worker-3", S.ACCEPTING, S.ACCEPTED, None),
        ("worker-3", None, None, Mark.REFUSED),
        ("worker-3", S.ACCEPTED, S.READING, None),
    ]
    assert [event.connection for event in told.focused] == [0, 7, 7, 7]
    assert not any(event.sampled for event in told.focused)


def test_they_are_no_stream_and_move_no_thread():
    frames = [table(5, [row(3, S.ACCEPTING, moves=1, since=4)]), reply(focus=3)]
    told = shown(*frames, focused(3, 10, S.ACCEPTED.code, 7))
    assert (told.streaming, told.threads[0].state) == (False, S.ACCEPTING)
    assert told.events == shown(*frames).events


def test_while_streaming_they_are_taken_from_the_stream():
    batches = [[3, 0, [10, S.ACCEPTING.code, 0]], [4, 0, [11, S.ACCEPTING.code, 0]]]
    told = shown(reply(level="stream"), reply(focus=3), events(20, [[3, 1, 9], [4, 1, 9]], *batches))
    assert [(event.thread, event.state) for event in told.focused] == [(3, S.ACCEPTING)]


def test_another_focus_begins_anew_and_none_shows_nothing():
    frames = [reply(focus=3), focused(3, 10, S.ACCEPTING.code, 0, lost=2)]
    assert shown(*frames).focus_lost == 2
    moved = shown(*frames, reply(focus=4))
    assert (moved.focus, moved.focused, moved.focus_lost) == (4, (), 0)
    assert shown(*frames, reply(focus=3)).focused == shown(*frames).focused
    assert (shown(*frames, reply(focus=None)).focus, shown(*frames, reply(focus=None)).focused) == (None, ())


def test_after_a_loss_the_state_left_is_not_known():
    frames = [reply(focus=3), focused(3, 10, S.ACCEPTING.code, 0)]
    for loss, after in (
        ({"frame": "lost", "frames": 1, "events": 5}, focused(3, 20, S.READING.code, 7)),
        ({"frame": "log", "at": 1, "text": ""}, focused(3, 20, S.READING.code, 7, lost=5)),
    ):
        told = shown(*frames, loss, after)
        assert (told.focus_lost, told.lost_events) == (5, 5)
        assert told.focused[-1].before is None


def test_the_last_of_many_events_are_kept_and_the_first_of_them_knows_what_it_left():
    cycle = [S.ACCEPTING, S.ACCEPTED, S.RECYCLING]
    count = 3 * KEPT_FOCUSED + 1
    words = [word for at in range(count) for word in (at, cycle[at % 3].code, 0)]
    told = shown(reply(focus=3), focused(3, *words)).focused
    assert len(told) == KEPT_FOCUSED
    assert told[0].before is cycle[(count - KEPT_FOCUSED - 1) % 3]
    assert [event.before for event in told[1:]] == [event.state for event in told[:-1]]


def test_an_inspection_is_kept_until_the_next_of_the_same_thread():
    def found(thread: int, at: int) -> dict:
        stack = [["app.py", 7, "work", "serve()"], ["app.py", 9, "serve", ""]]
        return reply(inspect={"thread": thread, "at": at, "stack": stack, "peer": "127.0.0.1:4000", "connection": 12,
                              "times_us": [0] * (len(STATES) - 1) + [2_000_000]})  # fmt: skip

    told = shown(found(3, 1), found(3, 2_000_000)).inspected
    stack = (FrameView("app.py", 7, "work", "serve()"), FrameView("app.py", 9, "serve", ""))
    times = dict.fromkeys(STATES, 0.0) | {STATES[-1]: 2.0}
    assert told == {3: Inspection(3, 2.0, stack, "127.0.0.1:4000", 12, times)}
    assert list(shown(*(found(thread, thread) for thread in range(1, 11))).inspected) == list(range(3, 11))
    assert shown(found(3, 1), reply(ok=False, error="gone")).inspected.keys() == {3}


def test_a_stream_that_is_turned_off_and_on_checks_no_move_over_the_gap():
    frames = [reply(level="stream"), events(9, [[3, 1, 9]], [3, 0, [5, S.ACCEPTING.code, 0]]), reply(level="table")]
    later = events(29, [], [3, 0, [25, S.RECYCLING.code, 0]])
    assert shown(*frames, reply(level="stream"), later).illegal_moves == 0
