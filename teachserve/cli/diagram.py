"""`teachserve diagram`: an architecture as a picture, drawn from its source."""

import shutil
import sys
from pathlib import Path

import click

from teachserve.cli.stdout import telling

VIEWS = ("threads", "life", "states", "stop")
FORMATS = ("text", "svg", "dot", "plain", "mermaid", "png", "pdf")
ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".png": "png", ".pdf": "pdf", ".txt": "text"}
FILE_COLUMNS = 100
"""Columns of a text that goes into a file, for which no terminal says how wide it is."""


@click.command()
@click.option("--arch", default=None, metavar="NAME|module:Class", help="Which architecture.  [default: recycling]")
@click.option("--view", type=click.Choice(VIEWS), default=None, help="What of it.  [default: threads]")
@click.option("--format", "form", type=click.Choice(FORMATS), help="[default: as FILE ends, else text]")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="In place of stdout.")
@click.option("--ascii", is_flag=True, help="text: ASCII alone.")
@click.option("--sheet", is_flag=True, help="All architectures side by side.")
@click.option("--diff", "two", nargs=2, metavar="A B", help="What differs between two architectures.")
@click.option("--all", "everything", is_flag=True, help="Write every picture, as svg and dot, into the folder -o.")
@click.option(
    "--check", is_flag=True, help="With --all: write nothing, and say which pictures are not what the source says."
)
def command(
    arch: str | None, view: str | None, form: str | None, output: Path | None, ascii: bool, sheet: bool,
    two: tuple[str, str] | None, everything: bool, check: bool,
) -> int:  # fmt: skip
    """Draw an architecture from its source: its threads, the life of a connection, its states, or its stop.

    \b
    Examples:
      teachserve diagram --arch recycling
      teachserve diagram --arch thread-pool --view life -o pool.svg
      teachserve diagram --arch mine:Taskmaster --view states     # class Taskmaster in ./mine.py
      teachserve diagram --diff thread-pool recycling
      teachserve diagram --all --check

    The source is parsed and never run. What cannot be derived from it stands in the picture, with its line. svg, dot, plain,
    mermaid and text need nothing that is not installed with teachserve; png and pdf need Graphviz's `dot`.

    Exit status: 0; 1 where --check finds a difference; 2 for what cannot be read or drawn.
    """  # fmt: skip
    from teachserve.errors import TeachserveError

    _one_of({"--sheet": sheet, "--diff": bool(two), "--all": everything, "--arch": arch is not None})
    if check and not everything:
        raise click.UsageError("--check needs --all: it looks at every picture of the committed set")
    sys.path.insert(0, "")
    try:
        if everything:
            return _check(output) if check else _write_all(output)
        _draw(arch or "recycling", view, form or _ending(output), output, ascii, sheet, two)
    except TeachserveError as error:
        raise click.UsageError(str(error)) from None
    return 0


def _one_of(given: dict[str, bool]) -> None:
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise click.UsageError(f"{names[0]} and {names[1]} are different pictures: give one of them")


def _ending(output: Path | None) -> str:
    if output is None:
        return "text"
    if output.suffix not in ENDINGS:
        raise click.UsageError(f"what {output} is to be is not known: end it in {', '.join(ENDINGS)}, or give --format")
    return ENDINGS[output.suffix]


def _draw(
    arch: str, view: str | None, form: str, output: Path | None, ascii: bool, sheet: bool, two: tuple[str, str] | None
) -> None:
    from teachserve.architectures import NAMES
    from teachserve.diagram import diff, raster, views
    from teachserve.diagram import sheet as sheets

    draw = views.VIEWS[view or "threads"]
    if sheet and view not in (None, "threads"):
        raise click.UsageError("--sheet shows the threads: leave out --view")
    if form in raster.FORMATS and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{form} is nothing for a terminal: name a file with -o")
    if sheet and form == "text":  # a terminal has no room beside one
        drawings = [draw(views.read(name), name) for name in NAMES]
    elif sheet:
        drawings = [sheets.draw({name: views.read(name) for name in NAMES})]
    elif two:
        drawings = [diff.draw(views.read(two[0]), views.read(two[1]), two, draw)]
    else:
        drawings = [draw(views.read(arch), arch)]
    columns = FILE_COLUMNS if output else shutil.get_terminal_size((FILE_COLUMNS, 24)).columns
    _tell(b"\n".join(views.render(drawing, form, columns, ascii) for drawing in drawings), output)


def _tell(content: bytes, output: Path | None) -> None:
    if output is None:
        with telling():
            sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}; name another with -o") from None


def _write_all(output: Path | None) -> int:
    from teachserve.diagram import check

    folder = output or check.CHECKOUT
    if output is None and not folder.is_dir():
        raise click.UsageError("this is no checkout of teachserve: name a folder with -o")
    try:
        written = check.write(folder)
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error.strerror}; name another with -o") from None
    click.echo(f"{written} files in {folder}")
    return 0


def _check(output: Path | None) -> int:
    from teachserve.diagram import check

    folder = output or check.folder()
    try:
        verdict = check.compare(folder)
    except OSError as error:
        raise click.UsageError(
            f"there is no set of pictures in {folder} ({error.strerror}): make one with --all -o {folder}"
        ) from None
    agree = f"the pictures in {folder} are what the source says"
    with telling():
        for line in verdict.lines or (agree,):
            click.echo(line)
    if verdict.remark:
        click.echo(f"teachserve: {verdict.remark}", err=True)
    if verdict.lines:
        click.echo("teachserve: pictures and source disagree: teachserve diagram --all draws them anew", err=True)
    return 1 if verdict.lines else 0
