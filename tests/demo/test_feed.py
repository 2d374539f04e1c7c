"""Pictures from frames: what is asked, how often, and what the end looks like."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from teachserve.demo import feed as feed_module
from teachserve.demo.feed import Feed, Records, WitnessPace
from teachserve.demo.picture import HISTORY_STEPS, LoadView
from teachserve.events import STATES, State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look
from teachserve.observe.link_file import LinkError
from teachserve.observe.snapshot import COUNTERS
from teachserve.observe.verdict import Shares

from .pictures import header, recycling

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


class FakeLink:
    """A link that tells what it is given and notes what is ordered."""

    def __init__(self, gone: bool = False) -> None:
        self.sent: list[str] = []
        self.gone = gone

    def frames(self) -> Iterator[dict]:
        return frames()

    def send(self, command: str) -> int:
        if self.gone:
            raise LinkError("the server is gone")
        self.sent.append(command)
        return 1


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
    assert pictures[-1].witness is LOOK


def test_orders_go_to_the_server_and_a_server_that_is_gone_is_no_error() -> None:
    supervisor = SimpleNamespace(stop_asked=False)
    link = FakeLink()
    feed = Feed(link, supervisor)
    feed.stop()
    feed.abandon()
    assert link.sent == ["stop", "abandon"]
    assert supervisor.stop_asked
    Feed(FakeLink(gone=True)).stop()


def test_without_a_load_its_orders_say_so() -> None:
    feed = Feed(FakeLink())
    assert feed.scale_connections(2) == feed.scale_rate(2) == "there is no load generator"


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


def test_the_history_takes_a_value_each_half_second_and_keeps_a_minute() -> None:
    records = Records()
    for frame in range(1500):
        history = records.add(_at(frame / 10), LoadView(answered_per_s=float(frame), p50=None, p99=0.5))
    assert len(history.requests) == len(history.p99) == HISTORY_STEPS
    assert history.first == 300 - HISTORY_STEPS
    assert history.requests[-1] - history.requests[-2] == 5
    assert set(history.p50) == {None}


def _at(seconds: float):
    return replace(recycling(), at_s=seconds)
