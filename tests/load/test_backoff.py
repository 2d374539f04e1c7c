"""After a 503 a client does as it is told, unless it was told not to."""

import time

from teachserve.load import Generator, LoadPlan
from tests.load.servers import BUSY, OK, Talk, TinyServer, always


def plan(server: TinyServer, **values: object) -> LoadPlan:
    return LoadPlan(server.host, server.port, **values)


def test_after_a_503_the_client_is_idle_for_the_seconds_of_retry_after():
    arrived = []

    def script(talk: Talk) -> None:
        for answer in (BUSY % 1, OK):
            talk.read()
            arrived.append(time.monotonic())
            talk.send(answer)
        talk.hold()

    with TinyServer(script) as server:
        generator = Generator(plan(server, connections=1, requests=2))
        assert generator.run().statuses == {200: 1, 503: 1}
        assert list(generator.known) == [OK]  # Retry-After may be a date: what it means is worked out each time
        assert arrived[1] - arrived[0] >= 1.0


def test_the_other_clients_go_on_meanwhile():
    def script(talk: Talk) -> None:
        always(BUSY % 3600 if talk.number == 1 else OK)(talk)

    with TinyServer(script) as server:
        generator = Generator(plan(server, connections=3))
        result = generator.run(lambda progress: generator.stop() if progress.requests > 20 else None)
        assert result.statuses[503] == 1
        assert result.requests > 20
        assert (result.clients, result.never_served) == (3, 1)
        assert result.aborted == 2  # a client that is backing off has nothing in flight


def test_without_backoff_it_asks_again_at_once():
    with TinyServer(always(BUSY % 3600)) as server:
        result = Generator(plan(server, connections=3, requests=40, backoff=False)).run()
        assert result.statuses == {503: 40}
        assert server.requests == 40
        assert (result.requests, result.never_served, result.fairness, result.from_send) == (0, 3, None, None)


def test_a_503_without_retry_after_is_asked_again_at_once():
    with TinyServer(always(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as server:
        assert Generator(plan(server, connections=2, requests=30)).run().statuses == {503: 30}


def test_retry_after_on_another_status_means_nothing():
    with TinyServer(always((BUSY % 3600).replace(b"503", b"429"))) as server:
        assert Generator(plan(server, connections=2, requests=30)).run().statuses == {429: 30}


def test_in_an_open_loop_the_client_that_backs_off_gets_no_request():
    """Two clients, one is sent away for an hour: the other gets all that is planned."""

    def script(talk: Talk) -> None:
        always(BUSY % 3600 if talk.number == 1 else OK)(talk)

    with TinyServer(script) as server:
        result = Generator(plan(server, connections=2, requests=30, rate=500)).run()
        assert result.statuses == {200: 29, 503: 1}
