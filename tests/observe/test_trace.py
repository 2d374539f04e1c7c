"""A trace file: it holds what was put, from any frame on, and whatever happens to it one sentence says what is left."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachserve.observe import recorder as recorder_module
from teachserve.observe.recorder import Recorder
from teachserve.observe.trace import Trace, TraceError, encode

from .child import PATIENCE_S
from .world import World, header, table

PLENTY = 10**9


def told(tables: int = 20) -> list[dict]:
    """A short watch: some moves and a table, again and again."""
    world = World()
    for number in range(tables):
        for step in range(5):
            world.wander(number + step, number * step)
        world.send_table()
    return world.frames


def record(path: Path, frames: Iterable[dict], most_bytes: int = PLENTY) -> Recorder:
    recorder = Recorder(path, most_bytes).start()
    for frame in frames:
        recorder.put(frame)
    recorder.close()
    return recorder


def write(path: Path, *members: Iterable[dict]) -> Trace:
    """A trace in as many members as are given, the first line in one of its own."""
    record(path, [header()])
    with gzip.open(path) as file:
        about = file.readline()
    packed = [gzip.compress(b"".join(map(encode, member))) for member in members]
    path.write_bytes(gzip.compress(about) + b"".join(packed))
    return Trace(path)


def plain(frames: Iterable[dict]) -> list[dict]:
    return [json.loads(json.dumps(frame)) for frame in frames]


# ---- as it should be -----------------------------------------------------------------------------------------------


def test_every_frame_is_read_as_it_was_put_and_the_first_line_says_what_the_file_is(tmp_path: Path) -> None:
    frames = told()
    record(tmp_path / "t", frames)
    trace = Trace(tmp_path / "t")
    assert plain(trace.frames()) == plain(frames)
    assert not trace.damage
    first, *rest = gzip.decompress((tmp_path / "t").read_bytes()).splitlines()
    assert json.loads(first)["trace"] == 1
    assert "teachserve replay" in json.loads(first)["what"]
    assert len(rest) == len(frames)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=8), st.data())
def test_it_can_be_read_from_any_frame_however_it_is_cut_into_members(tmp_path_factory, sizes, data) -> None:
    frames = told(sum(sizes))
    members, at = [], 0
    for size in sizes:
        members.append(frames[at : at + size])
        at += size
    trace = write(tmp_path_factory.mktemp("t") / "t", *members)
    kept = frames[:at]
    first = data.draw(st.integers(0, len(kept)))
    assert list(trace.frames(first)) == plain(kept[first:])


def test_a_file_that_was_unpacked_and_packed_again_by_hand_is_the_same_trace(tmp_path: Path) -> None:
    frames = told()
    record(tmp_path / "t", frames)
    text = gzip.decompress((tmp_path / "t").read_bytes()).replace(b',"', b', "')
    # Members that end in the middle of a line, as no recorder writes them.
    (tmp_path / "t").write_bytes(gzip.compress(text[:5000]) + gzip.compress(text[5000:]))
    assert list(Trace(tmp_path / "t").frames(7)) == plain(frames[7:])


def test_moments_count_from_the_first_table_and_go_on_when_another_server_takes_the_firsts_place(
    tmp_path: Path,
) -> None:
    frames = [
        header(epoch_ns=5_000_000_000), {"frame": "log", "at": 900_000, "text": "listening"}, table(1_000_000, serial=2),
        {"frame": "end", "serial": 3, "reason": "stopped"},
        header(epoch_ns=7_000_000_000), table(500_000, serial=2),
    ]  # fmt: skip
    trace = write(tmp_path / "t", frames)
    assert list(trace.moments_us) == [0, 0, 0, 0, 0, 1_500_000]
    assert trace.length_s == 1.5
    assert trace.kinds == ["header", "log", "table", "end", "header", "table"]


# ---- bounds --------------------------------------------------------------------------------------------------------


def test_at_its_bound_the_recording_ends_with_a_line_that_says_so_and_the_file_is_whole(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "MEMBER_BYTES", 2000)
    said = []
    recorder = Recorder(tmp_path / "t", 6000)
    recorder.on_end = said.append
    recorder.start()
    for frame in told(200):
        recorder.put(frame)
    assert "; recorded " in recorder.close()
    size = (tmp_path / "t").stat().st_size
    assert 3000 < size <= 6000
    trace = Trace(tmp_path / "t")
    *_, last = trace.frames()
    assert not trace.damage
    assert said == [last["text"]] == [f"the recording has ended: {tmp_path / 't'} has as much as --max-size allows"]


def test_a_slow_disk_holds_nobody_up_and_what_is_lost_is_counted_in_the_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(recorder_module, "MOST_FRAMES", 4)
    monkeypatch.setattr(recorder_module, "MEMBER_BYTES", 1)
    stuck, go_on = threading.Event(), threading.Event()

    class Slow(Recorder):
        def _append_member(self, member: bytes) -> None:
            if self._thread is not None:
                stuck.set()
                assert go_on.wait(PATIENCE_S)
            super()._append_member(member)

    recorder = Slow(tmp_path / "t", PLENTY).start()
    frames = [*told(3), {"frame": "events", "at": 60, "threads": [], "batches": [[1, 0, [50, 3, 0, 55, 4, 0]]]}]
    recorder.put(frames[0])
    assert stuck.wait(PATIENCE_S)
    for frame in (*frames[1:] * 3, {"frame": "log", "at": 70, "text": "kept whatever comes"}):
        recorder.put(frame)
    go_on.set()
    assert "8 lost" in recorder.close()
    lost, last = list(Trace(tmp_path / "t").frames())[-2:]
    assert lost == {"frame": "lost", "frames": 8, "events": 4}
    assert last["text"] == "kept whatever comes"


@pytest.mark.parametrize("whole", [0, 2])
def test_a_disk_that_is_full_later_ends_the_recording_and_leaves_whole_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    monkeypatch.setattr(recorder_module, "MEMBER_BYTES", 1)
    frames = told(3)
    said = []

    class Filled(Recorder):
        def _append_member(self, member: bytes) -> None:
            if self._bytes and self._written == whole:
                self._file.write(member[:5])
                raise OSError(28, "No space left on device")
            super()._append_member(member)

    recorder = Filled(tmp_path / "t", PLENTY)
    recorder.on_end = said.append
    recorder.start()
    for frame in frames:
        while recorder._frames:  # one frame a member
            os.sched_yield()
        recorder.put(frame)
    why = f"the recording has ended: {tmp_path / 't'} cannot be written: No space left on device"
    told_last = recorder.close()
    assert said == [why]
    if not whole:
        assert told_last == why
        assert not (tmp_path / "t").exists()
        return
    assert told_last.startswith(f"{why}; recorded 2 frames, ")
    trace = Trace(tmp_path / "t")
    assert not trace.damage
    assert len(trace) == 2


def test_a_recorder_that_is_killed_leaves_all_but_the_last_second(tmp_path: Path) -> None:
    program = """
import sys, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from observe.world import header, table
from teachserve.observe import recorder
recorder.MEMBER_S = 0.05
r = recorder.Recorder(Path(sys.argv[1]), 10**9).start()
r.put(header())
for n in range(10**6):
    r.put(table(n * 1000, serial=n + 2))
    print(n, flush=True)
    time.sleep(0.002)
"""
    file = tmp_path / "t"
    tests = Path(__file__).parent.parent
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(file), str(tests), str(tests.parent)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(150):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    trace = Trace(file)
    assert len(trace) > 50
    assert len(list(trace.frames())) == len(trace)


# ---- what cannot be written or read --------------------------------------------------------------------------------


def sentence_of(make) -> str:
    with pytest.raises(TraceError) as raised:
        make()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_file_that_is_there_is_not_overwritten_unless_that_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "t"
    file.write_text("precious")
    assert sentence_of(lambda: Recorder(file, PLENTY)) == (
        f"there is a file {file} already: name another, or add --overwrite"
    )
    assert file.read_text() == "precious"
    recorder = Recorder(file, PLENTY, overwrite=True).start()
    for frame in told(1):
        recorder.put(frame)
    recorder.close()
    assert len(Trace(file)) == 2


def test_where_nothing_can_be_written_one_sentence_says_so() -> None:
    full = Path("/dev/full")
    if full.exists():
        assert sentence_of(lambda: Recorder(full, PLENTY, overwrite=True)) == (
            "cannot record into /dev/full: No space left on device; name another file"
        )
    assert sentence_of(lambda: Recorder(Path("/no/such/folder/t"), PLENTY)) == (
        "cannot record into /no/such/folder/t: No such file or directory; name another file"
    )


def test_a_recording_that_got_no_frame_leaves_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "t", PLENTY)
    assert recorder.close() == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\n", b"{}\n", gzip.compress(b"hello\n"), gzip.compress(b"[1]\n"), gzip.compress(b'{"trace"')],
    ids=["nothing", "text", "json", "packed text", "packed list", "packed half a line"],
)
def test_a_foreign_file_is_said_to_be_no_trace(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "t"
    file.write_bytes(content)
    assert sentence_of(lambda: Trace(file)) == (
        f"{file} is not a trace; record one with: teachserve demo --record FILE"
    )


def test_what_is_missing_or_no_file_or_of_another_version_is_said(tmp_path: Path) -> None:
    assert "No such file" in sentence_of(lambda: Trace(tmp_path / "t"))
    assert "Is a directory" in sentence_of(lambda: Trace(tmp_path))
    other = tmp_path / "other"
    other.write_bytes(gzip.compress(encode({"trace": 2, "teachserve": "9.9", "verdicts": []})))
    assert "recorded by teachserve 9.9, in another format" in sentence_of(lambda: Trace(other))
    assert "another version" in sentence_of(lambda: write(tmp_path / "states", [header(states=["asleep"])]))
    assert "has no table" in sentence_of(lambda: write(tmp_path / "empty", [header()]))


@settings(max_examples=60)
@given(st.floats(0, 1))
def test_of_a_file_that_is_cut_off_anywhere_what_is_left_is_read_or_one_sentence_said(tmp_path_factory, part) -> None:
    folder = tmp_path_factory.mktemp("t")
    frames = plain(told(30))
    write(folder / "t", frames[:9], frames[9:20], frames[20:])
    packed = (folder / "t").read_bytes()
    (folder / "t").write_bytes(packed[: int(part * len(packed))])
    try:
        trace = Trace(folder / "t")
    except TraceError as error:
        assert "\n" not in str(error)
        return
    read = list(trace.frames())
    assert read == frames[: len(read)]
    assert len(read) == len(trace)
    if trace.damage:
        assert trace.damage == (
            f"the trace {folder / 't'} is cut off at its line {len(read) + 2}: "
            f"{len(read)} frames, {trace.length_s:.1f} s, could be read"
        )
    else:
        assert len(read) in (9, 20, len(frames))


def test_a_file_that_is_damaged_is_read_up_to_there(tmp_path: Path) -> None:
    frames = told(30)
    write(tmp_path / "t", frames[:10], frames[10:])
    packed = bytearray((tmp_path / "t").read_bytes())
    packed[-40] ^= 0xFF
    (tmp_path / "t").write_bytes(packed)
    trace = Trace(tmp_path / "t")
    assert "is damaged at its line" in trace.damage
    assert list(trace.frames()) == plain(frames[: len(trace)])
    assert len(trace) >= 10
