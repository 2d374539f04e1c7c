"""The README's pictures show what the program shows of the committed traces."""

from pathlib import Path

import pytest

from teachserve.diagram.check import drawings

from .pictures import DIAGRAMS, SHOTS, Shot, words

README = (DIAGRAMS.parent / "README.md").read_text()


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_a_picture_of_the_readme_is_what_its_command_makes(shot: Shot, tmp_path: Path) -> None:
    shot.take(tmp_path / "again.svg")
    assert words(tmp_path / "again.svg") == words(DIAGRAMS / f"{shot.name}.svg")


def test_the_readme_shows_each_of_them_and_no_other() -> None:
    shown = {part.split(")")[0] for part in README.split("](") if part.startswith("diagrams/") and ".svg)" in part}
    assert {f"diagrams/{shot.name}.svg" for shot in SHOTS} == shown - {f"diagrams/{name}.svg" for name in drawings()}
    assert {file.stem for file in DIAGRAMS.glob("*.svg")} == {shot.name for shot in SHOTS} | drawings().keys()
