"""`teachserve export`: a recording as a file that another tool reads."""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from teachserve.cli.stdout import telling


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    type=click.Choice(["perfetto"]),
    default="perfetto",
    show_default=True,
    help="The tool that is to read it.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="OUT",
    help="- is stdout; with .gz at its end it is compressed.  [default: FILE.json.gz]",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Write even if OUT exists: what is in it is lost.")
def command(file: Path, target: str, output: Path | None, overwrite: bool) -> int:
    """Turn a recording into a trace for Perfetto: open the file it writes at https://ui.perfetto.dev.

    \b
    Examples:
      teachserve demo --arch recycling --record run.trace
      teachserve export run.trace --to perfetto
      teachserve export run.trace --to perfetto -o - | gzip > elsewhere.json.gz

    Threads are tracks, a slice is a stay in a state; flows lead along a connection from thread to thread; accepting, serving,
    threads, queues and requests/s are counters; each change that a person made is an instant. Of a recording without events
    (--tables-only) the slices are sampled, and the file says so.
    """  # fmt: skip
    from teachserve.observe.perfetto import trace_events
    from teachserve.observe.trace import Trace, TraceError

    output = output or file.with_name(file.name + ".json.gz")
    try:
        trace = Trace(file)
        written = write(trace_events(trace), output, overwrite)
    except TraceError as error:
        raise click.UsageError(str(error)) from None
    except FileExistsError:
        raise click.UsageError(f"there is a file {output} already: name another with -o, or add --overwrite") from None
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}; name another with -o") from None
    lines = [trace.damage, f"{written} events in {output}; open it at https://ui.perfetto.dev"]
    for line in lines if str(output) != "-" else lines[:1]:
        if line:
            print(f"teachserve: {line}", file=sys.stderr)
    return 0


def write(events: Iterator[dict], output: Path, overwrite: bool) -> int:
    """One event a line. How many, where it is a file. Raises: FileExistsError, OSError, TraceError."""
    if str(output) == "-":
        with telling():
            sys.stdout.writelines(lines(events))
        return 0
    with output.open("wb" if overwrite else "xb") as raw:
        file = gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0) if output.suffix == ".gz" else raw
        written = sum(file.write(line.encode()) > 0 for line in lines(events))
        if file is not raw:
            file.close()
    return written


def lines(events: Iterator[dict]) -> Iterator[str]:
    """The JSON object, a line for each event."""
    begin = '{"displayTimeUnit":"ms","traceEvents":[\n'
    for event in events:
        if "otherData" in event:
            yield f'\n],"otherData":{json.dumps(event["otherData"])}}}\n'
        else:
            yield begin + json.dumps(event, separators=(",", ":"))
            begin = ",\n"
