"""An architecture's file holds the lesson and nothing else."""

import ast
from pathlib import Path

import pytest

from teachserve import architectures
from teachserve.architectures import NAMES, find

FOLDER = Path(architectures.__file__).parent
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")
MOST_LINES = 60
FORBIDDEN = {"lock", "threading", "socket", "log", "logger", "logging", "os", "time"}


def offences(source: str) -> list[str]:
    """What does not belong in an architecture's file, a line each."""
    found = [] if len(source.splitlines()) <= MOST_LINES else [f"more than {MOST_LINES} lines"]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found.append(f"imports {node.names[0].name}")
            case ast.ImportFrom(module=module) if module != "teachserve.taskmaster" or node.level:
                found.append(f"imports {module}")
            case ast.With() | ast.AsyncWith() | ast.Try() | ast.TryStar():
                found.append(type(node).__name__.lower())
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in FORBIDDEN:
                found.append(name)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_only_the_lesson(path: Path) -> None:
    assert offences(path.read_text()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_opens_with_the_idea_and_its_source(path: Path) -> None:
    idea = ast.get_docstring(ast.parse(path.read_text()))
    assert idea.splitlines()[0].endswith((".", ","))
    assert "\nSource: " in idea


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("import os", "imports os"),
        ("from teachserve.queues import Tokens", "imports teachserve.queues"),
        ("with self.lock:\n    pass", "with"),
        ("try:\n    pass\nfinally:\n    pass", "try"),
        ("self.lock.acquire()", "lock"),
        ("\n" * 61, "more than 60 lines"),
    ],
)
def test_the_rule_finds_what_does_not_belong(source: str, offence: str) -> None:
    assert offence in offences(source)


def test_every_file_is_registered_and_every_name_has_its_file() -> None:
    assert {Path(find(name)[1].__module__.replace(".", "/")).name for name in NAMES} == {path.stem for path in FILES}
