"""`teachserve load`: put load on a server and report requests/s and latency."""

import json
import signal
import sys

import click

from teachserve.errors import OptionError
from teachserve.options import parse_duration


class Duration(click.ParamType):
    """Seconds, as 500ms, 2s, 1m or a bare number."""

    name = "TIME"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Raises: click.BadParameter."""
        try:
            seconds = parse_duration(value)
        except (ValueError, TypeError):
            self.fail(f"{value} is not a duration: give one such as 500ms, 10s, 1m", parameter, context)
        if seconds <= 0:
            self.fail(f"{value}: a duration must be longer than nothing", parameter, context)
        return seconds


def _no_d(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        raise click.UsageError("-d means the duration in wrk and the body in oha; here the duration is -z")


@click.command()
@click.argument("url")
@click.option("-c", "--connections", default=50, show_default=True, type=click.IntRange(1, 20000), metavar="N",
              help="Clients at once.")  # fmt: skip
@click.option("-z", "--duration", type=Duration(), help="How long: 500ms, 10s, 1m.  [default: 10s, or until -n]")
@click.option("-n", "--requests", type=click.IntRange(1), metavar="N", help="How many requests, if not for how long.")
@click.option("-q", "--rate", type=click.FloatRange(0, min_open=True), metavar="R",
              help="Requests/s over all clients: the loop is then open.")  # fmt: skip
@click.option(
    "--keep-alive/--close", default=True, help="Keep connections, or a new one for each request.  [keep-alive]"
)
@click.option("--timeout", default=20.0, type=Duration(), help="For one request.  [default: 20s]")
@click.option("--backoff/--no-backoff", default=True, help="After a 503, wait for Retry-After, or storm on.  [backoff]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, in seconds and bytes.")
@click.option("-d", "wrong", hidden=True, expose_value=False, callback=_no_d)
def command(url: str, connections: int, duration: float | None, requests: int | None, rate: float | None,
            keep_alive: bool, timeout: float, backoff: bool, as_json: bool) -> int:  # fmt: skip
    """Put load on a server: requests/s (200s only), latency, and who was never served.

    \b
    Examples:
      teachserve load http://127.0.0.1:8080/yo -c 100 -z 10s
      teachserve load http://127.0.0.1:8080/yo -c 100 -z 10s --close
      teachserve load http://127.0.0.1:8080/yo -c 100 -z 10s --rate 2000

    Without --rate the loop is closed: each client asks again when it is answered. With it the loop is open: latency is
    then given from the plan as well, which is what a user feels.
    """
    from teachserve.load.generator import Generator
    from teachserve.load.latency import NO_HISTOGRAM, HdrHistogram
    from teachserve.load.plan import LoadPlan, parse_url
    from teachserve.load.summary import as_text, live_line

    if duration is None and requests is None:
        duration = 10.0
    try:
        host, port, path = parse_url(url)
    except (ValueError, OptionError) as error:
        raise click.UsageError(str(error)) from None
    plan = LoadPlan(host, port, path, connections, duration, requests, rate, keep_alive, timeout, backoff)
    generator = Generator(plan)
    told: list[int] = []

    def end(number: int, frame: object) -> None:
        told.append(number)
        generator.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if HdrHistogram is None:
        click.echo(NO_HISTOGRAM, err=True)
    live = sys.stderr.isatty() and not as_json
    until = f" of {duration:g} s" if duration else ""

    def show(_: Generator) -> None:
        click.echo("\r\x1b[K" + live_line(generator.progress(), until), err=True, nl=False)

    try:
        result = generator.run(show if live else None)
    except OSError as error:
        why = error.strerror or str(error)
        raise click.UsageError(f"cannot connect to {plan.url}: {why}; is the server running there?") from None
    finally:
        if live:
            click.echo("\r\x1b[K", err=True, nl=False)
    click.echo(json.dumps(result) if as_json else as_text(result))
    return 128 + told[0] if told else 0
