"""What a check is, and how checks are run: a sentence that is put to the proof, and what it came to."""

from collections.abc import Callable
from dataclasses import dataclass

from teachserve.conformance.servers import Architecture
from teachserve.server import Server


class DoesNotFit(Exception):
    """The architecture has no such place: nobody ever stands there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what runs it, and the sentence that it puts to the proof."""

    function: Callable[..., None]
    sentence: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to. `failure` is the sentence that says what is wrong, "" for nothing."""

    name: str
    sentence: str
    failure: str = ""
    fits: bool = True


CHECKS: dict[str, Check] = {}
"""Every check by its name."""


def run(architecture: Architecture, **options: object) -> list[Result]:
    """Run every check over one architecture. Raises: UnknownArchitecture, OptionError."""
    Server(None, architecture, **options)
    return [run_one(name, architecture, **options) for name in CHECKS]


def run_one(name: str, architecture: Architecture, **options: object) -> Result:
    """Run one check by its name."""
    check = CHECKS[name]
    try:
        check.function(architecture, **options)
    except DoesNotFit:
        return Result(name, check.sentence, fits=False)
    except Exception as error:  # whatever a student's taskmaster raises
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return Result(name, check.sentence, failure=f"{kind}{error}" or type(error).__name__)
    return Result(name, check.sentence)


def check(sentence: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a function `check_NAME` with its sentence: it is one of the checks."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        CHECKS[function.__name__.removeprefix("check_")] = Check(function, sentence)
        return function

    return register
