"""What a trace puts on a picture is what has happened: held against a run in which every verb was noted."""

from pathlib import Path

import pytest

from teachserve.architectures import NAMES
from teachserve.diagram.annotate import annotate
from teachserve.diagram.completed import completed
from teachserve.diagram.observed import Move
from teachserve.diagram.traffic import Count, Traffic
from teachserve.diagram.views import VIEWS
from teachserve.events import CODES, STATES, State
from teachserve.probe import STREAM, TABLE
from tests.diagram.recordings import record, recorded
from tests.diagram.seen import architecture
from tests.observe.test_trace import write
from tests.observe.world import header, table
from tests.packaging.test_command_line import run

TRACES = Path(__file__).parents[1] / "snapshots" / "traces"
BELOW = 2
"""Edges at most on which tables alone cannot tell a thread of the rooms below from one of the architecture's."""
SILENT = 8
"""Edges at most of the event loop that cannot be told apart: it writes in two places, and select may pass without a word."""


@pytest.mark.parametrize(
    ("name", "options"), [*((name, {}) for name in NAMES), ("event-loop", {"offload": 2})], ids=str
)
@pytest.mark.parametrize("level", [TABLE, STREAM])
def test_a_count_on_an_edge_is_how_often_it_was_gone_along(name, options, level, tmp_path):
    topology, observed = record(name, tmp_path / "run.trace", level, **options)
    told = recorded(tmp_path / "run.trace")
    assert told.sampled is (level == TABLE)
    traffic = Traffic.of(topology, told)
    assert not traffic.unexplained
    certain = 0
    ways = [(role.name, edge) for role in topology.roles for edge in role.edges]
    for role, edge in ways:
        count, exactly = traffic.edge(role, edge), observed.moves.get(Move(role, edge.before, edge.after), 0)
        assert count.times == exactly if count.certain else count.times <= exactly, (role, edge)
        certain += count.certain
    assert len(ways) - certain <= (SILENT if name == "event-loop" else BELOW if level == TABLE else 0)


def test_the_numbers_stand_on_the_life_of_a_connection():
    told = recorded(TRACES / "connections.trace")
    drawing = annotate(VIEWS["life"](architecture("thread-pool"), "thread-pool"), architecture("thread-pool"), told)
    counts = {node.key: node.count for node in drawing.nodes}
    assert counts["acceptor.admit"] == "564 times"
    assert counts["worker.handle"] == "564 times, 20 ms"
    assert counts["worker.close"] == "564 times"
    labels = {(edge.tail, edge.head): edge.label for edge in drawing.edges}
    assert labels["backlog", "acceptor.accept"] == "accept(2)\n564"
    assert labels["worker.read", "worker.close"] == "request is None\n564"
    assert labels["acceptor.admit", "acceptor.accept"] == "not admit(connection)\nanswered 503\n0"
    assert {edge.weight for edge in drawing.edges} == {0.0, 1.0}
    assert "times are medians, from every event" in drawing.legend[-2]


def test_the_numbers_stand_on_the_threads():
    told = recorded(TRACES / "recycling.trace")
    drawing = annotate(VIEWS["threads"](architecture("recycling"), "recycling"), architecture("recycling"), told)
    labels = {(edge.tail, edge.head): edge.label.split("\n")[-1] for edge in drawing.edges if edge.kind != "guard"}
    assert labels == {
        ("clients", "listening socket"): "connect",
        ("queue wanted", "role thread-maker"): "158",
        ("listening socket", "role worker"): "16,292",
        ("role worker", "queue wanted"): "158",
        ("role thread-maker", "role worker"): "158",
        ("role worker", "clients"): "16,292",
        ("role worker", "role worker"): "16,292",
    }
    assert [node.count for node in drawing.nodes if node.key == "role worker"] == ["standby from start, 166 seen"]
    assert "times are means" in drawing.legend[-2]


def test_refusals_are_answers_too(tmp_path):
    flows = [(State.STARTING, State.ENDED, 3), (State.STARTING, State.READING, 4), (State.HANDLING, State.WRITING, 4)]
    told = [[before.code, after.code, times] for before, after, times in flows]
    frames = [header(architecture="thread-per-connection", source_class="ThreadPerConnection"), table(1, flows=told)]
    write(tmp_path / "run.trace", frames)
    topology = architecture("thread-per-connection")
    drawing = annotate(VIEWS["threads"](topology, ""), topology, recorded(tmp_path / "run.trace"))
    [answers] = [edge.label for edge in drawing.edges if edge.kind == "answer"]
    assert answers == "503 if not admit\nanswer\n7"


def test_times_are_those_since_the_first_table(tmp_path):
    def times(spent: int) -> list[int]:
        return [spent if state is State.HANDLING else 0 for state in STATES]

    reading, handling = CODES[State.READING], CODES[State.HANDLING]
    frames = [header(), table(1, flows=[[reading, handling, 10]], times=times(70_000))]
    frames += [table(2, flows=[[reading, handling, 14]], times=times(82_000))]
    write(tmp_path / "run.trace", frames)
    told = recorded(tmp_path / "run.trace")
    assert told.flows == {(State.READING, State.HANDLING): 14}
    assert told.mean_us(frozenset({State.HANDLING})) == 3000


def test_two_servers_of_one_architecture_add_up(tmp_path):
    flows = {"flows": [[CODES[State.READING], CODES[State.HANDLING], 5]]}
    write(tmp_path / "run.trace", [header(), table(1, **flows), header(process=1), table(2, **flows)])
    assert recorded(tmp_path / "run.trace").flows == {(State.READING, State.HANDLING): 10}


@pytest.mark.parametrize("view", ["threads", "life"])
@pytest.mark.parametrize("alien", ["topology.aliens:Alias", "diagram.students:NamesRolesAsItGoes"])
def test_a_picture_may_be_completed_and_annotated(alien, view, tmp_path):
    topology, _ = record(f"tests.{alien}", tmp_path / "run.trace")
    told = recorded(tmp_path / "run.trace")
    drawing = annotate(completed(VIEWS[view](topology, ""), view, topology, told), topology, told)
    assert any(edge.kind == "observed" for edge in drawing.edges)
    assert any("moves fit nothing that is derived" in line for line in drawing.legend)


def test_what_is_at_least_so_much_says_so():
    assert [str(Count(1234)), str(Count(1234, False)), str(Count(0, False)), str(Count(0))] == [
        "1,234",
        "1,234+",
        "",
        "0",
    ]


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--from", "--annotate"])
def test_without_an_architecture_it_is_the_trace_s(option):
    told = run("diagram", option, str(TRACES / "thread-pool.trace"), "--format", "dot", "--view", "life")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith('digraph "thread-pool-life"') or "thread-pool" in told.stdout.splitlines()[0]
    assert ("1,145" in told.stdout) == (option == "--annotate")


MISTAKES = {
    ("--from", "none.trace"): "cannot be read: No such file or directory",
    ("--from", "foreign.trace"): "is not a trace; record one with",
    ("--annotate", "early.trace"): "is cut off at its line 2",
    ("--annotate", "pool.trace", "--arch", "recycling"): "is of thread-pool, not of recycling: leave out --arch",
    ("--annotate", "pool.trace", "--arch", "mine:ThreadPool"): "is of thread-pool, not of mine:ThreadPool",
    ("--annotate", "pool.trace", "--view", "states"): "--annotate tells of threads and life",
    ("--from", "pool.trace", "--view", "stop"): "--from tells of threads, life and states",
    ("--from", "pool.trace", "--sheet"): "--sheet and --from do not go together",
    ("--prove", "--all"): "--all and --prove do not go together",
    ("--prove", "--view", "life"): "--prove and --view do not go together",
}


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_one_line_and_exit_status_2(words, tmp_path):
    pool = (TRACES / "thread-pool.trace").read_bytes()
    (tmp_path / "pool.trace").write_bytes(pool)
    (tmp_path / "early.trace").write_bytes(pool[:600])
    (tmp_path / "foreign.trace").write_text("hello")
    (tmp_path / "mine.py").write_bytes(Path(architecture("thread-pool").file).read_bytes())
    told = run("diagram", *words, cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    [line] = told.stderr.splitlines()
    assert MISTAKES[words] in line


def test_of_a_trace_that_is_cut_off_what_is_whole_is_drawn_and_a_line_says_so(tmp_path):
    pool = (TRACES / "thread-pool.trace").read_bytes()
    (tmp_path / "cut.trace").write_bytes(pool[: len(pool) // 2])
    told = run("diagram", "--annotate", "cut.trace", cwd=tmp_path)
    assert told.returncode == 0
    assert "is cut off at its line" in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert "thread-pool: the threads" in told.stdout


def test_what_is_on_the_picture_is_ascii_where_it_has_to_be():
    told = run("diagram", "--annotate", str(TRACES / "event-loop.trace"), "--view", "life", "--ascii")
    assert told.returncode == 0
    assert told.stdout.isascii()
    assert "2,347 times" in told.stdout
    assert "+: or more" in told.stdout
