"""The load goes on to another address while it runs: no request is lost by it, and none fails."""

import socket
import threading

import pytest

from teachserve.architectures import NAMES
from teachserve.load import Generator, LoadPlan
from teachserve.load.result import Ending
from teachserve.server import Server
from tests.load.servers import OK, OK_CLOSE, PATIENCE_S, TinyServer, always


def plan(server: TinyServer | Server, **values: object) -> LoadPlan:
    return LoadPlan("127.0.0.1", server.port, duration=PATIENCE_S, **values)


class Moves:
    """Watches a run, moves it once it has got so far, and stops it once it has got as far again at the other address."""

    def __init__(self, generator: Generator, there: TinyServer | Server, enough: int = 100) -> None:
        self._generator = generator
        self._there = there
        self._enough = enough
        self.at_the_move = self.settled = None

    def __call__(self, progress) -> None:
        if self.at_the_move is None and progress.requests >= self._enough:
            self.at_the_move = progress
            self._generator.change(host="127.0.0.1", port=self._there.port)
        elif self.at_the_move and progress.port == self._there.port and not progress.moving:
            self.settled = self.settled or progress
            if progress.requests >= self.settled.requests + self._enough:
                self._generator.stop()


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("arch", NAMES)
def test_a_real_server_can_stop_once_nothing_moves_any_more_and_nothing_was_lost(arch: str, keep_alive: bool):
    with Server(None, arch, port=0, delay="1ms") as here, Server(None, arch, port=0) as there:
        generator = Generator(plan(here, connections=20, keep_alive=keep_alive))
        moves = Moves(generator, there)
        stopper = threading.Thread(target=here.stop)

        def on_tick(progress) -> None:
            moves(progress)
            if moves.settled is progress:
                stopper.start()

        result = generator.run(on_tick)
        stopper.join()
        assert (result.ended, result.errors, result.refused, set(result.statuses)) == (
            Ending.INTERRUPTED, {}, 0, {200},
        )  # fmt: skip
        assert (here.report.clean, here.report.answered_503) == (True, 0)
        assert result.url == f"http://127.0.0.1:{there.port}/yo"


def test_a_request_in_hand_is_finished_where_it_was_sent():
    release = threading.Event()

    def held(talk) -> None:
        while talk.read():
            talk.server.held.release()
            assert release.wait(PATIENCE_S)
            talk.send(OK)

    with TinyServer(held) as here, TinyServer(always(OK)) as there:
        generator = Generator(plan(here, connections=3))
        moving = []

        def on_tick(progress) -> None:
            if here.requests == 3 and not moving:
                generator.change(port=there.port)
            if progress.port == there.port:
                moving.append(progress.moving)
                if progress.moving == 3:
                    release.set()
                elif there.requests >= 10:
                    generator.stop()

        result = generator.run(on_tick)
        assert moving[0] == 3
        assert moving[-1] == 0
        assert (here.requests, here.connections, there.connections) == (3, 3, 3)
        assert b"Host: 127.0.0.1:%d" % there.port in there.heads[0]
        assert result.requests >= 3 + 7  # the last three may be on their way
        assert (result.errors, result.reset, result.refused) == ({}, 0, 0)


def test_a_connection_that_is_idle_is_left_at_once():
    ended = threading.Event()

    def script(talk) -> None:
        always(OK)(talk)
        ended.set()

    with TinyServer(script) as here, TinyServer(always(OK)) as there:
        generator = Generator(plan(here, connections=1, rate=0.001))

        def on_tick(progress) -> None:
            if progress.requests == 1 and progress.port == here.port:
                generator.change(port=there.port)
            elif ended.is_set():
                generator.stop()

        assert generator.run(on_tick).ended is Ending.INTERRUPTED
        assert (here.requests, there.connections) == (1, 0)


def test_a_connect_that_is_not_through_is_begun_anew_at_the_new_address():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, TinyServer(always(OK)) as there:
        port = full.getsockname()[1]  # nobody accepts: the kernel takes one or two, the others' connects wait
        generator = Generator(LoadPlan("127.0.0.1", port, connections=6, duration=PATIENCE_S))

        def on_tick(progress) -> None:
            if progress.port == port:
                generator.change(port=there.port)
            elif progress.moving + there.connections == 6:
                generator.stop()

        result = generator.run(on_tick)
        assert result.ended is Ending.INTERRUPTED
        assert there.connections >= 4
        assert result.errors == {}


def test_clients_that_were_refused_go_on_at_the_new_address():
    with TinyServer(always(OK_CLOSE)) as here, TinyServer(always(OK)) as there:
        generator = Generator(plan(here, connections=4, keep_alive=False))
        seen = {}

        def on_tick(progress) -> None:
            if progress.requests and "stopped" not in seen:
                seen["stopped"] = here.stop_listening()
            elif progress.refused >= 8 and "moved" not in seen:
                seen["moved"] = generator.change(port=there.port)
            elif there.requests >= 20:
                generator.stop()

        result = generator.run(on_tick)
        assert result.refused >= 8
        assert result.requests >= 20


def test_a_host_of_several_addresses_is_tried_until_one_is_found():
    with TinyServer(always(OK)) as here, TinyServer(always(OK)) as there:
        generator = Generator(plan(here, connections=2))
        moves = Moves(generator, there)
        # What a resolver may say of one name: nobody listens on the first.
        with TinyServer(always(OK)) as gone:
            nobody = ("127.0.0.1", gone.port)

        def on_tick(progress) -> None:
            moves(progress)
            if moves.at_the_move is progress:
                (_, ((family, _address), *_)) = generator._orders[-1]
                generator._orders[-1][1].insert(0, (family, nobody))

        result = generator.run(on_tick)
        assert there.connections == 2
        assert (result.errors, result.refused) == ({}, 0)
