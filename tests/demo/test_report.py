"""What `--headless` prints: the same for scripts and for people."""

import json
from dataclasses import replace

from teachserve.demo.report import as_json, as_text
from teachserve.events import State
from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.kernel import Look
from teachserve.observe.lints import Finding
from teachserve.observe.verdict import Shares

from .pictures import picture, recycling

RESULT = {
    "requests_per_s": 7000.5, "latency": {"p50": 0.012, "p90": 0.02, "p99": 0.045, "p99.9": 0.1, "slowest": 0.2},
    "loop": "closed", "rate": None, "unavailable_503": 0, "errors": {}, "never_served": 0, "client_bound": None,
}  # fmt: skip


def test_the_json_holds_the_whole_model() -> None:
    told = json.loads(json.dumps(as_json(picture(), RESULT, 5.0, "stopped")))
    assert (told["architecture"], told["python"], told["gil"]) == ("recycling", "3.13.0", True)
    assert set(told["states"]) == {state.value for state in State}
    assert (told["threads"], told["made"], told["recycled"], told["ended"]) == (12, 120, 3400, 108)
    assert told["throughput"]["answered_per_s"] == 7000.5
    assert told["latency"]["p99"] == 0.045
    assert told["losses"] == {"frames": 0, "events": 0, "illegal_moves": 0}
    assert told["accept_queue"] == {"length": 0, "bound": 2048, "overflowed": 0, "unavailable": None}
    assert told["options"]["standby"] == 8
    assert (told["outcome"], told["phase"]) == ("stopped", "serving")
    assert told["witness"]["total"]["agreement"] == 1.0
    assert told["witness"]["states"]["accepting"]["confirmed"] == 900
    assert told["witness"]["states"]["handling"]["agreement"] is None


def test_a_state_that_could_not_be_judged_for_a_minute_is_named_in_both() -> None:
    shares = {State.WRITING: Shares(0, 5, 5, 0, 0, 0), State.READING: Shares(9, 0, 0, 0, 0, 0)}
    look = Look((), shares, sum(shares.values(), Shares()), {State.WRITING: 61.0}, 0.0)
    told = as_json(picture(witness=look), RESULT, 70.0, "stopped")
    assert told["witness"]["unjudged_for_a_minute"] == ["writing"]
    assert "no sample of writing could be judged for a minute" in as_text(picture(witness=look), RESULT, 70.0)


def test_what_cannot_be_known_is_null_with_a_reason() -> None:
    blind = Look((), {}, Shares(), {}, 0.0, "only Linux shows it")
    shown = picture(witness=blind, accept_queue=AcceptQueue(unavailable="only Linux tells"))
    told = as_json(shown, None, 5.0, "stopped")
    assert told["accept_queue"] == {
        "length": None,
        "bound": None,
        "overflowed": None,
        "unavailable": "only Linux tells",
    }
    assert told["witness"]["unavailable"] == "only Linux shows it"
    assert told["load"] is None
    text = as_text(shown, None, 5.0)
    assert "n/a: only Linux tells" in text
    assert "n/a: only Linux shows it" in text
    assert "the load generator gave no result" in text
    assert as_json(replace(shown, witness=None), None, 5.0, "stopped")["witness"]["unavailable"] == "no look was taken"


def test_the_text_has_the_same_figures() -> None:
    text = as_text(picture(recycling(11, 3)), RESULT | {"client_bound": "client-bound: the load generator"}, 5.0)
    for words in (
        "recycling, Python 3.13.0, GIL on, 5.0 s",
        "3 of 11 workers block in accept(2)",
        "threads     12: made 120, recycled 3400, ended 108, broken 0",
        "kernel's accept queue 0 of 2048, 0 overflowed; wanted 0 (of 112)",
        "7000 requests/s, 0 503s, 0 errors, 0 of 100 never served",
        "p50 12ms, p90 20ms, p99 45ms, p99.9 100ms, slowest 200ms",
        "client-bound",
        "frames 0, events 0; illegal moves 0",
        "agrees 100 %, could judge 83.7 % of 1075 samples",
        "(any call counts)",
    ):
        assert words in text


def test_broken_rules_are_told_with_their_remedy_and_those_that_were_broken_before_too() -> None:
    now = Finding("no-acceptor", "3 connections wait in the accept queue, and nobody accepts", 2.5)
    over = Finding("queue-wait", "1 item waits on 'wanted', for 120 ms at least", 1.0, until_s=1.5)
    shown = picture(findings=(now,), over=(over,))
    told = as_json(shown, None, 10.0, "stopped")["lints"]
    assert [(one["lint"], one["since_s"], one["until_s"]) for one in told] == [
        ("no-acceptor", 2.5, None),
        ("queue-wait", 1.0, 1.5),
    ]
    assert all(one["remedy"] and one["rule"] and one["text"] for one in told)
    text = as_text(shown, None, 10.0)
    assert "lints       no-acceptor: 3 connections wait in the accept queue, and nobody accepts (since 2.5 s)" in text
    assert "            queue-wait: 1 item waits on 'wanted', for 120 ms at least (1.0 s to 1.5 s)" in text


def test_a_server_that_broke_no_rule_says_so() -> None:
    assert as_json(picture(), None, 10.0, "stopped")["lints"] == []
    assert "lints       no rule was broken" in as_text(picture(), None, 10.0)


def test_one_is_no_more_than_one() -> None:
    alone = recycling(11, 3)
    alone = replace(alone, counters=alone.counters | {"requests": 1, "connections": 1})
    text = as_text(picture(alone), RESULT | {"unavailable_503": 1, "errors": {"refused": 1}}, 5.0)
    assert "served      1 request on 1 connection, " in text
    assert "requests/s, 1 503, 1 error, " in text
