"""Every option, declared once: the constructor, `--help`, environment variables and error messages all read this list.

An option of the kind "architecture" counts only for an architecture that uses it; for another it is refused, because a
limit that is silently ignored teaches something false. Which ones a taskmaster uses is read from its own code.
"""

import re
from dataclasses import dataclass, field
from types import CodeType

from teachserve.errors import OptionError

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name, default, range (in its unit) and one sentence.

    `kind` is the type of its value: int, float (a duration in seconds) or str. `scope` is "server" (any architecture),
    "architecture" (only where the taskmaster uses it) or "handler" (the built-in routes). `live`: it may be changed while
    the server runs.
    """

    name: str
    default: int | float | str
    sentence: str
    scope: str = "server"
    minimum: float = 0
    maximum: float = float("inf")
    unit: str = ""
    choices: tuple[str, ...] = ()
    live: bool = False

    @property
    def flag(self) -> str:
        """The option on the command line: `--max-threads`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The option in the environment: `TEACHSERVE_MAX_THREADS`."""
        return "TEACHSERVE_" + self.name.upper()

    @property
    def rule(self) -> str:
        """What a value must be, as the end of a sentence."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.name == "delay":
            return "none, 0 or a duration such as 1ms, 0.5s"
        if isinstance(self.default, str):
            return "text"
        kind = "a duration such as 500ms, 2s, 1m" if self.unit == "seconds" else "a whole number"
        bound = f" up to {self.maximum:g}" if self.maximum != float("inf") else ""
        return f"{kind}, from {self.minimum:g}{bound}{' ' + self.unit if self.unit else ''}"

    def parse(self, value: object) -> int | float | str:
        """The value as the option's own type.

        Raises: OptionError, naming the option, the value, the rule and the remedy.
        """
        try:
            parsed = self._convert(value)
        except (TypeError, ValueError):
            parsed = None
        inside = parsed is not None and (isinstance(parsed, str) or self.minimum <= parsed <= self.maximum)
        if not inside or (self.choices and parsed not in self.choices):
            raise OptionError(
                f"{self.name} must be {self.rule}: {self.name}={value}; give another value with {self.flag}"
            )
        return parsed

    def _convert(self, value: object) -> int | float | str:
        if self.name == "delay":
            return "none" if value in (None, "none") else parse_duration(value)
        if isinstance(self.default, str):
            return str(value)
        if self.unit == "seconds":
            return parse_duration(value)
        if isinstance(value, (bool, float)):
            raise TypeError
        return int(value)


def parse_duration(value: object) -> float:
    """Seconds from `500ms`, `2s`, `1m`, or a bare number of seconds. Raises: ValueError, TypeError."""
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, (int, float)):
        return float(value)
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(us|ms|s|m|h)?", str(value).strip())
    if not match:
        raise ValueError(value)
    return float(match[1]) * UNITS[match[2] or "s"]


MOST_THREADS = 4000

DECLARED = (
    Option("host", "127.0.0.1", "Address to listen on."),
    Option("port", 8080, "Port to listen on; 0 takes a free one.", maximum=65535),
    Option("backlog", 2048, "Connections that the kernel may hold in the accept queue.", minimum=1, maximum=65535),
    Option("threads", 8, "Workers of a thread pool.", "architecture", 1, MOST_THREADS, "threads"),
    Option(
        "standby",
        8,
        "Workers that may block in accept beside the one asked for.",
        "architecture",
        1,
        MOST_THREADS,
        "threads",
        live=True,
    ),
    Option(
        "max_threads", 100, "Threads that may serve at once.", "architecture", 1, MOST_THREADS, "threads", live=True
    ),
    Option(
        "max_accepts",
        120,
        "Connections that may be accepted at once; the next is answered 503.",
        "architecture",
        1,
        1_000_000,
        "connections",
    ),
    Option(
        "offload", 0, "Workers that run the handlers for an event loop.", "architecture", 0, MOST_THREADS, "threads"
    ),
    Option(
        "delay", "none", "How long the built-in routes take: none, 0 (a sleep(0)) or a duration.", "handler", live=True
    ),
    Option("delay_kind", "sleep", "sleep blocks, cpu computes.", "handler", choices=("sleep", "cpu"), live=True),
    Option(
        "graceful_timeout",
        30.0,
        "How long a soft stop waits for what was accepted.",
        minimum=0,
        maximum=86400,
        unit="seconds",
    ),
    Option(
        "timeout_keep_alive", 5.0, "How long an idle connection is kept.", minimum=0.001, maximum=86400, unit="seconds"
    ),
    Option(
        "timeout_request",
        10.0,
        "How long a whole request may take to arrive.",
        minimum=0.001,
        maximum=86400,
        unit="seconds",
    ),
    Option(
        "timeout_write",
        30.0,
        "How long a whole answer may take to be sent.",
        minimum=0.001,
        maximum=86400,
        unit="seconds",
    ),
    Option("retry_after", 1, "Seconds that a 503 asks the client to wait.", minimum=0, maximum=86400, unit=""),
    Option("limit_request_line", 8190, "Longest request line.", minimum=16, maximum=1 << 20, unit="bytes"),
    Option("limit_header_count", 100, "Most header fields.", minimum=1, maximum=10_000, unit="fields"),
    Option("limit_header_bytes", 65536, "Longest request head.", minimum=64, maximum=1 << 24, unit="bytes"),
    Option("limit_request_body", 1 << 20, "Longest request body.", minimum=0, maximum=1 << 40, unit="bytes"),
)

OPTIONS: dict[str, Option] = {option.name: option for option in DECLARED}

# (small, large, strictly): `small` may be at most `large`, or must be less.
FIT = (("standby", "max_threads", False), ("threads", "max_accepts", False), ("max_threads", "max_accepts", True))

# A verb that rests on an option uses it, though the architecture's file does not name the option.
VERB_OPTIONS = {
    "admit": ("max_accepts",),
    "wait_for_place": ("max_threads",),
    "short_of_acceptors": ("max_threads",),
    "recycle": ("standby",),
    "select": ("max_accepts",),
}


def _names(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def names_used(architecture: type, base: type) -> set[str]:
    """Every attribute that a taskmaster's own methods name: its options, and the verbs that it calls."""
    named: set[str] = set()
    for cls in architecture.__mro__:
        if cls is base or not issubclass(cls, base):
            continue
        for member in vars(cls).values():
            if code := getattr(member, "__code__", None):
                named |= _names(code)
    return named


def options_used(architecture: type, base: type) -> frozenset[str]:
    """The architecture options that a taskmaster uses: those that its own methods name, or whose verbs they call."""
    named = names_used(architecture, base)
    used = {option.name for option in DECLARED if option.scope == "architecture" and option.name in named}
    for verb, options in VERB_OPTIONS.items():
        if verb in named:
            used.update(options)
    return frozenset(used)


def _fits(values: dict, small: str, large: str, strictly: bool) -> bool:
    return not {small, large} <= values.keys() or values[small] + (1 if strictly else 0) <= values[large]


def _contradiction(values: dict, small: str, large: str, strictly: bool) -> OptionError:
    return OptionError(
        f"{small} must be {'less than' if strictly else 'at most'} {large}: {small}={values[small]}, "
        f"{large}={values[large]}; lower {OPTIONS[small].flag} or raise {OPTIONS[large].flag}"
    )


@dataclass
class Options:
    """The values in force. An attribute for each option that counts: `options.standby`.

    Raises: OptionError at construction, for a value out of range, an unknown name, an option that the architecture
    does not use, or two options that contradict each other.
    """

    architecture: str
    used: frozenset[str]
    given: dict[str, object]
    values: dict[str, int | float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.given.items():
            self.values[name] = self._parse(name, value)
        for option in DECLARED:
            if option.scope != "architecture" or option.name in self.used:
                self.values.setdefault(option.name, option.default)
        for small, large, strictly in FIT:
            self._fit(small, large, strictly)
        vars(self).update(self.values)  # plain attributes: verbs read them for each connection

    def change(self, name: str, value: object) -> None:
        """Put another value in force. Raises: OptionError, as at construction; and then nothing has changed."""
        values = self.values | {name: self._parse(name, value)}
        for small, large, strictly in FIT:
            if name in (small, large) and not _fits(values, small, large, strictly):
                raise _contradiction(values, small, large, strictly)
        self.values[name] = values[name]
        setattr(self, name, values[name])

    def _parse(self, name: str, value: object) -> int | float | str:
        option = OPTIONS.get(name)
        if option is None:
            raise OptionError(f"there is no option {name}: the options are {', '.join(OPTIONS)}")
        if option.scope == "architecture" and name not in self.used:
            able = ", ".join(sorted(self.used)) or "none of the thread options"
            raise OptionError(
                f"{name} means nothing to {self.architecture}: {name}={value}; "
                f"leave {option.flag} out ({self.architecture} uses {able})"
            )
        return option.parse(value)

    def _fit(self, small: str, large: str, strictly: bool) -> None:
        """A default that was not asked for gives way."""
        if _fits(self.values, small, large, strictly):
            return
        room = 1 if strictly else 0
        if large not in self.given:
            self.values[large] = self.values[small] + room
        elif small not in self.given and self.values[large] - room >= OPTIONS[small].minimum:
            self.values[small] = self.values[large] - room
        else:
            raise _contradiction(self.values, small, large, strictly)

    def __getattr__(self, name: str) -> int | float | str:
        raise AttributeError(f"{self.architecture} has no option {name}")
