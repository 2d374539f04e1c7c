"""A trace at any moment: what is shown depends on the moment alone, whatever was shown before."""

import contextlib
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observe.world import World

from teachserve.demo import playback as playback_module
from teachserve.demo.checkpoints import Checkpoints
from teachserve.demo.fold import PictureFold
from teachserve.demo.picture import LoadView, Picture
from teachserve.demo.playback import Playback
from teachserve.observe.recorder import Recorder
from teachserve.observe.trace import Trace, TraceError, encode

from .test_fold import observed

moves = st.tuples(st.integers(0, 6), st.integers(0, 5))
seconds = st.lists(moves, max_size=12)


def watched(rounds: list[list[tuple[int, int]]], stream: bool = True, ended: bool = True) -> list[dict]:
    """The frames of a watch in which so many moves were made before each table."""
    world = World()
    for number, made in enumerate(rounds):
        world.play(made)
        world.at += 50
        if stream:
            world.send_events()
        world.send_table()
        if number % 4 == 1:
            world.log(f"round {number}")
            world.frames.append({"frame": "mark", "at": world.at, "text": f"mark {number}", "kind": "load"})
        world.frames.append(observed(world.at, LoadView(answered_per_s=number)))
    if ended:
        world.frames.append({"frame": "end", "serial": world.serial + 1, "reason": "stopped", "report": ["all done"]})
    return [json.loads(json.dumps(frame)) for frame in world.frames]


def plain(picture: Picture) -> Picture:
    """To be compared: lanes share their arrays with the log, and go on behind the length that they tell."""
    lanes = tuple(
        lane._replace(
            runs=lane.runs[: lane.length], begins=lane.begins[: lane.threads], numbers=lane.numbers[: lane.threads]
        )
        for lane in picture.lanes.lanes
    )
    return replace(picture, lanes=picture.lanes._replace(lanes=lanes))


def play(path: Path, frames: list[dict]) -> Playback:
    recorder = Recorder(path, 10**9, overwrite=True).start()
    for frame in frames:
        recorder.put(frame)
    recorder.close()
    return Playback(Trace(path))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces") / "t"


@settings(max_examples=60)
@given(st.lists(seconds, min_size=1, max_size=12), st.booleans(), st.data())
def test_a_moment_looks_the_same_whatever_was_shown_before(file: Path, rounds, stream, data) -> None:
    frames = watched(rounds, stream)
    playback = play(file, frames)
    moments = st.integers(0, playback.length_us + 10)
    for at_us in data.draw(st.lists(moments, min_size=1, max_size=12)):
        alone = Playback(playback.trace)
        assert plain(playback.picture(at_us)) == plain(alone.picture(at_us))
        alone.close()


@settings(max_examples=40)
@given(st.lists(seconds, min_size=1, max_size=12), st.booleans())
def test_to_play_it_gives_the_pictures_of_the_watch(file: Path, rounds, stream) -> None:
    frames = watched(rounds, stream)
    fold = PictureFold()
    live = [plain(picture) for frame in frames if (picture := fold.apply(frame))]
    playback = play(file, frames)
    # The table before the end has the end's moment: at that moment the end is shown.
    moments = [playback.stop_us(round(picture.snapshot.at_s * 1e6) - first_table(frames)) for picture in live]
    assert [plain(playback.picture(moment)) for moment in moments[:-2]] == live[:-2]
    assert plain(playback.picture(playback.length_us)) == live[-1]


def first_table(frames: list[dict]) -> int:
    return next(frame["at"] for frame in frames if frame["frame"] == "table")


@settings(max_examples=40)
@given(st.lists(seconds, min_size=1, max_size=5), st.lists(seconds, min_size=1, max_size=5), st.booleans(), st.data())
def test_another_server_in_the_firsts_place_is_shown_from_its_first_table_on(
    file: Path, one, other, told, data
) -> None:
    first, second = watched(one, ended=told), watched(other, ended=False)
    ended = max(frame.get("at", 0) for frame in first)
    first.append(observed(ended + 200))
    first.append({"frame": "waiting", "at": ended + 300, "text": ":8080"})
    second[0] |= {"epoch_ns": first[0]["epoch_ns"] + (ended + 500) * 1000, "architecture": "event-loop"}
    fold = PictureFold()
    live = [plain(picture) for frame in (*first, *second) if (picture := fold.apply(frame))]
    with contextlib.closing(play(file, [*first, *second])) as playback:
        assert plain(playback.picture(playback.length_us)) == live[-1]
        waits = playback.picture(ended + 300 - first_table(first))
        assert waits.waiting_at == ":8080"
        assert waits.snapshot.header.architecture == "recycling"
        for at_us in data.draw(st.lists(st.integers(0, playback.length_us), min_size=1, max_size=8)):
            with contextlib.closing(Playback(playback.trace)) as alone:
                assert plain(playback.picture(at_us)) == plain(alone.picture(at_us))


@settings(max_examples=40)
@given(st.lists(seconds, min_size=1, max_size=8))
def test_step_by_step_every_event_is_met_once_and_the_way_back_is_the_same(file: Path, rounds) -> None:
    frames = watched(rounds, ended=False)
    playback = play(file, frames)
    there = [0]
    while (at_us := playback.next_us(there[-1])) != there[-1]:
        there.append(at_us)
    back = [there[-1]]
    while (at_us := playback.before_us(back[-1])) != back[-1]:
        back.append(at_us)
    assert back == there[::-1]
    zero = first_table(frames)
    happened = {
        at - zero
        for frame in frames if frame["frame"] == "events"
        for _, _, words in frame["batches"] for at in words[::3]
    }  # fmt: skip
    assert {at for at in happened if at > 0} <= set(there)


def test_between_two_tables_the_events_show_one_after_the_other(file: Path) -> None:
    frames = watched([[(6, 0)], [(0, 0), (0, 0), (0, 0)]], ended=False)
    playback = play(file, frames)
    at_us, seen = 0, []
    while at_us < playback.length_us:
        picture = playback.picture(at_us)
        seen.append((picture.snapshot.threads[0].moves, round(picture.snapshot.at_s * 1e6) - first_table(frames)))
        at_us = playback.next_us(at_us)
    moved = [moves for moves, _ in seen]
    assert moved == sorted(set(moved))
    assert len(moved) == 4
    assert all(told <= at for (_, told), at in zip(seen[1:], [50, 60, 70, 80, 90], strict=False))


def test_going_back_begins_at_a_checkpoint_and_not_at_the_beginning(file: Path, monkeypatch) -> None:
    monkeypatch.setattr(playback_module, "CHECKPOINT_S", -1.0)  # one at each stop
    playback = play(file, watched([[(0, 1)]] * 30))
    playback.picture(playback.length_us)
    read: list[tuple[int, int]] = []
    frames = playback._reader.frames
    monkeypatch.setattr(playback._reader, "frames", lambda *range: read.append(range) or frames(*range))
    playback.picture(playback.length_us // 2)
    assert sum(last - first for first, last in read) < 10


def test_checkpoints_are_bounded_and_the_first_is_kept() -> None:
    fold = PictureFold()
    checkpoints = Checkpoints(most_bytes=20_000)
    for stop in range(-1, 200):
        checkpoints.put(stop, fold)
    assert sum(map(len, checkpoints._folds)) <= 20_000
    assert checkpoints.before(0) == -1
    assert 0 < 199 - checkpoints.before(199) < 150 or checkpoints.before(199) == 199


def test_a_line_that_is_no_frame_ends_what_is_shown_and_is_said(file: Path) -> None:
    frames = watched([[(0, 1)]] * 6, ended=False)
    play(file, frames)
    about = gzip.decompress(file.read_bytes()).splitlines()[0]
    tables = [number for number, frame in enumerate(frames) if frame["frame"] == "table"]
    bad = {"frame": "table", "at": frames[tables[4]]["at"], "threads": "none"}
    lines = [encode(frame) for frame in (*frames[: tables[4]], bad, *frames[tables[4] + 1 :])]
    file.write_bytes(gzip.compress(about + b"\n" + b"".join(lines)))
    playback = Playback(Trace(file))
    assert playback.damage == ""
    last = playback.picture(10**9)
    assert playback.damage == f"the trace {file} is damaged: what is shown ends at {playback.length_us / 1e6:.1f} s"
    assert last == playback.picture(playback.length_us)
    assert last.load.answered_per_s == 3


def test_a_trace_in_which_nothing_can_be_shown_is_refused(file: Path) -> None:
    frames = watched([[]], ended=False)
    with pytest.raises(TraceError, match="no moment that could be shown"):
        play(file, frames[:-1])
