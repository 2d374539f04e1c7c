"""Where link files lie: in a directory that is the user's alone, or nowhere."""

import itertools
import os
import stat
from pathlib import Path

import pytest

from teachserve.errors import TeachserveError
from teachserve.publish.link_file import socket_path
from teachserve.publish.runtime_directory import new_link_file, runtime_directory


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, with no XDG_RUNTIME_DIR beside it; and what is made of it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / f"teachserve-{os.getuid()}"


def test_a_runtime_directory_that_is_private_is_used(temporary, tmp_path, monkeypatch):
    given = tmp_path / "run"
    given.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(given))
    assert runtime_directory() == given / "teachserve"
    assert stat.S_IMODE((given / "teachserve").stat().st_mode) == 0o700
    assert not temporary.exists()


@pytest.mark.parametrize("given", ["", "missing", "run", "relative"])
def test_without_one_it_is_a_private_directory_in_the_temporary_folder(temporary, tmp_path, monkeypatch, given):
    """Not set; not there; open to others; and not absolute, which the specification tells us to ignore."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "relative").mkdir(mode=0o700)
    monkeypatch.chdir(tmp_path)
    value = given if given in ("", "relative") else str(tmp_path / given)
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert runtime_directory() == temporary
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o700
    assert runtime_directory() == temporary, "it is there now, and good for a second time"


def test_one_that_is_open_to_others_is_refused(temporary):
    temporary.mkdir()
    temporary.chmod(0o710)
    with pytest.raises(TeachserveError, match=r"is open to others \(mode 0710\): a link there is not safe; remove it"):
        runtime_directory()


def test_one_of_another_user_is_refused(temporary, monkeypatch):
    runtime_directory()
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    temporary.rename(temporary.with_name(f"teachserve-{owner + 1}"))
    with pytest.raises(TeachserveError, match=rf"belongs to another user \({owner}\)"):
        runtime_directory()


def test_a_link_to_a_directory_is_refused_for_it_can_be_turned_elsewhere(temporary, tmp_path):
    (tmp_path / "mine").mkdir(mode=0o700)
    temporary.symlink_to(tmp_path / "mine")
    with pytest.raises(TeachserveError, match="is no directory"):
        runtime_directory()


def test_a_file_in_its_place_is_named(temporary):
    temporary.touch()
    with pytest.raises(TeachserveError, match=f"cannot make the directory {temporary}: File exists"):
        runtime_directory()


def test_what_a_process_of_our_number_left_is_removed(temporary, monkeypatch):
    monkeypatch.setattr("teachserve.publish.runtime_directory._numbers", itertools.count(1))
    file = new_link_file()
    assert file.name == f"{os.getpid()}.link"
    assert file.parent == temporary
    file.touch()
    socket_path(file).touch()
    monkeypatch.setattr("teachserve.publish.runtime_directory._numbers", itertools.count(1))
    assert new_link_file() == file
    assert list(temporary.iterdir()) == []


def test_what_cannot_be_removed_from_the_place_of_a_link_is_said(temporary, monkeypatch):
    monkeypatch.setattr("teachserve.publish.runtime_directory._numbers", itertools.count(1))
    (runtime_directory() / f"{os.getpid()}.link").mkdir()
    with pytest.raises(TeachserveError, match=rf"cannot make the link {temporary}/{os.getpid()}\.link: "):
        new_link_file()


def test_a_second_server_of_one_process_takes_nothing_from_the_first(temporary, monkeypatch):
    monkeypatch.setattr("teachserve.publish.runtime_directory._numbers", itertools.count(1))
    first = new_link_file()
    first.touch()
    second = new_link_file()
    assert (first.exists(), second.name) == (True, f"{os.getpid()}-2.link")
