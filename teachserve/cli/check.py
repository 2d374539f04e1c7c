"""`teachserve check`: grades a taskmaster, one of ours or a student's, with the conformance suite."""

import logging
import sys

import click

from teachserve.cli.stdout import telling


@click.command()
@click.argument("architecture", metavar="NAME|module:Class")
@click.option("--offload", type=int, default=None, metavar="N", help="Workers that run an event loop's handlers.")
@click.option("--verbose", is_flag=True, help="Show the server's log on stderr as well.")
def command(architecture: str, offload: int | None, verbose: bool) -> int:
    """Grade a taskmaster: requests, refusals, and a stop and an abandon with a thread held at each place.

    \b
    Example:
      teachserve check recycling
      teachserve check mine:Taskmaster          # class Taskmaster in ./mine.py

    Exit status: 0 when every check that fits it is ok, 1 when one failed.
    """
    sys.path.insert(0, "")
    from teachserve import conformance
    from teachserve.errors import TeachserveError
    from teachserve.server import Server

    options = {} if offload is None else {"offload": offload}
    # The checks break things on purpose: what the server logs about that is news to nobody.
    logging.basicConfig(level="INFO" if verbose else "CRITICAL", format="    %(message)s", stream=sys.stderr)
    try:
        Server(None, architecture, **options)
    except TeachserveError as error:
        raise click.UsageError(str(error)) from None
    failed = fitting = 0
    for name in conformance.CHECKS:
        result = conformance.run_one(name, architecture, **options)
        fitting += result.fits
        failed += bool(result.failure)
        if result.failure:
            _tell(f"FAILED  {name}: {result.sentence} But: {result.failure}")
        else:
            _tell(f"{'ok' if result.fits else '-':8}{name}: {result.sentence}")
    unfit = len(conformance.CHECKS) - fitting
    _tell(f"{architecture}: {fitting - failed} ok, {failed} failed, {unfit} do not fit")
    return 1 if failed else 0


def _tell(line: str) -> None:
    with telling():
        click.echo(line)
