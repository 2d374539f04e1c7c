"""What is counted is what happened: the server's own count is the witness."""

import threading
from time import monotonic_ns

import pytest

from teachserve.load import Generator, LoadPlan, Progress
from teachserve.load.result import Ending, Failure, fairness
from teachserve.load.tally import Tally
from tests.load.servers import OK, OK_CLOSE, Talk, TinyServer, always, silent


def plan(server: TinyServer, **values: object) -> LoadPlan:
    return LoadPlan(server.host, server.port, **values)


def test_with_keep_alive_each_client_makes_one_connection():
    with TinyServer(always(OK)) as server:
        result = Generator(plan(server, connections=4, requests=200)).run()
        assert server.requests == result.requests == 200
        assert server.connections == result.connects == 4
        assert result.reused == 196
        assert result.connect.count == 4
        assert b"Connection: close" not in server.heads[0]


def test_with_close_each_request_makes_a_connection():
    with TinyServer(always(OK_CLOSE)) as server:
        result = Generator(plan(server, connections=4, requests=60, keep_alive=False)).run()
        assert server.requests == server.connections == 60
        assert result.requests == result.connects == 60
        assert result.reused == 0
        assert all(b"Connection: close" in head for head in server.heads)


def test_with_close_a_connection_that_the_server_would_keep_is_closed_all_the_same():
    with TinyServer(always(OK)) as server:
        result = Generator(plan(server, connections=2, requests=20, keep_alive=False)).run()
        assert server.connections == result.connects == 20


def test_with_keep_alive_it_connects_anew_where_the_server_closes():
    with TinyServer(always(OK_CLOSE)) as server:
        result = Generator(plan(server, connections=2, requests=20)).run()
        assert server.connections == result.connects == 20
        assert result.requests == 20
        assert result.reset == 0
        assert result.errors == {}


def test_every_answer_counts_where_its_status_says_and_only_200s_as_requests():
    def script(talk: Talk) -> None:
        for status in [b"200 OK", b"404 Not Found", b"503 Busy", b"500 Oh"] * 3:
            if talk.read():
                talk.send(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nab" % status)
        talk.hold()

    with TinyServer(script) as server:
        result = Generator(plan(server, connections=1, requests=12)).run()
        assert result.statuses == {200: 3, 404: 3, 500: 3, 503: 3}
        assert result.requests == 3
        assert result.requests_per_s == pytest.approx(3 / result.elapsed)
        assert result.success_rate == 0.25
        assert result.body_bytes == 6
        assert result.from_send.count == 3


def test_what_is_in_flight_at_the_deadline_is_aborted_neither_error_nor_success():
    with TinyServer(silent) as server:
        result = Generator(plan(server, connections=5, duration=0.3)).run()
        assert result.aborted == 5
        assert (result.requests, result.errors, result.finished, result.success_rate) == (0, {}, 0, None)
        assert result.ended is Ending.DEADLINE
        assert result.elapsed >= 0.3


def test_clients_that_never_got_a_200_are_a_result():
    """The server serves its first connection only; the other seven wait for ever."""

    def script(talk: Talk) -> None:
        if talk.number == 1:
            always(OK)(talk)
        else:
            silent(talk)

    with TinyServer(script) as server:
        generator = Generator(plan(server, connections=8))

        def stop_when_all_wait(progress) -> None:
            if progress.requests and server.requests - progress.requests >= 7:
                assert progress.never_served == 7
                generator.stop()

        result = generator.run(stop_when_all_wait)
        assert (result.never_served, result.clients, result.aborted) == (7, 8, 8)
        assert result.errors == {}
        assert result.fairness == pytest.approx(1 / 8)
        assert result.ended is Ending.INTERRUPTED


def test_a_client_that_never_asked_is_not_called_never_served():
    with TinyServer(always(OK)) as server:
        result = Generator(plan(server, connections=10, requests=3)).run()
        assert server.requests == 3
        assert (result.clients, result.never_served) == (3, 0)
        assert result.ended is Ending.REQUESTS


@pytest.mark.parametrize(
    ("served", "index"), [([5, 5, 5, 5], 1.0), ([9, 0, 0], 1 / 3), ([3, 1], 16 / 20), ([0, 0], None), ([], None)]
)
def test_fairness_is_jains_index(served: list[int], index: float | None):
    assert fairness(served) == (None if index is None else pytest.approx(index))


def test_a_request_that_takes_too_long_is_an_error_and_the_client_asks_again():
    answered = threading.Event()

    def script(talk: Talk) -> None:
        if talk.number == 1:
            silent(talk)
        else:
            talk.read()
            answered.set()
            talk.send(OK)
            talk.hold()

    with TinyServer(script) as server:
        result = Generator(plan(server, connections=1, requests=2, timeout=0.2)).run()
        assert answered.is_set()
        assert result.errors == {Failure.TIMED_OUT: 1}
        assert (result.timed_out, result.requests, result.success_rate) == (1, 1, 0.5)


def test_stop_from_another_thread_ends_the_run_with_what_was_measured():
    with TinyServer(silent) as server:
        generator = Generator(plan(server, connections=3))

        def stop() -> None:
            server.wait_held(3)
            generator.stop()

        stopper = threading.Thread(target=stop)
        stopper.start()
        result = generator.run()
        stopper.join()
        assert (result.aborted, result.ended) == (3, Ending.INTERRUPTED)


def test_it_may_be_stopped_before_it_begins():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=1))
        generator.stop()
        assert generator.run().ended is Ending.INTERRUPTED


def test_an_ipv6_address_works():
    with TinyServer(always(OK), host="::1") as server:
        result = Generator(LoadPlan("::1", server.port, "/a?b=c", connections=1, requests=1)).run()
        assert result.requests == 1
        assert result.url == f"http://[::1]:{server.port}/a?b=c"
        assert server.heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: [::1]:%d\r\n" % server.port)


MS = 1_000_000


def ticks(tally: Tally, times: list[int], **values: object) -> list[Progress]:
    """The progress of as many ticks, each with ten answers that took so many ms, from the plan twice as many."""
    told = []
    for ms in times:
        tally.from_send.batch.extend([ms * MS] * 10)
        tally.from_plan.batch.extend([ms * 2 * MS] * 10)
        tally.statuses[200] += 10
        told.append(tally.progress(LoadPlan("h", 1, **values), [3, 0, 7]))
    return told


def test_progress_tells_of_the_last_ten_ticks_only():
    told = ticks(Tally(monotonic_ns()), [900] + [1] * 12)
    assert told[0].p50_now == told[0].p99_now == pytest.approx(0.9, rel=0.002)
    assert told[9].p99_now == pytest.approx(0.9, rel=0.002)  # the tenth still holds the first
    assert told[10].p99_now == told[12].p99_now == 0.001
    assert (told[12].requests, told[12].never_served) == (130, 1)


def test_progress_tells_the_latency_from_the_plan_where_there_is_one():
    assert ticks(Tally(monotonic_ns()), [1])[0].p50_now == 0.001
    assert ticks(Tally(monotonic_ns()), [1], rate=5)[0].p50_now == 0.002


def test_progress_without_an_answer_has_no_latency():
    told = Tally(monotonic_ns()).progress(LoadPlan("h", 1), [])
    assert (told.p50_now, told.p99_now, told.requests_per_s_now, told.never_served) == (None, None, 0.0, 0)
