"""How a server's threads are shown, the same for `demo` and `watch`: on a screen, as a picture of it, or as a report."""

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teachserve.cli.options import Duration, Size
from teachserve.dashboard.look import Look

if TYPE_CHECKING:
    from teachserve.demo.headless import Telling
    from teachserve.observe.recorder import Recorder

UNATTENDED_S = 5.0
MOST_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class View:
    """What was asked for. `duration_s` None: until the user leaves."""

    headless: bool
    narrate: bool
    json: bool
    look: Look
    picture: Path | None
    duration_s: float | None

    @property
    def takes_terminal(self) -> bool:
        """Whether somebody looks."""
        return not (self.headless or self.narrate or self.picture)

    def telling(self) -> "Telling | None":
        """What is told on stdout; None where there is a screen instead."""
        if not (self.headless or self.narrate):
            return None
        from teachserve.demo.headless import Narration, Report

        return Narration() if self.narrate else Report(self.json)

    @classmethod
    def of(cls, headless: bool, narrate: bool, json: bool, look: Look, picture: Path | None,
           duration: float | None) -> "View":  # fmt: skip
        """Raises: UsageError for options that contradict each other."""
        if narrate and (headless or picture):
            other = "--headless" if headless else "--picture"
            raise click.UsageError(f"--narrate tells what happens as it does: leave {other} out")
        if json and not headless:
            raise click.UsageError("--json is for a run without a screen: add --headless")
        if picture and headless:
            raise click.UsageError("--picture is of the screen: leave --headless out")
        if picture and not picture.resolve().parent.is_dir():
            raise click.UsageError(f"--picture {picture}: there is no folder {picture.parent}")
        if picture:
            _require_file(picture)
        unattended_s = UNATTENDED_S if headless or picture else None
        return cls(headless, narrate, json, look, picture, duration or unattended_s)

    def require_terminal(self, others: str = "--headless or --narrate") -> None:
        """Raises: UsageError where the dashboard needs a terminal and there is none; `others` do without."""
        if self.takes_terminal and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.UsageError(f"the dashboard needs a terminal: run it in one, or add {others}")


def _require_file(picture: Path) -> None:
    """A pipe would hold the end until somebody reads it; a device that takes no more was removed. Raises: UsageError."""
    try:
        special = picture.exists() and not picture.is_file()
    except OSError as error:
        raise click.UsageError(f"--picture {picture} cannot be written: {error.strerror}") from None
    if special:
        raise click.UsageError(f"--picture {picture} is a pipe or a device: name a file")


def view_options(command: Callable[..., int], live: bool = True) -> Callable[..., int]:
    """Decorate a command that takes a `view` with the options that make one. `live`: what is shown goes on by itself."""

    @functools.wraps(command)
    def with_view(headless: bool, json: bool, theme: str | None, ascii_only: bool, no_color: bool, present: bool,
                  picture: Path | None, narrate: bool = False, duration: float | None = None,
                  **others: object) -> int:  # fmt: skip
        look = Look(theme or os.environ.get("TEXTUAL_THEME", "dark"), ascii_only, not no_color, present)
        return command(view=View.of(headless, narrate, json, look, picture, duration), **others)

    when = "after --duration (5s)" if live else "of --at"
    lasting = [
        click.option("--narrate", is_flag=True, help="No screen: tell in sentences what happens, a line each."),
        click.option(
            "-z", "--duration", type=Duration(), help="End after this long.  [default: until you leave; headless 5s]"
        ),
    ]
    options = [
        click.option("--headless", is_flag=True, help=f"No screen: print the model {when}."),
        *(lasting if live else []),
        click.option("--json", is_flag=True, help="With --headless: exactly one JSON object on stdout."),
        click.option(
            "--picture",
            "--screenshot",
            type=click.Path(path_type=Path, dir_okay=False, writable=True),
            metavar="FILE",
            help=f"No terminal: save the screen {when} as SVG.",
        ),
        click.option(
            "--theme",
            type=click.Choice(["dark", "light"]),
            help="T changes it.  [default: dark; env: TEXTUAL_THEME, any theme of Textual's]",
        ),
        click.option("--ascii", "ascii_only", is_flag=True, help="No character beyond ASCII on the screen."),
        click.option("--no-color", is_flag=True, help="Black and white, as with the environment variable NO_COLOR."),
        click.option("--present", is_flag=True, help="Begin in presenter mode: light, four big numbers, one pane."),
    ]
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), with_view)


@dataclass(frozen=True, slots=True)
class Recording:
    """Where the frames are to be recorded."""

    path: Path
    most_bytes: int
    overwrite: bool
    events: bool

    def open(self) -> "Recorder":
        """Make the file. Raises: UsageError where it cannot be written, or is there already."""
        from teachserve.observe.recorder import Recorder
        from teachserve.observe.trace import TraceError

        try:
            return Recorder(self.path, self.most_bytes, self.overwrite, self.events)
        except TraceError as error:
            raise click.UsageError(str(error)) from None


def record_options(command: Callable[..., int]) -> Callable[..., int]:
    """Decorate a command that takes a `recording`, None for none, with the options that make one."""

    @functools.wraps(command)
    def with_recording(record: Path | None, max_size: int | None, overwrite: bool, tables_only: bool,
                       **others: object) -> int:  # fmt: skip
        if record is None and (max_size is not None or overwrite or tables_only):
            raise click.UsageError("--max-size, --overwrite and --tables-only are for a recording: add --record FILE")
        recording = record and Recording(record, max_size or MOST_BYTES, overwrite, not tables_only)
        return command(recording=recording, **others)

    options = [
        click.option(
            "--record",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Record into FILE, which must not exist, for `teachserve replay`: every event, and ten tables a second.",
        ),
        click.option("--max-size", type=Size(), help="Where a recording ends by itself, as 50MB.  [default: 100MB]"),
        click.option("--overwrite", is_flag=True, help="Record even if FILE exists: what is in it is lost."),
        click.option("--tables-only", is_flag=True, help="Record no events: a small file, and no work for the server."),
    ]
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), with_recording)
