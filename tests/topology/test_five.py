"""The graphs of the five architectures, line by line; and a change of one line in one of them changes its graph."""

from pathlib import Path

import pytest

from teachserve.diagram.locate import locate
from teachserve.topology.topology import Topology

from .tables import made, table, unknown

SERVE = ["read -> handle [request is not None]", "handle -> write", "write ~> read"]
ROLES = {
    "single-thread": {
        "worker": [
            "begin -> accept",
            "accept -> read [connection is not None]",
            "accept -> end [connection is None]",
            "read ~> accept [request is None]",
            *SERVE,
        ],
    },
    "thread-per-connection": {
        "acceptor": [
            "begin -> accept",
            "accept -> spawn worker [connection is not None]",
            "accept -> end [connection is None]",
            "spawn worker ~> accept",
        ],
        "worker": [
            "begin -> admit",
            "admit -> wait_for_place [admit(connection)]",
            "admit -> end [not admit(connection)]",
            "wait_for_place -> read",
            SERVE[0],
            "read -> end [request is None]",
            *SERVE[1:],
        ],
    },
    "thread-pool": {
        "acceptor": [
            "begin -> accept",
            "accept -> admit [connection is not None]",
            "accept -> end [connection is None]",
            "admit ~> accept [not admit(connection)]",
            "admit -> hand_over connections [admit(connection)]",
            "hand_over connections ~> accept",
        ],
        "worker": [
            "begin -> take connections",
            "take connections -> read [connection is not None]",
            "take connections -> end [connection is None]",
            "read ~> take connections [request is None]",
            *SERVE,
        ],
    },
    "recycling": {
        "thread-maker": [
            "begin -> take wanted",
            "take wanted -> spawn worker [take(wanted) is WORKER_WANTED]",
            "take wanted -> end [take(wanted) is not WORKER_WANTED]",
            "spawn worker ~> take wanted",
        ],
        "worker": [
            "begin -> accept",
            "accept -> short_of_acceptors [connection is not None]",
            "accept -> end [connection is None]",
            "short_of_acceptors -> hand_over wanted [short_of_acceptors()]",
            "short_of_acceptors -> read [not short_of_acceptors()]",
            "hand_over wanted -> read",
            SERVE[0],
            "read -> recycle [request is None]",
            *SERVE[1:],
            "recycle ~> accept [recycle()]",
            "recycle -> end [not recycle()]",
        ],
    },
    "event-loop": {
        "loop": [
            "begin -> select answers",
            "select answers -> accept [ready is not None and ready is listener]",
            "select answers -> take answers [ready is not None and ready is not listener and ready is answers]",
            "select answers -> read [ready is not None and ready is not listener and ready is not answers]",
            "select answers -> end [ready is None]",
            "accept ~> select answers",
            "take answers -> write",
            "write ~> select answers",
            "read ~> select answers [not request]",
            "read -> hand_over requests [request and options.offload]",
            "read -> handle [request and not options.offload]",
            "hand_over requests ~> select answers",
            "handle -> write 2",
            "write 2 ~> select answers",
        ],
        "worker": [
            "begin -> take requests",
            "take requests -> handle [request is not None]",
            "take requests -> end [request is None]",
            "handle -> hand_over answers",
            "hand_over answers ~> take requests",
        ],
    },
}
MADE = {
    "single-thread": {"worker": ["start: 1"]},
    "thread-per-connection": {
        "acceptor": ["start: 1"], "worker": ["acceptor: 1 for each connection [connection is not None]"],
    },
    "thread-pool": {"acceptor": ["start: 1"], "worker": ["start: options.threads"]},
    "recycling": {
        "thread-maker": ["start: 1"],
        "worker": [
            "start: options.standby", "thread-maker: 1 for each take(wanted) [take(wanted) is WORKER_WANTED]",
        ],
    },
    "event-loop": {"loop": ["start: 1"], "worker": ["start: options.offload"]},
}  # fmt: skip
SHARED = {
    "single-thread": ((), ()),
    "thread-per-connection": ((), ()),
    "thread-pool": (("connections",), ("threads",)),
    "recycling": (("wanted",), ("standby",)),
    "event-loop": (("requests", "answers"), ("offload",)),
}


@pytest.mark.parametrize("name", ROLES)
def test_the_graph_is_what_a_person_reads_in_the_source(name: str) -> None:
    found = Topology.read(*locate(name))
    assert {role.name: table(role) for role in found.roles} == ROLES[name]
    assert {role.name: made(role) for role in found.roles} == MADE[name]
    assert (found.queues, found.options) == SHARED[name]
    assert unknown(found) == []
    assert [role.name for role in found.roles if role.accepts] == [found.accepting_role]


@pytest.mark.parametrize("name", ROLES)
def test_every_step_stands_in_the_line_that_it_names(name: str) -> None:
    found = Topology.read(*locate(name))
    text = Path(found.file).read_text().splitlines()
    for role in found.roles:
        assert [step.index for step in role.steps] == [*range(len(role.steps))]
        assert (role.steps[0].verb, role.steps[-1].verb) == ("begin", "end")
        for step in role.steps[1:-1]:
            assert f"self.{step.within or step.verb}(" in text[step.line - 1]
            assert step.shown.startswith(f"{step.verb}(")
            assert step.tells.endswith(".")
            assert step.method == role.method
        assert f"def {role.method}(" in text[role.line - 1]
        for making in role.made:
            assert "self.spawn(" in text[making.line - 1]


CHANGES = {
    "two verbs are swapped": (
        "thread-per-connection",
        ["            self.wait_for_place()\n            self.serve(connection)\n"],
        "            self.serve(connection)\n            self.wait_for_place()\n",
        "worker",
    ),
    "the thread-maker is dropped": (
        "recycling", ['        self.spawn(self.make_workers, role="thread-maker")\n'], "", "thread-maker",
    ),
    "one condition is turned": ("recycling", ["if not self.recycle()"], "if self.recycle()", "worker"),
    "another queue is taken from": (
        "event-loop", ["(request := self.take(self.requests))"], "(request := self.take(self.answers))", "worker",
    ),
    "a limit is no longer asked": (
        "thread-pool",
        ["            if self.admit(connection):                 # else it was answered 503\n    "],
        "",
        "acceptor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_one_line_changes_the_graph(change: str, tmp_path: Path) -> None:
    name, [words], others, role = CHANGES[change]
    file, class_name = locate(name)
    text = Path(file).read_text()
    copy = tmp_path / Path(file).name
    copy.write_text(text)
    before = Topology.read(str(copy), class_name)
    assert text.count(words) == 1
    copy.write_text(text.replace(words, others))
    after = Topology.read(str(copy), class_name)
    tables = [{one.name: table(one) for one in found.roles} for found in (before, after)]
    assert tables[0][role] != tables[1].get(role)
    assert tables[0] == ROLES[name]


def test_serve_is_opened_up_as_taskmaster_writes_it() -> None:
    """The table of what the source of `Taskmaster.serve` says today; whoever changes it changes every picture."""
    [worker] = Topology.read(*locate("single-thread")).roles
    inside = [step for step in worker.steps if step.within]
    assert [step.shown for step in inside] == ["read(connection)", "handle(request)", "write(handle(request))"]
    assert {step.within for step in inside} == {"serve"}
