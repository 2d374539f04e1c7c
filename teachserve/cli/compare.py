"""`teachserve compare`: two servers under the same plan, and who answers each request first."""

import os
import sys

import click

from teachserve.cli.demo import DEFAULT_DELAY
from teachserve.cli.options import Duration, load_options, server_options
from teachserve.cli.stdout import telling
from teachserve.cli.view import View, view_options
from teachserve.errors import TeachserveError
from teachserve.options import OPTIONS


class Switches(click.ParamType):
    """`on`, `off` or two of them with a comma between, as a tuple of bools."""

    name = "on|off"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[bool, ...]:
        """The bools. Fails with a sentence that gives examples."""
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        if set(words) - {"on", "off"}:
            self.fail(f"{value!r} is neither on nor off: give --gil on,off, one for each side")
        return tuple(word == "on" for word in words)


@click.command()
@click.argument("architectures", metavar="ARCH [ARCH]", nargs=-1)
@click.option(
    "--one-after-the-other", "in_turn", is_flag=True, help="Each side alone on the machine, then both on one time axis."
)
@load_options(
    connections=100,
    keep_alive=False,
    clients="Clients of each side at the same time.",
    requests="Requests per second for each side, as planned ahead (open loop).  [default: 500, chosen, not measured]",
)
@click.option(
    "--tie", type=Duration(), default="100us", show_default=True, help="Answers closer than this came at once."
)
@click.option("--gil", type=Switches(), metavar="on,off", help="With a GIL or without; on a free-threaded Python only.")
@click.option(
    "--set", "own", multiple=True, metavar="SIDE:OPTION=VALUE",
    help="An option of one side alone: A, B or its architecture's name. It may be given again.",
)  # fmt: skip
@server_options("arch", "port")
@view_options
def command(view: View, architectures: tuple[str, ...], in_turn: bool, rate: float | None, connections: int,
            keep_alive: bool, tie: float, gil: tuple[bool, ...] | None, own: tuple[str, ...],
            **options: object) -> int:  # fmt: skip
    """Put the same plan of requests on two servers at the same time, and see who answers each of them first.

    \b
    Examples:
      teachserve compare recycling thread-pool
      teachserve compare recycling --standby 2,32 --one-after-the-other
      teachserve compare recycling thread-per-connection -q 1000 -z 20s --headless --json
      teachserve compare recycling --gil on,off                    # on a free-threaded Python
      teachserve compare recycling thread-pool --set thread-pool:threads=4

    Every option of the server may have two values with a comma between, one for each side. --duration is how long the
    plan lasts; on a screen the score stays until you leave. Request i is due at the same moment of one clock on
    both sides, and latency counts from there. An answer is a 200: 503s, errors and what was not answered within 2s after
    the plan are counted on their side. Here --delay is 1ms and --graceful-timeout 2s, where nothing else is said.

    Keys: ? explains the screen, space freezes the view, q quits.
    """  # fmt: skip
    from teachserve.compare.plan import LENGTH_S, RATE, ComparePlan
    from teachserve.compare.sides import sides_of

    if view.look.present:
        raise click.UsageError("--present is for a demo of one server: leave it out")
    view.require_terminal()
    sys.path.insert(0, "")
    try:
        sides = sides_of(architectures, {"delay": DEFAULT_DELAY} | texts(options), own, gil or ())
        rate = RATE if rate is None else rate
        plan = ComparePlan(sides, rate, connections, keep_alive, view.duration_s or LENGTH_S, tie, in_turn)
    except TeachserveError as error:
        raise click.UsageError(str(error)) from None
    return run(plan, view)


def texts(options: dict[str, object]) -> dict[str, str]:
    """Those server options that were given, on the command line or else in the environment, as they were written."""
    found = {
        name: os.environ.get(OPTIONS[name].variable) if value is None else value for name, value in options.items()
    }
    return {name: value for name, value in found.items() if value is not None}


for option in command.params:
    if option.name == "duration":
        option.help = "How long the plan lasts.  [default: 10s; without a screen 5s]"


def run(plan, view: View) -> int:
    """Fork the guard; then, in the child, compare. The exit status."""
    from teachserve.compare.run import Run
    from teachserve.demo.endings import USAGE
    from teachserve.demo.guard import guard

    guarded, endings = guard("comparison", view.takes_terminal)
    compared = Run(plan, guarded, endings)
    if view.headless:
        from teachserve.compare import headless

        ending, report = headless.run(compared, endings, view.json)
        with telling():
            click.echo(report, nl=bool(report))
    else:
        from teachserve.dashboard.run import Display

        until_s = compared.lasts_s if view.picture else None
        ending = Display(guarded, endings, until_s, view.look, view.picture).compare(compared)
    for line in [*([ending.text] if ending.text else []), *([] if ending.status == USAGE else compared.complaints())]:
        print(f"teachserve: {line}", file=sys.stderr)
    return ending.status
