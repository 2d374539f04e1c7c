"""Pictures from frames: what is asked, how often, and what the end looks like."""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from time import monotonic_ns
from types import SimpleNamespace
from typing import ClassVar

import pytest

from teachserve.demo import feed as feed_module
from teachserve.demo.feed import Feed, WitnessPace
from teachserve.demo.fold import PictureFold
from teachserve.demo.server_process import Plan
from teachserve.events import STATES, State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look
from teachserve.observe.link_file import LinkError
from teachserve.observe.snapshot import COUNTERS
from teachserve.observe.verdict import Shares

from .pictures import header

LOOK = Look((), {}, Shares(), {}, 0.0)


def frames() -> Iterator[dict]:
    """A header, two tables, and no goodbye."""
    first = header()
    yield {
        "frame": "header", "serial": 1, "roles": ["worker"],
        **{name: getattr(first, name) for name in first.__slots__}, "states": [state.value for state in STATES],
    }  # fmt: skip
    for serial in (2, 3):
        yield {
            "frame": "table", "serial": serial, "at": serial * 100_000,
            "threads": [[1, 0, 9, State.ACCEPTING.code, 1, 5, 0, 0, 0, 0, -1]],
            "flows": [[0, State.ACCEPTING.code, 1]], "times": [0] * len(STATES), "queues": [[0, 0, 1, 0]],
            "counters": dict.fromkeys(COUNTERS, serial), "statuses": {}, "options": {}, "slow_s": 0.0, "phase": "serving",
        }  # fmt: skip
    yield {"frame": "gone", "text": "the server went without a goodbye"}


def supervised() -> SimpleNamespace:
    """What a feed asks of the supervisor of a demo."""
    return SimpleNamespace(stop_asked=False, plan=Plan("recycling"))


class FakeLink:
    """A link that tells what it is given and notes what is ordered."""

    header: ClassVar = {"epoch_ns": 0}

    def __init__(self, told: Iterable[dict] = (), gone: bool = False) -> None:
        self.sent: list[str] = []
        self.told = told or frames()
        self.gone = gone

    def frames(self) -> Iterator[dict]:
        return iter(self.told)

    def close(self) -> None:
        self.told = ()

    def send(self, command: str, **fields: object) -> int:
        if self.gone:
            raise LinkError("the server is gone")
        self.sent.append(command)
        return len(self.sent)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No kernel: a witness and an accept queue that only note that they were asked."""
    asked: list[str] = []

    class FakeWitness:
        def __init__(self, process: int, words: int, machine: str, gil: bool) -> None:
            asked.append(f"witness of {process} on {machine}")

        def look(self) -> Look:
            asked.append("look")
            return LOOK

        def close(self) -> None:
            asked.append("closed")

    monkeypatch.setattr(feed_module, "Witness", FakeWitness)
    monkeypatch.setattr(feed_module, "thread_time", lambda: 0.0)  # looking costs nothing, so it looks each time
    monkeypatch.setattr(feed_module, "queue_of", lambda header: asked.append("queue") or AcceptQueue(3, 128, 0))
    return asked


def test_each_table_gives_a_picture_and_so_does_the_end(blind: list[str]) -> None:
    pictures = list(Feed(FakeLink()).pictures())
    assert [one.snapshot.phase for one in pictures] == ["serving", "serving", "lost"]
    assert [one.queued for one in pictures] == [3, 3, None]
    assert blind == ["witness of 4711 on x86_64", "look", "queue", "look", "queue", "closed"]
    assert pictures[-1].accept_queue.unavailable == "the server has ended"
    assert pictures[-1].witness == LOOK


def test_orders_go_to_the_server_and_a_server_that_is_gone_is_no_error() -> None:
    supervisor = supervised()
    link = FakeLink()
    feed = Feed(link, supervisor)
    feed.stop()
    feed.abandon()
    assert link.sent == ["stop", "abandon"]
    assert supervisor.stop_asked
    Feed(FakeLink(gone=True)).stop()


def test_the_witness_looks_as_seldom_as_its_budget_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=100.0, thread_time=0.0)
    monkeypatch.setattr(feed_module, "monotonic", lambda: clock.monotonic)
    monkeypatch.setattr(feed_module, "thread_time", lambda: clock.thread_time)
    looks: list[float] = []

    class Costly:
        def look(self) -> Look:
            looks.append(clock.monotonic)
            clock.thread_time += 0.018
            return LOOK

    pace = WitnessPace(share=0.05)
    for frame in range(20):
        clock.monotonic = 100.0 + frame / 10
        pace.look(Costly())
    # 18 ms of looking in each 360 ms is the budget: every fourth frame.
    assert looks == pytest.approx([100.0, 100.4, 100.8, 101.2, 101.6])


def test_what_is_recorded_folds_to_the_same_pictures(blind: list[str]) -> None:
    recorded: list[dict] = []
    recorder = SimpleNamespace(put=recorded.append, events=True)
    link = FakeLink()
    pictures = list(Feed(link, recorder=recorder).pictures())
    assert link.sent == ["level"]
    kinds = [frame["frame"] for frame in recorded]
    assert kinds == ["header", "table", "observed", "table", "observed", "gone"]
    fold = PictureFold()
    assert [one for frame in recorded if (one := fold.apply(json.loads(json.dumps(frame))))] == pictures


def test_a_mark_from_another_thread_stands_before_the_next_table(blind: list[str]) -> None:
    feed = Feed(FakeLink())
    pictures = feed.pictures()
    assert next(pictures).marks == ()
    feed.mark("connections 100 -> 200", "load")
    (mark,) = next(pictures).marks
    assert (mark.text, mark.kind) == ("connections 100 -> 200", "load")
    assert mark.at_s > 0


def test_in_a_demo_pictures_go_on_after_the_end_and_with_the_next_server(blind: list[str]) -> None:
    feed = Feed(FakeLink(), supervised())
    pictures = feed.pictures()
    phases = [next(pictures).snapshot.phase for _ in range(5)]
    assert phases == ["serving", "serving", "lost", "lost", "lost"]  # nobody is there, and the load is still shown
    feed.mark("architecture recycling -> recycling", "architecture")
    assert next(pictures).marks[-1].text == "architecture recycling -> recycling"
    following = threading.Thread(target=feed.follow, args=(FakeLink(),))
    following.start()
    assert next(one for one in pictures if one.snapshot.phase == "serving").marks[-1].kind == "architecture"
    following.join()
    assert [next(pictures).snapshot.phase for _ in range(3)] == ["serving", "lost", "lost"]
    feed.close()
    assert list(pictures) == []


def test_a_change_at_the_turn_of_two_servers_is_told_on_the_clock_of_the_second(blind: list[str]) -> None:
    now = monotonic_ns()

    class Later(FakeLink):
        """A server that began now; the first one's clock began with the machine's."""

        header: ClassVar = {"epoch_ns": now}

        def frames(self) -> Iterator[dict]:
            second = {"epoch_ns": now, "process": 4712}
            return (frame | second if frame["frame"] == "header" else frame for frame in frames())

    feed = Feed(FakeLink(), supervised())
    pictures = feed.pictures()
    assert next(pictures).snapshot.header.process == 4711
    following = threading.Thread(target=feed.follow, args=(Later(),))
    following.start()
    while feed.link.header["epoch_ns"] != now:
        os.sched_yield()
    feed.mark("threads 8 -> 16", "option")
    (mark,) = next(one for one in pictures if one.snapshot.header.process == 4712).marks
    following.join()
    assert 0 <= mark.at_s <= (monotonic_ns() - now) / 1e9
    feed.close()


def test_a_server_that_comes_after_the_end_of_all_is_left_at_once() -> None:
    feed, late = Feed(FakeLink(), supervised()), FakeLink()
    feed.close()
    feed.follow(late)
    assert late.told == ()
    assert list(feed.pictures()) == []


def test_a_command_that_the_server_refuses_gives_its_sentence() -> None:
    link = FakeLink([{"frame": "reply", "to": 1, "ok": False, "error": "standby must be at least 1"},
                     {"frame": "reply", "to": 2, "ok": True}])  # fmt: skip
    feed = Feed(link)
    list(feed.pictures())
    assert feed.send("set", option="standby", value="0") == "standby must be at least 1"
    assert feed.send("set", option="standby", value="1") == ""


def test_a_command_that_is_not_answered_or_cannot_be_sent_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teachserve.demo.answers.PATIENCE_S", 0.0)
    assert Feed(FakeLink()).send("stop") == "the server has not answered yet: stop may still be done"
    assert Feed(FakeLink(gone=True)).send("stop") == "the server is gone"


@pytest.mark.parametrize("level", ["stream", "table"])
def test_a_recording_of_every_event_is_not_thinned_by_what_the_screen_shows(level: str) -> None:
    link = FakeLink()
    recorder = SimpleNamespace(events=True, on_end=None)
    assert Feed(link, recorder=recorder).send("level", level=level) == ""
    assert link.sent == []
