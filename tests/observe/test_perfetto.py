"""The export for Perfetto: by the rules of the Trace Event Format, true to the frames, and read by Perfetto itself."""

import csv
import io
import json
import os
import shutil
import subprocess
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachserve.cli.export import lines
from teachserve.events import STATES, State
from teachserve.observe.perfetto import EXACT, SAMPLED, trace_events
from teachserve.observe.recorder import Recorder
from teachserve.observe.trace import Trace

from .world import World, events, header, row, table

PROCESSOR = (
    os.environ.get("TRACE_PROCESSOR") or shutil.which("trace_processor_shell") or shutil.which("trace_processor")
)
S = State


def export(path: Path, frames: list[dict]) -> dict:
    """What a reader of the file gets."""
    recorder = Recorder(path, 10**9, overwrite=True).start()
    for frame in frames:
        recorder.put(frame)
    recorder.close()
    return json.loads("".join(lines(trace_events(Trace(path)))))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("perfetto") / "t"


def watched(rounds: list[list[tuple[int, int]]], stream: bool) -> list[dict]:
    world = World()
    for made in rounds:
        world.play(made)
        world.at += 40
        if stream:
            world.send_events()
        world.send_table()
    return [*world.frames, {"frame": "mark", "at": world.at, "text": "connections 100 -> 200", "kind": "load"}]


def kind(told: dict, *phases: str) -> list[dict]:
    return [event for event in told["traceEvents"] if event["ph"] in phases]


moves = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), max_size=10)


@settings(max_examples=80)
@given(st.lists(moves, min_size=1, max_size=10), st.booleans())
def test_it_keeps_the_rules_of_the_format(file: Path, rounds, stream) -> None:
    told = export(file, watched(rounds, stream))
    assert told["displayTimeUnit"] in ("ms", "ns")
    named = {(event["pid"], event["tid"]) for event in kind(told, "M") if event["name"] == "thread_name"}
    for event in told["traceEvents"]:
        assert event["ph"] in "XMCisf"
        assert isinstance(event["name"], str)
        assert all(isinstance(event[key], int) for key in ("ts", "pid", "tid"))
        assert event["ts"] >= 0
    tracks = defaultdict(list)
    for event in kind(told, "X"):
        assert event["name"] in {state.value for state in STATES}
        assert event["dur"] >= 0
        assert (event["pid"], event["tid"]) in named
        tracks[event["pid"], event["tid"]].append(event)
    for slices in tracks.values():  # slices of a thread follow each other
        for one, after in pairwise(slices):
            assert one["ts"] + one["dur"] <= after["ts"]
    starts = {event["id"]: event for event in kind(told, "s")}
    ends = {event["id"]: event for event in kind(told, "f")}
    assert starts.keys() == ends.keys()
    for number, start in starts.items():
        assert start["ts"] <= ends[number]["ts"]
        assert ends[number]["bp"] == "e"
        for end in (start, ends[number]):
            slices = tracks[end["pid"], end["tid"]]
            assert any(one["ts"] <= end["ts"] <= one["ts"] + one["dur"] for one in slices)
    for event in kind(told, "C"):
        assert list(event["args"]) == ["value"]
        assert isinstance(event["args"]["value"], (int, float))
    assert [(event["name"], event["s"]) for event in kind(told, "i")] == [("connections 100 -> 200", "g")]


@settings(max_examples=40)
@given(st.lists(moves, min_size=2, max_size=8))
def test_of_a_stream_every_stay_is_a_slice(file: Path, rounds) -> None:
    frames = watched(rounds, stream=True)
    told = export(file, frames)
    assert told["otherData"]["slices"] == EXACT
    zero = next(frame["at"] for frame in frames if frame["frame"] == "table")
    entered = Counter(
        (number, at - zero, STATES[code].value)
        for frame in frames if frame["frame"] == "events"
        for number, _, words in frame["batches"]
        for at, code, _ in zip(*[iter(words)] * 3, strict=True)
        if at > zero and STATES[code] not in (S.ENDED, S.BROKEN)
    )  # fmt: skip
    slices = Counter((event["tid"], event["ts"], event["name"]) for event in kind(told, "X"))
    assert entered <= slices
    assert all(count == 1 for count in slices.values())


def test_a_connection_leads_from_the_thread_that_accepted_it_to_the_one_that_serves_it(file: Path) -> None:
    accepted = [110, S.ACCEPTED.code, 7, 120, S.HANDING_OVER.code, 7, 130, S.ACCEPTING.code, 0]
    served = [125, S.READING.code, 7, 140, S.HANDLING.code, 7, 160, S.WAITING.code, 0]
    frames = [
        header(epoch_ns=0),
        table(100, [row(1, S.ACCEPTING, since=50, role=0), row(2, S.WAITING, since=50)], serial=2),
        events(200, [[1, 0, 9001], [2, 1, 9002]], [2, 0, served], [1, 0, accepted]),
        table(201, [row(1, S.ACCEPTING, moves=3, since=130), row(2, S.WAITING, moves=3, since=160)], serial=4),
        table(300, [row(1, S.ACCEPTING, moves=3, since=130), row(2, S.WAITING, moves=3, since=160)], serial=5),
    ]
    told = export(file, frames)
    (start,), (end,) = kind(told, "s"), kind(told, "f")
    assert (start["tid"], start["ts"], end["tid"], end["ts"]) == (1, 20, 2, 25)
    assert start["id"] == end["id"]
    slices = [(event["tid"], event["name"], event["ts"], event["dur"]) for event in kind(told, "X")]
    assert (1, "accepted", 10, 10) in slices
    assert (2, "handling", 40, 20) in slices
    names = {event["args"]["name"] for event in kind(told, "M") if event["name"].endswith("_name")}
    assert names == {"recycling on 127.0.0.1:8000", "acceptor-1", "worker-2"}


def test_tables_alone_give_slices_that_are_called_sampled(file: Path) -> None:
    frames = [
        header(),
        table(100, [row(1, S.ACCEPTING, moves=1, since=50)], serial=2),
        table(200, [row(1, S.READING, moves=2, since=150, connection=4)], serial=3),
        table(300, [row(1, S.ACCEPTING, moves=7, since=290)], serial=4),
    ]
    told = export(file, frames)
    assert told["otherData"]["slices"] == SAMPLED
    slices = [(event["name"], event["ts"], event["dur"], event["cat"]) for event in kind(told, "X")]
    # It left reading at a moment that no table tells: the slice ends at the last that had it there.
    assert slices == [
        ("accepting", 0, 50, "state,sampled"), ("reading", 50, 50, "state,sampled"), ("accepting", 190, 10, "state,sampled"),
    ]  # fmt: skip
    assert not kind(told, "s", "f")


def test_counters_and_two_servers_one_after_the_other(file: Path) -> None:
    asked = {"frame": "observed", "at": 1_000_000, "witness": None, "load": None}
    queue = {"length": 3, "bound": 128, "drops": 0, "unavailable": None}
    frames = [
        header(epoch_ns=0),
        table(1_000_000, serial=2, counters={"requests": 10, "accepting": 4, "serving": 2, "threads": 6}),
        asked | {"accept_queue": queue},
        asked | {"accept_queue": queue | {"unavailable": "only Linux tells"}},
        table(1_500_000, serial=3, counters={"requests": 60, "accepting": 4, "serving": 2, "threads": 6}),
        header(epoch_ns=2_000_000_000, process=4712, architecture="event-loop"),
        table(100_000, [row(1, S.SELECTING, since=50_000)], serial=2),
    ]
    told = export(file, frames)
    counters = Counter(event["name"] for event in kind(told, "C"))
    assert counters["accept queue"] == 1
    assert counters["requests/s"] == 1
    assert {event["name"]: event["args"]["value"] for event in kind(told, "C")
                                if event["name"] == "accepting" and event["ts"] == 0} == {"accepting": 4}  # fmt: skip
    (rate,) = [event["args"]["value"] for event in kind(told, "C") if event["name"] == "requests/s"]
    assert rate == 100.0
    assert {event["pid"] for event in kind(told, "X")} == {4712}
    assert [event["ts"] for event in kind(told, "X")] == [1_050_000]


@pytest.mark.skipif(not PROCESSOR, reason="no trace processor: set TRACE_PROCESSOR to Perfetto's trace_processor_shell")
def test_perfettos_own_trace_processor_loads_it(file: Path, tmp_path: Path) -> None:
    told = export(file, watched([[(6, 0)], *[[(0, 0), (0, 1)]] * 20], stream=True))
    trace, query = tmp_path / "t.json", tmp_path / "query.sql"
    trace.write_text(json.dumps(told))
    query.write_text("select count(*) as slices, (select count(*) from counter) as counters from slice where dur >= 0;")
    ran = subprocess.run([PROCESSOR, "-q", str(query), str(trace)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    (counted,) = csv.DictReader(io.StringIO(ran.stdout))
    assert int(counted["slices"]) >= len(kind(told, "X"))
    assert int(counted["counters"]) == len(kind(told, "C"))
