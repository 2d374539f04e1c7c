"""What a run came to. Only 200s count as requests/s; what else happened stands beside them."""

from collections import Counter
from dataclasses import dataclass, field

from teachserve.load.latency import HdrHistogram, Latencies
from teachserve.load.plan import LoadPlan

CLIENT_BOUND = 0.85
"""Share of a core from which on the load generator itself may be the limit."""


def fairness(served: list[int]) -> float | None:
    """Jain's index over the answers that each client got: 1 = all alike, 1/n = one got everything.

    Source: Jain, Chiu, Hawe, A Quantitative Measure of Fairness (DEC-TR-301, 1984).
    """
    squares = sum(count * count for count in served)
    return sum(served) ** 2 / (len(served) * squares) if squares else None


def client_bound(cpu_share: float) -> str | None:
    """The sentence that says that the generator is the limit, None where it is not."""
    if cpu_share <= CLIENT_BOUND:
        return None
    return f"client-bound: the load generator uses {cpu_share:.0%} of a core; the server may be able to do more"


@dataclass(slots=True)
class Counts:
    """Everything counted since the start. Numbers of requests, answers, connections; bytes; seconds."""

    statuses: Counter[int] = field(default_factory=Counter)  # answers by status
    errors: Counter[str] = field(default_factory=Counter)  # requests that got no answer, by kind
    connects: int = 0  # connections established
    reused: int = 0  # requests on a connection that had answered before
    refused: int = 0
    reset: int = 0  # kept-alive connections that the server closed before the next answer; asked again on a new one
    timed_out: int = 0
    aborted: int = 0  # in flight when the time was over: neither success nor error
    received: int = 0  # bytes
    backing_off: int = 0  # clients that wait for Retry-After, now


def as_result(plan: LoadPlan, counts: Counts, served: list[int], seconds: float, cpu_share: float,
              from_send: Latencies, from_plan: Latencies, connect_time: Latencies, ended: str) -> dict:  # fmt: skip
    """The result with documented keys: `load --json` prints it, and it is the last line of the process mode.

    Seconds and bytes throughout; `requests_per_s` counts 200s only; `latency` is from the send, `latency_from_plan` from
    the moment at which the plan had it due (None in a closed loop).
    """
    ok = counts.statuses[200]
    answers = sum(counts.statuses.values())
    asked = answers + sum(counts.errors.values())
    never = sum(not count for count in served)
    return {
        "url": plan.url,
        "loop": "open" if plan.rate else "closed",
        "keep_alive": plan.keep_alive,
        "connections": plan.connections,
        "rate": plan.rate,
        "ended": ended,
        "duration_s": seconds,
        "success_rate": ok / asked if asked else None,
        "requests": ok,
        "requests_per_s": ok / seconds if seconds else 0.0,
        "latency": from_send.summary(),
        "latency_from_plan": from_plan.summary() if plan.rate else None,
        "histogram": from_send.bars(),
        "histogram_kind": "hdrhistogram" if HdrHistogram else "counted",
        "bytes": counts.received,
        "bytes_per_answer": counts.received / answers if answers else None,
        "statuses": {str(status): count for status, count in sorted(counts.statuses.items())},
        "unavailable_503": counts.statuses[503],
        "errors": dict(counts.errors.most_common()),
        "aborted": counts.aborted,
        "connects": counts.connects,
        "connects_per_s": counts.connects / seconds if seconds else 0.0,
        "connect_time": connect_time.summary(),
        "reused": counts.reused,
        "refused": counts.refused,
        "reset": counts.reset,
        "timed_out": counts.timed_out,
        "never_served": never,
        "fairness": fairness(served),
        "client_cpu": cpu_share,
        "client_bound": client_bound(cpu_share),
    }
