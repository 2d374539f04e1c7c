"""`teachserve replay`: a recorded demo or watch in the same views, from any of its moments."""

import functools
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teachserve.cli.options import Moment
from teachserve.cli.stdout import telling
from teachserve.cli.view import View, view_options
from teachserve.dashboard.views import VIEWS

if TYPE_CHECKING:
    from teachserve.demo.picture import Picture
    from teachserve.demo.playback import Playback


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--at", "at_s", type=Moment(), help="The moment to begin with.  [default: the beginning; headless the end]"
)
@click.option(
    "--speed", type=click.FloatRange(0.001, 1000), default=1.0, show_default=True, metavar="X",
    help="Seconds of the recording in one second; 0.1 is slow motion.",
)  # fmt: skip
@click.option("--focus", metavar="THREAD", help="Choose a thread, as worker-3 or 3.")
@click.option("--view", "view_name", type=click.Choice([view.name for view in VIEWS]), help="The view to begin with.")
@click.option("--size", metavar="COLSxLINES", default="100x32", show_default=True, help="Of a --picture.")
@functools.partial(view_options, live=False)
def command(
    view: View, file: Path, at_s: float | None, speed: float, focus: str | None, view_name: str | None, size: str
) -> int:
    """Show what `--record FILE` of demo or watch has recorded, from any of its moments.

    \b
    Examples:
      teachserve demo --arch recycling --record run.trace
      teachserve replay run.trace --speed 0.1
      teachserve replay run.trace --at 12.4s --focus worker-3
      teachserve replay run.trace --at 12.4s --picture screen.svg
      teachserve replay run.trace --headless --json

    Keys: space plays and stops; [ and ] go an event back and on, { and } a second; : asks for a moment; < and > change the
    speed. A moment counts from the first table. Single events show where they were recorded (not with --tables-only).

    Exit status: 2 for a file that is no trace or cannot be read. Of a file that is cut off or damaged what is whole is
    shown, and a line says how much that is.
    """  # fmt: skip
    view.require_terminal("--headless or --picture FILE")
    columns_lines = size_of(size)
    playback = opened(file)
    length_s = playback.length_us / 1e6
    begin_s = at_s if at_s is not None else 0.0 if view.takes_terminal else length_s
    if begin_s > length_s:
        raise click.UsageError(f"--at {begin_s:g}s: the recording has {length_s:.1f} s")
    thread = thread_of(focus, playback.picture(round(begin_s * 1e6)), begin_s) if focus else 0
    if view.headless:
        from teachserve.demo.headless import replay

        with telling():
            replay(playback, begin_s, thread, view.json)
        ending_text, status = "", 0
    else:
        look = replace(view.look, view=view_name or ("threads" if thread else ""), thread=thread)
        ending_text, status = show(playback, replace(view, look=look), begin_s, speed, columns_lines)
    for line in (ending_text, playback.damage):
        if line:
            print(f"teachserve: {line}", file=sys.stderr)
    return status


def opened(file: Path) -> "Playback":
    """Raises: UsageError for what is no trace."""
    from teachserve.demo.playback import Playback
    from teachserve.observe.trace import Trace, TraceError

    try:
        return Playback(Trace(file))
    except TraceError as error:
        raise click.UsageError(str(error)) from None


def size_of(text: str) -> tuple[int, int]:
    """Columns and lines. Raises: UsageError."""
    found = re.fullmatch(r"(\d{2,3})x(\d{2,3})", text)
    if not found:
        raise click.UsageError(f"--size {text}: give columns and lines, as 80x24")
    return int(found[1]), int(found[2])


def thread_of(focus: str, picture: "Picture", at_s: float) -> int:
    """The number of the thread with this name. Raises: UsageError where there is none at this moment."""
    snapshot = picture.snapshot
    for thread in (*snapshot.threads, *snapshot.ended):
        if focus in (thread.name, str(thread.number)):
            return thread.number
    names = [thread.name for thread in snapshot.threads]
    there = f"there are {', '.join(names[:10])}{' and others' if len(names) > 10 else ''}" if names else "there is none"
    raise click.UsageError(f"--focus {focus}: no such thread at {at_s:.1f} s; {there}")


def show(
    playback: "Playback", view: View, begin_s: float, speed: float, columns_lines: tuple[int, int]
) -> tuple[str, int]:
    """On a screen, or as a picture of one: the last line to say, and the exit status."""
    from teachserve.dashboard.run import Display
    from teachserve.demo.guard import guard
    from teachserve.demo.replay import Replay

    guarded, endings = guard("replay", view.takes_terminal)
    replay = Replay(playback, speed)
    if view.picture:
        replay.player.toggle()
    replay.player.seek(begin_s)
    display = Display(guarded, endings, view.duration_s, view.look, view.picture, size=columns_lines)
    ending = display.replay(replay)
    return ending.text, ending.status
