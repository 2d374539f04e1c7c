"""`teachserve demo`: a server, a load on it, and a dashboard; three processes, gone again when you leave."""

import sys

import click

from teachserve.cli.options import given, load_options, server_options
from teachserve.cli.view import Recording, View, record_options, view_options
from teachserve.errors import TeachserveError

DEFAULT_DELAY = "1ms"


@click.command()
@server_options()
@load_options(
    connections=100,
    keep_alive=False,
    clients="Clients at the same time.",
    requests="Requests per second, all clients together, as planned ahead. Without it they ask again at once.",
)
@view_options
@record_options
def command(
    view: View,
    recording: Recording | None,
    arch: str,
    connections: int,
    keep_alive: bool,
    rate: float | None,
    **options: object,
) -> int:
    """Watch an architecture's threads under real load.

    \b
    Examples:
      teachserve demo --arch recycling
      teachserve demo --arch thread-pool --threads 8 --keep-alive
      teachserve demo --arch event-loop --delay 20ms --headless --duration 5s --json
      teachserve demo --arch recycling --narrate > log

    Here --delay is 1ms, --port any free one and --graceful-timeout 2s, where nothing else is said.

    Keys: ? explains every word on the screen, space freezes the view, + and - change the load, q quits.
    """  # fmt: skip
    from teachserve.load.plan import LoadPlan

    view.require_terminal()
    load = {"path": "/yo", "connections": connections, "keep_alive": keep_alive, "rate": rate}
    try:
        values = {"delay": DEFAULT_DELAY} | given(options)
        LoadPlan("localhost", 80, **load)
    except TeachserveError as error:
        raise click.UsageError(str(error)) from None
    return run(arch, values, load, view, recording)


def run(arch: str, values: dict[str, object], load: dict[str, object], view: View, recording: Recording | None) -> int:
    """Fork the guard; then, in the child, run the demo. The exit status."""
    from teachserve.demo.endings import USAGE
    from teachserve.demo.guard import guard
    from teachserve.demo.supervisor import Plan, Supervisor

    recorder = recording and recording.open()
    guarded, endings = guard("demo", view.takes_terminal)
    if recorder:
        recorder.start()
    supervisor = Supervisor(Plan(arch, values, load), guarded, endings)
    if telling := view.telling():
        from teachserve.demo import headless

        ending = headless.run(supervisor, endings, view.duration_s, telling, recorder)
    else:
        from teachserve.dashboard.run import Display

        ending = Display(guarded, endings, view.duration_s, view.look, view.picture, recorder).run_demo(supervisor)
    recorded = recorder.close() if recorder else ""
    for line in [ending.text, *([] if ending.status == USAGE else supervisor.complaints()), recorded]:
        if line:
            print(f"teachserve: {line}", file=sys.stderr)
    return ending.status
