"""Every word that stands on a screen, with one sentence on what it means.

States, verdicts and options are explained where they are declared, the rest in `words`. A word may have more than one
meaning, as it has in the field: `recycling` is a state and an architecture.
"""

import difflib
import re
from typing import NamedTuple

from teachserve.events import MARKS, MEANING, STATES, Mark, State, event_name, mark_name
from teachserve.observe import verdict
from teachserve.observe.words import ALIASES, EVERYDAY, TOGETHER, WORDS
from teachserve.options import DECLARED

STATE_GROUP, VERDICT_GROUP = "what a thread can be doing", "what the kernel says of it"
OPTION_GROUP, EVENT_GROUP = "options", "events"
CLOSE = 0.7
MOST_RELATED = 8

NAMED = {
    "Accepted": "accept(2) has given the thread a connection",
    "Recycled": "the worker goes back to accept, because fewer than standby others are there",
    "EndedAsSurplus": "the worker ends instead of going back to accept: enough others are there, or the server stops",
    "BackedOff": "accept(2) failed for want of descriptors or memory, and the thread pauses before it tries again",
    "KeptAlive": "the answer is sent, and the client keeps the connection",
    "Ended": "the thread's method has returned: the thread is over",
    "Broken": "the thread's method has raised an exception: the thread is over",
}
MARKED = {
    Mark.CLOSED: "the server has closed the connection, or has given it to the closer",
    Mark.REFUSED: "the connection was answered with an error, and is closed",
    Mark.ARRIVED: "at that moment, at the latest, the connection was in the kernel's accept queue",
    Mark.SPAWNED: "the thread has made another thread",
    Mark.HANDED_OVER: "the thread has put something on a named queue",
}


class Meaning(NamedTuple):
    """One meaning of a word. The sentence begins in lower case and has no full stop, as in a dictionary."""

    word: str
    group: str
    sentence: str


def _all() -> tuple[Meaning, ...]:
    entered = {event_name(State.STARTING, state): state for state in STATES}
    told = {name: f"the thread has begun this: {MEANING[state]}" for name, state in entered.items()}
    events = {**told, **NAMED, **{mark_name(mark): MARKED[mark] for mark in MARKS}}
    options = {option.name: _lower(option.sentence.rstrip(".")) for option in DECLARED}
    groups = {
        STATE_GROUP: {state.value: sentence for state, sentence in MEANING.items()},
        **WORDS,
        VERDICT_GROUP: {one.value: sentence for one, sentence in verdict.MEANING.items()},
        OPTION_GROUP: options,
        EVENT_GROUP: events,
    }
    return tuple(Meaning(word, group, text) for group, words in groups.items() for word, text in words.items())


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


GLOSSARY: tuple[Meaning, ...] = _all()
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(meaning.group for meaning in GLOSSARY))


def plain(word: str) -> str:
    """The word without what people write in different ways: `--Max_threads` is `max threads`."""
    return " ".join(re.sub(r"[-_]", " ", word).lower().split())


_BY_WORD: dict[str, list[Meaning]] = {}
for _meaning in GLOSSARY:
    _BY_WORD.setdefault(plain(_meaning.word), []).append(_meaning)
_ALIASES = {plain(other): plain(word) for other, word in ALIASES.items()}


def meanings(word: str) -> list[Meaning]:
    """Every meaning of the word, states first. Empty: it is not in here."""
    key = plain(word)
    return _BY_WORD.get(key) or _BY_WORD.get(_ALIASES.get(key, ""), [])


def close_to(word: str) -> list[str]:
    """At most three words that are written much like this one."""
    spellings = {**{other: _BY_WORD[key][0].word for other, key in _ALIASES.items()},
                 **{key: found[0].word for key, found in _BY_WORD.items()}}  # fmt: skip
    close = difflib.get_close_matches(plain(word), spellings, 6, CLOSE)
    return list(dict.fromkeys(spellings[one] for one in close))[:3]


def related(word: str) -> list[str]:
    """Words that explain this one: those that belong to it, those that its sentences name, those whose sentences name it."""
    own = meanings(word)
    names = {meaning.word for meaning in own}
    belonging = [other for group in TOGETHER if names & set(group) for other in group]
    named = [one for one in GLOSSARY if any(_names(meaning.sentence, one.word) for meaning in own)]
    naming = [one for one in GLOSSARY if any(_names(one.sentence, meaning.word) for meaning in own)]
    telling = [one.word for one in (*named, *naming) if one.group not in ("columns", EVENT_GROUP)]
    found = [*belonging, *(other for other in telling if other not in EVERYDAY)]
    return [other for other in dict.fromkeys(found) if plain(other) not in map(plain, names)][:MOST_RELATED]


def _names(sentence: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(plain(word))}(?!\w)", plain(sentence)) is not None
