"""The two sides of a comparison: what was asked for, checked before anything is started."""

import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from teachserve.architectures import find
from teachserve.demo.wording import duration
from teachserve.errors import OptionError, TeachserveError
from teachserve.options import OPTIONS, Options, options_used
from teachserve.taskmaster import Taskmaster

LETTERS = ("A", "B")
NO_DIFFERENCE = ("host", "port")


class CompareError(TeachserveError):
    """There is nothing to compare: one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two servers.

    `options` those that were given, `values` all that will be in force. `gil` whether its Python shall have a GIL; None:
    whatever this Python does.
    """

    letter: str
    architecture: str
    options: Mapping[str, object] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    gil: bool | None = None

    @property
    def name(self) -> str:
        """`A recycling`."""
        return f"{self.letter} {self.architecture}"


Sides = tuple[Side, Side]


def sides_of(
    architectures: Sequence[str], options: Mapping[str, object], own: Sequence[str], gil: Sequence[bool]
) -> Sides:
    """The two sides.

    `architectures` one or two names. `options` by name, as text: one value for both, or two with a comma between.
    `own` options of one side alone, each as `SIDE:OPTION=VALUE`, SIDE being A, B or an architecture. `gil` none, one or
    two values.

    Raises: CompareError, OptionError, UnknownArchitecture.
    """
    if not 1 <= len(architectures) <= 2:
        raise CompareError(
            "name two architectures, or one and two values of an option, as in: teachserve compare recycling thread-pool"
        )
    names = [architectures[0], architectures[-1]]
    given = _of_both(options)
    for text in own:
        for position, name, value in _own(text, names):
            given[position][name] = value
    _check_gil(gil)
    gils = [gil[0], gil[-1]] if gil else [None, None]
    sides = tuple(_side(*one) for one in zip(LETTERS, names, given, gils, strict=True))
    if (sides[0].architecture, sides[0].values, sides[0].gil) == (sides[1].architecture, sides[1].values, sides[1].gil):
        raise CompareError(
            f"both sides are {names[0]} with the same options: name another architecture, or give two values of an "
            "option, as in --backlog 1,128"
        )
    return sides


def _of_both(options: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    given: tuple[dict[str, object], dict[str, object]] = {}, {}
    for name, value in options.items():
        values = value.split(",") if isinstance(value, str) else [value]
        if len(values) > 2:
            raise CompareError(f"{OPTIONS[name].flag} {value}: give one value for both sides, or two, one for each")
        given[0][name], given[1][name] = values[0], values[-1]
    return given


def _own(text: str, names: Sequence[str]) -> list[tuple[int, str, str]]:
    """Position of the side, option and value; for each side that is meant."""
    head, equals, value = text.partition("=")
    side, colon, name = head.rpartition(":")
    name = name.replace("-", "_")
    if not (equals and colon):
        raise CompareError(
            f"--set {text}: write SIDE:OPTION=VALUE, as in --set {names[0]}:backlog=128 or --set B:backlog=1"
        )
    positions = [at for at in range(2) if side in (LETTERS[at], names[at])]
    if not positions:
        raise CompareError(f"--set {text}: {side!r} is no side; the sides are A {names[0]} and B {names[1]}")
    if name not in OPTIONS or name == "port":
        raise CompareError(f"--set {text}: there is no option {name!r}; the options are {', '.join(_settable())}")
    return [(at, name, value) for at in positions]


def _settable() -> list[str]:
    return [name for name in OPTIONS if name != "port"]


def _check_gil(gil: Sequence[bool]) -> None:
    if gil and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise CompareError(
            "--gil needs a free-threaded Python, such as 3.13t: this one always has its GIL; run that one"
        )
    if len(gil) > 2:
        raise CompareError("--gil takes one value for both sides, or two, one for each: --gil on,off")


def _side(letter: str, name: str, given: dict[str, object], gil: bool | None) -> Side:
    _, found = find(name)
    used = options_used(found, Taskmaster)
    for option, value in given.items():
        if OPTIONS[option].scope == "architecture" and option not in used:
            flag = OPTIONS[option].flag
            raise OptionError(
                f"{option} means nothing to {name}, side {letter}: leave {flag} out, or give it to the other side alone "
                f"with --set {'B' if letter == 'A' else 'A'}:{option}={value}"
            )
    options = Options(name, used, given)
    return Side(letter, name, {option: options.values[option] for option in given}, dict(options.values), gil)


def differing(sides: Sides) -> list[str]:
    """The options that are not the same on both sides, in the order of their declaration."""
    first, second = (side.values for side in sides)
    return [name for name in OPTIONS if name not in NO_DIFFERENCE and first.get(name) != second.get(name)]


def difference(side: Side, sides: Sides) -> str:
    """What sets this side apart: `standby 2`, `GIL off`; "" where its architecture alone does."""
    words = [f"{name} {shown(name, side.values[name])}" for name in differing(sides) if name in side.values]
    if sides[0].gil != sides[1].gil:
        words.append(f"GIL {'on' if side.gil else 'off'}")
    return ", ".join(words)


def shown(name: str, value: object) -> str:
    """An option's value with its unit."""
    timed = name == "delay" or OPTIONS[name].unit == "seconds"
    return duration(value).replace(".0", "") if timed and isinstance(value, (int, float)) else str(value)
