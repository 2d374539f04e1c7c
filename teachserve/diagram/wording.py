"""The source's words as a picture has room for them: shortened on the slide, whole in the tooltip."""

import ast
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import teachserve
from teachserve.diagram.drawing import Node
from teachserve.diagram.keys import unknown_key
from teachserve.topology.topology import RoleLife, Step, Topology, Unknown
from teachserve.topology.verbs import QUIET
from teachserve.topology.words import both

LINE = 26
"""Characters that a line of a label has at most: what is longer is broken, or cut."""
LINES = 3
_PROJECT = Path(teachserve.__file__).resolve().parents[1]


def project_file(file: str) -> str:
    """The file relative to the project, or else to the working directory; as it is where it lies in neither."""
    path = Path(file)
    for folder in (_PROJECT, Path.cwd()):
        if file and path.resolve().is_relative_to(folder):
            return path.resolve().relative_to(folder).as_posix()
    return file


def short(text: str, width: int = LINE, lines: int = LINES) -> tuple[str, ...]:
    """The text in so many lines at most, with … where it was cut."""
    text = " ".join(text.split())
    return tuple(textwrap.wrap(text, width, max_lines=lines, placeholder=" …", break_on_hyphens=False))


def shortened(text: str, width: int = LINE, lines: int = LINES) -> str:
    """The same as one label."""
    return "\n".join(short(text, width, lines))


def many(words: str) -> str:
    """How many, without the name of the options."""
    return words.replace("options.", "")


def verbs_of(role: RoleLife) -> list[str]:
    """The verbs in which the role's threads can be, in their order, serve as one."""
    named = (step.within or step.verb for step in role.steps[1:-1] if step.verb not in QUIET - {"admit"})
    return list(dict.fromkeys(named))


def first_argument(step: Step) -> str:
    """What a call says of its first argument: what is handed over, what a thread is spawned to run."""
    return next(iter(arguments(step)), "")


def arguments(step: Step) -> tuple[str, ...]:
    """A call's arguments without names, in its own words."""
    try:
        call = ast.parse(step.shown, mode="eval").body
    except SyntaxError:
        return ()
    return tuple(ast.unparse(argument) for argument in call.args) if isinstance(call, ast.Call) else ()


def condition_of(role: RoleLife, step: Step) -> str:
    """On which conditions the step comes, from wherever; "" where one of the ways to it has none."""
    conditions = [edge.condition for edge in role.edges if edge.after == step.index]
    return " or ".join(dict.fromkeys(conditions)) if all(conditions) else ""


def briefly(tests: Sequence[str], siblings: Iterable[Sequence[str]]) -> str:
    """A way's condition beside those of the other ways from the same step: what they say, it need not deny.

    Of `if a: elif b: else:` the second is `b`, and the last, which denies both, is `else`.
    """
    denied = {opposite(one[-1]) for one in siblings if one}
    left = [*(test for test in tests[:-1] if test not in denied), *tests[-1:]]
    last = len(tests) > 1 and denied.issuperset(tests) and re.search(r"\bnot\b|!=", tests[-1])
    return "else" if last else " and ".join(left)


def opposite(words: str) -> str:
    """What a condition says where it does not hold."""
    try:
        return both(ast.parse(words, mode="eval").body, "self")[1]
    except SyntaxError:
        return f"not ({words})"


def in_words(parts: Iterable[str]) -> str:
    """`a, b and c`; `nothing that is known` for none."""
    *first, last = [*parts] or ["nothing that is known"]
    return f"{', '.join(first)} and {last}" if first else last


def unknown_notes(topology: Topology, roles: Iterable[str]) -> tuple[Node, ...]:
    """A note for each of these roles of which something could not be derived, or for "start"; the tooltip has all of it."""
    found: dict[str, list[Unknown]] = {}
    for one in topology.unknown:
        if one.role in roles:
            found.setdefault(one.role, []).append(one)
    return tuple(
        Node(
            unknown_key(role),
            (f"{role}: unknown", *short(f"line {several[0].line}: {several[0].why}"),
             *_and_the_rest(several)),
            "note",
            "; ".join(f"line {one.line}: {one.why}" for one in several),
            project_file(several[0].file),
            several[0].line,
        )
        for role, several in found.items()
    )  # fmt: skip


def _and_the_rest(several: list[Unknown]) -> Iterable[str]:
    """Where the others stand of which only the tooltip says what is unknown."""
    first, *others = several
    lines = dict.fromkeys(str(one.line) for one in others if one.line != first.line)
    if any(one.line == first.line for one in others):
        yield f"and more in line {first.line}"
    if lines:
        yield f"and line {', '.join(lines)}"
