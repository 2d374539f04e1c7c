"""`teachserve load`: requests for a server, and a summary of how it took them."""

import json
import os
import signal
import sys

import click

from teachserve.cli.options import Duration, load_options
from teachserve.cli.stdout import telling
from teachserve.errors import TeachserveError

DURATION_S = 10.0


def no_d(context: click.Context, param: click.Parameter, value: str | None) -> None:
    """Refuse -d, which has no meaning that everybody expects."""
    if value is not None:
        raise click.UsageError("-d means the duration in wrk and the body in oha, so it is not used here: give -z 10s")


@click.command()
@click.argument("url")
@load_options(
    connections=50,
    keep_alive=True,
    clients="Clients at the same time, each with one request in hand at most.",
    requests="Requests/s over all connections together, as planned ahead (open loop). Without it a client asks "
    "again once it is answered (closed loop).",
)
@click.option("-z", "--duration", type=Duration(), help="How long: 500ms, 10s, 1m.  [default: 10s without -n]")
@click.option("-n", "--requests", type=int, metavar="N", help="How many requests in all.  [default: without limit]")
@click.option(
    "-t",
    "--timeout",
    type=Duration(),
    default="30s",
    show_default=True,
    help="How long a request may take, with its connects, until it is an error.",
)
@click.option(
    "--backoff/--no-backoff",
    default=True,
    show_default="backoff",
    help="Whether a client that gets a 503 is idle for the seconds of its Retry-After.",
)
@click.option("--json", "json_wanted", is_flag=True, help="Exactly one JSON object on stdout; times in seconds.")
@click.option("-d", "d", is_flag=False, flag_value="", hidden=True, expose_value=False, is_eager=True, callback=no_d)
def command(url: str, json_wanted: bool, duration: float | None, requests: int | None, **plan: object) -> int:
    """Put load on a server and report requests/s and latency.

    \b
    Examples:
      teachserve load http://127.0.0.1:8080/yo -c 100 -z 10s --close
      teachserve load http://127.0.0.1:8080/yo -c 100 -q 500 -z 30s
      teachserve load http://127.0.0.1:8080/yo -n 10000 --json

    Only answers with status 200 count as requests/s. With -q the latency is given twice: from the plan, which is what
    a user feels, and from the send, which is what a tool sees that waits for the server before it asks again. Ctrl-C
    ends it early, with the summary so far.

    Exit status: 0, whatever the server answered; 2 if the load cannot be put; 130 or 143 after Ctrl-C or SIGTERM.
    """  # fmt: skip
    if duration is None and requests is None:
        duration = DURATION_S
    try:
        return run(url, json_wanted, plan | {"duration": duration, "requests": requests})
    except TeachserveError as error:
        raise click.UsageError(str(error)) from None


def run(url: str, json_wanted: bool, values: dict[str, object]) -> int:
    """Put the load and print what came of it. The exit status. Raises: LoadError."""
    from teachserve.load.generator import Generator
    from teachserve.load.histogram import NOTICE
    from teachserve.load.live import LiveLine
    from teachserve.load.plan import LoadPlan
    from teachserve.load.summary import result_json, result_text
    from teachserve.load.target import parse_url

    host, port, path = parse_url(url)
    plan = LoadPlan(host, port, path, **values)
    generator = Generator(plan)
    signals = []

    def stop(number: int, frame: object) -> None:
        signals.append(number)
        generator.stop()

    live = LiveLine(sys.stderr, plan) if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else None
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        result = generator.run(live.show if live else None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if live:
            live.erase()
    if NOTICE:
        print(f"teachserve: {NOTICE}", file=sys.stderr)
    with telling():
        print(json.dumps(result_json(result)) if json_wanted else result_text(result))
    return 128 + signals[0] if signals else 0
