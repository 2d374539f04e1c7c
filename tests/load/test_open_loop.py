"""The open loop: the plan says when, and latency is counted from there."""

import threading

import pytest

from teachserve.load import Generator, LoadPlan
from teachserve.load.result import Loop
from teachserve.load.schedule import NS, Schedule
from tests.load.servers import OK, PATIENCE_S, Talk, TinyServer, always, silent


def plan(server: TinyServer, **values: object) -> LoadPlan:
    return LoadPlan(server.host, server.port, **values)


def test_requests_are_due_at_an_even_pace_and_stay_due_until_taken():
    schedule = Schedule()
    schedule.set_rate(10, 5 * NS)
    assert [schedule.take(5 * NS), schedule.take(5 * NS)] == [5 * NS, None]
    assert schedule.next_due() == 5 * NS + NS // 10
    assert schedule.overdue(6 * NS) == 10
    assert [schedule.take(6 * NS) for _ in range(11)] == [5 * NS + k * NS // 10 for k in range(1, 11)] + [None]


def test_another_rate_keeps_what_is_due_and_goes_on_without_a_burst():
    schedule = Schedule()
    schedule.set_rate(1, 0)
    now = 2 * NS + NS // 2
    schedule.set_rate(100, now)
    assert schedule.overdue(now) == 4  # of 0, 1 and 2 s, and the first at the new pace, but not 50 of it
    assert [schedule.take(3 * NS) for _ in range(5)] == [0, NS, 2 * NS, now, now + NS // 100]


def test_to_change_the_rate_over_and_over_does_not_put_the_next_request_off():
    schedule = Schedule()
    schedule.set_rate(1, 0)
    assert schedule.take(0) == 0
    for tenth in range(1, 10):
        schedule.set_rate(1, tenth * NS // 10)
    assert schedule.next_due() == NS
    assert schedule.overdue(NS // 2) == 0


def test_what_is_due_when_the_plan_ends_is_dropped_and_counted():
    schedule = Schedule()
    schedule.set_rate(10, 0)
    schedule.take(0)
    schedule.end(NS)
    assert (schedule.dropped, schedule.next_due(), schedule.take(9 * NS), schedule.overdue(9 * NS)) == (
        10,
        None,
        None,
        0,
    )


@pytest.mark.parametrize("rate", [0.5, 3, 7.7, 1000, 333_333, 1_000_000])
def test_every_request_up_to_now_is_due_exactly_once(rate: float):
    schedule = Schedule()
    schedule.set_rate(rate, 123)
    now = 123 + 7 * NS // 5
    due = schedule.overdue(now)
    taken = 0
    while schedule.take(now) is not None and taken < 5000:
        taken += 1
    assert due == int(1.4 * rate) + 1
    assert taken == min(due, 5000)


def test_no_request_is_sent_before_it_is_due():
    with TinyServer(always(OK)) as server:
        result = Generator(plan(server, connections=5, requests=40, rate=200)).run()
        assert server.requests == result.requests == 40
        assert result.elapsed >= 39 / 200
        assert result.loop is Loop.OPEN
        assert result.from_plan.count == result.from_send.count == 40


def test_in_a_closed_loop_there_is_no_plan_to_be_late_for():
    with TinyServer(always(OK)) as server:
        result = Generator(plan(server, connections=1, requests=5)).run()
        assert (result.loop, result.from_plan, result.not_sent) == (Loop.CLOSED, None, 0)


def test_when_the_server_stalls_the_latency_from_the_plan_holds_the_wait_for_a_free_client():
    """Coordinated omission: 1. One client asks, the server stalls. 2. Meanwhile 40 more become due.
    3. The server goes on, and answers all at once. From the send only the first was slow, from the plan nearly all."""
    go_on = threading.Event()

    def script(talk: Talk) -> None:
        talk.read()
        assert go_on.wait(PATIENCE_S)
        talk.send(OK)
        always(OK)(talk)

    with TinyServer(script) as server:
        generator = Generator(plan(server, connections=1, rate=100, requests=41))
        result = generator.run(lambda progress: go_on.set() if progress.at > 0.5 else None)
        send, due = result.from_send, result.from_plan
        assert result.requests == 41
        assert all(due.percentiles[p] >= send.percentiles[p] for p in send.percentiles)
        assert due.slowest >= send.slowest > 0.4
        # 40 of the 41 became due within 0.4 s of the stall of 0.5 s: each of them was at least 0.1 s late.
        assert due.fastest > 0.1 > send.percentiles[50]
        assert due.average > send.average


def test_requests_that_no_client_was_free_for_are_counted_as_not_sent():
    with TinyServer(silent) as server:
        generator = Generator(plan(server, connections=2, rate=100))
        result = generator.run(lambda progress: generator.stop() if progress.at > 0.3 else None)
        assert (result.aborted, server.requests) == (2, 2)
        # The plan's clock is read a moment before the result's.
        assert result.not_sent in (int(result.elapsed * 100) - 1, int(result.elapsed * 100) - 2)


def test_not_sent_never_exceeds_what_was_to_be_made():
    with TinyServer(silent) as server:
        result = Generator(plan(server, connections=2, rate=1000, requests=5, duration=0.3)).run()
        assert (result.aborted, result.not_sent) == (2, 3)
