"""The server's options as click options, made from their one declaration."""

import functools
import os
import re
from collections.abc import Callable

import click

from teachserve.errors import OptionError
from teachserve.options import DECLARED, OPTIONS, Option, parse_duration

SHORT = {"port": "-p"}
SMALLEST_BYTES = 100_000


class Duration(click.ParamType):
    """`500ms`, `10s`, `1m`, as seconds; more than none."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        """The seconds. Fails with a sentence that gives examples."""
        try:
            seconds = parse_duration(value)
        except ValueError:
            seconds = 0.0
        if seconds <= 0:
            self.fail(f"{value!r} is no duration: give one such as 500ms, 10s, 1m")
        return seconds


class Moment(click.ParamType):
    """`12.4s`, `0`, `2m`, as seconds."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> float:
        """The seconds. Fails with a sentence that gives examples."""
        try:
            return parse_duration(value)
        except ValueError:
            self.fail(f"{value!r} is no moment: give one such as 0s, 12.4s, 2m")


class Size(click.ParamType):
    """`500kB`, `50MB`, `2GB`, as bytes, a kB being 1000."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> int:
        """The bytes. Fails with a sentence that gives examples."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kMG])B", str(value))
        size = int(float(found[1]) * {"k": 10**3, "M": 10**6, "G": 10**9}[found[2]]) if found else 0
        if size < SMALLEST_BYTES:
            self.fail(f"{value!r} is no size from {SMALLEST_BYTES // 1000}kB: give one such as 500kB, 50MB, 2GB")
        return size


def _text(option: Option) -> str:
    default = f"{option.default:g}s" if option.unit == "seconds" else option.default
    return f"{option.sentence} {option.rule[0].upper()}{option.rule[1:]}.  [default: {default}; env: {option.variable}]"


def server_options(*leave_out: str) -> Callable[[Callable], Callable]:
    """Decorate a command with `--arch` and every server option but these. Values arrive as text, None where not given."""

    def decorate(command: Callable) -> Callable:
        for option in reversed(DECLARED):
            if option.name not in leave_out:
                flags = [*([SHORT[option.name]] if option.name in SHORT else []), option.flag]
                metavar = "|".join(option.choices) or (
                    "TIME"
                    if option.unit == "seconds" or option.name == "delay"
                    else "TEXT"
                    if isinstance(option.default, str)
                    else "N"
                )
                command = click.option(*flags, option.name, default=None, metavar=metavar, help=_text(option))(command)
        if "arch" in leave_out:
            return command
        return click.option(
            "--arch", "arch", default="recycling", show_default=True, metavar="NAME",
            help="single-thread, thread-per-connection, thread-pool, recycling, event-loop, or module:Class.",
        )(command)  # fmt: skip

    return decorate


def load_options(
    connections: int, keep_alive: bool, clients: str, requests: str
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorate a command with what a load is made of; `LoadPlan` says what fits.

    `connections` and `keep_alive` are the defaults, `clients` and `requests` say what -c and -q are here.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        options = [
            click.option(
                "-c", "--connections", type=int, default=connections, show_default=True, metavar="N", help=clients
            ),
            click.option("-q", "--rate", type=float, metavar="N", help=requests),
            click.option(
                "--keep-alive/--close",
                default=keep_alive,
                show_default="keep-alive" if keep_alive else "close",
                help="Whether a client keeps its connection, or opens a new one for each request.",
            ),
        ]
        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)

    return decorate


def given(values: dict[str, object]) -> dict[str, object]:
    """Those options that were given, on the command line or else in the environment, parsed.

    Raises: OptionError.
    """
    found: dict[str, object] = {}
    for name in values:
        option = OPTIONS.get(name)
        if option is None:
            continue
        value = values[name]
        if value is not None:
            found[name] = option.parse(value)
        elif option.variable in os.environ:
            try:
                found[name] = option.parse(os.environ[option.variable])
            except OptionError as error:
                raise OptionError(f"{error} (it comes from the environment variable {option.variable})") from None
    return found
