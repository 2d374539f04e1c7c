"""Every word on a screen has its sentence, and the sentences speak of what a person can see."""

import json
import re

import pytest
from click.testing import CliRunner

import teachserve.demo.controls  # noqa: F401  (its controls are to be known)
from teachserve.architectures import NAMES
from teachserve.cli.explain import command
from teachserve.demo.control import Control
from teachserve.events import MARKS, STATES, TRANSITIONS, event_name, mark_name
from teachserve.observe.glossary import GLOSSARY, GROUPS, close_to, meanings, related
from teachserve.observe.snapshot import PHASES
from teachserve.observe.verdict import Verdict
from teachserve.observe.words import ALIASES, EVERYDAY, TOGETHER
from teachserve.options import OPTIONS

VOCABULARY = [
    *(state.value for state in STATES),
    *(event_name(before, after) for before in STATES for after in TRANSITIONS[before]),
    *(mark_name(mark) for mark in MARKS),
    *(verdict.value for verdict in Verdict),
    *OPTIONS,
    *NAMES,
    *PHASES,
    *ALIASES,
    *EVERYDAY,
    *(word for words in TOGETHER for word in words),
]


def controls(of: type = Control) -> list[str]:
    """The names of all that can be changed while one watches."""
    return [
        name for one in of.__subclasses__() for name in (*([one.name] if hasattr(one, "name") else []), *controls(one))
    ]


CALLS = {"epoll_wait"}
EVENTS = {meaning.word for meaning in GLOSSARY if meaning.group == "events"}


@pytest.mark.parametrize("word", sorted(set(VOCABULARY)))
def test_every_word_of_the_vocabulary_has_a_meaning(word: str) -> None:
    assert meanings(word)


def test_every_control_has_a_meaning() -> None:
    assert {"connections", "slow", "architecture"} <= set(controls())
    assert [name for name in controls() if not meanings(name)] == []


def test_no_word_has_two_meanings_in_one_group_and_no_sentence_is_said_twice() -> None:
    assert len({(one.word.lower(), one.group) for one in GLOSSARY}) == len(GLOSSARY)
    sentences = [one.sentence for one in GLOSSARY if one.group != "events"]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("meaning", GLOSSARY, ids=lambda one: f"{one.word} ({one.group})")
def test_a_meaning_is_one_sentence_that_names_nothing_internal(meaning) -> None:
    sentence = meaning.sentence
    assert not sentence.endswith(".")
    assert ". " not in sentence
    assert len(sentence) <= 120
    assert set(re.findall(r"\w+_\w+", sentence)) <= set(OPTIONS) | CALLS
    assert set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w*", sentence)) <= EVENTS
    assert "()" not in sentence


@pytest.mark.parametrize("written", ["accept queue", "Accept-Queue", "accept_queue", " ACCEPT  queue "])
def test_a_word_is_found_however_it_is_written(written: str) -> None:
    assert [one.word for one in meanings(written)] == ["accept queue"]


def test_a_word_with_two_meanings_gives_both() -> None:
    assert [one.group for one in meanings("recycling")] == ["what a thread can be doing", "architectures"]


def test_another_word_for_the_same_gives_the_same() -> None:
    assert meanings("ok") == meanings("confirmed")


@pytest.mark.parametrize(
    ("typo", "meant"), [("stanby", "standby"), ("recyling", "recycling"), ("acept queue", "accept queue")]
)
def test_a_typo_comes_close(typo: str, meant: str) -> None:
    assert close_to(typo)[0] == meant


def test_words_that_belong_together_lead_to_each_other() -> None:
    assert "p99" in related("p50")
    assert "recycling" in related("standby")
    assert "standby" not in related("standby")


def run(*words: str) -> str:
    told = CliRunner().invoke(command, words, standalone_mode=False, catch_exceptions=False)
    assert told.return_value == 0
    return told.stdout


def test_explain_prints_the_sentence_and_what_to_look_at_next() -> None:
    lines = run("waiting", "for", "a", "place").splitlines()
    assert lines[0].startswith("waiting for a place (what a thread can be doing): has a connection, blocks until")
    assert lines[-1].startswith("See also: max_threads, place, serving")


def test_explain_as_json_is_one_value() -> None:
    told = json.loads(run("standby", "--json"))
    assert told["word"] == "standby"
    assert told["meanings"] == [{"group": "options", "sentence": meanings("standby")[0].sentence}]
    assert "recycling" in told["related"]
    assert len(json.loads(run("--json"))) == len(GLOSSARY)


def test_explain_alone_lists_every_word_by_group() -> None:
    text = run()
    assert [group for group in GROUPS if f"{group[0].upper()}{group[1:]}" not in text.splitlines()] == []
    assert [one.word for one in GLOSSARY if f"\n  {one.word} " not in text] == []
