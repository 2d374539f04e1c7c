"""`teachserve watch`: the dashboard on a server that runs already, and runs on when you leave."""

import sys
from pathlib import Path

import click

from teachserve.cli.view import Recording, View, record_options, view_options
from teachserve.errors import TeachserveError

START_ONE = "start one with: teachserve serve --watch"


@click.command()
@click.argument("process", metavar="[PID]", type=int, required=False)
@view_options
@record_options
def command(view: View, recording: Recording | None, process: int | None) -> int:
    """Watch the threads of a running `teachserve serve --watch`. Without PID: the only one that runs.

    \b
    Examples:
      teachserve serve --watch --arch recycling      # in one terminal
      teachserve watch                               # in another
      teachserve watch 1234 --headless --duration 5s --json

    q leaves, and the server runs on; X stops it softly. Requests/s are the server's own count; latency is n/a, for no
    load generator of ours measures it. On a Linux that restricts ptrace (Yama) what the kernel says is n/a too.

    Exit status: 0 when you leave; 2 where there is no such server; 3 if the server dies while you watch without a screen.
    """  # fmt: skip
    link_file = find(process)
    view.require_terminal()
    return run(link_file, view, recording)


def find(process: int | None, example: str = "teachserve watch") -> Path:
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
    chosen = [one for one in running if process in (None, one.process)]
    if len(chosen) == 1:
        return chosen[0].path
    lines = [f"  {one.process}  {one.url}  {one.architecture}" for one in running]
    problem = "several servers run" if chosen else f"no server with PID {process} can be watched"
    raise click.UsageError("\n".join([f"{problem}; name one, as in: {example} {running[0].process}", *lines]))


def run(link_file: Path, view: View, recording: Recording | None) -> int:
    """Fork the guard; then, in the child, watch. The exit status."""
    from teachserve.demo.guard import guard

    recorder = recording and recording.open()
    guarded, endings = guard("watch", view.takes_terminal)
    if recorder:
        recorder.start()
    if telling := view.telling():
        from teachserve.demo import headless

        ending = headless.watch(link_file, endings, view.duration_s, telling, recorder)
    else:
        from teachserve.dashboard.run import Display

        ending = Display(guarded, endings, view.duration_s, view.look, view.picture, recorder).watch(link_file)
    for line in (ending.text, recorder.close() if recorder else ""):
        if line:
            print(f"teachserve: {line}", file=sys.stderr)
    return ending.status
