"""What a person can change: each step, each refusal in a sentence, and the mark that is left."""

import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from teachserve.demo.control import span
from teachserve.demo.controls import Controls
from teachserve.demo.load_line import NoMoreOrders, Wanted
from teachserve.demo.picture import LoadView, Picture
from teachserve.demo.server_process import Plan

from .pictures import header, picture, recycling
from .running import PATIENCE_S, running

NAMES = (
    "connections", "rate", "keep-alive", "delay", "standby", "threads", "max-threads", "architecture", "slow", "stop",
    "abandon",
)  # fmt: skip


class FakeLoad:
    """A load generator that notes what it is told."""

    def __init__(self) -> None:
        self.wanted = Wanted(100, False, None)
        self.over = False

    def view(self) -> LoadView:
        return LoadView(connections=self.wanted.connections, answered_per_s=250.4)

    def change(self, **values: object) -> None:
        if self.over:
            raise NoMoreOrders
        self.wanted = replace(self.wanted, **values)


class FakeFeed:
    """A feed that notes marks and commands, and refuses with a sentence where it is given one."""

    def __init__(self, load: FakeLoad | None = None, supervisor: object | None = None) -> None:
        self.load = load
        self.marks: list[tuple[str, str]] = []
        self.sent: list[tuple] = []
        self.refusal = ""
        self.controls = Controls(self, supervisor)

    def mark(self, text: str, kind: str) -> None:
        self.marks.append((text, kind))

    def send(self, command: str, **fields: object) -> str:
        self.sent.append((command, *fields.values()))
        return self.refusal

    def stop(self) -> None:
        self.sent.append(("stop",))

    def abandon(self) -> None:
        self.sent.append(("abandon",))


@pytest.fixture
def demo() -> FakeFeed:
    return FakeFeed(FakeLoad())


def with_options(**options: object) -> Picture:
    of = recycling()
    return picture(replace(of, options=dict(of.options) | options))


def in_phase(phase: str) -> Picture:
    return picture(replace(recycling(), phase=phase))


def test_every_control_has_a_name_a_label_and_a_sentence() -> None:
    controls = FakeFeed().controls
    assert tuple(control.name for control in controls.all) == NAMES
    for control in controls.all:
        assert control.label
        assert control.sentence.endswith(".")
        assert control.group in ("load", "server", "end")


def test_every_value_is_shown_as_it_is_in_the_picture() -> None:
    controls = FakeFeed().controls
    assert {name: controls.value(name, picture()) for name in NAMES} == {
        "connections": "100", "rate": "off", "keep-alive": "close", "delay": "1ms", "standby": "8", "threads": "n/a",
        "max-threads": "100", "architecture": "recycling", "slow": "off", "stop": "serving", "abandon": "serving",
    }  # fmt: skip
    load = LoadView(200, True, 1500.0)
    shown = replace(picture(replace(recycling(), slow_s=0.2), load=load))
    assert [controls.value(name, shown) for name in ("connections", "rate", "keep-alive", "slow")] == [
        "200", "1500/s", "keep-alive", "200ms",
    ]  # fmt: skip
    assert [controls.value("delay", with_options(delay=delay)) for delay in ("none", 0, 0.0015, 1.0)] == [
        "none", "0", "1.5ms", "1s",
    ]  # fmt: skip


def test_in_a_watch_what_needs_a_demo_says_so() -> None:
    feed = FakeFeed()
    for name in ("connections", "rate", "keep-alive", "threads", "architecture"):
        assert feed.controls.reason(name, picture(load=None)).startswith("only in a demo: ")
        assert feed.controls.change(name, 1, picture(load=None)).startswith("only in a demo: ")
    for name in ("delay", "standby", "max-threads", "slow", "stop", "abandon"):
        assert feed.controls.reason(name, picture(load=None)) == ""
    assert feed.controls.value("connections", picture(load=None)) == "n/a"
    assert (feed.marks, feed.sent) == ([], [])


@pytest.mark.parametrize(
    ("name", "phase", "reason"),
    [
        ("delay", "stopped", "the server has stopped"),
        ("slow", "abandoned", "the server was abandoned"),
        ("stop", "stopping", "the server is stopping already"),
        ("abandon", "stopping", ""),
        ("abandon", "stopped", "the server has stopped"),
        ("connections", "stopped", ""),
        ("standby", "connecting", "the server has not said a word yet"),
    ],
)
def test_what_cannot_be_asked_in_this_phase_says_why(demo: FakeFeed, name: str, phase: str, reason: str) -> None:
    assert demo.controls.reason(name, in_phase(phase)) == reason


def test_what_means_nothing_to_the_architecture_says_so(demo: FakeFeed) -> None:
    pool = picture(replace(recycling(), header=header("thread-pool"), options={"threads": 8, "delay": "none"}))
    assert demo.controls.reason("standby", pool) == "standby means nothing to thread-pool"
    assert demo.controls.reason("delay", pool) == ""


def test_connections_double_and_halve(demo: FakeFeed) -> None:
    change = demo.controls.change
    assert change("connections", 1, picture()) == "connections 100 -> 200"
    assert change("connections", 1, picture()) == "connections 200 -> 400"  # the picture lags behind the key
    assert change("connections", -1, picture()) == "connections 400 -> 200"
    assert demo.load.wanted.connections == 200
    assert demo.marks[-1] == ("connections 400 -> 200", "load")
    demo.load.wanted = Wanted(1, False, None)
    assert change("connections", -1, picture()) == "connections: 1 already"
    demo.load.wanted = Wanted(9000, False, None)
    assert change("connections", 1, picture()) == "connections 9000 -> 10000"


def test_the_rate_comes_out_of_a_closed_loop_at_what_came_and_goes_back_below_the_lowest(demo: FakeFeed) -> None:
    change = demo.controls.change
    assert change("rate", -1, picture()) == "rate: off already"
    assert change("rate", 1, picture()) == "rate off -> 250/s"
    assert change("rate", 1, picture()) == "rate 250/s -> 500/s"
    demo.load.wanted = Wanted(100, False, 1.5)
    assert change("rate", -1, picture()) == "rate 1.5/s -> off"
    assert demo.load.wanted.rate is None
    assert demo.marks[-1] == ("rate 1.5/s -> off", "load")


def test_clients_keep_their_connections_or_not(demo: FakeFeed) -> None:
    assert demo.controls.change("keep-alive", 1, picture()) == "clients close -> keep-alive"
    assert demo.controls.change("keep-alive", 1, picture()) == "clients keep-alive -> close"


def test_a_load_generator_that_is_gone_says_so_and_leaves_no_mark(demo: FakeFeed) -> None:
    demo.load.over = True
    assert demo.controls.change("connections", 1, picture()) == "the load generator takes no more orders"
    assert demo.marks == []
    assert demo.load.wanted.connections == 100


def test_the_delay_goes_through_its_steps_and_stays_at_the_ends(demo: FakeFeed) -> None:
    steps = ["none", 0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    for before, after in pairwise(steps):
        demo.controls.change("delay", 1, with_options(delay=before))
        assert demo.sent[-1] == ("set", "delay", after)
        demo.controls.change("delay", -1, with_options(delay=after))
        assert demo.sent[-1] == ("set", "delay", before)
    assert demo.controls.change("delay", 1, with_options(delay=0.003)) == "delay 3ms -> 5ms"
    assert demo.marks[-1] == ("delay 3ms -> 5ms", "option")
    assert demo.controls.change("delay", 1, with_options(delay=1)) == "delay: 1s already"
    assert demo.controls.change("delay", -1, with_options(delay="none")) == "delay: none already"


def test_limits_go_as_far_as_each_other_and_then_the_server_says_why_not(demo: FakeFeed) -> None:
    change = demo.controls.change
    assert change("standby", 1, with_options(standby=8, max_threads=100)) == "standby 8 -> 16"
    assert change("standby", 1, with_options(standby=80, max_threads=100)) == "standby 80 -> 100"
    assert change("max-threads", -1, with_options(standby=80, max_threads=100)) == "max threads 100 -> 80"
    assert change("max-threads", 1, with_options(max_threads=100, max_accepts=120)) == "max threads 100 -> 119"
    assert [sent[2] for sent in demo.sent] == [16, 100, 80, 119]
    demo.refusal = "standby must be at most max_threads: standby=200, max_threads=100; lower --standby"
    marks = list(demo.marks)
    assert change("standby", 1, with_options(standby=100, max_threads=100)) == demo.refusal
    assert demo.sent[-1] == ("set", "standby", 200)
    assert demo.marks == marks


def test_slow_motion_goes_through_its_steps(demo: FakeFeed) -> None:
    for before, after in ((0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1)):
        words = f"slow motion {span(before) if before else 'off'} -> {span(after)}"
        assert demo.controls.change("slow", 1, picture(replace(recycling(), slow_s=before))) == words
        assert demo.sent[-1] == ("slow", after)
        assert demo.marks[-1] == (words, "slow")
    assert demo.controls.change("slow", -1, picture(replace(recycling(), slow_s=0.05))) == "slow motion 50ms -> off"
    assert demo.controls.change("slow", -1, picture()) == "slow motion: off already"


def test_stop_and_abandon_are_ordered_and_marked(demo: FakeFeed) -> None:
    assert demo.controls.change("stop", 1, picture()) == "soft stop: what was accepted is served"
    assert demo.controls.change("abandon", 1, picture()) == "abandoning: what is in progress is given up"
    assert demo.sent == [("stop",), ("abandon",)]
    assert demo.marks == [("soft stop", "stop"), ("abandon", "stop")]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("connections", "30", "connections 100 -> 30"),
        ("connections", "many", "connections must be a whole number from 1 to 10000: many"),
        ("rate", "500", "rate off -> 500/s"),
        ("rate", "500/s", "rate off -> 500/s"),
        ("rate", "off", "rate: off already"),
        ("rate", "-1", "rate must be off, or a number above 0 and up to 100000: -1"),
        ("keep-alive", "keep-alive", "clients close -> keep-alive"),
        ("keep-alive", "perhaps", "clients must be keep-alive or close: perhaps"),
        ("delay", "20ms", "delay 1ms -> 20ms"),
        ("delay", "soon", "delay must be none, 0 or a duration such as 1ms, 0.5s: delay=soon"),
        ("standby", "12", "standby 8 -> 12"),
        ("slow", "300ms", "slow motion off -> 300ms"),
        ("slow", "much", "slow motion must be off or a duration such as 200ms, 1s: much"),
        ("stop", "", "soft stop: what was accepted is served"),
    ],
)
def test_a_value_can_be_chosen_by_name(demo: FakeFeed, name: str, value: str, says: str) -> None:
    assert demo.controls.choose(name, value, picture()).startswith(says)


def test_every_choice_can_be_chosen(demo: FakeFeed) -> None:
    for control in demo.controls.all:
        for choice in control.choices:
            assert "must be" not in demo.controls.choose(control.name, choice, with_options(threads=8))


class FakeSupervisor:
    """One whose restarts take no time; it notes what is to be started."""

    def __init__(self, architecture: str = "recycling") -> None:
        self.plan = Plan(architecture, {"threads": 8, "delay": 0.001})
        self.restarted: list[tuple[str, dict]] = []
        self.done = threading.Semaphore(0)

    def restart(self, architecture: str, options: dict, take_over: object) -> list[str]:
        self.restarted.append((architecture, options))
        self.done.release()
        return []


@pytest.mark.parametrize(
    ("first", "now", "direction", "after"),
    [
        ("recycling", "recycling", 1, "event-loop"),
        ("recycling", "recycling", -1, "thread-pool"),
        ("recycling", "event-loop", 1, "single-thread"),
        ("recycling", "single-thread", -1, "event-loop"),
        ("mine:Mine", "event-loop", 1, "mine:Mine"),
        ("mine:Mine", "mine:Mine", 1, "single-thread"),
    ],
)
def test_the_architecture_goes_round_through_all_and_the_users_own(
    first: str, now: str, direction: int, after: str
) -> None:
    supervisor = FakeSupervisor(first)
    controls = FakeFeed(FakeLoad(), supervisor).controls
    shown = picture(replace(recycling(), header=header(now)))
    assert (
        controls.change("architecture", direction, shown) == f"architecture {now} -> {after}: a new server is starting"
    )
    assert supervisor.done.acquire(timeout=PATIENCE_S)
    assert supervisor.restarted == [(after, {"threads": 8, "delay": 0.001})]


def test_what_runs_already_is_not_started_again_unless_it_has_stopped() -> None:
    supervisor = FakeSupervisor()
    controls = FakeFeed(FakeLoad(), supervisor).controls
    assert controls.choose("architecture", "recycling", picture()) == "architecture: recycling already"
    assert controls.choose("threads", "8", with_options(threads=8)) == "threads: 8 already"
    assert controls.choose("threads", "0", with_options(threads=8)).startswith("threads must be a whole number, from 1")
    assert supervisor.restarted == []
    controls.choose("architecture", "recycling", in_phase("stopped"))
    assert supervisor.done.acquire(timeout=PATIENCE_S)
    assert supervisor.restarted[0][0] == "recycling"


@pytest.mark.timeout(120)
def test_a_real_server_takes_what_is_set_and_the_next_one_keeps_it(tmp_path: Path) -> None:
    with running(tmp_path, "recycling", delay=0.001) as demo:
        picture = demo.under_load()
        assert demo.controls.change("standby", 1, picture) == "standby 8 -> 16"
        assert demo.controls.change("delay", 1, picture) == "delay 1ms -> 2ms"
        assert demo.controls.choose("max-threads", "4", picture).startswith("standby must be at most max_threads")
        # The newest picture may be of the table before: the server takes a value a moment before it is marked.
        picture = demo.until(lambda picture: picture.snapshot.options["standby"] == 16 and len(picture.marks) == 2)
        assert [mark.text for mark in picture.marks] == ["standby 8 -> 16", "delay 1ms -> 2ms"]
        demo.supervisor.restart("recycling", demo.supervisor.plan.options, demo.take_over)
        picture = demo.until(lambda now: now.snapshot.header.process != picture.snapshot.header.process)
        assert (picture.snapshot.options["standby"], picture.snapshot.options["delay"]) == (16, 0.002)
