"""What can go wrong with a connection, and under which name it is counted."""

import errno
import socket
import threading

import pytest

from teachserve.load import Generator, LoadError, LoadPlan, generator
from teachserve.load.result import Failure
from tests.load.servers import OK, Talk, TinyServer, always


def plan(server: TinyServer, **values: object) -> LoadPlan:
    return LoadPlan(server.host, server.port, **({"connections": 1} | values))


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_kept_connection_that_ends_before_the_answer_is_tried_again_and_counted_as_reset(how: str):
    def script(talk: Talk) -> None:
        talk.read()
        talk.send(OK)
        if talk.number == 1:
            talk.read()  # the second request: hang up on it
            if how == "reset":
                talk.reset()
            return
        always(OK)(talk)

    with TinyServer(script) as server:
        result = Generator(plan(server, requests=5)).run()
        assert (result.requests, result.reset, result.errors) == (5, 1, {})
        assert server.requests == 6  # one of them was sent twice
        assert server.connections == result.connects == 2


def test_an_idle_connection_that_the_server_closes_is_no_error():
    """1. The client is answered. 2. The server closes, while nothing is due for long. 3. The next is on a new one."""
    closed = threading.Event()

    def script(talk: Talk) -> None:
        talk.read()
        talk.send(OK)
        if talk.number == 1:
            talk.sock.close()
            closed.set()
        else:
            talk.hold()

    with TinyServer(script) as server:
        running = Generator(plan(server, rate=0.001, requests=2))

        def hurry(progress) -> None:
            if closed.is_set() and progress.reset and progress.rate == 0.001:
                running.change(rate=1000)

        result = running.run(hurry)
        assert (result.requests, result.reset, result.errors) == (2, 1, {})


SAYS = [
    ("closed", lambda talk: None, Failure.CLOSED),
    ("reset", lambda talk: talk.reset(), Failure.RESET),
    ("cut short", lambda talk: talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHey"), Failure.CUT_SHORT),
    ("cut in the head", lambda talk: talk.send(b"HTTP/1.1 200 OK\r\nCont"), Failure.CUT_SHORT),
    ("cut in a chunk", lambda talk: talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nHey"),
     Failure.CUT_SHORT),
    ("not HTTP", lambda talk: talk.send(b"220 mail.example ESMTP\r\n"), Failure.NOT_HTTP),
]  # fmt: skip


@pytest.mark.parametrize(("says", "kind"), [pytest.param(*case[1:], id=case[0]) for case in SAYS])
def test_a_first_request_that_fails_is_an_error_of_its_kind(says, kind: Failure):
    def script(talk: Talk) -> None:
        talk.read()
        says(talk)

    with TinyServer(script) as server:
        result = Generator(plan(server, requests=1)).run()
        assert result.errors == {kind: 1}
        assert (result.requests, result.reset, result.success_rate) == (0, 0, 0.0)
        assert server.requests == 1


def test_failing_requests_do_not_spin():
    """Each failure is followed by a pause, so that a server that hangs up at once is not asked thousands of times."""

    def script(talk: Talk) -> None:
        talk.read()

    with TinyServer(script) as server:
        result = Generator(plan(server, duration=0.5)).run()
        assert 1 <= result.errors[Failure.CLOSED] <= 6


def test_a_refused_connect_is_counted_and_tried_again_until_somebody_listens():
    def script(talk: Talk) -> None:
        if talk.number == 1:
            talk.read()
            talk.server.stop_listening()
            talk.send(OK.replace(b"200 OK", b"200 OK\r\nConnection: close"))
            return
        always(OK)(talk)

    with TinyServer(script) as server:

        def listen_again(progress) -> None:
            if progress.refused and server.connections == 1 and server._listener.fileno() == -1:
                server.listen()

        result = Generator(plan(server, requests=3)).run(listen_again)
        assert (result.requests, result.errors) == (3, {})
        assert 1 <= result.refused <= 20
        assert server.requests == 3


def test_a_request_that_times_out_while_it_is_tried_again_leaves_no_second_attempt_behind():
    """1. The server is gone. 2. A connect is refused, and the client pauses. 3. Meanwhile its request times out.
    The pause of 2. must not wake it beside that of 3.: it would go on twice as often with each time-out."""

    def script(talk: Talk) -> None:
        talk.read()
        talk.server.stop_listening()
        talk.send(OK.replace(b"200 OK", b"200 OK\r\nConnection: close"))

    with TinyServer(script) as server:
        result = Generator(plan(server, duration=1.2, timeout=0.15)).run()
        assert result.errors[Failure.TIMED_OUT] > 1
        assert 1 < result.refused <= result.elapsed * 10 + 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_where_nothing_listens_it_says_so():
    port = free_port()
    with pytest.raises(LoadError, match=rf"^cannot connect to http://127.0.0.1:{port}/yo: nothing listens"):
        Generator(LoadPlan("127.0.0.1", port, connections=5, duration=5.0)).run()


def test_the_other_addresses_of_a_host_are_tried_first(monkeypatch):
    """As with a localhost that is ::1 first, and a server that listens on 127.0.0.1 only."""
    with TinyServer(always(OK)) as server:
        both = [(socket.AF_INET, ("127.0.0.1", port)) for port in (free_port(), server.port)]
        monkeypatch.setattr(generator, "addresses", lambda host, port: list(both))
        result = Generator(plan(server, connections=5, requests=20)).run()
        assert (result.requests, result.refused, result.errors) == (20, 0, {})
        assert server.connections == 5


def test_connects_that_fail_together_use_up_one_address_only(monkeypatch):
    both = [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET, ("127.0.0.1", 2))]
    monkeypatch.setattr(generator, "addresses", lambda host, port: list(both))
    running = Generator(LoadPlan("several", 1))
    (_, first), (_, second) = both
    assert running.has_other_address(first, errno.ECONNREFUSED)
    assert running.has_other_address(first, errno.ECONNREFUSED)  # another client's, which was under way
    assert running.address == second
    with pytest.raises(LoadError, match=r"127.0.0.1 port 2"):
        running.has_other_address(second, errno.ECONNREFUSED)
    with pytest.raises(LoadError):
        running.run()


def test_a_host_that_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect_ex", lambda self, address: errno.ENETUNREACH)
    with pytest.raises(LoadError, match=r"127.0.0.1 port 9: Network is unreachable; check the address"):
        Generator(LoadPlan("127.0.0.1", 9, duration=5.0)).run()


def test_without_a_free_local_port_requests_fail_and_the_run_goes_on(monkeypatch):
    """As after tens of thousands of connections in a minute. Here: from the second connect on."""
    connect = socket.socket.connect_ex
    monkeypatch.setattr(
        socket.socket,
        "connect_ex",
        lambda self, to: connect(self, to) if not server.connections else errno.EADDRNOTAVAIL,
    )

    def script(talk: Talk) -> None:
        talk.read()
        talk.send(OK)

    with TinyServer(script) as server:
        result = Generator(plan(server, requests=3, keep_alive=False)).run()
        assert (result.requests, result.errors) == (1, {Failure.NO_PORT: 2})
