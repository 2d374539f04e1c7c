"""What a load run found. All times are seconds, all counts absolute, from the run's beginning to its end."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

BUSY_SHARE = 0.85
"""Above this share of a core, the load generator itself may be what limits the figures."""

BARS = 11
PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)


class Loop(StrEnum):
    """Who decides when the next request is sent."""

    CLOSED = "closed"
    """The server: a client asks again once it is answered, so a slow server is asked less."""
    OPEN = "open"
    """The plan: requests come at their times, however slow the server is."""


class Ending(StrEnum):
    """What has ended the run."""

    DEADLINE = "deadline"
    REQUESTS = "requests"
    INTERRUPTED = "interrupted"


class Failure(StrEnum):
    """Why a request has failed, in the words of the report."""

    TIMED_OUT = "timed out"
    RESET = "connection reset before the answer"
    CLOSED = "connection closed before the answer"
    CUT_SHORT = "connection ended in the middle of the answer"
    NOT_HTTP = "the answer was not HTTP"
    UNREACHABLE = "host unreachable"
    NO_PORT = "no local port free"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took: seconds, over all answers with status 200.

    `percentiles` by per cent: so many per cent took at most so long. `bars` is (upper end in seconds, answers up to it
    and above the previous end), evenly spaced from the fastest to the slowest.
    """

    count: int
    fastest: float
    slowest: float
    average: float
    percentiles: Mapping[float, float]
    bars: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """The run so far, ten times a second. Counts are since the beginning, `*_now` is over the last second.

    `at` seconds since the beginning; `host`, `port`, `connections`, `keep_alive` and `rate` the plan as it stands now.
    `moving` requests in hand that were sent to an address which the load has left since.
    `requests` answers with status 200; `statuses` all answers by status; `errors` failed requests by kind.
    `never_served` clients that have asked and not got one 200 so far.
    `requests_per_s_now` 200s a second. `p50_now` and `p99_now` seconds, of 200s: from the plan in an open loop, from
    the send in a closed one; None if there was none. `cpu_share_now` share of one core that the generator used.
    `connects`, `refused` and `reset` as in the result.
    """

    at: float
    host: str
    port: int
    moving: int
    connections: int
    keep_alive: bool
    rate: float | None
    requests: int
    statuses: Mapping[int, int]
    errors: Mapping[str, int]
    never_served: int
    connects: int
    refused: int
    reset: int
    requests_per_s_now: float
    p50_now: float | None
    p99_now: float | None
    cpu_share_now: float


@dataclass(frozen=True, slots=True)
class Result:
    """The whole run.

    `url`, `connections`, `rate`, `keep_alive` the plan as it stood at the end. `elapsed` seconds. `ended` by what.

    `requests` answers with status 200: only these count as requests/s. `statuses` all answers by status. `errors`
    requests that failed, by kind. `aborted` requests in flight when the time was up (or their client was taken away):
    neither success nor error. `not_sent` requests that were due, but every client was busy until the end; open loop
    only. `body_bytes` in bodies of 200s.

    `from_send` latency from when the client began the attempt (with the connect, if it needed one) that was answered:
    what a naive tool shows. `from_plan` latency from when the request was due: what a user feels, since it holds the
    wait for a free client; open loop only. They differ by what Gil Tene calls coordinated omission (wrk2's README).

    `clients` client slots that have asked at least once, among those there at the end; `never_served` those of them
    without one 200; `fairness` Jain's index over their 200s. `connects` connections made; `connect` seconds each took.
    `reused` requests sent on a connection that was there already; `refused` connects that the server refused (the
    request is tried again); `reset` kept connections that the server ended before a byte of an answer (tried again on
    a new one, if a request was in hand).

    `cpu_share` of one core that the generator used, 0 to 1. `histogram` what latencies were kept in.
    """

    url: str
    connections: int
    rate: float | None
    keep_alive: bool
    ended: Ending
    elapsed: float
    requests: int
    statuses: Mapping[int, int]
    errors: Mapping[str, int]
    aborted: int
    not_sent: int
    body_bytes: int
    from_send: Latency | None
    from_plan: Latency | None
    clients: int
    never_served: int
    fairness: float | None
    connects: int
    connect: Latency | None
    reused: int
    refused: int
    reset: int
    cpu_share: float
    histogram: str

    @property
    def loop(self) -> Loop:
        """Open if the plan had a rate."""
        return Loop.CLOSED if self.rate is None else Loop.OPEN

    @property
    def finished(self) -> int:
        """Requests that came to an end: every answer and every error."""
        return sum(self.statuses.values()) + sum(self.errors.values())

    @property
    def success_rate(self) -> float | None:
        """200s among the requests that came to an end, 0 to 1; None if none did."""
        return self.requests / self.finished if self.finished else None

    @property
    def requests_per_s(self) -> float:
        """200s a second over the whole run."""
        return self.requests / self.elapsed if self.elapsed else 0.0

    @property
    def timed_out(self) -> int:
        """Requests that took longer than the timeout."""
        return self.errors.get(Failure.TIMED_OUT, 0)

    @property
    def client_bound(self) -> str | None:
        """A sentence if the load generator itself may be the limit."""
        return client_bound(self.cpu_share)


def fairness(served: Iterable[int]) -> float | None:
    """Jain's index: 1 if all got the same, 1/n if one got everything; None if nobody got anything.

    Source: Jain, Chiu, Hawe, "A Quantitative Measure of Fairness and Discrimination", DEC-TR-301, 1984.
    """
    served = list(served)
    squares = sum(count * count for count in served)
    return sum(served) ** 2 / (len(served) * squares) if squares else None


def client_bound(cpu_share: float) -> str | None:
    """A sentence if the load generator used more than 85 % of a core; None if not."""
    if not math.isfinite(cpu_share) or cpu_share <= BUSY_SHARE:
        return None
    return (
        f"client-bound: the load generator used {cpu_share * 100:.0f} % of a core, so these figures may be its own "
        "limit and not the server's; ask for less (-q) or run a second generator beside it"
    )
