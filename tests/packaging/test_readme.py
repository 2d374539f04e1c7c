"""The README is what a new user follows: what it shows must be what there is."""

import re
import sys
from pathlib import Path

import pytest
import requests

from teachserve import Server
from teachserve.applications import find

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_code_block_is_the_recycling_file_itself():
    assert blocks("python")[0] == (ROOT / "teachserve/architectures/recycling.py").read_text()


def test_two_commands_set_everything_up_in_one_line_each():
    demo, tests = blocks("sh")[:2]
    assert demo.count("\n") == tests.count("\n") == 1
    assert demo.startswith("python3 -m venv ") and "teachserve demo" in demo
    assert tests.startswith("python3 -m venv ") and tests.rstrip().endswith("pytest")


def test_ci_runs_the_same_test_command():
    script = (ROOT / ".ci/run").read_text()
    assert "grep -m1 'pytest' README.md" in script
    assert next(line for line in README.splitlines() if "pytest" in line) == blocks("sh")[1].rstrip()


def test_the_python_example_runs(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "")
    exec(compile(blocks("python")[1].replace("port=8080", "port=0"), "README.md", "exec"), {})


def test_the_application_of_your_own_is_served(tmp_path, monkeypatch):
    pytest.importorskip("flask")
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "hello.py").write_text(blocks("python")[2])
    assert "`teachserve serve hello:app --arch recycling`" in README
    with Server(find("hello:app", folder=tmp_path), arch="recycling") as server:
        assert requests.get(server.url, timeout=10).text == "Hello!"
    del sys.modules["hello"]
