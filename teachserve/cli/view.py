"""How a server's threads are shown, the same for `demo` and `watch`: on a screen, as a picture of it, or as a report."""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from teachserve.cli.options import Duration

UNATTENDED_S = 5.0


@dataclass(frozen=True, slots=True)
class View:
    """What was asked for. `duration_s` None: until the user leaves."""

    headless: bool
    json: bool
    dark: bool
    picture: Path | None
    duration_s: float | None

    @property
    def takes_terminal(self) -> bool:
        """Whether somebody looks."""
        return not (self.headless or self.picture)

    @classmethod
    def of(cls, headless: bool, json: bool, theme: str, picture: Path | None, duration: float | None) -> "View":
        """Raises: UsageError for options that contradict each other."""
        if json and not headless:
            raise click.UsageError("--json is for a run without a screen: add --headless")
        if picture and headless:
            raise click.UsageError("--picture is of the screen: leave --headless out")
        if picture and not picture.resolve().parent.is_dir():
            raise click.UsageError(f"--picture {picture}: there is no folder {picture.parent}")
        return cls(
            headless, json, theme == "dark", picture, duration or (UNATTENDED_S if headless or picture else None)
        )

    def require_terminal(self) -> None:
        """Raises: UsageError where the dashboard needs a terminal and there is none."""
        if self.takes_terminal and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.UsageError("the dashboard needs a terminal: run it in one, or add --headless")


def view_options(command: Callable[..., int]) -> Callable[..., int]:
    """Decorate a command that takes a `view` with the options that make one."""

    @functools.wraps(command)
    def with_view(headless: bool, json: bool, theme: str, picture: Path | None, duration: float | None,
                  **others: object) -> int:  # fmt: skip
        return command(view=View.of(headless, json, theme, picture, duration), **others)

    options = [
        click.option("--headless", is_flag=True, help="No screen: print the final model after --duration."),
        click.option(
            "-z", "--duration", type=Duration(), help="End after this long.  [default: until you leave; headless 5s]"
        ),
        click.option("--json", is_flag=True, help="With --headless: exactly one JSON object on stdout."),
        click.option(
            "--picture",
            type=click.Path(path_type=Path, dir_okay=False, writable=True),
            metavar="FILE",
            help="No terminal: after --duration (5s) save the screen as SVG.",
        ),
        click.option(
            "--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="T changes it."
        ),
    ]
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), with_view)
