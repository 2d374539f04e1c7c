"""Small methods, made up, and everything that a thread can do in them: whoever draws their graph must draw just that.

A program's only data is coins: every test, and what every verb gives, is a coin. So where a run stands is told by the
instructions on its stack, and all runs can be gone through, each standing once.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from types import FrameType

from hypothesis import strategies as st

VERBS = ("admit", "recycle", "close")
MOST_VERBS = 60
"""A run is broken off behind so many."""
RUNS = 20_000


class Stopped(BaseException):
    """The coins are spent."""


class Writer:
    """Writes a taskmaster's class. Each call of a verb has a number of its own, by which it is known."""

    def __init__(self, draw: Callable, raising: bool) -> None:
        self._draw, self._raising = draw, raising
        self._number = count()

    def program(self) -> str:
        """A class whose worker calls verbs and two helpers; with `raising`, helpers that call themselves too."""
        again = ("first", "second") if self._raising else ()
        lines = [
            "class Own(Taskmaster):",
            "    accepting_role = 'worker'",
            "    def start(self):",
            "        self.spawn(self.work, role='worker')",
        ]
        for name, helpers in ("work", ("first", "second")), ("first", ("second", *again)), ("second", again):
            lines += [f"    def {name}(self, *numbers):", *_in(_in(self._block(2, [*VERBS, *VERBS, *helpers])))]
        return "\n".join(lines) + "\n"

    def _any(self, *choices: object) -> object:
        return self._draw(st.sampled_from(choices))

    def _call(self, names: list[str]) -> str:
        name = self._any(*names)
        call = f"self.{name}({next(self._number)})"
        return f"(coin() and {call})" if self._raising and name not in VERBS else call  # may call itself, not for ever

    def _test(self, names: list[str], depth: int = 2) -> str:
        kind = self._any("coin", "coin", "verb", "call", "what it gives", *["and", "or", "not"] * bool(depth))
        match kind:
            case "coin":
                return "coin()"
            case "verb":
                return self._call([*VERBS])
            case "call":
                return f"flip({self._call(names)})"
            case "what it gives":
                return self._call(names)
            case "not":
                return f"not {self._test(names, depth - 1)}"
        return f"({self._test(names, depth - 1)} {kind} {self._test(names, depth - 1)})"

    def _block(self, depth: int, names: list[str], looped: bool = False) -> list[str]:
        return [line for _ in range(self._draw(st.integers(1, 2))) for line in self._statement(depth, names, looped)]

    def _statement(self, depth: int, names: list[str], looped: bool) -> list[str]:
        kinds = ["call", "call", "pair", "choice", "short", "pass", "return", *["break", "continue"] * looped]
        if depth:
            kinds += ["if", "else", "while", "while else", "while True", "for", "all", "match"]
            kinds += ["raise", "except", "finally"] * self._raising
        call, test = (lambda: self._call(names)), (lambda: self._test(names))
        inside = lambda looped=looped: _in(self._block(depth - 1, names, looped))  # noqa: E731
        match kind := self._any(*kinds):
            case "call":
                return [call()]
            case "pair":
                return [f"x = pair({call()}, {call()})"]
            case "choice":
                return [f"{call()} if {test()} else {call()}"]
            case "short":
                return [f"{test()} {self._any('and', 'or')} {call()}"]
            case "return":
                return [f"if {test()}:", f"    return {call()}"]
            case "break" | "continue":
                return [f"if {test()}:", f"    {kind}"]
            case "if":
                return [f"if {test()}:", *inside()]
            case "else":
                return [f"if {test()}:", *inside(), "else:", *inside()]
            case "while":
                return [f"while {test()}:", *inside(True)]
            case "while else":
                return [f"while {test()}:", *inside(True), "else:", *inside()]
            case "while True":
                return ["while True:", f"    {self._call([*VERBS])}", *inside(True)]
            case "for":
                return ["for _ in coins():", *inside(True)]
            case "all":
                return [f"[{call()} for _ in coins() if {test()}]"]
            case "match":
                return ["match coin():", "    case True:", *_in(inside()), "    case _:", *_in(inside())]
            case "raise":
                return [f"if {test()}:", "    raise ValueError"]
            case "except":
                return ["try:", *inside(), "except ValueError:", *inside(), "else:", *inside()]
            case "finally":
                return ["try:", *inside(), "except ValueError:", *inside(), "finally:", *inside(False)]
        return ["pass"]


def _in(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


@st.composite
def programs(draw: Callable, raising: bool = False) -> str:
    """A program; with `raising` one whose order is not written in full."""
    return Writer(draw, raising).program()


@dataclass
class Run:
    """One run with these coins: the verbs that it called, and where it stood when they were spent; None: it ended."""

    coins: list[bool]
    called: list[str] = field(default_factory=lambda: ["begin"])
    stands: tuple | None = None
    over: bool = False

    def coin(self) -> bool:
        if self.over:
            raise Stopped
        if not self.coins:
            self.over = True
            self.stands = (self.called[-1], *_standing(sys._getframe(1)))
            raise Stopped
        return self.coins.pop(0)

    def verb(self, name: str, number: int) -> bool:
        if self.over:
            raise Stopped
        self.called.append(f"{name}({number})")
        if len(self.called) > MOST_VERBS:
            self.over = True
            raise Stopped
        return self.coin()


def _standing(frame: FrameType | None) -> Iterator[tuple[str, int, int]]:
    while frame is not None and frame.f_code.co_name != "run":
        yield frame.f_code.co_name, frame.f_code.co_firstlineno, frame.f_lasti
        frame = frame.f_back


def run(code: object, coins: list[bool]) -> Run:
    """Run the worker's life once."""
    this = Run(coins)

    class Verbs:
        def admit(self, number: int) -> bool:
            return this.verb("admit", number)

        def recycle(self, number: int) -> bool:
            return this.verb("recycle", number)

        def close(self, number: int) -> bool:
            return this.verb("close", number)

    def tossed() -> Iterator[None]:
        while this.coin():
            yield

    names = {
        "Taskmaster": Verbs, "coin": this.coin, "coins": tossed, "flip": lambda _: this.coin(),
        "pair": lambda *_: None,
    }  # fmt: skip
    exec(code, names)
    try:
        names["Own"]().work()
    except ValueError:  # the thread broke: it has ended too
        this.called.append("end")
    except (Stopped, RecursionError):
        this.over = True
    else:
        this.called.append("end")
    return this


def every_move(text: str) -> set[tuple[str, str]]:
    """Every verb with every verb that can come next."""
    code = compile(text, "program", "exec")
    moves: set[tuple[str, str]] = set()
    seen: set[tuple] = set()
    todo: list[list[bool]] = [[]]
    for _ in range(RUNS):
        if not todo:
            return moves
        coins = todo.pop()
        this = run(code, [*coins])
        moves |= {*pairwise(this.called)}
        if this.stands is not None and this.stands not in seen:
            seen.add(this.stands)
            todo += [[*coins, False], [*coins, True]]
    raise AssertionError("too many runs")
