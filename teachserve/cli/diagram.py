"""`teachserve diagram`: an architecture as a picture, drawn from its source."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teachserve.cli.stdout import telling

if TYPE_CHECKING:
    from teachserve.diagram.drawing import Drawing

VIEWS = ("threads", "life", "states", "stop")
FORMATS = ("text", "svg", "dot", "plain", "mermaid", "png", "pdf")
ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".png": "png", ".pdf": "pdf", ".txt": "text"}
FILE_COLUMNS = 100
"""Columns of a text that goes into a file, for which no terminal says how wide it is."""


@click.command()
@click.option(
    "--arch", default=None, metavar="NAME|module:Class|FILE.py", help="Which architecture.  [default: recycling]"
)
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
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="TRACE",
    help="Complete the picture with what was recorded and the source cannot tell, dashed.",
)
@click.option(
    "--annotate",
    type=click.Path(path_type=Path),
    metavar="TRACE",
    help="threads, life: put what was recorded on it, how often and how long.",
)
@click.option(
    "--prove", is_flag=True, help="Run the architecture under load and through every stop: is all of it derived?"
)
def command(
    arch: str | None, view: str | None, form: str | None, output: Path | None, ascii: bool, sheet: bool,
    two: tuple[str, str] | None, everything: bool, check: bool, source: Path | None, annotate: Path | None, prove: bool,
) -> int:  # fmt: skip
    """Draw an architecture from its source: its threads, the life of a connection, its states, or its stop.

    \b
    Examples:
      teachserve diagram --arch recycling
      teachserve diagram --arch thread-pool --view life -o pool.svg
      teachserve diagram --arch mine:Taskmaster --view states     # class Taskmaster in ./mine.py
      teachserve diagram --arch lessons/mine.py -o mine.svg       # the one taskmaster in that file
      teachserve diagram --diff thread-pool recycling
      teachserve diagram --arch recycling --view life --annotate run.trace -o run.svg
      teachserve diagram --prove --arch mine:Taskmaster
      teachserve diagram --all --check

    The source is parsed and never run, but for --prove, which runs it, and prints how often each edge was seen. What cannot
    be derived stands in the picture, with its line. Without --arch a trace says which architecture it is of. svg, dot, plain,
    mermaid and text need nothing that is not installed with teachserve; png and pdf need Graphviz's `dot`.

    Exit status: 0; 1 where --check finds a difference, or --prove an edge that is never seen or a move that is not derived;
    2 for what cannot be read or drawn.
    """  # fmt: skip
    from teachserve.errors import TeachserveError
    from teachserve.observe.trace import TraceError

    pictures = {"--sheet": sheet, "--diff": bool(two), "--all": everything}
    looks = {"--view": view, "--format": form, "--ascii": ascii}
    traces = {"--from": source, "--annotate": annotate}
    for name, given in {"--arch": arch is not None, **traces, "--prove": prove}.items():
        _one_of(pictures | {name: bool(given)})
    for name, given in looks.items():
        _one_of({"--all": everything, name: bool(given)})
    for name, given in {**looks, **traces, "-o": output}.items():
        _one_of({"--prove": prove, name: bool(given)})
    if check and not everything:
        raise click.UsageError("--check needs --all: it looks at every picture of the committed set")
    sys.path.insert(0, "")
    try:
        if everything:
            return _check(output) if check else _write_all(output)
        arch = None if arch is None else _located(arch)
        if prove:
            return _prove("recycling" if arch is None else arch)
        form = form or _ending(output)
        if ascii and form != "text":
            raise click.UsageError(f"--ascii is for text, not for {form}: leave it out")
        _draw(arch, view, form, output, ascii, sheet, two, source, annotate)
    except (TeachserveError, TraceError) as error:
        raise click.UsageError(str(error)) from None
    return 0


def _one_of(given: dict[str, bool]) -> None:
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise click.UsageError(f"{names[0]} and {names[1]} do not go together: give one of them")


def _located(arch: str) -> str:
    """A file's one taskmaster as `module:Class`; what is no file as it is. Raises: UsageError, TeachserveError."""
    from teachserve.diagram.locate import of_file

    try:
        return of_file(arch)
    except OSError as error:
        raise click.UsageError(f"cannot read {arch}: {error.strerror}") from None


def _prove(arch: str) -> int:
    from teachserve.diagram.prove import prove

    proof = prove(arch)
    with telling():
        for line in proof.lines():
            click.echo(line)
    return 0 if proof.complete else 1


def _ending(output: Path | None) -> str:
    if output is None:
        return "text"
    if (ending := output.suffix.lower()) not in ENDINGS:
        raise click.UsageError(f"what {output} is to be is not known: end it in {', '.join(ENDINGS)}, or give --format")
    return ENDINGS[ending]


def _draw(
    arch: str | None, view: str | None, form: str, output: Path | None, ascii: bool, sheet: bool,
    two: tuple[str, str] | None, source: Path | None, annotate: Path | None,
) -> None:  # fmt: skip
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
        two = _located(two[0]), _located(two[1])
        drawings = [diff.draw(views.read(two[0]), views.read(two[1]), two, draw)]
    elif source or annotate:
        drawings = [_recorded(arch, view or "threads", source, annotate)]
    else:
        arch = "recycling" if arch is None else arch
        drawings = [draw(views.read(arch), arch)]
    columns = FILE_COLUMNS if output else shutil.get_terminal_size((FILE_COLUMNS, 24)).columns
    _tell(b"\n".join(views.render(drawing, form, columns, ascii) for drawing in drawings), output)


def _recorded(arch: str | None, view: str, source: Path | None, annotate: Path | None) -> "Drawing":
    """The picture with what a trace tells. Raises: UsageError, TeachserveError, TraceError."""
    from teachserve.diagram import annotate as annotated
    from teachserve.diagram import completed, views
    from teachserve.diagram.locate import is_same
    from teachserve.diagram.recorded import Recorded
    from teachserve.observe.trace import Trace, TraceError

    if (source and view == "stop") or (annotate and view not in ("threads", "life")):
        told = "--annotate tells of threads and life" if annotate else "--from tells of threads, life and states"
        raise click.UsageError(f"{told}: there is nothing to put on --view {view}")
    read: dict[Path, Recorded] = {}
    for path in dict.fromkeys(filter(None, (source, annotate))):
        trace = Trace(path)
        read[path] = Recorded.read(trace)
        if trace.damage:
            click.echo(f"teachserve: {trace.damage}", err=True)
    arch = next(iter(read.values())).architecture if arch is None else arch
    topology = views.read(arch)
    for path, recorded in read.items():
        if recorded.source_class != topology.name or not is_same(recorded.architecture, arch):
            raise TraceError(f"the trace {path} is of {recorded.architecture}, not of {arch}: leave out --arch")
    drawing = views.VIEWS[view](topology, arch)
    if source:
        drawing = completed.completed(drawing, view, topology, read[source])
    return annotated.annotate(drawing, topology, read[annotate]) if annotate else drawing


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
    with telling():
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
        into = "" if folder == check.CHECKOUT else f" -o {folder}"
        click.echo(
            f"teachserve: pictures and source disagree: teachserve diagram --all{into} draws them anew", err=True
        )
    return 1 if verdict.lines else 0
