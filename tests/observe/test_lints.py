"""Lints: on which side of its threshold each one speaks, and what it says to one and to many."""

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachserve.events import State
from teachserve.observe.glossary import meanings
from teachserve.observe.lints import LINTS, Clients, Lints, Moment, to_json
from teachserve.observe.snapshot import QueueView
from teachserve.observe.words import WORDS

from .moments import at, differing, look, thread

S = State
CLIENTS = Clients(20, 400, 0, False)
LOOP = {"flows": {(S.READING, S.SELECTING): 1, (S.SELECTING, S.READING): 1}}


# ---- each lint as data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lint", LINTS.values(), ids=LINTS)
def test_each_lint_has_its_words(lint):
    assert lint.rule and lint.remedy and lint.lesson.startswith("teachserve ")
    assert meanings(lint.name)
    for sentence in (lint.one, lint.many):
        assert not sentence.endswith(".")
        assert {field for _, field, _, _ in string.Formatter().parse(sentence) if field} <= {
            "count", "bound", "queue", "waited", "longest", "waiting", "connections", "ended", "made", "away", "doing",
            "states", "reason", "share",
        }  # fmt: skip


def test_every_lint_of_the_glossary_is_there():
    assert set(WORDS["lints"]) <= set(LINTS)


# ---- thresholds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lasts_s", "speaks"), [(0.05, False), (0.1, True)])
def test_no_acceptor_after_a_tenth_of_a_second(lasts_s, speaks):
    found = look([at(1.0, queued=1, accepting=0), at(1.0 + lasts_s, queued=1, accepting=0)])
    assert ("no-acceptor" in found) == speaks
    if speaks:
        assert found["no-acceptor"].text == "1 connection waits in the accept queue, and nobody accepts"
        assert found["no-acceptor"].since_s == 1.0


@pytest.mark.parametrize("between", [{"queued": 0, "accepting": 0}, {"queued": 1}, {"phase": "stopping", "queued": 1}])
def test_no_acceptor_begins_anew_when_somebody_accepts_or_nobody_waits(between):
    moments = [at(1.0, queued=3, accepting=0), at(1.1, **between), at(1.15, queued=3, accepting=0)]
    assert "no-acceptor" not in look(moments)


@pytest.mark.parametrize(("queued", "speaks"), [(7, False), (8, True), (11, True)])
def test_backlog_high_from_80_percent_of_the_bound(queued, speaks):
    found = look([at(1.0, queued=queued, bound=10)])
    assert ("backlog-high" in found) == speaks
    if speaks:
        assert f"holds {queued} of 10" in found["backlog-high"].text


def test_backlog_overflow_counts_what_happens_while_it_looks_and_is_shown_for_five_seconds():
    moments = [at(9.0, drops=40), at(9.1, drops=40)]
    assert "backlog-overflow" not in look(moments)
    assert " 1 time" in look([*moments, at(9.2, drops=41)])["backlog-overflow"].text
    later = [*moments, at(9.2, drops=41), at(9.3, drops=43)]
    assert " 3 times" in look([*later, at(14.3, drops=43)])["backlog-overflow"].text
    assert "backlog-overflow" not in look([*later, at(14.4, drops=43)])
    assert " 2 times" in look([*later, at(14.4, drops=43), at(14.5, drops=45)])["backlog-overflow"].text


def test_backlog_overflow_counts_all_of_a_young_server():
    assert " 7 times" in look([at(0.2, drops=7)])["backlog-overflow"].text


def test_where_the_kernel_cannot_be_asked_its_queue_gives_no_finding():
    moments = [at(s / 10, queued=9, bound=10, drops=s, accepting=0, unavailable="not Linux") for s in range(20)]
    assert look(moments) == {}


def waits(at_s: float, length: int, handed_over: int) -> object:
    return at(at_s, queues={"connections": QueueView(length, handed_over, 0, length)})


def test_queue_wait_is_longer_than_a_tenth_of_a_second():
    assert "queue-wait" not in look([waits(1.0, 2, 2), waits(1.1, 2, 2)])
    found = look([waits(1.0, 2, 2), waits(1.11, 2, 2)])["queue-wait"]
    assert found.text == "2 items wait on 'connections', the first of them for 110 ms at least"
    assert found.since_s == 1.0


def test_queue_wait_is_that_of_the_first_item_not_of_the_queue():
    """A queue that is never empty, and in which nothing stays for long, is no finding."""
    moving = [waits(1.0 + n / 20, 1, 1 + n) for n in range(40)]
    assert "queue-wait" not in look(moving)
    stopped = [*moving, waits(3.0, 5, 44), waits(3.04, 5, 44), waits(3.08, 5, 44)]
    assert look(stopped)["queue-wait"].since_s == pytest.approx(2.95)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60))
def test_queue_wait_never_says_more_than_the_first_item_has_waited(steps):
    items: list[float] = []
    handed_over = 0
    lints = Lints()
    for number, (put, taken) in enumerate(steps):
        now = 1.0 + number / 10
        items = [*items, *[now - 0.05] * put][min(taken, len(items) + put) :]
        handed_over += put
        found = {one.lint: one for one in lints.apply(waits(now, len(items), handed_over))}
        if "queue-wait" in found:
            assert items[0] <= found["queue-wait"].since_s <= items[0] + 0.1001
        else:
            assert not items or now - items[0] <= 0.1501


@pytest.mark.parametrize(("lasts_s", "speaks"), [(0.9, False), (1.0, True)])
@pytest.mark.parametrize("option", ["threads", "max_threads"])
def test_all_serving_for_a_second(option, lasts_s, speaks):
    threads = [thread(1, S.IDLE), thread(2, S.HANDLING), thread(3, S.WAITING)]
    found = look([at(1.0, *threads, options={option: 2}), at(1.0 + lasts_s, *threads, options={option: 2})])
    assert ("all-serving" in found) == speaks
    if speaks:
        assert found["all-serving"].threads == (1, 2)
        assert found["all-serving"].text.startswith("all 2 threads that may serve")
    assert "all-serving" not in look([at(1.0, *threads, options={option: 3}), at(3.0, *threads, options={option: 3})])


def test_all_serving_where_no_option_limits_them_means_all_that_accept():
    assert look([at(1.0, thread(1, S.READING)), at(2.0, thread(1, S.READING))])["all-serving"].text.startswith(
        "the only"
    )
    assert "all-serving" not in look([at(1.0, thread(1, S.ACCEPTING)), at(2.0, thread(1, S.ACCEPTING))])


def test_all_serving_does_not_count_a_loop_among_those_that_serve():
    busy = [thread(1, S.HANDLING), thread(2, S.HANDLING, role="offloaded")]
    for offload, speaks in ((0, False), (1, True), (2, False)):
        moments = [at(now, *busy, options={"offload": offload}, **LOOP) for now in (1.0, 2.0)]
        assert ("all-serving" in look(moments)) == speaks


@pytest.mark.parametrize("others", [{"queued": 1}, {"waiting_for_place": 1}, {"queues": {"q": QueueView(1, 1, 0, 1)}}])
def test_idle_holder_keeps_others_waiting_for_a_fifth_of_a_second(others):
    idle = [thread(1, S.IDLE, 1.0), thread(2, S.IDLE, 2.5), thread(3, S.READING, 0.5)]
    assert "idle-holder" not in look([at(2.1, *idle, **others), at(2.2, *idle, **others)])
    found = look([at(2.1, *idle, **others), at(2.3, *idle, **others)])["idle-holder"]
    assert found.threads == (1,)
    assert found.text == "1 thread is idle, held for 1.30 s by a client that asks nothing, while 1 wait"
    assert "idle-holder" not in look([at(2.1, *idle), at(2.3, *idle)])
    early = [thread(1, S.IDLE, 1.4)]
    assert "idle-holder" not in look([at(2.1, *early, **others), at(2.4, *early, **others)])


def test_idle_holder_does_not_count_a_worker_that_is_wanted_as_one_who_waits():
    idle, wanted = thread(1, S.IDLE, 0.0), {"wanted": QueueView(1, 1, 0, 0)}
    assert "idle-holder" not in look([at(2.1, idle, queues=wanted), at(2.5, idle, queues=wanted)])


@pytest.mark.parametrize(("lasts_s", "speaks"), [(1.9, False), (2.0, True)])
def test_never_served_after_two_seconds(lasts_s, speaks):
    clients = Clients(20, 400, 12, False)
    found = look([at(1.0, clients=clients), at(1.0 + lasts_s, clients=clients)])
    assert ("never-served" in found) == speaks
    if speaks:
        assert found["never-served"].text == "12 of 20 clients have not had a single answer"


def test_never_served_gives_further_clients_their_two_seconds():
    few, more = Clients(20, 400, 1, False), Clients(40, 400, 21, False)
    assert "never-served" not in look([at(1.0, clients=few), at(2.5, clients=more), at(4.4, clients=more)])
    assert "never-served" in look([at(1.0, clients=few), at(2.5, clients=more), at(4.5, clients=more)])


def test_churn_is_more_than_ten_of_both_a_second():
    def after(ended: int, made: int) -> dict:
        return look([at(1.0 + n / 10, ended=ended * n // 10, made=made * n // 10) for n in range(11)])

    assert "churn" not in after(10, 50)
    assert "churn" not in after(50, 10)
    assert after(11, 12)["churn"].text == "11 threads a second end, and 12 a second are made"


def test_loop_blocked_by_a_move_that_is_more_than_50_ms_ago():
    assert "loop-blocked" not in look([at(1.0, thread(1, S.HANDLING, 0.95), **LOOP)])
    found = look([at(1.0, thread(1, S.HANDLING, 0.94), **LOOP)])["loop-blocked"]
    assert (
        found.text
        == "the loop was away from select for 60 ms at least in handling: every other connection waited meanwhile"
    )
    assert found.threads == (1,)
    assert "loop-blocked" not in look([at(1.0, thread(1, S.SELECTING, 0.1), **LOOP)])
    assert "loop-blocked" not in look([at(1.0, thread(1, S.HANDLING, 0.1))])  # nobody selects: no loop


def test_loop_blocked_is_shown_for_two_seconds():
    moments = [at(1.0, thread(1, S.HANDLING, 0.9), **LOOP), at(3.0, thread(1, S.SELECTING, 1.02), **LOOP)]
    assert look(moments)["loop-blocked"].since_s == 0.9
    assert "loop-blocked" not in look([*moments, at(3.1, thread(1, S.SELECTING, 1.02), **LOOP)])


def turning(now: float, selecting_s: float, turns: int, since_s: float | None, state: State = S.SELECTING) -> object:
    flows = {(S.SELECTING, S.READING): turns, (S.READING, S.SELECTING): turns}
    return at(
        now,
        thread(1, state, since_s, moves=round((since_s or 0) * 1000)),
        flows=flows,
        times_s={S.SELECTING: selecting_s},
    )


def test_loop_blocked_by_so_few_turns_in_so_long_a_time_that_one_was_too_long():
    """Of each 100 ms 40 are select's, and once in them the loop comes back: the other 60 are one turn."""
    moments = [turning(1.0 + n / 10, 1.0 + n * 0.04, 10 + n, 1.0 + n / 10) for n in range(12)]
    found = look(moments)["loop-blocked"]
    assert "for 55 ms at least" in found.text or "for 54 ms at least" in found.text
    often = [turning(1.0 + n / 10, 1.0 + n * 0.04, 10 + 3 * n, 1.0 + n / 10) for n in range(12)]
    assert "loop-blocked" not in look(often)


def test_loop_blocked_does_not_take_a_long_stay_in_select_for_a_turn():
    moments = [turning(1.0 + n / 10, 1.0, 10, 1.0) for n in range(20)]
    moments += [turning(3.0 + n / 10, 3.0 + n / 10 - 0.0001, 11 + n, 3.0 + n / 10) for n in range(10)]
    assert "loop-blocked" not in look(moments)


def test_loop_blocked_does_not_trust_one_table_that_was_read_while_the_loop_went_on():
    """The sum of times was read before a stay in select was over, the thread's row after the next began."""
    moments = [turning(1.0 + n / 10, 1.0, 10, 1.0) for n in range(10)]
    torn = turning(2.0, 1.0, 10, 2.0)
    assert "loop-blocked" not in look([*moments, torn, turning(2.1, 2.0, 11, 2.0)])


def test_loop_blocked_knows_nothing_of_a_stay_that_began_before_the_watching():
    moments = [turning(1.0 + n / 10, 0.0, 0, None) for n in range(8)]
    assert "loop-blocked" not in look([*moments, *(turning(1.8 + n / 10, n / 10, 1, 1.8) for n in range(4))])


@pytest.mark.parametrize(
    "state", [S.HANDLING, S.WRITING, S.CREATING, S.STARTING, S.RECYCLING, S.HANDING_OVER, S.ACCEPTED]
)
def test_stuck_for_more_than_five_seconds(state):
    assert "stuck" not in look([at(5.0, thread(1, state))])
    found = look([at(5.1, thread(1, state), thread(2, S.ACCEPTING))])["stuck"]
    assert (found.text, found.threads) == (f"1 thread is {state} for 5.10 s", (1,))


@pytest.mark.parametrize(
    "state", [S.ACCEPTING, S.SELECTING, S.WAITING, S.WAITING_FOR_PLACE, S.READING, S.IDLE, S.LINGERING]
)
def test_who_waits_is_not_stuck(state):
    assert "stuck" not in look([at(60.0, thread(1, state))])


def test_a_thread_that_was_read_in_the_middle_of_a_move_is_not_judged():
    moments = [at(9.0, thread(1, S.IDLE, 0.0, moves=5)), at(9.1, thread(1, S.HANDLING, 0.0, moves=6))]
    assert "stuck" not in look(moments)
    assert "stuck" in look([*moments, at(9.2, thread(1, S.HANDLING, 0.0, moves=6))])


def test_stop_unanswered_a_second_after_the_stop_began():
    still = [thread(1, S.ACCEPTING), thread(2, S.ACCEPTING), thread(3, S.HANDLING, 8.0)]
    stopping = {"phase": "stopping"}
    assert "stop-unanswered" not in look([at(9.0, *still, **stopping), at(10.0, *still, **stopping)])
    found = look([at(9.0, *still, **stopping), at(10.1, *still, **stopping)])["stop-unanswered"]
    assert (found.threads, found.since_s) == ((1, 2), 10.0)
    assert found.text.startswith("the server stops, and 2 threads accept still")
    assert "stop-unanswered" not in look([at(9.0, *still, **stopping), at(10.1, still[2], **stopping)])
    assert "stop-unanswered" not in look([at(9.0, *still), at(10.1, *still)])


def test_witness_differs_twice_running_about_the_same_thread():
    first, second, third = differing(1, 2), differing(2, 3), differing(4)
    assert "witness-differs" not in look([at(1.0, witness=first)])
    assert "witness-differs" not in look([at(1.0, witness=first), at(1.1, witness=first)])  # the same look, no second
    found = look([at(1.0, witness=first), at(1.1, witness=second), at(1.2, witness=second)])["witness-differs"]
    assert (found.threads, found.since_s) == ((2,), 1.1)
    assert found.text == "the kernel contradicts 1 thread, twice running: reading blocks in recvfrom"
    assert "witness-differs" not in look([at(1.0, witness=first), at(1.1, witness=second), at(1.2, witness=third)])


def watched(before: int, since: int, asked: Clients = CLIENTS, **changes: object) -> list[Moment]:
    """A second of tables at a time: four with so many answers a second and tables alone, four with every event as well."""
    tables = [at(n, requests=n * before, clients=CLIENTS) for n in range(5)]
    counted = 4 * before
    return tables + [
        at(5 + n, requests=counted + n * since, clients=asked, streaming=True, **changes) for n in range(5)
    ]


@pytest.mark.parametrize(("since", "speaks"), [(890, True), (910, False), (1200, False)])
def test_observer_cost_below_90_percent(since, speaks):
    found = look(watched(1000, since))
    assert ("observer-cost" in found) == speaks
    if speaks:
        text = "since every event is sent, the server answers 89% of what it did with tables alone"
        assert (found["observer-cost"].text, found["observer-cost"].since_s) == (text, 8)


@pytest.mark.parametrize(
    "moments",
    [
        watched(100, 50),  # too few to tell
        watched(1000, 500, CLIENTS._replace(connections=10)),
        watched(1000, 500, CLIENTS._replace(keep_alive=False)),
        watched(1000, 500, options={"delay": "2ms"}),
        watched(1000, 500)[3:],  # what came before was too short
        watched(1000, 500)[:7],
        watched(1000, 500, None),
        [replace(moment, clients=None) for moment in watched(1000, 500)],
    ],
)
def test_observer_cost_is_silent_where_something_else_may_be_the_reason(moments):
    assert "observer-cost" not in look(moments)


def test_client_bound_is_what_the_load_generator_says():
    assert "client-bound" in look([at(1.0, clients=Clients(20, 400, 0, True))])
    assert "client-bound" not in look([at(1.0, clients=Clients(20, 400, 0, False))])


# ---- all together --------------------------------------------------------------------------------------------------


def broken(now: float, **changes: object) -> object:
    """A server that breaks most rules at once."""
    threads = [thread(1, S.IDLE, 0.0), thread(2, S.HANDLING, 0.0)]
    return at(
        now, *threads, queued=9, bound=10, drops=round(now * 10), accepting=0, options={"threads": 2},
        queues={"q": QueueView(2, 2, 0, 2)}, clients=Clients(20, 4, 9, True), ended=round(now * 20), made=round(now * 20),
        witness=differing(2), **changes,
    )  # fmt: skip


def test_findings_stand_in_one_order_and_the_same_moments_give_the_same():
    moments = [broken(6 + n / 10) for n in range(30)]
    found = look(moments)
    assert list(found) == [name for name in LINTS if name in found]
    assert set(LINTS) - set(found) == {"loop-blocked", "stop-unanswered", "observer-cost"}
    assert look(moments) == found


def test_in_slow_motion_the_timing_rules_rest_and_what_they_had_begun_is_forgotten():
    slow = look([broken(6 + n / 10, slow_s=0.5) for n in range(30)])
    assert set(slow) == {"backlog-high", "backlog-overflow", "witness-differs"}
    moments = [broken(6.0), *(broken(6.1 + n / 10, slow_s=0.5) for n in range(30)), broken(9.1)]
    assert "all-serving" not in look(moments)


def test_no_finding_where_the_server_does_not_serve():
    for phase in ("connecting", "stopped", "abandoned", "lost"):
        assert look([broken(6 + n / 10, phase=phase) for n in range(30)]) == {}


def test_what_is_over_is_remembered_with_its_last_moment():
    lints = Lints()
    for moment in [at(1.0, queued=9, bound=10), at(1.1, queued=10, bound=10), at(1.2, queued=1, bound=10)]:
        now = lints.apply(moment)
    assert now == ()
    (over,) = lints.over
    assert (over.lint, over.since_s, over.until_s) == ("backlog-high", 1.0, 1.1)
    lints.apply(at(1.3, queued=9, bound=10))
    assert lints.over == ()


def test_findings_as_json_name_the_rule_and_the_remedy():
    found = tuple(look([at(1.0, queued=9, bound=10)]).values())
    assert to_json(found) == [
        {
            "lint": "backlog-high",
            "text": "the accept queue holds 9 of 10: soon the kernel turns clients away",
            "since_s": 1.0,
            "until_s": None,
            "threads": [],
            "rule": LINTS["backlog-high"].rule,
            "remedy": LINTS["backlog-high"].remedy,
        }
    ]
