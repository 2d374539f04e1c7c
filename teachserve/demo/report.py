"""The final picture as JSON for scripts, and as text for people: what `--headless` prints."""

from typing import Any

from teachserve import __version__
from teachserve.demo.picture import LoadView, Picture
from teachserve.demo.sentence import sentence
from teachserve.demo.wording import counted, duration, percent
from teachserve.events import State
from teachserve.observe.kernel import Look
from teachserve.observe.lints import to_json as lints_json
from teachserve.observe.snapshot import to_json
from teachserve.observe.verdict import Shares, Verdict

PERCENTILES = ("p50", "p90", "p99", "p99.9", "slowest")


def as_json(picture: Picture, result: dict[str, Any] | None, duration_s: float, outcome: str) -> dict[str, Any]:
    """The final model, from while the load still ran. `load` is the generator's result, `outcome` how it all ended."""
    snapshot = picture.snapshot
    header = snapshot.header
    told = to_json(snapshot)
    queue = picture.accept_queue
    result = result or {}
    return {
        "teachserve": __version__,
        "architecture": header.architecture,
        "python": header.python,
        "gil": header.gil,
        "machine": header.machine,
        "options": dict(snapshot.options),
        "duration_s": round(duration_s, 3),
        "phase": told["phase"],
        "outcome": outcome,
        "sentence": sentence(picture),
        "states": {state.value: snapshot.states[state] for state in State},
        "threads": told["threads"],
        "made": told["made"],
        "recycled": told["recycled"],
        "ended": told["ended"],
        "counters": told["counters"],
        "statuses": told["statuses"],
        "rates": told["rates"],
        "flows": told["flows"],
        "times_s": told["times_s"],
        "queues": told["queues"],
        "accept_queue": {
            "length": picture.queued,
            "bound": None if queue.unavailable else queue.bound,
            "overflowed": None if queue.unavailable else queue.drops,
            "unavailable": queue.unavailable,
        },
        "throughput": {
            "answered_per_s": result.get("requests_per_s"),
            "server_requests_per_s": round(snapshot.counters["requests"] / snapshot.at_s, 3) if snapshot.at_s else 0.0,
        },
        "latency": result.get("latency"),
        "losses": {
            "frames": snapshot.lost_frames,
            "events": snapshot.lost_events,
            "illegal_moves": snapshot.illegal_moves,
        },
        "lints": lints_json((*picture.findings, *picture.over)),
        "witness": witness_json(picture.witness),
        "load": result or None,
        "log": told["log"],
    }


def witness_json(look: Look | None) -> dict[str, Any]:
    """The kernel's shares, in sum and by state, and the states of which it could not judge one sample for a minute."""
    if look is None:
        return {"unavailable": "no look was taken", "total": None, "states": {}, "unjudged_for_a_minute": []}
    return {
        "unavailable": look.unavailable,
        "total": shares_json(look.total),
        "states": {state.value: shares_json(shares) for state, shares in look.shares.items()},
        "unjudged_for_s": {state.value: round(seconds, 1) for state, seconds in look.unjudged_for_s.items()},
        "unjudged_for_a_minute": [state.value for state in look.unjudged],
        "differing": [f"thread {one.number}: {one.reason}" for one in look.differing],
    }


def shares_json(shares: Shares) -> dict[str, Any]:
    """Samples by verdict, with what follows from them: None where nothing could be judged."""
    return {
        "samples": shares.samples,
        **{verdict.value: shares.count(verdict) for verdict in Verdict},
        "agreement": shares.agreement,
        "coverage": shares.coverage,
    }


def as_text(picture: Picture, result: dict[str, Any] | None, duration_s: float) -> str:
    """The same for people, in about twenty lines."""
    snapshot, header, look = picture.snapshot, picture.snapshot.header, picture.witness
    counters = snapshot.counters
    queue = picture.accept_queue
    kernel = (
        f"n/a: {queue.unavailable}"
        if queue.unavailable
        else f"{queue.length} of {queue.bound}, {queue.drops} overflowed"
    )
    lines = [
        f"{header.architecture}, Python {header.python}, GIL {'on' if header.gil else 'off'}, {duration_s:.1f} s",
        f"  {sentence(picture)}",
        "",
        "states      " + ", ".join(f"{state.value} {count}" for state, count in snapshot.states.items() if count),
        f"threads     {counters['threads']}: made {counters['made']}, recycled {counters['recycled']}, "
        f"ended {counters['ended']}, broken {counters['broken']}",
        f"queues      kernel's accept queue {kernel}"
        + "".join(f"; {name} {queue.length} (of {queue.handed_over})" for name, queue in snapshot.queues.items()),
        f"served      {counted(counters['requests'], 'request')} on "
        f"{counted(counters['connections'], 'connection')}, {counters['refused']} refused",
        *_load_lines(picture.load, result),
        *_lint_lines(picture),
        f"lost        frames {snapshot.lost_frames}, events {snapshot.lost_events}; "
        f"illegal moves {snapshot.illegal_moves}",
        *_witness_lines(look),
    ]
    return "\n".join(lines)


def _load_lines(load: LoadView | None, result: dict[str, Any] | None) -> list[str]:
    if load is None:
        return ["load        n/a: none was started from here"]
    if result is None:
        return ["load        n/a: the load generator gave no result"]
    kind = "keep-alive" if load.keep_alive else "close"
    loop = f"open loop at {result['rate']:g}/s" if result["loop"] == "open" else "closed loop"
    latency = result["latency"] or {}
    told = ", ".join(f"{name} {duration(latency[name])}" for name in PERCENTILES if name in latency) or "n/a"
    return [
        f"load        {counted(load.connections, 'client')}, {kind}, {loop}: "
        f"{result['requests_per_s']:.0f} requests/s, "
        f"{counted(result['unavailable_503'], '503')}, {counted(sum(result['errors'].values()), 'error')}, "
        f"{result['never_served']} of {load.connections} never served",
        f"latency     {told}",
        *([f"            {result['client_bound']}"] if result["client_bound"] else []),
    ]


def _lint_lines(picture: Picture) -> list[str]:
    told = [f"{one.lint}: {one.text} (since {one.since_s:.1f} s)" for one in picture.findings]
    told += [f"{one.lint}: {one.text} ({one.since_s:.1f} s to {one.until_s:.1f} s)" for one in picture.over]
    told = told or ["no rule was broken"]
    return [f"{'lints' if not number else '':<12}{text}" for number, text in enumerate(told)]


def _witness_lines(look: Look | None) -> list[str]:
    if look is None or look.unavailable:
        return [f"kernel      n/a: {look.unavailable if look else 'no look was taken'}"]
    lines = [f"kernel      agrees {percent(look.total.agreement)}, could judge {percent(look.total.coverage)} "
             f"of {counted(look.total.samples, 'sample')}"]  # fmt: skip
    for state, shares in look.shares.items():
        note = " (any call counts)" if state is State.HANDLING else ""
        lines.append(
            f"            {state.value:<20} agrees {percent(shares.agreement):>7}, "
            f"judged {percent(shares.coverage):>7} of {shares.samples}{note}"
        )
    lines += [f"            no sample of {state.value} could be judged for a minute" for state in look.unjudged]
    lines += [f"            differs: thread {one.number}: {one.reason}" for one in look.differing]
    return lines
