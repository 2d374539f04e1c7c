"""An architecture's file is found by the names that every command takes, and nothing in it is run."""

import sys
from pathlib import Path

import pytest

from teachserve.architectures import NAMES
from teachserve.diagram.locate import locate, of_file
from teachserve.errors import UnknownArchitecture


@pytest.mark.parametrize("name", NAMES)
def test_ours_by_name_and_as_module_and_class(name: str) -> None:
    file, class_name = locate(name)
    assert f"class {class_name}(Taskmaster)" in Path(file).read_text()
    assert locate(NAMES[name]) == (file, class_name)


def test_a_student_s_module_is_read_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "never_run.py").write_text("raise SystemExit\nclass Mine: pass\n")
    (tmp_path / "shown_here.py").write_text("from never_run import Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("never_run:Mine") == (str(tmp_path / "never_run.py"), "Mine")
    assert locate("shown_here:Mine") == (str(tmp_path / "never_run.py"), "Mine")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("recycle", "did you mean recycling?"),
        ("no_such_module:Mine", "cannot find the file of 'no_such_module'"),
        ("broken_module:Mine", "cannot read "),
        ("good_module:Yours", "good_module has no class 'Yours': it defines Mine"),
        ("gone_module:Mine", "its module no_such_module is not found"),
    ],
)
def test_what_is_not_there_is_said(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    (tmp_path / "broken_module.py").write_text("class Mine(:\n")
    (tmp_path / "good_module.py").write_text("class Mine: pass\n")
    (tmp_path / "gone_module.py").write_text("from no_such_module import Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownArchitecture, match=says.replace("?", r"\?")):
        locate(name)


def test_a_file_is_parsed_once_however_many_classes_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = "".join(f"class Other{number}: pass\n" for number in range(5))
    (tmp_path / "mine.py").write_text(
        f"from teachserve.taskmaster import Taskmaster\n{others}class Mine(Taskmaster): pass"
    )
    parsed = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: parsed.append(path.name) or read(path))
    monkeypatch.setattr("sys.path", [*sys.path])
    assert of_file(str(tmp_path / "mine.py")) == "mine:Mine"
    assert parsed.count("mine.py") == 1
