"""PNG and PDF: of an installed `dot`, or one line that says so."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from teachserve.diagram import plain, raster
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


INSTALLED = pytest.mark.skipif(
    not shutil.which("dot"), reason="Graphviz's own dot is not installed: no PNG and no PDF is made"
)


@INSTALLED
@pytest.mark.parametrize("drawing", drawings.ALL, ids=lambda make: make.__name__)
def test_an_installed_dot_makes_a_png_as_large_as_the_picture_and_not_blank(drawing) -> None:
    made = raster.render(drawing(), "png")
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    assert made.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", made[16:24])
    laid_out = plain.render(drawing()).split()[2:4]  # inches, without the margin
    assert width > float(laid_out[0]) * raster.DOTS_PER_INCH * 0.8
    assert height > float(laid_out[1]) * raster.DOTS_PER_INCH * 0.8
    assert len(made) > width * height / 100  # a blank ground is a thousandth of it


@INSTALLED
def test_an_installed_dot_makes_a_pdf_of_one_page_whose_nodes_lead_to_their_lines() -> None:
    made = raster.render(drawings.recycling(), "pdf")
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")
    assert b"recycling.py#L28" in made


@INSTALLED
def test_a_png_of_an_installed_dot_goes_to_stdout() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "teachserve", "diagram", "--sheet", "--format", "png"], capture_output=True, timeout=60
    )
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert shown.stdout.startswith(b"\x89PNG")


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
