"""`teachserve watch`: the dashboard on a server that runs already, and runs on when you leave."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teachserve.cli.view import Recording, View, record_options, view_options
from teachserve.errors import TeachserveError

if TYPE_CHECKING:
    from teachserve.observe.address import Address

START_ONE = "start one with: teachserve serve --watch"


class Named(click.ParamType):
    """`1234`, a PID; `:8080`, `host:8080`, `http://host:8080/yo`, an Address."""

    name = "ADDRESS"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> "int | Address":
        """Fails with a sentence that gives examples."""
        from teachserve.observe.address import Address

        text = str(value)
        if text.isascii() and text.isdigit():
            return int(text)
        try:
            return Address.parse(text)
        except ValueError:
            self.fail(f"{text!r} is no PID and no address: give one such as 1234, :8080, 127.0.0.1:8080")


@click.command()
@click.argument("server", metavar="[ADDRESS]", type=Named(), required=False)
@view_options
@record_options
def command(view: View, recording: Recording | None, server: "int | Address | None") -> int:
    """Watch the threads of a running server. ADDRESS is its PID, or host:port; without it: the only one that runs.

    \b
    Examples:
      teachserve serve --watch --arch recycling      # in one terminal
      teachserve watch                               # in another
      teachserve watch 1234 --headless --duration 5s --json
      teachserve watch :8080 --record run.trace      # or 127.0.0.1:8080, or http://127.0.0.1:8080/yo

    q leaves, and the server runs on; X stops it softly. Requests/s are the server's own count; latency is n/a, for no
    load generator of ours measures it. On a Linux that restricts ptrace (Yama) what the kernel says is n/a too.

    A watch of host:port waits, when its server is gone, for the next one there, and shows that; a watch of a PID ends with it.

    Exit status: 0 when you leave; 2 where there is no such server; 3 if the server dies while you watch without a screen.
    """  # fmt: skip
    link_file = find(server)
    view.require_terminal()
    return run(link_file, view, recording, None if isinstance(server, int) else server)


def find(server: "int | Address | None", example: str = "teachserve watch") -> Path:
    """The link file of that server, or of the only one. `example` is how it is named on the command line.

    Raises: UsageError where it is not clear which.
    """
    from teachserve.observe.link_file import LinkError, servers

    try:
        running = servers()
    except (LinkError, TeachserveError) as error:
        raise click.UsageError(str(error)) from None
    if not running:
        raise click.UsageError(f"no server of yours can be watched: {START_ONE}")
    if server is None:
        chosen, which = running, ""
    elif isinstance(server, int):
        chosen, which = [one for one in running if one.process == server], f" with PID {server}"
    else:
        chosen, which = [one for one in running if server.is_of(one)], f" at {server}"
    if len(chosen) == 1:
        return chosen[0].path
    problem = f"several servers{which} run" if chosen else f"no server{which} can be watched"
    listed = chosen or running
    first = listed[0]
    shared = [one.process for one in running].count(first.process) > 1  # by the servers of one Python program
    name = first.url.removeprefix("http://") if shared else first.process
    lines = [f"  {one.process}  {one.url}  {one.architecture}" for one in listed]
    raise click.UsageError("\n".join([f"{problem}; name one, as in: {example} {name}", *lines]))


def run(link_file: Path, view: View, recording: Recording | None, address: "Address | None") -> int:
    """Fork the guard; then, in the child, watch. The exit status."""
    from teachserve.demo.guard import guard

    recorder = recording and recording.open()
    guarded, endings = guard("watch", view.takes_terminal)
    if recorder:
        recorder.start()
    if telling := view.telling():
        from teachserve.demo import headless

        ending = headless.watch(link_file, endings, view.duration_s, telling, recorder, address)
    else:
        from teachserve.dashboard.run import Display

        display = Display(guarded, endings, view.duration_s, view.look, view.picture, recorder)
        ending = display.watch(link_file, address)
    for line in (ending.text, recorder.close() if recorder else ""):
        if line:
            print(f"teachserve: {line}", file=sys.stderr)
    return ending.status
