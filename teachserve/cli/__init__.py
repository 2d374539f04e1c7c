"""The command line: one file a subcommand, imported only when it is called, so that `--help` is instant."""

import difflib
import importlib
import os
import sys

import click

from teachserve import __version__
from teachserve.cli.stdout import telling

# name: (module, the line that `teachserve --help` shows)
COMMANDS = {
    "demo": ("teachserve.cli.demo", "Watch an architecture's threads under real load."),
    "serve": ("teachserve.cli.serve", "Serve HTTP with an architecture of your choice."),
    "watch": ("teachserve.cli.watch", "Watch the threads of a running `serve --watch`."),
    "ps": ("teachserve.cli.ps", "List the servers that can be watched, with what their threads do."),
    "where": ("teachserve.cli.where", "Say where one thread of a running server is."),
    "replay": ("teachserve.cli.replay", "Show a recorded demo or watch again, from any of its moments."),
    "export": ("teachserve.cli.export", "Turn a recording into a trace for Perfetto."),
    "load": ("teachserve.cli.load", "Put load on a server and report requests/s and latency."),
    "compare": ("teachserve.cli.compare", "Two servers under the same plan: who answers first."),
    "diagram": ("teachserve.cli.diagram", "Draw an architecture from its source."),
    "check": ("teachserve.cli.check", "Grade a taskmaster with the conformance suite."),
    "explain": ("teachserve.cli.explain", "What a word on the screen means."),
}

THINGS_TO_TRY = """\
teachserve shows how the threads of a web server work. Five things to try:

  teachserve demo --arch recycling                         watch workers block in accept, serve and recycle
  teachserve demo --arch thread-per-connection --close     the same load with a new thread for each connection
  teachserve demo --arch event-loop --delay 20ms           one slow handler stalls everybody
  teachserve serve --arch thread-pool --port 8080          a server of your own; try http://127.0.0.1:8080/yo
  teachserve load http://127.0.0.1:8080/yo -c 100 -z 10s   put load on it from a second terminal

`teachserve COMMAND --help` explains each command, with an example."""


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return importlib.import_module(COMMANDS[name][0]).command

    def resolve_command(self, context: click.Context, args: list[str]):
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            close = difflib.get_close_matches(name, COMMANDS, 1)
            guess = f"did you mean {close[0]}?" if close else f"the commands are {', '.join(COMMANDS)}"
            raise click.UsageError(f"no command {name!r}: {guess}")
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="teachserve")
@click.pass_context
def teachserve(context: click.Context) -> None:
    """The thread architectures of a web server: to read, to run and to watch."""
    if context.invoked_subcommand is None:
        with telling():
            click.echo(THINGS_TO_TRY)


def open_streams() -> None:
    """What was closed, as by `>&-`, is /dev/null from here on, and a socket does not get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def main() -> None:
    """Run the command line. A mistake that the user can mend is one line on stderr and exit status 2."""
    open_streams()
    try:
        status = teachserve.main(standalone_mode=False, prog_name="teachserve")
    except click.ClickException as mistake:
        print(f"teachserve: {mistake.format_message()}", file=sys.stderr)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
