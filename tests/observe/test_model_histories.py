"""What holds of the model for any history: whatever frames arrive, and whichever are lost."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from teachserve.events import TRANSITIONS, Mark, State
from teachserve.observe.model import Model, Snapshot, to_json
from teachserve.observe.snapshot import COUNTERS, PHASES

from .world import ENDS, World, fold

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["move"] * 6 + ["spawn", "table", "events", "mark", "log"]),
        st.integers(0, 9),
        st.integers(0, 15),
    ),
    max_size=60,
)


def play(steps: list) -> World:
    world = World()
    for kind, thread, choice in steps:
        match kind:
            case "move":
                world.wander(thread, choice)
            case "spawn":
                world.spawn(choice % 2)
            case "table":
                world.send_table()
            case "events":
                world.send_events()
            case "mark":
                if world.threads:
                    world.mark(sorted(world.threads)[thread % len(world.threads)], list(Mark)[choice % 2])
            case "log":
                world.log(f"line {choice}")
    return world


def assert_legal(shown: Snapshot) -> None:
    assert shown.phase in PHASES
    numbers = [view.number for view in shown.threads]
    assert numbers == sorted(set(numbers))
    assert not set(numbers) & {view.number for view in shown.ended}
    assert all(view.state not in ENDS and view.ended_at is None for view in shown.threads)
    assert all(view.state in ENDS and view.ended_at is not None for view in shown.ended)
    assert set(shown.states) == set(State)
    assert sum(shown.states.values()) == len(shown.threads)
    assert set(COUNTERS) <= set(shown.counters)
    assert all(after in TRANSITIONS[before] for before, after in shown.flows)
    assert all(rate > 0 for rate in shown.flow_rates.values())
    assert len(shown.log) <= 50
    assert len(shown.events) <= 50
    assert [event.at_s for event in shown.events] == sorted(event.at_s for event in shown.events)
    assert all((event.state is None) != (event.mark is None) and event.name for event in shown.events)
    assert shown.illegal_moves == 0
    assert shown.lost_frames >= 0 and shown.lost_events >= 0
    json.dumps(to_json(shown))


@given(STEPS)
def test_every_prefix_of_the_frames_gives_a_legal_model(steps):
    model = Model(strict=True)
    assert_legal(model.snapshot())
    for frame in play(steps).frames:
        model.apply(frame)
        assert_legal(model.snapshot())


@given(STEPS, st.data())
def test_the_next_table_repairs_whatever_was_lost(steps, data):
    world = play(steps)
    world.send_table()
    *frames, last = world.frames
    kept = data.draw(st.lists(st.booleans(), min_size=len(frames), max_size=len(frames)), label="kept")
    received = [frame for frame, keep in zip(frames, kept, strict=True) if keep]
    model = fold(received)
    assert_legal(model.snapshot())
    model.apply(last)
    damaged, whole = model.snapshot(), fold(world.frames).snapshot()
    assert_legal(damaged)
    assert damaged.lost_frames == len(frames) - len(received)
    for counted in ("at_s", "states", "counters", "statuses", "flows", "times_s", "phase", "illegal_moves"):
        assert getattr(damaged, counted) == getattr(whole, counted)
    assert list(damaged.queues.values()) == list(whole.queues.values())
    if kept[0]:
        assert damaged.threads == whole.threads
        assert damaged.queues == whole.queues


@given(STEPS, st.data())
def test_a_frame_that_comes_later_does_not_change_a_snapshot_taken_before(steps, data):
    frames = play(steps).frames
    cut = data.draw(st.integers(0, len(frames)), label="cut")
    model = fold(frames[:cut])
    early = model.snapshot()
    kept = copy.deepcopy(early)
    for frame in frames[cut:]:
        model.apply(frame)
        model.snapshot()
    assert early == kept


@given(STEPS)
def test_the_same_frames_give_the_same_snapshot_after_a_journey_through_json(steps):
    frames = play(steps).frames
    travelled = [json.loads(json.dumps(frame)) for frame in frames]
    assert fold(travelled).snapshot() == fold(frames).snapshot()


@given(STEPS)
def test_every_event_tells_what_the_next_table_tells(steps):
    world = World()
    world.spawn()
    world.send_table()
    world.send_events()
    for kind, thread, choice in steps:
        if kind == "spawn":
            world.spawn(choice % 2)
        else:
            world.wander(thread, choice)
    world.send_events()
    model = fold(world.frames)
    by_events = model.snapshot()
    world.send_table()
    model.apply(world.frames[-1])
    by_table = model.snapshot()
    assert by_events.states == by_table.states
    assert [(view.number, view.state, view.moves) for view in by_events.threads] == [
        (view.number, view.state, view.moves) for view in by_table.threads
    ]


@given(STEPS)
def test_emitted_events_are_received_or_counted_as_lost(steps):
    world = World()
    received = lost = 0
    for kind, thread, choice in steps:
        if kind != "table":
            world.wander(thread, choice)
            continue
        happened = sum(len(words) // 3 for words in world.events.values())
        world.send_events()
        if choice % 2:
            received += happened
        else:
            # What the publisher does with a queue that is full: the frame is dropped whole, then the loss is told.
            dropped = world.frames.pop()
            lost += happened
            world.serial += 1
            world.frames.append({"frame": "lost", "serial": world.serial, "frames": 1, "events": happened})
            assert dropped["frame"] == "events"
    shown = fold(world.frames).snapshot()
    pending = sum(len(words) // 3 for words in world.events.values())
    assert world.emitted == received + shown.lost_events + pending
    assert shown.lost_events == lost
