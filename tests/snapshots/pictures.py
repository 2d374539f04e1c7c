"""The README's pictures, made anew from recorded traces: python -m tests.snapshots.pictures."""

import html
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.snapshots.screens import FOLDER

DIAGRAMS = FOLDER.parents[1] / "diagrams"


class Shot(NamedTuple):
    """A picture: its file's name, the trace and the moment in it, the view, the size of the terminal."""

    name: str
    trace: str
    at: str
    view: str
    size: str

    def take(self, file: Path) -> None:
        """Make it, with the command that the README names."""
        trace = FOLDER / "traces" / f"{self.trace}.trace"
        command = [
            "replay",
            str(trace),
            "--at",
            self.at,
            "--view",
            self.view,
            "--size",
            self.size,
            "--picture",
            str(file),
        ]
        subprocess.run([sys.executable, "-m", "teachserve", *command], check=True)


SHOTS = (
    Shot("recycling", "recycling", "2.5s", "places", "100x28"),
    Shot("thread-per-connection", "thread-per-connection", "2.5s", "places", "100x28"),
    Shot("lanes", "lanes", "11s", "lanes", "100x24"),
    Shot("threads", "thread-pool", "2.5s", "threads", "100x28"),
)


def words(file: Path) -> str:
    """The text of an SVG, without what another version of the library that draws it may do otherwise."""
    return " ".join(html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", file.read_text()))).split())


def main() -> None:
    """Make all of them anew."""
    for shot in SHOTS:
        shot.take(DIAGRAMS / f"{shot.name}.svg")


if __name__ == "__main__":
    main()
