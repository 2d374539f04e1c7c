"""What a run found, as text for people and as JSON for programs."""

from collections.abc import Mapping
from typing import Any

from teachserve.load.generator import Generator
from teachserve.load.plan import LoadPlan
from teachserve.load.result import Latency, Loop, Progress, Result, client_bound

RESULT_KEYS = {
    "url": "what was asked for",
    "loop": "closed: a client asks again once it is answered; open: requests come when the plan (rate) says",
    "connections": "client slots",
    "rate": "requests/s planned over all connections; null in a closed loop",
    "keep_alive": "false: a new connection for each request",
    "ended": "deadline, requests (all were made) or interrupted",
    "duration_s": "seconds from the first connect to the end",
    "requests": "answers with status 200",
    "requests_per_s": "answers with status 200 a second",
    "success_rate": "200s among the requests that ended in an answer or an error, 0 to 1; null if none ended",
    "statuses": "answers by status",
    "unavailable_503": "answers with status 503",
    "errors": "requests that failed, by kind",
    "timed_out": "requests that took longer than the timeout; among the errors too",
    "aborted": "requests in flight at the end: neither success nor error",
    "not_sent": "requests that were due while every client was busy to the end; open loop only",
    "bytes": "bytes in the bodies of 200s",
    "bytes_per_answer": "bytes in the body of a 200, on average; null without any",
    "latency": "seconds, over 200s: from the plan in an open loop, from the send in a closed one; null without any",
    "latency_from_send": "seconds from when the client began the attempt that was answered, its connect included",
    "latency_from_plan": "seconds from when the request was due; null in a closed loop",
    "histogram": "of latency, 11 bars: (upper end in seconds, answers up to it and above the end before)",
    "histogram_kind": "what latencies are kept in: hdrhistogram, or buckets without it; both to three digits",
    "clients": "client slots that asked at least once",
    "never_served": "those of them without one 200",
    "fairness": "Jain's index over the 200s of each: 1 all alike, 1/n one got all; null without a 200",
    "connects": "connections made",
    "connects_per_s": "connections made a second",
    "connect_time": "seconds that a connect took",
    "reused": "requests sent on a connection that was there already",
    "refused": "connects that were refused, and tried again",
    "reset": "kept connections that the server ended before a byte of an answer; the request was tried on a new one",
    "client_cpu": "share of one core that the load generator used",
    "client_bound": "a sentence if the load generator itself may be the limit, else null",
}
"""Every key of the result, what it means and its unit. A latency has fastest, mean, p50 to p99.9, slowest and count."""

PROGRESS_KEYS = {
    "frame": "progress",
    "at_s": "seconds since the beginning",
    "host": "where the load goes, as the plan stands now",
    "port": "the same",
    "moving": "requests in hand that were sent to an address which the load has left since",
    "connections": "client slots, as the plan stands now",
    "rate": "requests/s planned, null in a closed loop",
    "keep_alive": "false: a new connection for each request",
    "requests": "answers with status 200 since the beginning",
    "statuses": "answers by status, since the beginning",
    "unavailable_503": "answers with status 503 since the beginning",
    "errors": "failed requests by kind, since the beginning",
    "connects": "connections made since the beginning",
    "refused": "connects that were refused since the beginning",
    "reset": "kept connections that the server ended, since the beginning",
    "never_served": "clients that have asked and not got one 200 so far",
    "per_s": "answers with status 200 a second, over the last second",
    "p50": "seconds, over the last second's 200s: from the plan in an open loop, else from the send; null without any",
    "p99": "the same",
    "client_cpu": "share of one core that the load generator used in the last second",
    "client_bound": "a sentence if the load generator itself may be the limit, else null",
    "lost_frames": "progress that nobody read in time, and that was left out",
}
"""Every key of one line of progress, what it means and its unit."""

OUTCOMES_KEYS = {
    "frame": "outcomes",
    "outcomes": "one after the other: number in the plan, from 0; status, 0 failed, -1 given up at the end; us from the plan",
    "begun": "requests that a client took in hand: from this number on none was sent yet",
    "lost": "outcomes that nobody read in time, and that are never told",
    "late_s": "seconds by which the run began after the plan's beginning",
}
"""Every key of one line of outcomes, what it means and its unit."""


def result_json(result: Result) -> dict[str, Any]:
    """The result as `teachserve load --json` prints it; `RESULT_KEYS` says what each key means."""
    shown = _shown(result)
    return {
        "url": result.url,
        "loop": result.loop.value,
        "connections": result.connections,
        "rate": result.rate,
        "keep_alive": result.keep_alive,
        "ended": result.ended.value,
        "duration_s": round(result.elapsed, 6),
        "requests": result.requests,
        "requests_per_s": round(result.requests_per_s, 3),
        "success_rate": result.success_rate,
        "statuses": _by_status(result.statuses),
        "unavailable_503": result.statuses.get(503, 0),
        "errors": dict(result.errors),
        "timed_out": result.timed_out,
        "aborted": result.aborted,
        "not_sent": result.not_sent,
        "bytes": result.body_bytes,
        "bytes_per_answer": result.body_bytes / result.requests if result.requests else None,
        "latency": _latency_json(shown),
        "latency_from_send": _latency_json(result.from_send),
        "latency_from_plan": _latency_json(result.from_plan),
        "histogram": [[round(end, 9), count] for end, count in shown.bars] if shown else [],
        "histogram_kind": result.histogram,
        "clients": result.clients,
        "never_served": result.never_served,
        "fairness": result.fairness,
        "connects": result.connects,
        "connects_per_s": round(result.connects / result.elapsed, 3),
        "connect_time": _latency_json(result.connect),
        "reused": result.reused,
        "refused": result.refused,
        "reset": result.reset,
        "client_cpu": round(result.cpu_share, 4),
        "client_bound": result.client_bound,
    }


def outcomes_json(generator: Generator) -> dict[str, Any]:
    """One line of outcomes, and those in it are told; `OUTCOMES_KEYS` says what each key means."""
    return {
        "frame": "outcomes",
        "outcomes": generator.outcomes.take(),
        "begun": generator.begun,
        "lost": generator.outcomes.lost,
        "late_s": round(generator.late / 1e9, 6),
    }


def progress_json(progress: Progress, lost_frames: int = 0) -> dict[str, Any]:
    """One line of progress; `PROGRESS_KEYS` says what each key means."""
    return {
        "frame": "progress",
        "at_s": round(progress.at, 3),
        "host": progress.host,
        "port": progress.port,
        "moving": progress.moving,
        "connections": progress.connections,
        "rate": progress.rate,
        "keep_alive": progress.keep_alive,
        "requests": progress.requests,
        "statuses": _by_status(progress.statuses),
        "unavailable_503": progress.statuses.get(503, 0),
        "errors": dict(progress.errors),
        "connects": progress.connects,
        "refused": progress.refused,
        "reset": progress.reset,
        "never_served": progress.never_served,
        "per_s": round(progress.requests_per_s_now, 3),
        "p50": progress.p50_now,
        "p99": progress.p99_now,
        "client_cpu": round(progress.cpu_share_now, 4),
        "client_bound": client_bound(progress.cpu_share_now),
        "lost_frames": lost_frames,
    }


def _by_status(statuses: Mapping[int, int]) -> dict[str, int]:
    return {str(status): count for status, count in statuses.items()}


def _shown(result: Result) -> Latency | None:
    """The latency to look at first: what a user feels."""
    return result.from_send if result.loop is Loop.CLOSED else result.from_plan


def _latency_json(latency: Latency | None) -> dict[str, float] | None:
    if latency is None:
        return None
    return {
        "fastest": latency.fastest,
        "mean": round(latency.average, 9),
        **{f"p{per_cent:g}": seconds for per_cent, seconds in latency.percentiles.items()},
        "slowest": latency.slowest,
        "count": latency.count,
    }


# Text


def header(plan: LoadPlan | Result) -> str:
    """One line: which loop, how many clients, of which kind, asking for what."""
    kind = "keep-alive" if plan.keep_alive else "close"
    if plan.rate is None:
        how = "closed loop: a client asks again once it is answered"
    else:
        how = f"open loop: {plan.rate:g} requests/s, as planned, however slow the server is"
    return f"{plan.url}  {plan.connections} connections, {kind}\n{how}"


def result_text(result: Result) -> str:
    """The summary: oha's rows in oha's order, then ours."""
    shown = _shown(result)
    rate = "n/a" if result.success_rate is None else f"{int(result.success_rate * 10000) / 100:.2f} %"
    size = result.body_bytes / result.requests if result.requests else 0
    rows = [
        ("Success rate", f"{rate} (200s of {result.finished} requests that ended)"),
        ("Total", f"{result.elapsed:.3f} s"),
        ("Slowest", _time(shown and shown.slowest)),
        ("Fastest", _time(shown and shown.fastest)),
        ("Average", _time(shown and shown.average)),
        ("Requests/s", f"{result.requests_per_s:.1f} (only 200s count)"),
        ("Total size", f"{_size(result.body_bytes)} (bodies of 200s)"),
        ("Size/request", _size(size)),
        ("Size/s", _size(result.body_bytes / result.elapsed)),
    ]
    lines = [header(result), "", *(f"{name:<14}{value}" for name, value in rows)]
    lines += ["", *_histogram_lines(result, shown), "", *_latency_lines(result), "", "Statuses"]
    lines += [f"  {status:<6}{count}" for status, count in result.statuses.items()] or ["  none"]
    lines += ["", "Errors", *([f"  {count:<6}{kind}" for kind, count in result.errors.items()] or ["  none"])]
    lines += ["", "Connections", *(f"  {name:<16}{value}" for name, value in _connection_rows(result))]
    if result.client_bound:
        lines += ["", result.client_bound]
    return "\n".join(lines)


def _histogram_lines(result: Result, shown: Latency | None) -> list[str]:
    basis = "from the send" if result.loop is Loop.CLOSED else "from the plan"
    if shown is None:
        return ["Histogram", "  no request was answered with 200"]
    most = max(count for _, count in shown.bars)
    width = len(str(most))
    return [f"Histogram, {basis}"] + [
        f"  {_time(end):>9} [{count:>{width}}] {'■' * -(-32 * count // most)}".rstrip() for end, count in shown.bars
    ]


def _latency_lines(result: Result) -> list[str]:
    columns = [("from send", result.from_send)]
    if result.loop is Loop.OPEN:
        columns.append(("from plan", result.from_plan))
    lines = ["Latency " + "".join(f"{name:>12}" for name, _ in columns)]
    if result.from_send is None:
        return [*lines, "  n/a"]
    for per_cent in result.from_send.percentiles:
        values = [latency and latency.percentiles[per_cent] for _, latency in columns]
        lines.append(f"{per_cent:>6g} %" + "".join(f"{_time(value):>12}" for value in values))
    return [*lines, f"{'max':>8}" + "".join(f"{_time(latency and latency.slowest):>12}" for _, latency in columns)]


def _connection_rows(result: Result) -> list[tuple[str, str]]:
    connect = result.connect
    fairness = "n/a" if result.fairness is None else f"{result.fairness:.3f}"
    others = {status: count for status, count in result.statuses.items() if status not in (200, 503)}
    rows = [
        ("503s", str(result.statuses.get(503, 0))),
        ("other statuses", ", ".join(f"{status}: {count}" for status, count in others.items()) or "0"),
        ("aborted", f"{result.aborted} due to deadline (in flight at the end: neither success nor error)"),
        ("never served", f"{result.never_served} of {result.clients} (not one 200)"),
        ("fairness", f"{fairness} (Jain's index over the 200s of each connection; 1: all alike)"),
        ("connects/s", f"{result.connects / result.elapsed:.1f} ({result.connects} in all)"),
        (
            "connect time",
            f"average {_time(connect.average)}, 99 % {_time(connect.percentiles[99.0])}, max {_time(connect.slowest)}"
            if connect
            else "n/a",
        ),
        ("reused", f"{result.reused} requests on a connection that was there"),
        ("refused", str(result.refused)),
        ("reset", f"{result.reset} (tried again on a new connection)"),
        ("timed out", str(result.timed_out)),
        ("load generator", f"{result.cpu_share * 100:.0f} % of a core"),
    ]
    if result.loop is Loop.OPEN:
        rows.insert(3, ("not sent", f"{result.not_sent} (due, but every client was busy to the end)"))
    return rows


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "n/a"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.3f} s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
