"""What was seen: exactly, with every verb noted; and from a trace, where the source could not be followed."""

from collections import Counter

import pytest

from teachserve.architectures import NAMES, find
from teachserve.conformance import serving
from teachserve.diagram import views
from teachserve.diagram.completed import completed, underived
from teachserve.diagram.observed import Call, Move
from teachserve.diagram.recording import Recording
from teachserve.diagram.views import VIEWS
from teachserve.events import State
from teachserve.observe.trace import TraceError
from tests.diagram.recordings import clients, record, recorded
from tests.diagram.seen import edges
from tests.observe.test_trace import write
from tests.observe.world import header, table

ALIAS = "tests.topology.aliens:Alias"


# ---- exactly -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in NAMES), ("event-loop", {"offload": 2})])
def test_whoever_comes_to_a_step_leaves_it(name, options):
    topology = views.read(name)
    recording = Recording(topology, find(name)[1])
    with serving(recording.recorded, **options) as server:
        clients(server.port)
    observed = recording.observed()
    assert not observed.broke
    for role in topology.roles:
        came, left = Counter(), Counter()
        for move, times in observed.moves.items():
            if move.role == role.name:
                left[move.before] += times
                came[move.after] += times
        assert came[0] == left[len(role.steps) - 1] == 0
        for step in role.steps[1:-1]:
            assert came[step.index] == left[step.index]
        assert left[0] == came[len(role.steps) - 1]


def test_a_thread_that_still_runs_is_seen():
    topology = views.read("single-thread")
    recording = Recording(topology, find("single-thread")[1])
    with serving(recording.recorded) as server:
        clients(server.port)
        seen = recording.observed().moves
        assert seen[Move("worker", 0, 1)] == 1
        assert Move("worker", 1, 5) not in seen
    assert recording.observed().moves[Move("worker", 1, 5)] == 1


def test_the_file_of_an_architecture_is_not_touched_by_its_recording():
    architecture = find("recycling")[1]
    before = dict(vars(architecture))
    recorded_class = Recording(views.read("recycling"), architecture).recorded
    assert (recorded_class.__name__, recorded_class.__module__) == (architecture.__name__, architecture.__module__)
    assert recorded_class.used_options() == architecture.used_options()
    assert dict(vars(architecture)) == before


def test_a_call_behind_another_name_is_no_step(tmp_path):
    topology, observed = record(ALIAS, tmp_path / "run.trace")
    verbs = {spot.verb for move in observed.underived(topology) for spot in move[1:] if isinstance(spot, Call)}
    assert verbs == {"accept"}


# ---- from a trace --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_of_the_five_a_trace_observes_nothing_that_is_not_derived(name, tmp_path):
    topology, _ = record(name, tmp_path / "run.trace")
    told = recorded(tmp_path / "run.trace")
    assert sum(told.moves.values()) > 20
    assert underived(topology, told) == {}
    for view in ("threads", "life", "states"):
        drawing = VIEWS[view](topology, name)
        assert completed(drawing, view, topology, told).edges == drawing.edges


def test_what_an_alias_hides_is_completed_by_what_was_observed(tmp_path):
    topology, _ = record(ALIAS, tmp_path / "run.trace")
    told = recorded(tmp_path / "run.trace")

    def added(view: str) -> list[str]:
        drawing = VIEWS[view](topology, ALIAS)
        assert not edges(drawing, "observed")
        whole = completed(drawing, view, topology, told)
        assert any(line.startswith("dashed: observed, not derived") for line in whole.legend)
        return edges(whole, "observed")

    assert added("life") == [
        "backlog -> worker.accept: accept(2)", "worker.accept -> worker.read", "worker.close -> worker.accept",
        "worker.write -> worker.accept",
    ]  # fmt: skip
    assert added("threads") == ["listening socket -> role worker: accept"]
    assert "accepted -> reading" in added("states")


def test_a_role_that_is_not_derived_is_there_all_the_same(tmp_path):
    name = "tests.diagram.students:NamesRolesAsItGoes"
    topology, _ = record(name, tmp_path / "run.trace")
    told = recorded(tmp_path / "run.trace")
    assert not topology.roles
    threads = completed(VIEWS["threads"](topology, name), "threads", topology, told)
    assert edges(threads, "observed") == ["listening socket -> role worker: accept", "role worker ~> clients: answer"]
    life = completed(VIEWS["life"](topology, name), "life", topology, told)
    assert {"worker.accept -> worker.read", "worker.read -> worker.handle", "worker.handle -> worker.write"} <= {
        *edges(life, "observed")
    }
    assert [node.faint for node in life.nodes if node.group == "worker"] == [True] * 4


def test_the_stop_is_not_completed(tmp_path):
    topology, _ = record("single-thread", tmp_path / "run.trace")
    with pytest.raises(ValueError, match="the view stop"):
        completed(VIEWS["stop"](topology, ""), "stop", topology, recorded(tmp_path / "run.trace"))


def test_tables_alone_tell_the_moves_that_two_of_them_saw_one_apart(tmp_path):
    accepting, accepted, reading = (state.code for state in (State.ACCEPTING, State.ACCEPTED, State.READING))
    rows = [(7, 1, 0, accepting, 4, 0, 0, 0, 0, 0, -1), (7, 1, 0, accepted, 5, 0, 0, 0, 0, 0, -1)]
    rows += [(7, 1, 0, reading, 9, 0, 0, 0, 0, 0, -1)]
    write(tmp_path / "run.trace", [header(), *(table(at, [row]) for at, row in enumerate(rows))])
    told = recorded(tmp_path / "run.trace")
    assert told.sampled
    assert told.moves == {("worker", State.ACCEPTING, State.ACCEPTED): 1}


def test_several_architectures_in_one_trace_are_refused(tmp_path):
    frames = [header(), table(1), header(architecture="thread-pool"), table(2)]
    write(tmp_path / "run.trace", frames)
    with pytest.raises(TraceError, match="holds recycling and thread-pool"):
        recorded(tmp_path / "run.trace")


def test_a_line_that_is_no_frame_is_said(tmp_path):
    write(tmp_path / "run.trace", [header(), table(1), table(2, threads=[[1, 2]])])
    with pytest.raises(TraceError, match="holds a line that is no frame"):
        recorded(tmp_path / "run.trace")
