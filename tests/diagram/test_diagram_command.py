"""`teachserve diagram`: every format, and one clear line for what it cannot do."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from click.testing import CliRunner

from teachserve.architectures import NAMES
from teachserve.cli import diagram
from teachserve.diagram.raster import FORMATS as PIXELS
from teachserve.diagram.views import FORMATS, VIEWS
from tests.diagram.seen import ALIENS
from tests.packaging.test_command_line import run


def draw(*words):
    told = CliRunner().invoke(diagram.command, words, catch_exceptions=False, standalone_mode=False)
    assert told.exception is None
    return told.output


def test_the_words_of_the_options_are_those_of_the_room_below():
    assert tuple(VIEWS) == diagram.VIEWS
    assert set(diagram.FORMATS) == {"text", *FORMATS, *PIXELS}
    assert set(diagram.ENDINGS.values()) <= set(diagram.FORMATS)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [*NAMES, *ALIENS])
def test_every_view_of_every_architecture_is_drawn_in_a_terminal(name, view, monkeypatch):
    monkeypatch.setenv("COLUMNS", "78")
    lines = draw("--arch", name, "--view", view, "--ascii").splitlines()
    assert lines[0].startswith(name)
    assert max(map(len, lines)) <= 78
    assert all(line.isascii() for line in lines)
    assert not [line for line in lines if line.startswith("not drawn")]


def test_svg_dot_mermaid_and_plain_go_to_stdout():
    assert ElementTree.fromstring(draw("--format", "svg")).get("role") == "img"
    assert draw("--format", "dot").startswith("digraph")
    assert draw("--format", "plain").startswith("graph ")
    assert "flowchart" in draw("--format", "mermaid")


def test_a_file_is_what_its_ending_says(tmp_path):
    draw("--arch", "thread-pool", "--view", "life", "-o", str(tmp_path / "pool.svg"))
    assert "<desc" in (tmp_path / "pool.svg").read_text()
    draw("--diff", "thread-pool", "recycling", "-o", str(tmp_path / "two.dot"))
    assert "added" in (tmp_path / "two.dot").read_text()


def test_all_architectures_are_shown_one_below_the_other_in_a_terminal():
    shown = draw("--sheet")
    assert [line for line in shown.splitlines() if line.endswith(": the threads")] == [
        f"{one}: the threads" for one in NAMES
    ]
    assert "recycling/role worker" in draw("--sheet", "--format", "dot")


def test_a_file_of_ones_own_is_read_and_not_run(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from teachserve.taskmaster import Taskmaster\nraise SystemExit('run')\nclass Mine(Taskmaster):\n"
        "    accepting_role = 'worker'\n    def start(self):\n        self.spawn(self.work, role='worker')\n"
        "    def work(self):\n        while one := self.accept():\n            self.serve(one)\n"
    )
    told = run("diagram", "--arch", "mine:Mine", "--format", "dot", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert "mine.py#L7" in told.stdout


def test_a_file_is_as_good_as_its_module(tmp_path):
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "above.py").write_text(
        "from teachserve.taskmaster import Taskmaster\nclass Above(Taskmaster):\n    accepting_role = 'worker'\n"
        "    def start(self):\n        self.spawn(self.work, role='worker')\n"
    )
    (tmp_path / "shelf" / "mine.py").write_text(
        "from above import Above\nclass Mine(Above):\n"
        "    def work(self):\n        while one := self.accept():\n            self.serve(one)\n"
    )
    for words in ["shelf/mine.py"], [str(tmp_path / "shelf" / "mine.py:Mine")]:
        told = run("diagram", "--arch", *words, "--format", "dot", cwd=tmp_path)
        assert (told.returncode, told.stderr) == (0, "")
        assert "mine.py#L3" in told.stdout
    told = run("diagram", "--prove", "--arch", "shelf/mine.py", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_end_of_a_file_may_be_in_capitals(tmp_path):
    draw("-o", str(tmp_path / "threads.SVG"))
    assert "<desc" in (tmp_path / "threads.SVG").read_text()


@pytest.mark.parametrize("words", [("--format", "svg"), ("--all", "--check"), ("--prove", "--arch", "single-thread")])
def test_a_closed_stdout_is_as_one_that_nobody_reads(words):
    command = [sys.executable, "-m", "teachserve", "diagram", *words]
    told = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")


MISTAKES = {
    ("--view", "rooms"): "'rooms' is not one of",
    ("--format", "gif"): "'gif' is not one of",
    ("--arch", "recycle"): "did you mean recycling?",
    ("--arch", "nowhere:Mine"): "cannot find the file of 'nowhere'",
    ("--arch", "broken:Mine"): "cannot read",
    ("--diff", "recycling", "nothing"): "there is no architecture 'nothing'",
    ("-o", "picture.gif"): "end it in .svg, .dot",
    ("-o", "no/such/folder.svg"): "cannot write no/such/folder.svg: No such file or directory",
    ("--format", "png"): "png needs Graphviz's own `dot`",
    ("--sheet", "--arch", "recycling"): "--sheet and --arch do not go together",
    ("--sheet", "--view", "life"): "--sheet shows the threads",
    ("--check",): "--check needs --all",
    ("--all", "--view", "life"): "--all and --view do not go together",
    ("--all", "--check", "--format", "svg"): "--all and --format do not go together",
    ("--prove", "--ascii"): "--prove and --ascii do not go together",
    ("--ascii", "--format", "svg"): "--ascii is for text, not for svg",
    ("--arch", ""): "there is no architecture ''",
    ("--arch", "broken.py"): "cannot read broken.py: invalid syntax (broken.py, line 1)",
    ("--arch", "missing.py"): "cannot read missing.py: [Errno 2] No such file",
    ("--arch", "deep.py"): "cannot read deep.py: what it writes is nested too deep",
    ("--arch", "deep:Mine"): "what it writes is nested too deep",
    ("--arch", "binary:Mine"): "binary.py: source code string cannot contain null bytes",
    ("--arch", "none.py"): "none.py has no taskmaster",
    ("--arch", "none:Mine"): "cannot read Mine in",
    ("--arch", "two.py"): "two.py has 2 taskmasters: name one, as two.py:One",
    ("--arch", "long.py"): "worker is too long for a picture: it calls verbs at 400 places",
    ("--prove", "--arch", "none.py:Mine"): "it is no taskmaster",
    ("--all", "--check", "-o", "empty"): "there is no set of pictures in empty",
    ("--all", "-o", "broken.py"): "cannot write into broken.py",
}


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_one_line_and_exit_status_2(words, tmp_path):
    (tmp_path / "broken.py").write_text("class Mine(:\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "deep.py").write_text(f"x = {'-' * 100_000}1\n")
    (tmp_path / "binary.py").write_bytes(bytes(range(256)))
    (tmp_path / "none.py").write_text("class Mine:\n    pass\n")
    many = "        self.recycle()\n" * 400
    head = "from teachserve.taskmaster import Taskmaster\n"
    (tmp_path / "two.py").write_text(f"{head}class One(Taskmaster):\n    pass\nclass Two(One):\n    pass\n")
    (tmp_path / "long.py").write_text(
        f"{head}class Mine(Taskmaster):\n    def start(self):\n        self.spawn(self.work, role='worker')\n"
        f"    def work(self):\n{many}"
    )
    told = run("diagram", *words, cwd=tmp_path, env={**os.environ, "PATH": "/nowhere"})
    assert (told.returncode, told.stdout) == (2, "")
    [line] = told.stderr.splitlines()
    assert line.startswith("teachserve: ")
    assert MISTAKES[words] in line
