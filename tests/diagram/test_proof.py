"""The proof: what the threads do is derived, what is derived they do; and a graph that lies is found out."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from teachserve.architectures import NAMES, find
from teachserve.diagram import scenarios, stage, views
from teachserve.diagram.observed import Observed
from teachserve.diagram.prove import REASONS, Proof, Way, prove
from teachserve.topology.topology import Edge, Topology
from tests.diagram.seen import architecture
from tests.packaging.test_command_line import run
from tests.topology import aliens


@pytest.fixture
def impatient(monkeypatch):
    """A hang is one after a second."""
    for room in scenarios, stage:
        monkeypatch.setattr(room, "PATIENCE_S", 1.0)


def of(name: str) -> Topology:
    return views.read(name)


def changed(topology: Topology, role: str, change) -> Topology:
    """The topology with other edges in one role."""
    roles = tuple(
        replace(one, edges=tuple(change(list(one.edges)))) if one.name == role else one for one in topology.roles
    )
    return replace(topology, roles=roles)


def without(role: str, before: str, after: str, topology: Topology) -> Topology:
    """The topology without the edge between the first two steps of these verbs."""
    steps = {step.index: step.verb for step in topology.role(role).steps}
    kept = [edge for edge in topology.role(role).edges if (steps[edge.before], steps[edge.after]) != (before, after)]
    assert len(kept) == len(topology.role(role).edges) - 1
    return changed(topology, role, lambda edges: kept)


def troubles(proof: Proof) -> list[str]:
    return [line for line in proof.lines() if line.startswith(("seen, but", "derived, but", "has a reason"))]


@pytest.mark.parametrize("name", NAMES)
def test_of_the_five_all_that_is_seen_is_derived_and_all_that_is_derived_is_seen(name):
    proof = prove(name)
    assert proof.complete, proof.lines()
    assert not proof.unseen and not proof.underived and not proof.failures
    assert proof.lines()[-1].startswith(f"{proof.topology.name}: proved; ")


def test_no_reason_is_given_for_what_is_seen():
    assert not REASONS, "each is to be held against a proof here"


@pytest.mark.parametrize("alien", [aliens.Desk, aliens.PoliteDesk, aliens.WithHelpers, aliens.TwoQueues])
def test_aliens_are_proved_too(alien):
    proof = prove(f"tests.topology.aliens:{alien.__name__}")
    assert proof.complete, proof.lines()


# ---- a lie is found ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role", "before", "after"),
    [
        ("single-thread", "worker", "write", "read"),
        ("thread-per-connection", "worker", "admit", "end"),
        ("thread-pool", "acceptor", "admit", "accept"),
        ("recycling", "worker", "short_of_acceptors", "hand_over"),
        ("recycling", "thread-maker", "take", "end"),
        ("event-loop", "loop", "read", "hand_over"),
    ],
)
def test_an_edge_that_is_left_out_is_seen(name, role, before, after):
    proof = prove(name, without(role, before, after, of(name)))
    assert not proof.complete
    [move] = proof.underived
    steps = proof.topology.role(role).steps
    assert (move.role, steps[move.before].verb, steps[move.after].verb) == (role, before, after)
    assert troubles(proof)[0].startswith(f"seen, but not derived: {role}: {before}")


def test_an_edge_too_many_is_never_seen():
    topology = changed(of("single-thread"), "worker", lambda edges: [*edges, Edge(3, 1, "never")])
    proof = prove("single-thread", topology)
    assert not proof.complete
    assert troubles(proof) == ["derived, but never seen: worker: handle -> accept"]
    [row] = [line for line in proof.lines() if line.startswith("worker: handle -> accept")]
    assert row.split()[-3:] == ["never", "if", "never"]


def test_an_edge_too_many_that_has_its_reason_is_no_lie():
    topology = changed(of("single-thread"), "worker", lambda edges: [*edges, Edge(3, 1, "never")])
    proof = prove("single-thread", topology, {Way("worker", "handle", "accept"): "It was put there by a test."})
    assert proof.complete
    assert "never seen, and why: worker: handle -> accept: It was put there by a test." in proof.lines()
    assert "1 with a reason" in proof.lines()[-1]


def test_a_reason_for_what_is_seen_is_one_too_many():
    proof = prove("single-thread", reasons={Way("worker", "write", "read"): "Nobody keeps a connection."})
    assert not proof.complete
    assert troubles(proof) == ["has a reason, but was seen or is not derived: worker: write -> read"]


def test_a_text_that_is_not_the_one_that_runs_is_found_out(tmp_path):
    """Two lines of it are swapped, as in a picture that nobody has drawn anew."""
    file = Path(of("thread-per-connection").file)
    text = file.read_text()
    swapped = text.replace(
        "self.wait_for_place()\n            self.serve(connection)",
        "self.serve(connection)\n            self.wait_for_place()",
    )
    assert swapped != text
    (tmp_path / file.name).write_text(swapped)
    proof = prove("thread-per-connection", Topology.read(str(tmp_path / file.name), "ThreadPerConnection"))
    assert not proof.complete
    assert proof.underived


# ---- what a student writes -----------------------------------------------------------------------------------------


def test_a_verb_behind_an_alias_is_seen_with_its_line_and_said_to_be_underived():
    proof = prove("tests.topology.aliens:Alias")
    line = next(n for n, text in enumerate(Path(aliens.__file__).read_text().splitlines(), 1) if "go()" in text)
    told = troubles(proof)
    assert not proof.complete
    where = f"accept in line {line} of tests/topology/aliens.py"
    assert any(one.startswith(f"seen, but not derived: worker: begin -> {where}") for one in told)
    assert any("accept is passed on instead of called" in one for one in proof.lines())


def test_what_a_bug_makes_unreachable_is_never_seen(impatient):
    proof = prove("tests.topology.aliens:Forgetful")
    assert not proof.underived
    assert not proof.complete
    assert troubles(proof)[0] == "derived, but never seen: worker: take outbox -> read"
    assert proof.failures == ("Forgetful: a client is not answered in 1 s",)


def own(name: str) -> Proof:
    return prove(f"tests.diagram.students:{name}")


IMPATIENTLY = """
import sys
from teachserve.cli import main
from teachserve.diagram import prove, scenarios, stage
scenarios.PATIENCE_S = stage.PATIENCE_S = 0.3
prove.SCENARIO_S = 4.0
sys.argv = ["teachserve", "diagram", "--prove", "--arch", sys.argv[1]]
main()
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Blocks", "Blocks: a thread does not come back to a verb: File "),
        ("NeverStarts", "NeverStarts: it does not come to an end in 4 s: line "),
        ("CannotStart", "CannotStart: it cannot be run: KeyError: 'no\\nworkers'"),
        ("GoesOn", "GoesOn: a thread does not come back to a verb"),
    ],
)
def test_what_hangs_is_said_in_one_line_and_ends_with_1(name, words):
    command = [sys.executable, "-c", IMPATIENTLY, f"tests.diagram.students:{name}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (told.returncode, told.stderr) == (1, "")
    failure, verdict = told.stdout.splitlines()[-2:]
    assert failure.startswith(words)
    assert verdict.startswith(f"{name}: not proved; ")


def test_of_what_was_never_run_only_the_reason_is_told():
    found = architecture("tests.topology.aliens:Alias")
    *unknown, failure, verdict = Proof(found, Observed(), {}, ("Alias: it cannot be run",)).lines()
    assert unknown and all(line.startswith("could not be derived: ") for line in unknown)
    assert (failure, verdict) == (
        "Alias: it cannot be run", "Alias: not proved; 7 edges, 7 never seen; 0 moves, 0 not derived",
    )  # fmt: skip


@pytest.mark.parametrize(("name", "status"), [("recycling", 0), ("tests.topology.aliens:Alias", 1)])
def test_the_exit_status_says_whether_it_is_proved(name, status):
    told = run("diagram", "--prove", "--arch", name)
    assert (told.returncode, told.stderr) == (status, "")
    assert told.stdout.splitlines()[-1].split(";")[0].endswith("not proved" if status else "proved")


def test_an_interpreter_that_keeps_no_columns_tells_calls_by_their_lines():
    told = run("diagram", "--prove", "--arch", "event-loop", env={**os.environ, "PYTHONNODEBUGRANGES": "1"})
    assert (told.returncode, told.stderr) == (0, "")


def test_a_module_that_cannot_be_imported_is_a_mistake(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from teachserve.taskmaster import Taskmaster\nclass Mine(Taskmaster):\n    pass\nno_name\n"
    )
    told = run("diagram", "--prove", "--arch", "mine:Mine", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    [line] = told.stderr.splitlines()
    assert line.startswith("teachserve: cannot import mine:Mine: NameError: name 'no_name' is not defined, at ")


def test_control_c_ends_it_at_once():
    command = [
        sys.executable,
        "-u",
        "-m",
        "teachserve",
        "diagram",
        "--prove",
        "--arch",
        "tests.diagram.students:NeverStarts",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as proving:
        assert proving.stdout.readline() == "it starts\n"
        proving.send_signal(signal.SIGINT)
        assert "".join(proving.communicate(timeout=30)).split() == []
        assert proving.returncode == 130


def test_a_thread_that_breaks_is_said_with_its_place(impatient):
    proof = own("Breaks")
    assert not proof.complete
    assert not proof.underived
    [failure] = proof.failures
    assert failure.startswith("Breaks: a worker broke after read: AttributeError in line ")
    assert failure.endswith(" of tests/diagram/students.py")


def test_what_breaks_within_a_verb_is_said_with_the_line_that_called_it(impatient):
    [failure] = own("TakesNone").failures
    assert failure.startswith("TakesNone: a worker broke after take connections: AttributeError in line ")
    assert failure.endswith(" of tests/diagram/students.py")


def test_a_thread_that_ends_by_raising_as_it_is_written_does_as_derived(impatient):
    proof = own("Raises")
    assert not proof.underived
    assert not proof.unseen
    assert not proof.failures


def test_a_thread_that_is_not_spawned_and_breaks_is_said(capfd):
    proof = own("MakesThreads")
    [failure] = proof.failures
    assert failure.startswith("MakesThreads: a thread that was not spawned broke: AttributeError: ")
    assert not proof.complete
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("leaving", ["raise SystemExit(0)", "raise BaseException('out')", "import sys; sys.exit()"])
def test_a_module_that_leaves_while_it_is_imported_is_not_proved(leaving, tmp_path):
    text = "from teachserve.taskmaster import Taskmaster\nclass Mine(Taskmaster):\n    accepting_role = 'worker'\n"
    (tmp_path / "mine.py").write_text(f"{text}{leaving}\n")
    told = run("diagram", "--prove", "--arch", "mine:Mine", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    [line] = told.stderr.splitlines()
    assert line.startswith("teachserve: cannot import mine:Mine: ")


def test_two_calls_in_one_line_are_told_apart():
    proof = own("InOneLine")
    assert proof.complete, proof.lines()
    assert Way("worker", "close", "close 2") in {
        Way(*line.partition("  ")[0].replace(" -> ", ": ").split(": ")) for line in proof.lines() if " -> " in line
    }


def test_a_role_that_is_not_derived_is_seen():
    proof = own("NamesRolesAsItGoes")
    assert {move.role for move in proof.underived} == {"worker"}
    assert any(line.startswith("seen, but not derived: worker: read in line ") for line in troubles(proof))


def test_each_variant_fits_the_options_that_the_architecture_uses():
    assert [one["offload"] for one in scenarios.variants(find("event-loop")[1])] == [0, 1, 2]
    assert scenarios.variants(find("single-thread")[1]) == [{}]
