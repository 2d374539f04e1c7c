"""`teachserve demo`: a server, a load on it, and a dashboard; three processes, gone again when you leave."""

import sys
from pathlib import Path

import click

from teachserve.cli.options import Duration, given, server_options
from teachserve.errors import OptionError

DEFAULT_DELAY = "1ms"
UNATTENDED_S = 5.0


@click.command()
@server_options()
@click.option(
    "-c",
    "--connections",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    metavar="N",
    help="Clients at the same time.",
)
@click.option(
    "--keep-alive/--close",
    default=False,
    show_default="close",
    help="Whether a client keeps its connection, or opens a new one for each request.",
)
@click.option(
    "-q",
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="Requests per second, all clients together, as planned ahead. Without it they ask again at once.",
)
@click.option("--headless", is_flag=True, help="No screen: print the final model after --duration.")
@click.option("-z", "--duration", type=Duration(), help="End after this long.  [default: until you leave; headless 5s]")
@click.option("--json", "json_wanted", is_flag=True, help="With --headless: exactly one JSON object on stdout.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="No terminal: after --duration (5s) save the screen as SVG.",
)
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="T changes it.")
def command(
    arch: str,
    connections: int,
    keep_alive: bool,
    rate: float | None,
    headless: bool,
    duration: float | None,
    json_wanted: bool,
    picture: Path | None,
    theme: str,
    **options: object,
) -> int:
    """Watch an architecture's threads under real load.

    \b
    Examples:
      teachserve demo --arch recycling
      teachserve demo --arch thread-pool --threads 8 --keep-alive
      teachserve demo --arch event-loop --delay 20ms --headless --duration 5s --json

    Here --delay is 1ms, --port any free one and --graceful-timeout 2s, where nothing else is said.

    Keys: ? explains every word on the screen, space freezes the view, + and - change the load, q quits.
    """  # fmt: skip
    if json_wanted and not headless:
        raise click.UsageError("--json is for a run without a screen: add --headless")
    if picture and headless:
        raise click.UsageError("--picture is of the screen: leave --headless out")
    if picture and not picture.resolve().parent.is_dir():
        raise click.UsageError(f"--picture {picture}: there is no folder {picture.parent}")
    if not (headless or picture) and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the dashboard needs a terminal: run it in one, or add --headless")
    try:
        values = {"delay": DEFAULT_DELAY} | given(options)
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    load = {"path": "/yo", "connections": connections, "keep_alive": keep_alive, "rate": rate}
    if headless or picture:
        duration = duration or UNATTENDED_S
    return run(arch, values, load, headless, duration, json_wanted, theme == "dark", picture)


def run(arch: str, values: dict[str, object], load: dict[str, object], headless: bool, duration: float | None,
        json_wanted: bool, dark: bool, picture: Path | None) -> int:  # fmt: skip
    """Fork the guard; then, in the child, run the demo. The exit status."""
    from teachserve.demo.endings import USAGE, Endings
    from teachserve.demo.guard import guard, unblock
    from teachserve.demo.supervisor import Plan, Supervisor

    guarded = guard(screen=not (headless or picture))
    endings = Endings()
    endings.take_signals()
    unblock()
    supervisor = Supervisor(Plan(arch, values, load), guarded.folder, guarded.lifeline, endings)
    if headless:
        from teachserve.demo import headless as without_screen

        ending = without_screen.run(supervisor, endings, duration, json_wanted)
    else:
        from teachserve.dashboard import run as on_screen

        ending = on_screen.run(supervisor, endings, duration, dark, picture)
    for line in [*([ending.text] if ending.text else []), *([] if ending.status == USAGE else supervisor.complaints())]:
        print(f"teachserve: {line}", file=sys.stderr)
    return ending.status
