"""PNG and PDF: of an installed `dot`, or one line that says so."""

from pathlib import Path

import pytest

from teachserve.diagram import raster
from teachserve.diagram.layout import DrawingError

from . import drawings


@pytest.fixture
def dot_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def make(script: str) -> None:
        program = tmp_path / "dot"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return make


@pytest.mark.parametrize("form", raster.FORMATS)
def test_without_dot_one_line_says_what_to_do(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrawingError) as refused:
        raster.render(drawings.recycling(), form)
    assert str(refused.value).startswith(f"{form} needs Graphviz's own `dot`")
    assert "install graphviz" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_dot_gets_the_drawing_and_the_form_and_its_bytes_come_back(dot_is) -> None:
    dot_is('printf "%s " "$@"; cat')
    made = raster.render(drawings.recycling(), "png").decode()
    assert "-Tpng" in made.split("digraph")[0]
    assert "dpi=192" in made
    assert "listening socket" in made
    assert "dpi" not in raster.render(drawings.recycling(), "pdf").decode()


def test_what_dot_complains_of_is_told_in_one_line(dot_is) -> None:
    dot_is('cat >/dev/null; echo "no font" >&2; echo "at all" >&2; exit 3')
    with pytest.raises(DrawingError, match="cannot make pdf: no font at all") as refused:
        raster.render(drawings.recycling(), "pdf")
    assert "\n" not in str(refused.value)
