"""The load is changed while it runs."""

import threading

import pytest

from teachserve.load import Generator, LoadError, LoadPlan
from teachserve.load.result import Ending, Loop
from tests.load.servers import OK, PATIENCE_S, Talk, TinyServer, always, silent


def plan(server: TinyServer, **values: object) -> LoadPlan:
    return LoadPlan(server.host, server.port, **values)


def test_more_connections_from_another_thread():
    with TinyServer(silent) as server:
        generator = Generator(plan(server, connections=2))

        def more() -> None:
            server.wait_held(2)
            generator.change(connections=7)
            server.wait_held(5)
            generator.stop()

        changer = threading.Thread(target=more)
        changer.start()
        result = generator.run()
        changer.join()
        assert server.connections == 7
        assert (result.connections, result.clients, result.aborted) == (7, 7, 7)


def test_fewer_connections_abort_what_the_newest_have_in_flight():
    with TinyServer(silent) as server:
        generator = Generator(plan(server, connections=6))
        seen = []

        def on_tick(progress) -> None:
            seen.append(progress.connections)
            if progress.connections == 6 and server.requests == 6:
                generator.change(connections=2)
            elif progress.connections == 2:
                assert progress.never_served == 2
                generator.stop()

        result = generator.run(on_tick)
        assert (seen[0], seen[-1]) == (6, 2)
        assert (result.connections, result.clients, result.never_served) == (2, 2, 2)
        assert result.aborted == 6  # four when their clients went, two at the end
        assert result.errors == {}


def test_in_an_open_loop_clients_that_wait_for_work_can_go_and_come():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=8, rate=200, requests=60))
        steps = iter([3, 12, 1])

        def on_tick(progress) -> None:
            generator.change(connections=next(steps, 5))

        result = generator.run(on_tick)
        assert (result.requests + result.aborted, result.errors, result.not_sent) == (60, {}, 0)
        assert server.requests >= result.requests


def test_keep_alive_to_close_and_back():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=2))
        seen = {}

        def on_tick(progress) -> None:
            if not seen:
                seen["kept"] = progress
                generator.change(keep_alive=False)
            elif not progress.keep_alive and progress.connects > 20:
                seen["closed"] = progress
                generator.change(keep_alive=True)
            elif progress.keep_alive and "closed" in seen:
                again = seen.setdefault("kept again", progress)
                if progress.requests > again.requests + 50:
                    seen["last"] = progress
                    generator.stop()

        result = generator.run(on_tick)
        assert seen["kept"].connects == 2
        assert seen["last"].connects == seen["kept again"].connects
        assert result.connects - 2 <= server.connections <= result.connects  # the last two may not be accepted yet
        assert any(b"Connection: close" in head for head in server.heads)
        assert b"Connection: close" not in server.heads[-1]


def test_to_close_ends_the_connections_that_are_idle():
    ended = threading.Event()

    def script(talk: Talk) -> None:
        always(OK)(talk)
        ended.set()

    with TinyServer(script) as server:
        generator = Generator(plan(server, connections=1, rate=0.001, duration=PATIENCE_S))

        def on_tick(progress) -> None:
            if progress.requests and progress.keep_alive:
                generator.change(keep_alive=False)
            elif ended.is_set():
                generator.stop()

        assert generator.run(on_tick).ended is Ending.INTERRUPTED


def test_clients_that_were_taken_away_get_no_request_any_more():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=8, rate=400))
        seen = {}

        def on_tick(progress) -> None:
            if progress.connections == 8 and progress.connects == 8:
                generator.change(connections=2)
            elif progress.connections == 2:
                fewer = seen.setdefault("fewer", progress)
                if progress.requests > fewer.requests + 40:
                    generator.stop()

        assert generator.run(on_tick).connects == 8


def test_closed_to_open_to_closed():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=4))
        seen = {}

        def on_tick(progress) -> None:
            if progress.rate is None and "open" not in seen:
                generator.change(rate=100)
            elif progress.rate == 100:
                begin = seen.setdefault("open", progress)
                if progress.requests >= begin.requests + 20:
                    # So many in so long: that is the plan's pace and not the server's, which is far quicker.
                    seen["took"] = progress.at - begin.at
                    generator.change(rate=None)
            elif "took" in seen and progress.requests > seen.setdefault("closed", progress).requests + 200:
                generator.stop()

        result = generator.run(on_tick)
        assert seen["took"] >= 19 / 100 - 0.02
        assert result.loop is Loop.CLOSED
        assert result.errors == {}
        assert result.from_plan.count < result.from_send.count  # none while the loop was closed


def test_a_higher_rate_wakes_a_generator_that_waits_for_long():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=2, rate=0.001, requests=20))
        result = generator.run(lambda progress: generator.change(rate=1000) if progress.rate == 0.001 else None)
        assert result.requests == 20


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"connections": 0}, "connections must be a whole number from 1 to 20000: connections=0"),
        ({"rate": -1}, "rate must be a number above 0: rate=-1"),
        ({"keep_alive": "no"}, "keep_alive must be true or false: keep_alive='no'"),
        ({"path": "/echo"}, "'path' cannot change while the load runs: connections, rate, keep_alive, host and port"),
        ({"port": 0}, "port must be a whole number from 1 to 65535: port=0"),
        ({"host": "no host"}, "the host 'no host' cannot be found"),
    ],
)
def test_a_change_that_cannot_be_is_refused_where_it_is_asked_for(values: dict, says: str):
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=1, requests=3))
        with pytest.raises(LoadError) as refusal:
            generator.change(**values)
        assert str(refusal.value).startswith(says)
        assert generator.run().requests == 3


def test_after_the_end_orders_are_ignored():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=1, requests=1))
        generator.run()
        generator.change(connections=5)
        generator.stop()
