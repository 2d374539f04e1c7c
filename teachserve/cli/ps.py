"""`teachserve ps`: the servers that can be watched, a line each."""

import json

import click

from teachserve.cli.stdout import telling
from teachserve.cli.watch import START_ONE
from teachserve.errors import TeachserveError

HEADINGS = ("PID", "ADDRESS", "ARCHITECTURE", "PHASE", "ACCEPTING", "SERVING", "REQUESTS", "ACCEPT QUEUE", "THREADS")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON object on stdout.")
def command(as_json: bool) -> int:
    """List the servers of yours that can be watched, with what their threads do at this moment.

    \b
    Examples:
      teachserve ps
      teachserve ps --json | jq '.servers[].states'

    Exit status: 0, also where there is none.
    """
    from teachserve.observe.link_file import LinkError
    from teachserve.observe.survey import survey

    try:
        found = survey()
    except (LinkError, TeachserveError) as error:
        raise click.UsageError(str(error)) from None
    with telling():
        if as_json:
            click.echo(json.dumps({"servers": [one.to_json() for one in found]}))
        elif not found:
            click.echo(f"no server of yours can be watched: {START_ONE}")
        else:
            click.echo("\n".join(as_text(found)))
    return 0


def as_text(found: list) -> list[str]:
    """A heading, then a line a server; of one that does not answer, why."""
    rows = [HEADINGS, *(_row(one) for one in found)]
    widths = [max(len(row[column]) for row in rows if len(row) == len(HEADINGS)) for column in range(len(HEADINGS) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), *row[len(widths) :]])
        for row in rows
    ]


def _row(one) -> tuple[str, ...]:
    who = (str(one.link_file.process), one.link_file.url, one.link_file.architecture)
    if one.snapshot is None:
        return (*who, f"n/a: {one.unavailable}")
    shown, queue = one.snapshot, one.accept_queue
    states = ", ".join(f"{state.value} {count}" for state, count in shown.states.items() if count)
    return (
        *who,
        shown.phase,
        str(shown.accepting),
        str(shown.serving),
        str(shown.counters["requests"]),
        "n/a" if queue.unavailable else f"{queue.length} of {queue.bound}",
        f"{len(shown.threads)}: {states}" if shown.threads else "0",
    )
