"""The score at the end, as JSON for programs and as text for people: what `compare --headless` prints."""

from collections.abc import Callable
from typing import Any

from teachserve import __version__
from teachserve.compare.run import Run, cores
from teachserve.compare.score import Percentiles, SideScore
from teachserve.compare.side_run import SideRun
from teachserve.compare.view import OVER, Comparison
from teachserve.demo.wording import counted, duration, percent

KEYS = {
    "teachserve": "version",
    "sentence": "who was first how often, in words",
    "outcome": "over: the plan was carried out; interrupted: it ended before",
    "one_after_the_other": "true: each side ran alone; false: both at the same time",
    "cores": "cores that the two share, or that each had alone",
    "rate": "requests/s planned, for each side",
    "connections": "client slots of each side",
    "keep_alive": "false: a new connection for each request",
    "length_s": "seconds that the plan lasts",
    "tie_s": "answers that are not further apart than this came at once",
    "planned": "requests in the plan; each side gets each of them",
    "decided": "those of which both sides' outcomes are known, or known to be lost",
    "tied": "both answered with 200, at once",
    "neither": "neither side answered with 200",
    "unknown": "an outcome was lost on its way, so that nobody knows",
    "open": "planned, and not decided when it was interrupted",
    "chance_will_do": "true: two sides that are alike are as far apart in 1 of 20 comparisons or more (sign test)",
    "own_cpu_s": "CPU seconds of this command itself until the plan was over, which the servers had to do without",
    "sides": "A and B, each with the keys of SIDE_KEYS",
    "remarks": "what has to be known to judge the figures, a sentence each",
}
"""Every key of the JSON object, and what it means."""

SIDE_KEYS = {
    "side": "A or B",
    "architecture": "its name",
    "difference": "the options that differ from the other side's, in words",
    "options": "every option in force",
    "python": "version",
    "gil": "whether its Python had a GIL",
    "first": "requests that both sides answered, this one earlier by more than tie_s",
    "first_share": "of the decided, 0 to 1; null without any",
    "alone": "requests that this side answered with 200 and the other did not",
    "lead": "seconds by which it was first: p50, p99, slowest, count; null without any",
    "latency": "seconds from the plan, over its 200s: p50, p99, slowest, count; null without any",
    "answered": "its 200s",
    "requests_per_s": "200s a second that came before the plan's end; null if it was interrupted",
    "refused_503": "answers with status 503",
    "other_statuses": "answers with any status but 200 and 503",
    "failed": "requests that ended in an error",
    "errors": "those by kind",
    "given_up": "requests in hand when the run was over: not answered in time",
    "not_sent": "requests for which no client was free to the end",
    "lost": "outcomes that were lost on their way",
    "threads": "threads that its server had at the end of the plan",
    "made": "threads that its server made",
    "ended": "threads that ended",
    "recycled": "times that a thread went back to accept",
    "cpu_s": "CPU seconds of its server, from before the plan to its end; null where unknown",
    "client_cpu": "share of one core that its load generator used; null if it was interrupted before a result",
    "began_late_s": "seconds by which its load generator began after the plan",
}
"""Every key of a side, and what it means."""


def as_json(run: Run, comparison: Comparison) -> dict[str, Any]:
    """The whole comparison; `KEYS` and `SIDE_KEYS` say what each key means."""
    plan, score = comparison.plan, comparison.score
    return {
        "teachserve": __version__,
        "sentence": sentence(comparison),
        "outcome": "over" if run.over.is_set() else "interrupted",
        "one_after_the_other": plan.in_turn,
        "cores": cores(),
        "rate": plan.rate,
        "connections": plan.connections,
        "keep_alive": plan.keep_alive,
        "length_s": plan.length_s,
        "tie_s": round(plan.tie_s, 9),
        "planned": plan.planned,
        "decided": score.decided,
        "tied": score.tied,
        "neither": score.neither,
        "unknown": score.unknown,
        "open": plan.planned - score.decided,
        "chance_will_do": score.chance_will_do,
        "own_cpu_s": round(run.own_cpu_s, 3),
        "sides": [_side_json(one, comparison, at) for at, one in enumerate(run.sides)],
        "remarks": list(comparison.remarks),
    }


def _side_json(one: SideRun, comparison: Comparison, at: int) -> dict[str, Any]:
    score, view, result = comparison.score.sides[at], comparison.sides[at], one.result or {}
    counters = view.snapshot.counters
    return {
        "side": one.side.letter,
        "architecture": one.side.architecture,
        "difference": comparison.differences[at],
        "options": dict(view.snapshot.options),
        "python": view.python or None,
        "gil": view.gil,
        "first": score.first,
        "first_share": comparison.score.share(score.first),
        "alone": score.alone,
        "lead": _percentiles_json(score.lead),
        "latency": _percentiles_json(score.latency),
        "answered": score.answered,
        "requests_per_s": round(score.in_time / comparison.plan.length_s, 3) if comparison.phase == OVER else None,
        "refused_503": score.refused,
        "other_statuses": score.other_statuses,
        "failed": score.failed,
        "errors": result.get("errors", {}),
        "given_up": score.given_up,
        "not_sent": score.not_sent,
        "lost": score.untold,
        "threads": counters["threads"],
        "made": counters["made"],
        "ended": counters["ended"],
        "recycled": counters["recycled"],
        "cpu_s": one.cpu_s and round(one.cpu_s, 3),
        "client_cpu": result.get("client_cpu"),
        "began_late_s": one.late_s,
    }


def _percentiles_json(found: Percentiles | None) -> dict[str, float] | None:
    return found and {"p50": found.p50, "p99": found.p99, "slowest": found.most, "count": found.count}


def sentence(comparison: Comparison) -> str:
    """`A recycling was first in 61.2 % of 5000 requests, B thread-pool in 28.7 %; 10.1 % came at once`."""
    score = comparison.score
    if not score.decided:
        return "no request was decided"
    first, second = (
        f"{view.side.name} {f'({words}) ' if words else ''}{'was first ' if not at else ''}"
        f"in {percent(score.share(score.sides[at].first))}"
        for at, (view, words) in enumerate(zip(comparison.sides, comparison.differences, strict=True))
    )
    rest = [f"{percent(score.share(score.tied))} came at once (closer than {duration(comparison.plan.tie_s)})"]
    rest += [
        f"{counted(side.alone, 'request')} {view.side.letter} alone answered"
        for side, view in zip(score.sides, comparison.sides, strict=True)
        if side.alone
    ]
    rest += [f"{counted(score.neither, 'request')} neither did"] if score.neither else []
    rest += [f"of {score.unknown} nobody knows"] if score.unknown else []
    return f"{first} of {counted(score.decided, 'request')}, {second}; {', '.join(rest)}"


def as_text(run: Run, comparison: Comparison) -> str:
    """The same for people, in about thirty lines."""
    plan, score = comparison.plan, comparison.score
    kind = "keep-alive" if plan.keep_alive else "close"
    lines = [
        f"{counted(plan.planned, 'request')} in {plan.length_s:g} s for each side, each due at the same moment of one clock"
        f" ({plan.rate:g} requests/s); {counted(plan.connections, 'client')}, {kind}",
        f"  {sentence(comparison)}",
        "",
    ]
    table = [(name, *(row(run.sides[at], comparison, at) for at in range(2))) for name, row in ROWS]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    lines += [f"{name:<{widths[0]}}  {one:<{widths[1]}}  {other}".rstrip() for name, one, other in table]
    if score.decided < plan.planned:
        lines += ["", f"interrupted: {plan.planned - score.decided} of {plan.planned} requests are not decided"]
    own = f"this command itself used {run.own_cpu_s:.2f} s of CPU meanwhile"
    return "\n".join([*lines, "", *comparison.remarks, own])


Row = Callable[[SideRun, Comparison, int], str]


def _of_score(what: Callable[[SideScore], object]) -> Row:
    return lambda one, comparison, at: str(what(comparison.score.sides[at]))


def _of_result(what: Callable[[dict[str, Any]], str]) -> Row:
    return lambda one, comparison, at: "n/a" if one.result is None else what(one.result)


def _first(one: SideRun, comparison: Comparison, at: int) -> str:
    first = comparison.score.sides[at].first
    return f"{percent(comparison.score.share(first))} ({first})"


def _per_s(one: SideRun, comparison: Comparison, at: int) -> str:
    if comparison.phase != OVER:
        return "n/a"
    return f"{comparison.score.sides[at].in_time / comparison.plan.length_s:.1f}"


def _times(found: Percentiles | None) -> str:
    if found is None:
        return "n/a"
    return f"{duration(found.p50)}, {duration(found.p99)}, {duration(found.most)}"


def _threads(one: SideRun, comparison: Comparison, at: int) -> str:
    counters = comparison.sides[at].snapshot.counters
    return f"{counters['made']} made, {counters['ended']} ended, {counters['recycled']} times recycled"


ROWS: tuple[tuple[str, Row], ...] = (
    ("", lambda one, comparison, at: one.side.name),
    ("differs in", lambda one, comparison, at: comparison.differences[at] or "its architecture"),
    ("Python", lambda one, comparison, at: f"{comparison.sides[at].python}, GIL {'on' if comparison.sides[at].gil else 'off'}"),
    ("was first", _first),
    ("  by p50, p99, max", _of_score(lambda side: _times(side.lead))),
    ("it alone answered", _of_score(lambda side: side.alone)),
    ("latency p50, p99, max", _of_score(lambda side: _times(side.latency))),
    ("requests/s", _per_s),
    ("answered with 200", _of_score(lambda side: side.answered)),
    ("503s", _of_score(lambda side: side.refused)),
    ("other statuses", _of_score(lambda side: side.other_statuses)),
    ("errors", _of_score(lambda side: side.failed)),
    ("not answered in time", _of_score(lambda side: side.given_up)),
    ("not sent", _of_score(lambda side: side.not_sent)),
    ("unknown (lost)", _of_score(lambda side: side.untold)),
    ("threads", _threads),
    ("CPU of the server", lambda one, comparison, at: "n/a" if one.cpu_s is None else f"{one.cpu_s:.2f} s"),
    ("load generator", _of_result(lambda result: f"{result['client_cpu'] * 100:.0f} % of a core")),
)  # fmt: skip
"""The rows of the text: its name, and how a side fills it."""
