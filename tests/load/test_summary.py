"""The summary: oha's rows in oha's order, then ours; and the same for programs."""

import dataclasses
import json

import pytest

from teachserve.load import LoadPlan, Progress
from teachserve.load.live import line
from teachserve.load.result import BUSY_SHARE, Ending, Failure, Latency, Result, client_bound
from teachserve.load.summary import PROGRESS_KEYS, RESULT_KEYS, progress_json, result_json, result_text

LATENCY = Latency(
    count=900, fastest=0.0005, slowest=1.5, average=0.02,
    percentiles={50.0: 0.01, 75.0: 0.02, 90.0: 0.03, 95.0: 0.04, 99.0: 0.5, 99.9: 1.4},
    bars=tuple((0.0005 + step * 0.14995, 900 - step * 80) for step in range(11)),
)  # fmt: skip
CLOSED = Result(
    url="http://127.0.0.1:8080/yo", connections=100, rate=None, keep_alive=False, ended=Ending.DEADLINE, elapsed=10.0,
    requests=900, statuses={200: 900, 404: 20, 503: 50}, errors={Failure.TIMED_OUT: 30}, aborted=92, not_sent=0,
    body_bytes=3600, from_send=LATENCY, from_plan=None, clients=100, never_served=92, fairness=0.08, connects=1000,
    connect=LATENCY, reused=5, refused=6, reset=7, cpu_share=0.5, histogram="hdrhistogram",
)  # fmt: skip
OPEN = dataclasses.replace(
    CLOSED, rate=500.0, not_sent=33, from_plan=dataclasses.replace(LATENCY, slowest=9.0, average=4.0), cpu_share=0.9
)
NOTHING = dataclasses.replace(
    CLOSED, requests=0, statuses={}, errors={}, from_send=None, connect=None, fairness=None, body_bytes=0
)

ROWS = (
    "Success rate  90.00 % (200s of 1000 requests", "Total         10.000 s", "Slowest       1.500 s",
    "Fastest       500 us", "Average       20.00 ms", "Requests/s    90.0 (only 200s count)", "Total size    3.6 kB",
    "Size/request  4 B", "Size/s        360 B", "Histogram, from the send", "Latency    from send",
    "    50 %    10.00 ms",
    "    75 %", "    90 %", "    95 %", "    99 %", "  99.9 %     1.400 s", "     max     1.500 s", "Statuses",
    "  200   900", "  404   20", "  503   50", "Errors", "  30    timed out", "503s            50",
    "other statuses  404: 20", "aborted         92 due to deadline", "never served    92 of 100",
    "fairness        0.080",
    "connects/s      100.0 (1000 in all)", "connect time    average 20.00 ms", "reused          5", "refused         6",
    "reset           7", "timed out       30", "load generator  50 % of a core",
)  # fmt: skip


def test_the_rows_stand_in_order():
    text = result_text(CLOSED)
    at = 0
    for row in ROWS:
        assert row in text[at:], row
        at = text.index(row, at) + len(row)
    assert "■" in text
    assert len([row for row in text.splitlines() if " [" in row]) == 11


def test_the_head_says_which_loop_it_is():
    assert result_text(CLOSED).splitlines()[:2] == [
        "http://127.0.0.1:8080/yo  100 connections, close",
        "closed loop: a client asks again once it is answered",
    ]
    assert "open loop: 500 requests/s, as planned" in result_text(OPEN).splitlines()[1]


def test_an_open_loop_shows_both_latencies_and_what_was_not_sent():
    text = result_text(OPEN)
    assert "Latency    from send   from plan" in text
    assert "     max     1.500 s     9.000 s" in text
    assert "Average       4.000 s" in text  # from the plan: that is what a user feels
    assert "not sent        33 (due" in text
    assert "from plan" not in result_text(CLOSED)
    assert "not sent" not in result_text(CLOSED)


def test_where_nothing_was_answered_nothing_is_invented():
    text = result_text(NOTHING)
    for row in ("Success rate  n/a", "Slowest       n/a", "Requests/s    0.0", "no request was answered with 200",
                "fairness        n/a", "connect time    n/a"):  # fmt: skip
        assert row in text


@pytest.mark.parametrize(("share", "bound"), [(0.0, False), (BUSY_SHARE, False), (0.86, True), (1.2, True)])
def test_above_85_per_cent_of_a_core_it_says_client_bound(share: float, bound: bool):
    sentence = client_bound(share)
    assert bool(sentence) == bound
    if bound:
        assert sentence.startswith(f"client-bound: the load generator used {share * 100:.0f} % of a core, so ")
    result = dataclasses.replace(CLOSED, cpu_share=share)
    assert ("client-bound: " in result_text(result)) == bound
    assert result_json(result)["client_bound"] == sentence


@pytest.mark.parametrize("result", [CLOSED, OPEN, NOTHING], ids=["closed", "open", "nothing"])
def test_every_json_key_is_documented_and_strict_json(result: Result):
    told = json.loads(json.dumps(result_json(result), allow_nan=False))
    assert list(told) == list(RESULT_KEYS)


def test_json_values():
    told = result_json(OPEN)
    assert (told["loop"], told["rate"], told["requests_per_s"], told["success_rate"]) == ("open", 500.0, 90.0, 0.9)
    assert told["statuses"] == {"200": 900, "404": 20, "503": 50}
    assert (told["unavailable_503"], told["timed_out"], told["errors"]) == (50, 30, {"timed out": 30})
    assert list(told["latency"]) == ["fastest", "mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "slowest", "count"]
    assert told["latency"] == told["latency_from_plan"]
    assert (told["latency"]["slowest"], told["latency_from_send"]["slowest"]) == (9.0, 1.5)
    assert len(told["histogram"]) == 11
    assert result_json(CLOSED)["latency"] == result_json(CLOSED)["latency_from_send"]


PROGRESS = Progress(
    at=3.21, host="h", port=80, moving=0, connections=100, keep_alive=True, rate=None, requests=900,
    statuses={200: 900, 503: 50}, errors={Failure.TIMED_OUT: 2},
    never_served=92, connects=100, refused=0, reset=0, requests_per_s_now=1234.4,
    p50_now=0.0012, p99_now=0.0083, cpu_share_now=0.99,
)  # fmt: skip


def test_progress_as_json():
    told = progress_json(PROGRESS, 3)
    assert list(told) == list(PROGRESS_KEYS)
    assert (told["per_s"], told["p99"], told["unavailable_503"], told["lost_frames"]) == (1234.4, 0.0083, 50, 3)
    assert told["client_bound"].startswith("client-bound: ")


def test_the_live_line():
    assert line(LoadPlan("h", 80, duration=10.0), PROGRESS) == (
        "3.2 of 10 s [###-----] 1234 requests/s  p50 1.2 ms  p99 8.3 ms  503s 50  errors 2"
    )
    early = dataclasses.replace(PROGRESS, p50_now=None, p99_now=None)
    assert "p50 n/a  p99 n/a" in line(LoadPlan("h", 80), early)
    assert "3.2 s, 952 of 1904 [####----] 1234" in line(LoadPlan("h", 80, requests=1904), early)
