"""The result for people, in oha's order, then what only this generator tells."""

from teachserve.load.latency import PERCENTILES
from teachserve.load.result import client_bound

BAR = 40


def seconds(value: float | None) -> str:
    """`1.234 s`, `12.3 ms`, `45 us`, or `n/a`."""
    if value is None:
        return "n/a"
    if value >= 1:
        return f"{value:.3f} s"
    return f"{value * 1e3:.2f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} us"


def live_line(progress: dict, until: str) -> str:
    """The one line that is shown while it runs."""
    errors = sum(progress["errors"].values())
    return (
        f"{progress['at_s']:5.1f} s{until}  {progress['per_s']:8.0f} requests/s  p50 {seconds(progress['p50'])}"
        f"  p99 {seconds(progress['p99'])}  503s {progress['unavailable_503']}  errors {errors}"
    )


def as_text(result: dict) -> str:
    """The whole summary."""
    latency = result["latency"] or {}
    kept = "keep-alive" if result["keep_alive"] else "close"
    loop = f"open loop at {result['rate']:g} requests/s" if result["loop"] == "open" else "closed loop"
    success = "n/a" if result["success_rate"] is None else f"{result['success_rate']:.2%}"
    size = "n/a" if result["bytes_per_answer"] is None else f"{result['bytes_per_answer']:.0f} bytes"
    lines = [
        f"{result['url']}: {result['connections']} connections, {kept}, {loop}",
        "",
        "Summary:",
        f"  Success rate:  {success}",
        f"  Total:         {result['duration_s']:.3f} s",
        f"  Slowest:       {seconds(latency.get('slowest'))}",
        f"  Fastest:       {seconds(latency.get('fastest'))}",
        f"  Average:       {seconds(latency.get('mean'))}",
        f"  Requests/s:    {result['requests_per_s']:.1f}  (200s only)",
        f"  Total data:    {result['bytes']} bytes",
        f"  Size/answer:   {size}",
        "",
        "Response time histogram:",
        *_histogram(result["histogram"]),
        "",
        *_percentiles(result),
        "",
        "Status codes:",
        *([f"  {status}: {count}" for status, count in result["statuses"].items()] or ["  none"]),
        "",
        "Errors:",
        *([f"  {count} {kind}" for kind, count in result["errors"].items()] or ["  none"]),
        *([f"  {result['aborted']} aborted due to deadline (neither success nor error)"] if result["aborted"] else []),
        "",
        "Connections:",
        f"  503s:          {result['unavailable_503']}",
        f"  Connects/s:    {result['connects_per_s']:.1f}  (time to connect: {_connect_time(result)})",
        f"  Reused:        {result['reused']}    reset: {result['reset']}    refused: {result['refused']}"
        f"    timed out: {result['timed_out']}",
        f"  Never served:  {result['never_served']} of {result['connections']}",
        f"  Fairness:      {'n/a' if result['fairness'] is None else format(result['fairness'], '.3f')}"
        "  (Jain's index: 1 = all clients alike)",
        f"  Generator CPU: {result['client_cpu']:.0%} of a core",
    ]
    if bound := client_bound(result["client_cpu"]):
        lines += ["", bound]
    return "\n".join(lines)


def _histogram(bars: list) -> list[str]:
    if not bars:
        return ["  nothing was answered"]
    most = max(count for _, count in bars)
    return [f"  {seconds(edge):>10} [{count:>8}] {'■' * round(BAR * count / most)}" for edge, count in bars]


def _percentiles(result: dict) -> list[str]:
    latency, planned = result["latency"] or {}, result["latency_from_plan"]
    heading = "Latency percentiles, from the send:"
    if planned:
        heading = "Latency percentiles, from the send and from the plan (what a user feels):"
    lines = [heading]
    for key, name in [*((f"p{p:g}", f"{p:g} %") for p in PERCENTILES), ("slowest", "max")]:
        lines.append(f"  {name:>6}  {seconds(latency.get(key)):>10}{'  ' + seconds(planned[key]) if planned else ''}")
    return lines


def _connect_time(result: dict) -> str:
    times = result["connect_time"]
    return f"p50 {seconds(times['p50'])}, max {seconds(times['slowest'])}" if times else "n/a"
