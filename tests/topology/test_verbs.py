"""The table of verbs names the verbs that there are, and the states that their docstrings name."""

import inspect
import re

from teachserve.events import STATES
from teachserve.taskmaster import Taskmaster
from teachserve.topology.verbs import ANNOUNCES, QUIET


def test_every_verb_that_has_a_state_is_known_with_it() -> None:
    words = "|".join(sorted(STATES, key=len, reverse=True))
    told = {
        name: set(re.findall(rf"\b({words})\b", found[0].split("Once")[0]))
        for name, member in inspect.getmembers(Taskmaster, inspect.isfunction)
        if (found := re.findall(r"(?:While it blocks|States?): (.*)", member.__doc__ or "")) and name[0] != "_"
    }
    assert set(told) == set(ANNOUNCES)
    for verb, states in told.items():
        assert states <= ANNOUNCES[verb]
    assert all(callable(getattr(Taskmaster, name)) for name in QUIET)
