"""The picture of the places: complete at every size, and no mark in two cells or none."""

from dataclasses import replace
from itertools import pairwise

import pytest
from demo.pictures import AT, picture, recycling, snapshot, thread
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.arrangement import arrange
from teachserve.dashboard.panes.places import PlacesPane, caption, label
from teachserve.dashboard.panes.waiting import bar
from teachserve.dashboard.tokens import FOLLOWED, Tokens
from teachserve.demo.picture import Picture
from teachserve.events import STATES, State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.places import ACCEPT_QUEUE, Flow, Places, Waiting
from teachserve.observe.snapshot import QueueView, Snapshot

from .board import Given, play, screen_text, text_of

WRITES = {
    "thread-per-connection": [
        "accepting",
        "creating",
        "waiting for a place",
        "reading",
        "handling",
        "writing",
        "ended",
    ],
    "thread-pool": ["accepting", "waiting", "handing over", "reading", "handling", "writing", "idle"],
    "recycling": ["accepting", "waiting", "creating", "reading", "handling", "writing", "idle", "recycling", "ended"],
    "event-loop": ["selecting", "accepting", "reading", "waiting", "handing over", "handling", "writing"],
}


def server(architecture: str, count: int = 3) -> Snapshot:
    """A server of this architecture with so many threads in each of its states, and moves between all that follow."""
    states = [State(word) for word in WRITES[architecture]]
    threads = [thread(n, state) for n, state in enumerate((one for one in states for _ in range(count)), 1)
               if state is not State.ENDED]  # fmt: skip
    flows = dict.fromkeys(pairwise(states), 1000)
    if State.HANDING_OVER in states:  # what is taken is a connection, or a request of one
        flows[State.WAITING, State.HANDLING if architecture == "event-loop" else State.READING] = 1000
    made = snapshot(threads, flows=flows, flow_rates={move: total / 10 for move, total in flows.items()})
    return replace(made, connections_per_s=100.0, queues={"connections": QueueView(4, 1000, count, 4)})


def drawn(shown: Picture, width: int = 78, height: int = 14) -> list[str]:
    """The pane's text."""
    lines = PlacesPane().lines(shown, width, height)
    assert all(sum(len(text) for text, _ in line) <= width for line in lines)
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize("architecture", WRITES)
@pytest.mark.parametrize("size", [(58, 6), (78, 14), (118, 30), (198, 50)])
def test_every_room_is_there_with_its_number(architecture: str, size: tuple[int, int]) -> None:
    shown = picture(server(architecture))
    lines = drawn(shown, *size)
    assert len(lines) == size[1]
    found = Places.of(shown.snapshot)
    for room in found.rooms if size[1] >= 14 else found.way[: size[1] - 1]:
        assert [line for line in lines if label(room, shown) in line], room.name


@pytest.mark.parametrize("architecture", WRITES)
def test_every_flow_is_an_arrow_a_lane_or_told_to_be_missing(architecture: str) -> None:
    shown = picture(server(architecture))
    found = Places.of(shown.snapshot)
    labels = {room.name: label(room, shown) for room in found.rooms}
    layout = arrange(found, labels, 78, 13)
    following = set(pairwise(room.name for room in found.way))
    assert (following & found.flows.keys()) | layout.lanes.keys() | set(layout.untold) == found.flows.keys()
    assert len(set(layout.lanes.values())) == len(layout.lanes)
    assert len(set(layout.rows.values())) == len(layout.rows)


def test_a_picture_with_all_its_flows_shows_each_number() -> None:
    lines = drawn(picture(server("recycling")), 118, 30)
    assert sum(line.count("100") for line in lines) == len(Places.of(server("recycling")).flows)


@given(st.lists(st.sampled_from([state for state in STATES if state not in (State.ENDED, State.BROKEN)]), max_size=60),
       st.integers(58, 200), st.integers(5, 60), st.integers(0, 5000))  # fmt: skip
def test_every_thread_has_one_mark_where_there_is_a_mark_for_each(
    states: list[State], width: int, height: int, queued: int
) -> None:
    threads = [thread(number, state) for number, state in enumerate(states, 1)]
    shown = picture(snapshot(threads, flows={}), accept_queue=AcceptQueue(queued, 4096, 0, None))
    lines = drawn(shown, width, height)
    assert len(lines) == height
    tokens = Tokens().place({"all": shown.snapshot.threads}, 1)["all"]
    assert sorted(token.thread for token in tokens if token) == [one.number for one in threads]


def test_a_mark_that_stays_keeps_its_cell_and_one_that_comes_is_marked() -> None:
    tokens = Tokens()
    first = [thread(number, State.READING, moves=1) for number in (1, 2, 3)]
    elsewhere = [thread(9, State.ACCEPTED, moves=1)]
    for _ in range(2):  # of what is seen for the first time nobody knows where it comes from
        cells = tokens.place({"reading": first, "accepting": elsewhere}, 1)["reading"]
    assert [cell.fresh for cell in cells] == [False, False, False]
    later = [thread(1, State.READING, moves=1), thread(3, State.READING, moves=1), thread(9, State.READING, moves=2)]
    cells = tokens.place({"reading": later}, 1)["reading"]
    assert [(cell.thread, cell.fresh) for cell in cells] == [(1, False), (9, True), (3, False)]
    cells = tokens.place({"reading": later[:1] + later[2:]}, 1)["reading"]
    assert [(cell.thread, cell.fresh) for cell in cells] == [(1, False), (9, False)]
    cells = tokens.place({"reading": later[1:2]}, 1)["reading"]
    assert [(cell.thread, cell.fresh) for cell in cells] == [(3, False)]


def test_threads_that_live_no_longer_than_a_frame_are_a_bar() -> None:
    tokens = Tokens()
    for born in range(1, 40, 4):
        cells = tokens.place({"reading": [thread(born + n, State.READING, moves=2) for n in range(4)]}, 1)["reading"]
        assert [(cell.thread, cell.fresh) for cell in cells] == [(born + n, False) for n in range(4)]


def test_what_moves_faster_than_the_frames_is_a_bar_without_a_mark_that_has_just_come() -> None:
    tokens = Tokens()
    tokens.place({"reading": [thread(number, State.READING, moves=0) for number in (5, 6, 7)]}, 1)
    fast = [thread(number, State.READING, moves=FOLLOWED + 1) for number in (5, 7, 8)]
    cells = tokens.place({"reading": fast}, 1)["reading"]
    assert [(cell.thread, cell.fresh) for cell in cells] == [(5, False), (7, False), (8, False)]


def test_too_many_threads_share_marks_and_the_scale_is_printed() -> None:
    lines = drawn(picture(recycling(400, 100)))
    scale = next(line for line in lines if "1 mark = " in line)
    assert "1 mark = 1 thread" not in scale


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.integers(20, 200))
def test_the_bar_is_as_long_as_the_pane_and_no_place_is_missing(counts: list[int], width: int) -> None:
    found = [Waiting(f"{number}", count, STATES[number]) for number, count in enumerate(counts)]
    line = bar(found, width)
    if any(counts):
        assert sum(len(text) for text, _ in line) == width
        assert len(line) == sum(map(bool, counts))
        assert all(text for text, _ in line)
    else:
        assert line == [("no connection is open or queued", "quiet")]


def test_the_opening_view_at_80x24_shows_where_connections_wait_and_how_fast_it_goes() -> None:
    shown = picture(server("thread-pool"), accept_queue=AcceptQueue(12, 2048, 3, None))
    text = text_of(shown, view="places")
    for words in ("k accept queue", "12 kkkkkkkkkkkk", "of 2048, 3 overflowed", "7001 requests/s", "p99 46ms",
                  "Connections k accept queue 12", "q connections 4", "~ queue connections", "moves/s"):  # fmt: skip
        assert words in text
    assert ACCEPT_QUEUE.name in text


def test_the_marks_of_those_that_ended_are_told_from_the_number_of_all() -> None:
    def ended(ago_s: float) -> str:
        gone = thread(9, State.ENDED, ended_at=AT - ago_s)
        told = drawn(picture(replace(server("thread-per-connection"), ended=(gone,))))
        return next(line for line in told if line.startswith("x ended"))

    assert ended(0.5).rstrip().endswith(" x some of the last second")
    assert "last second" not in ended(1.5)


@pytest.mark.parametrize(("waiters", "told"), [(17.4, "p99 46ms  17 wait for the GIL  100 clients, close"),
                                               (None, "p99 46ms  100 clients, close, closed loop")])  # fmt: skip
def test_how_many_wait_for_the_gil_stands_beside_the_latency(waiters: float | None, told: str) -> None:
    assert told in text_of(picture(server("recycling"), gil_waiters=waiters), view="places")


def test_what_went_wrong_has_its_room_before_the_gil() -> None:
    shown = picture(server("recycling"), gil_waiters=17.4)
    load = replace(shown.load, refused=3900, errors=22, never_served=12)
    text = text_of(replace(shown, load=load), view="places")
    assert "p99 46ms  3900 503s, 22 errors, 12 never served" in text
    assert "GIL" not in text.split("Connections")[0].split("requests/s")[1]


def test_where_the_kernel_cannot_be_asked_the_queue_says_why() -> None:
    shown = picture(recycling(), accept_queue=AcceptQueue(unavailable="only Linux tells"))
    text = text_of(shown, view="places")
    assert "n/a only Linux tells" in text


def test_a_click_on_a_mark_chooses_its_thread_and_every_pane_lights_it() -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        lines = screen_text(app).split("\n")
        row = next(y for y, line in enumerate(lines) if line[1:].startswith("r reading"))
        await pilot.click(offset=(lines[row].index("rrr"), row))
        chosen = app.chosen.thread
        assert app.newest.snapshot.thread(chosen).state is State.READING
        style = app.query_one(PlacesPane).piece_style("banner")
        strips = app.screen._compositor.render_strips()
        assert [
            segment.text for segment in strips[row] if segment.style and segment.style.bgcolor == style.bgcolor
        ] == ["r"]
        await pilot.press("2")
        assert f">worker-{chosen} " in screen_text(app)

    play(picture(recycling(30)), story, view="places")


@pytest.mark.parametrize("queued", [0, 95, 2048])
def test_the_line_that_says_what_a_mark_is_ends_with_a_whole_word(queued: int) -> None:
    shown = picture(server("thread-pool"), accept_queue=AcceptQueue(queued, 2048, 0))
    assert drawn(shown)[-1].endswith(("exact", "moves/s"))


def test_where_there_is_plenty_of_room_the_picture_takes_it() -> None:
    lines = drawn(picture(server("recycling")), 96, 41)
    last = next(number for number, line in enumerate(lines) if line.startswith("x ended"))
    assert last >= 36


def test_who_waits_where_no_queue_has_a_name_is_said_to_wait() -> None:
    shown = picture(replace(server("thread-pool"), queues={}))
    text = "\n".join(drawn(shown))
    assert "0 queues" not in text
    assert "~ waiting" in text


@pytest.mark.parametrize("width", range(70, 110))
def test_flows_that_the_caption_has_no_room_for_are_counted_in_words(width: int) -> None:
    found = Places.of(server("recycling"))
    pairs = [(one.name, other.name) for one, other in pairwise(found.way)]
    found = replace(found, flows={pair: Flow(9000, 900.0) for pair in pairs})
    layout = arrange(found, {room.name: room.name for room in found.rooms}, 78, 13)
    [(text, _)] = caption(found, layout, pairs, 1, 1, width)
    shown = text.count(" > ")
    told = f" and {len(pairs) - shown} more" if shown else f" {len(pairs)} flows not drawn"
    assert text.endswith(told)
