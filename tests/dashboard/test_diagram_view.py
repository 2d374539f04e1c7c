"""The diagram view: the picture of `teachserve diagram`, with the numbers of now, and what choosing a part of it does."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from teachserve.architectures import NAMES
from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.live_diagram import EDGE_ROOM, ROOM, LiveDiagram, rate_words
from teachserve.dashboard.panes.code import CodePane
from teachserve.dashboard.panes.diagram import DiagramPane, filter_words, hottest
from teachserve.dashboard.panes.threads import ThreadTable
from teachserve.demo.picture import Picture
from teachserve.diagram.keys import SOCKET
from teachserve.diagram.views import VIEWS, read
from teachserve.digest import digest_of
from teachserve.events import State
from tests.snapshots.screens import Screen, picture_of

from .board import Given, drawn, play, screen_text, show, text_of, until

TALL = (120, 70)


@pytest.fixture(scope="module")
def recorded() -> Picture:
    """A recycling server under load."""
    return picture_of(Screen("recycling", 2.5, "diagram"))


def live(picture: Picture, columns: int = 78) -> LiveDiagram:
    return LiveDiagram.of(picture.snapshot.header, columns)


@pytest.mark.parametrize("architecture", NAMES)
def test_its_parts_are_those_of_the_command_and_each_number_has_its_place(architecture: str) -> None:
    picture = picture_of(Screen(architecture, 2.5, "diagram"))
    found = live(picture)
    drawn_by_command = VIEWS["threads"](read(architecture), architecture)
    assert [node.key for node in found.drawing.nodes] == [node.key for node in drawn_by_command.nodes]
    assert [(edge.tail, edge.head) for edge in found.drawing.edges] == [
        (edge.tail, edge.head) for edge in drawn_by_command.edges
    ]
    text = text_of(picture, TALL, view="diagram")
    assert not any(room in text for room in (*ROOM.values(), EDGE_ROOM))
    counted = {key for key, kind in found.kinds.items() if kind in ROOM}
    assert len(list(found.words(picture))) == len(counted)


def test_the_numbers_are_those_of_the_snapshot(recorded: Picture) -> None:
    snapshot, text = recorded.snapshot, text_of(recorded, TALL, view="diagram")
    workers = [thread.state for thread in snapshot.threads if thread.role == "worker"]
    assert f"{len(workers)} now: #{workers.count(State.HANDLING)}" in text
    assert f"{recorded.queued} in the backlog" in text
    found = live(recorded)
    rates = {(found.drawing.edges[place].tail, found.drawing.edges[place].head): rate
             for place, rate in found.rates(recorded).items()}  # fmt: skip
    assert rates["listening socket", "role worker"] == snapshot.flow_rates[State.ACCEPTING, State.ACCEPTED]
    assert rates["role worker", "clients"] == snapshot.requests_per_s
    assert rates["role worker", "role worker"] == snapshot.flow_rates[State.RECYCLING, State.ACCEPTING]
    assert rates["role worker", "queue wanted"] == snapshot.queue_rates["wanted"].put
    for rate in rates.values():
        assert rate_words(rate) in text


def test_what_goes_through_a_queue_is_told_by_its_counts(recorded: Picture) -> None:
    handed_over = recorded.snapshot.flow_rates
    entered = sum(rate for (_, after), rate in handed_over.items() if after is State.HANDING_OVER)
    assert recorded.snapshot.queue_rates["wanted"].put == pytest.approx(entered, abs=3 / recorded.snapshot.window_s)


def test_only_the_hot_edge_is_thick(recorded: Picture) -> None:
    assert "┃" in text_of(recorded, TALL, view="diagram")
    still = replace(recorded, snapshot=replace(recorded.snapshot, flow_rates={}, queue_rates={}, requests_per_s=0.0,
                                               made_per_s=0.0))  # fmt: skip
    assert "┃" not in text_of(still, TALL, view="diagram")


@pytest.mark.parametrize(
    ("rates", "before", "hot"),
    [({0: 5.0, 1: 5.1}, None, 1), ({0: 5.0, 1: 5.1}, 0, 0), ({0: 4.0, 1: 5.1}, 0, 1), ({0: 0.0}, 0, None), ({}, 0, None),
     ({1: 3.0}, 7, 1)],
)  # fmt: skip
def test_the_hot_edge_stays_where_about_as_much_goes_along_another(
    rates: dict, before: int | None, hot: int | None
) -> None:
    assert hottest(rates, before) == hot


def test_choosing_a_part_filters_the_threads_and_goes_to_its_line(recorded: Picture) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        while "thread-maker" not in app.board.query_one(DiagramPane).chosen_node:
            await pilot.press("down")
        await drawn(app)
        assert "recycling.py:21  def make_workers(self):" in screen_text(app)
        await pilot.press("2")
        await drawn(app)
        table = app.query_one("#view-threads ThreadTable", ThreadTable)
        assert table.order.words == "thread-maker"
        assert "thread-maker: 1 of 45 shown" in screen_text(app)  # the last ones that ended too
        assert app.board.query_one(CodePane).cursor == 21
        await pilot.press("6", "escape")
        await drawn(app)
        assert table.order.words == ""
        app.board.query_one(DiagramPane).choose("queue wanted")
        await drawn(app)
        assert "recycling.py:14  wanted = Queue()" in screen_text(app)
        assert app.board.query_one(CodePane).cursor == 14

    play(recorded, story, (160, 50), view="diagram")


@pytest.mark.parametrize(("architecture", "words"), [("event-loop", "selecting"), ("thread-pool", "accepting")])
def test_the_listening_socket_shows_who_waits_for_it(architecture: str, words: str) -> None:
    found = live(picture_of(Screen(architecture, 2.5, "diagram")))
    assert filter_words(found, SOCKET) == words


def test_a_click_chooses_and_the_arrows_keep_what_is_chosen_in_view(recorded: Picture) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.board.query_one(DiagramPane)
        row = next(y for y, line in enumerate(screen_text(app).split("\n")) if "listening socket" in line)
        await pilot.click(DiagramPane, (34, row - pane.region.y))
        assert pane.chosen_node == "listening socket"
        for key in ("down",) * 8 + ("up",) * 8:
            await pilot.press(key)
            await drawn(app)
            assert pane.chosen_node.removeprefix("role ").removeprefix("queue ") in screen_text(app)
        assert pane.chosen_node == "clients"

    play(recorded, story, view="diagram")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source_file": "/nowhere/mine.py"}, "n/a: mine.py cannot be read here: No such file or directory"),
        ({"source_class": "Other"}, "there is no class Other"),
        ({"started": "2020-01-01T00:00:00+00:00", "sources": {}}, "younger than the server"),
    ],
)
def test_where_there_is_no_diagram_it_says_why(recorded: Picture, changes: dict, words: str) -> None:
    header = replace(recorded.snapshot.header, **changes)
    shown = replace(recorded, snapshot=replace(recorded.snapshot, header=header))
    assert words in text_of(shown, view="diagram")


@pytest.mark.parametrize("view", ["diagram", "threads"])
def test_another_server_has_none_of_the_parts_that_was_chosen(recorded: Picture, view: str) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.board.query_one(DiagramPane)
        await pilot.press("6")
        await until(pilot, lambda: bool(pane._boxes))
        pane.choose("queue wanted")
        app.board.view = view
        await drawn(app)
        table = app.query_one(f"#view-{view} ThreadTable", ThreadTable)
        assert table.order.words == "wanted"
        await show(app, pilot, picture_of(Screen("single-thread", 2.5, "threads")))
        assert (pane.chosen_node, table.order.words, app.board.query_one(CodePane).cursor) == ("", "", 0)
        app.board.view = "diagram"
        await drawn(app)
        assert "worker: accept and serve" not in screen_text(app)
        assert "rates are exact" in screen_text(app)

    play(recorded, story, (160, 50), view=view)


def test_a_part_that_was_chosen_while_frozen_goes_with_its_server(recorded: Picture) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.board.query_one(DiagramPane)
        await until(pilot, lambda: bool(pane._boxes))
        await pilot.press("space")
        await show(app, pilot, picture_of(Screen("single-thread", 2.5, "diagram")))
        pane.choose("queue wanted")
        await pilot.press("space")
        await drawn(app)
        assert pane.chosen_node == ""
        assert "rates are exact" in screen_text(app)

    play(recorded, story, (160, 50), view="diagram")


def test_a_resize_draws_every_row_anew_though_there_is_but_one_line(
    recorded: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.board.query_one(DiagramPane)
        drawn_anew: list[tuple[object, ...]] = []
        monkeypatch.setattr(pane, "lines", lambda picture, width, height: [[("laying the diagram out", "quiet")]])
        monkeypatch.setattr(pane, "refresh", lambda *regions, **how: drawn_anew.append(regions))
        pane.on_resize()
        assert () in drawn_anew  # everything, not some regions

    play(recorded, story, view="diagram")


def test_what_is_said_of_a_part_ends_with_a_whole_word(recorded: Picture) -> None:
    async def story(app: Dashboard, pilot: Pilot, source: Given) -> None:
        pane = app.board.query_one(DiagramPane)
        pane.choose("queue wanted")
        await drawn(app)
        foot = next(line for line in screen_text(app).split("\n") if "wanted = Queue()" in line)
        assert foot.endswith("A named queue: what is handed over ...")

    play(recorded, story, view="diagram")


def test_a_step_from_another_file_that_has_changed_is_no_part_of_the_picture(recorded: Picture, tmp_path: Path) -> None:
    (tmp_path / "helping.py").write_text("class Helping:\n    def take_one(self):\n        self.accept()\n")
    own = tmp_path / "own.py"
    own.write_text(
        "from helping import Helping\nfrom teachserve.taskmaster import Taskmaster\n\n\n"
        "class Own(Helping, Taskmaster):\n    accepting_role = 'worker'\n\n"
        "    def start(self):\n        self.spawn(self.work, role='worker')\n\n"
        "    def work(self):\n        self.take_one()\n"
    )
    told = {str(file): digest_of(file) for file in tmp_path.glob("*.py")}
    changes = {"source_file": str(own), "source_class": "Own", "sources": told}
    header = replace(recorded.snapshot.header, **changes)
    assert LiveDiagram.of(header, 78).problem == ""
    (tmp_path / "helping.py").write_text("class Helping:\n    def take_one(self):\n        self.accept() or 1\n")
    assert LiveDiagram.of(header, 78).problem.startswith("helping.py has changed since the server read it")
