"""What is derived of taskmasters that are none of the project's is right, or says what is missing; and they run."""

from pathlib import Path

import pytest

from teachserve.conformance import Client, get, serving
from teachserve.topology.topology import Topology

from . import aliens
from .tables import made, table, unknown

SERVE = ["read -> handle [request is not None]", "handle -> write", "write ~> read"]


def read(alien: type) -> Topology:
    return Topology.read(aliens.__file__, alien.__name__)


def line_of(words: str) -> int:
    lines = Path(aliens.__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_what_is_inherited_and_what_super_reaches() -> None:
    found = read(aliens.PoliteDesk)
    assert (found.queues, found.accepting_role, unknown(found)) == (("waiting",), "doorman", [])
    clerk, doorman = found.roles
    assert (clerk.name, made(clerk)) == (
        "clerk", ["start: clerks", "clerk: 1 [guest is None and options.offload]"],
    )  # fmt: skip
    assert (doorman.name, doorman.method, doorman.sentence) == ("doorman", "stand_at_the_door", "Lets everybody in.")
    assert table(doorman) == [
        "begin -> accept",
        "accept -> admit [guest is not None]",
        "accept -> end [guest is None]",
        "admit ~> accept [not admit(guest)]",
        "admit -> hand_over waiting [admit(guest)]",
        "hand_over waiting ~> accept",
    ]
    assert [(step.verb, step.method, step.line) for step in doorman.steps[2:4]] == [
        ("admit", "welcome_in", line_of("if self.admit(guest)")),
        ("hand_over", "welcome_in", line_of("self.hand_over(guest, self.waiting)")),
    ]


def test_a_verb_behind_a_helper_and_a_helper_that_calls_itself() -> None:
    found = read(aliens.WithHelpers)
    [worker] = found.roles
    assert unknown(found) == []
    assert table(worker) == [
        "begin -> accept",
        "accept -> read [connection is not None]",
        "accept -> end [connection is None]",
        "read -> close [request is None]",
        "read -> handle [request is not None]",
        "close ~> accept",
        "handle -> write",
        "write ~> read",
    ]
    assert [step.method for step in worker.steps[1:-1]] == ["next_one", "tend", "tend", "answer", "answer"]


def test_a_verb_behind_an_alias_is_said_with_its_line() -> None:
    found = read(aliens.Alias)
    assert unknown(found) == [f"worker {line_of('go = self.accept')}: accept is passed on instead of called"]
    assert not found.roles[0].accepts


def test_two_queues_are_told_apart() -> None:
    found = read(aliens.TwoQueues)
    acceptor, left, right = found.roles
    assert (found.queues, unknown(found)) == (("left", "right"), [])
    assert found.queue_places == ((found.file, line_of("left = Queue()")), (found.file, line_of("right = Queue()")))
    assert table(acceptor) == [
        "begin -> accept",
        "accept -> hand_over left [connection and odd]",
        "accept -> hand_over right [connection and not odd]",
        "accept -> end [not connection]",
        "hand_over left ~> accept",
        "hand_over right ~> accept",
    ]
    assert table(left) == [
        "begin -> take left",
        "take left -> read [connection is not None]",
        "take left -> end [connection is None]",
        "read ~> take left [request is None]",
        *SERVE,
    ]
    assert table(right) == [
        "begin -> take right",
        "take right -> read [connection is not None]",
        "take right -> end [connection is None]",
        SERVE[0],
        "read -> close [request is None]",
        *SERVE[1:],
        "close ~> take right",
    ]


def test_a_queue_that_nobody_takes_from_is_seen_in_the_steps() -> None:
    found = read(aliens.Forgetful)
    steps = [step for role in found.roles for step in role.steps]
    assert unknown(found) == []
    assert {step.queue for step in steps if step.verb == "hand_over"} == {"inbox"}
    assert {step.queue for step in steps if step.verb == "take"} == {"outbox"}


@pytest.mark.parametrize("alien", [aliens.PoliteDesk, aliens.WithHelpers, aliens.Alias, aliens.TwoQueues])
def test_the_aliens_serve(alien: type) -> None:
    with serving(alien) as server:
        for _ in range(2):
            with Client(server.port) as client:
                client.send(get("/yo", "Connection: close"))
                assert client.answer().body == b"Hey!"


def test_the_forgetful_one_starts_and_stops() -> None:
    with serving(aliens.Forgetful) as server:
        assert {record.role for record in server.taskmaster.probe.records.values()} == {"acceptor", "worker"}
