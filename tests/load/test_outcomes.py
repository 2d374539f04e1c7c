"""What became of each request of a plan, told by its number: one plan for several generators, and nothing twice."""

import json
import threading
from time import monotonic_ns

from teachserve.load import Generator, LoadPlan
from teachserve.load.outcomes import ABORTED, BATCH, FAILED, KEPT, Outcomes
from teachserve.load.schedule import NS
from teachserve.load.summary import OUTCOMES_KEYS, outcomes_json
from tests.load.servers import BUSY, OK, Talk, TinyServer, always, silent
from tests.load.test_process import process_against


def plan(server: TinyServer, **values: object) -> LoadPlan:
    return LoadPlan(server.host, server.port, outcomes=True, **values)


def told(outcomes: Outcomes) -> dict[int, tuple[int, int]]:
    """Number -> outcome and us; a number that is told twice fails."""
    found: dict[int, tuple[int, int]] = {}
    while outcomes:
        flat = outcomes.take()
        for number, outcome, us in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            assert number not in found
            found[number] = outcome, us
    return found


def test_each_request_is_told_once_by_its_number():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=3, rate=1000, requests=200))
        result = generator.run()
        found = told(generator.outcomes)
        assert sorted(found) == list(range(200))
        assert {outcome for outcome, _ in found.values()} == {200}
        assert max(us for _, us in found.values()) == int(result.from_plan.slowest * 1e6)
        assert generator.begun == 200


def test_refusals_failures_and_what_is_in_hand_at_the_end_are_told_as_such():
    def script(talk: Talk) -> None:
        {1: always(BUSY % 0), 2: lambda talk: talk.read()}.get(talk.number, silent)(talk)

    with TinyServer(script) as server:
        generator = Generator(plan(server, connections=3, rate=100, requests=3, keep_alive=False))
        result = generator.run(lambda progress: generator.stop() if progress.at > 0.3 else None)
        found = told(generator.outcomes)
        assert [found[number][0] for number in range(3)] == [503, FAILED, ABORTED]
        assert result.aborted == 1


def test_two_generators_keep_to_one_plan():
    """Each would count what it is late from the plan's moment, not from its own."""
    begin = monotonic_ns() + NS // 5
    with TinyServer(always(OK)) as server:
        generators = [Generator(plan(server, connections=1, rate=100, requests=20, begin_ns=begin)) for _ in range(2)]
        results = []
        threads = [threading.Thread(target=lambda one=one: results.append(one.run())) for one in generators]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert monotonic_ns() >= begin + 19 * NS // 100
        assert [result.requests for result in results] == [20, 20]
        assert [sorted(told(one.outcomes)) for one in generators] == [list(range(20))] * 2
        assert all(one.late == 0 for one in generators)
        assert all(result.elapsed < (monotonic_ns() - begin) / NS for result in results)  # the wait does not count


def test_a_run_that_begins_after_the_plan_s_beginning_says_so_and_its_requests_are_late():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=1, rate=100, requests=5, begin_ns=monotonic_ns() - NS // 2))
        generator.run()
        assert generator.late >= NS // 2
        assert told(generator.outcomes)[0][1] >= 500_000


def test_what_nobody_takes_is_bounded_and_what_is_lost_is_counted():
    outcomes = Outcomes()
    for number in range(KEPT + 7):
        outcomes.add(number, 200, 1000)
    assert outcomes.lost == 7
    assert len(outcomes.take()) == 3 * BATCH
    assert len(told(outcomes)) == KEPT - BATCH


def test_a_process_tells_them_between_its_progress_and_all_of_them_before_its_result():
    with (
        TinyServer(always(OK)) as server,
        process_against(server, connections=3, rate=1000, requests=400, outcomes=True) as load,
    ):
        lines = [json.loads(line) for line in load.process.stdout]
        batches = [line for line in lines if line["frame"] == "outcomes"]
        assert lines[-1]["frame"] == "result"
        assert list(batches[0]) == list(OUTCOMES_KEYS)
        assert sorted(number for batch in batches for number in batch["outcomes"][::3]) == list(range(400))
        assert (batches[-1]["lost"], batches[-1]["begun"]) == (0, 400)


def test_without_being_asked_it_tells_none():
    with TinyServer(always(OK)) as server, process_against(server, connections=3, rate=1000, requests=100) as load:
        assert {json.loads(line)["frame"] for line in load.process.stdout} <= {"progress", "result"}


def test_a_line_of_outcomes_holds_what_its_keys_say():
    with TinyServer(always(OK)) as server:
        generator = Generator(plan(server, connections=1, rate=1000, requests=3))
        generator.run()
        line = outcomes_json(generator)
        assert list(line) == list(OUTCOMES_KEYS)
        assert line["outcomes"][::3] == [0, 1, 2]
        assert not generator.outcomes
