"""`teachserve where`: where one thread is, in its own words, in Python and in the kernel."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teachserve.cli.stdout import telling
from teachserve.cli.watch import Named, find
from teachserve.events import MEANING

if TYPE_CHECKING:
    from teachserve.observe.address import Address


@click.command()
@click.argument("thread", metavar="THREAD")
@click.argument("server", metavar="[ADDRESS]", type=Named(), required=False)
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON object on stdout.")
def command(thread: str, server: "int | Address | None", as_json: bool) -> int:
    """Say where a thread of a running server is: worker-3, or 3. ADDRESS is its PID, or host:port; without it: the only one.

    \b
    Examples:
      teachserve where worker-3
      teachserve where 3 1234 --json
      teachserve where worker-3 :8080

    Its state and since when, its client, the Python line it stands on, and the system call in which the kernel has it. The
    three are asked one after the other, within some milliseconds: of a thread that runs they may tell different moments.

    Exit status: 0; 2 where there is no such thread or server.
    """
    from teachserve.observe.link_file import LinkError
    from teachserve.observe.whereabouts import Whereabouts

    link_file = find(server, f"teachserve where {thread}")
    try:
        found = Whereabouts.find(link_file, thread)
    except LinkError as error:
        raise click.UsageError(str(error)) from None
    with telling():
        click.echo(json.dumps(found.to_json()) if as_json else "\n".join(as_text(found)))
    return 0


def as_text(found) -> list[str]:
    """The thread in some ten lines, the line that it stands on last."""
    from teachserve.demo.wording import duration, printable
    from teachserve.observe.snapshot import NO_STACK

    thread, inspection, header = found.thread, found.inspection, found.header
    spent = "since before anybody watched" if found.spent_s is None else f"for {duration(found.spent_s)}"
    waits = f", {thread.queue!r}" if thread.queue else ""
    client = f" from {inspection.peer}" if inspection.peer else ""
    stack = [f"{Path(frame.file).name}:{frame.line}" for frame in inspection.stack]
    places, functions = (max(map(len, words), default=0) for words in (stack, [f.function for f in inspection.stack]))
    return [
        f"{thread.name} (TID {thread.native}) of {header.architecture}, process {header.process}",
        f"  state       {thread.state.value}, {spent}: {MEANING[thread.state]}{waits}",
        f"  connection  {f'{inspection.connection}{client}' if inspection.connection else 'none'}",
        f"  kernel      {_kernel(found)}",
        "  Python      the line it stands on is the last"
        if stack
        else f"  Python      n/a: {'the thread is in no Python code' if header.gil else NO_STACK}",
        *(
            f"    {place:<{places}}  {frame.function:<{functions}}  {printable(frame.source)}".rstrip()
            for place, frame in zip(stack, inspection.stack, strict=True)
        ),
    ]


def _kernel(found) -> str:
    seen = found.sighting
    if seen is None:
        return f"n/a: {found.no_word}"
    call = "" if seen.call is None else f" {seen.call}" + ("" if seen.descriptor is None else f"({seen.descriptor})")
    asleep = "" if seen.wchan in ("", "0") else f" in {seen.wchan}"
    return f"{seen.verdict.value}:{call or ' no call'}{asleep}" + (f"; {seen.reason}" if seen.reason else "")
