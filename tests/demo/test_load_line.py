"""What the load generator says, and what is said of it while it says nothing."""

import json
import queue
from types import SimpleNamespace

from teachserve.demo.load_line import LoadLine

PLAN = {"connections": 20, "keep_alive": False, "rate": None}
TOLD = {"per_s": 1570.0, "p50": 0.009, "p99": 0.12, "requests": 4000, "client_cpu": 0.2, "connections": 20}


def test_figures_of_now_end_when_the_generator_says_nothing_and_sums_stay() -> None:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    now = [0.0]
    child = SimpleNamespace(process=SimpleNamespace(stdout=iter(lines.get, b"")))
    load = LoadLine(child, PLAN, clock=lambda: now[0])
    now[0] = 10.0
    assert load.view().silent_s == 0  # it has not begun
    with load._told:
        lines.put(json.dumps(TOLD).encode())
        assert load._told.wait_for(lambda: load._latest, 60)
    now[0] = 11.0
    told = load.view()
    assert (told.answered_per_s, told.p50, told.answered, told.silent_s) == (1570.0, 0.009, 4000, 0.0)
    now[0] = 14.0
    told = load.view()
    assert (told.answered_per_s, told.p50, told.p99, told.core) == (0.0, None, None, 0.0)
    assert (told.answered, told.connections, told.silent_s) == (4000, 20, 4.0)
    lines.put(b"")
    assert load.wait_for_result(60) is None
