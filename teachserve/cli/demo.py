"""`teachserve demo`: a server, a load on it, and a dashboard; three processes, gone again when you leave."""

import sys

import click

from teachserve.cli.options import given, server_options
from teachserve.errors import OptionError
from teachserve.options import parse_duration

DEFAULT_DELAY = "1ms"
HEADLESS_S = 5.0


class Duration(click.ParamType):
    """`500ms`, `5s`, `1m`, as seconds."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        try:
            seconds = parse_duration(value)
        except ValueError:
            seconds = 0.0
        if seconds <= 0:
            self.fail(f"{value!r} is no duration: give one such as 500ms, 5s, 1m")
        return seconds


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
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="T changes it.")
def command(
    arch: str,
    connections: int,
    keep_alive: bool,
    rate: float | None,
    headless: bool,
    duration: float | None,
    json_wanted: bool,
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
    if not headless and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the dashboard needs a terminal: run it in one, or add --headless")
    try:
        values = {"delay": DEFAULT_DELAY} | given(options)
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    load = {"path": "/yo", "connections": connections, "keep_alive": keep_alive, "rate": rate}
    return run(arch, values, load, headless, duration, json_wanted, theme == "dark")


def run(arch: str, values: dict[str, object], load: dict[str, object], headless: bool, duration: float | None,
        json_wanted: bool, dark: bool) -> int:  # fmt: skip
    """Fork the guard; then, in the child, run the demo. The exit status."""
    from teachserve.demo.endings import USAGE, Endings
    from teachserve.demo.guard import guard, unblock
    from teachserve.demo.supervisor import Plan, Supervisor

    guarded = guard(screen=not headless)
    endings = Endings()
    endings.take_signals()
    unblock()
    supervisor = Supervisor(Plan(arch, values, load), guarded.folder, guarded.lifeline, endings)
    if headless:
        from teachserve.demo import headless as without_screen

        ending = without_screen.run(supervisor, endings, duration or HEADLESS_S, json_wanted)
    else:
        from teachserve.dashboard import run as on_screen

        ending = on_screen.run(supervisor, endings, duration, dark)
    for line in [*([ending.text] if ending.text else []), *([] if ending.status == USAGE else supervisor.complaints())]:
        print(f"teachserve: {line}", file=sys.stderr)
    return ending.status
