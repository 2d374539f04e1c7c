"""The verbs' own source: what each says of itself, and what `serve` does."""

import ast
from functools import cache
from pathlib import Path

from teachserve import events
from teachserve.topology.members import Method
from teachserve.topology.source import BASE, Source
from teachserve.topology.words import first_sentence


@cache
def verbs_source() -> Source:
    """The class that has the verbs. Raises: OSError, SyntaxError, LookupError where it is not beside the events."""
    return Source.read(str(Path(events.__file__).with_name("taskmaster.py")), BASE)


def serving() -> Method:
    """`Taskmaster.serve`, which reads, handles and writes."""
    return verbs_source().methods["serve"][0]


def tells(verb: str) -> str:
    """The first sentence that the verb says of itself."""
    return first_sentence(ast.get_docstring(verbs_source().methods[verb][0].node))
