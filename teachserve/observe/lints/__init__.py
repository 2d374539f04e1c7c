"""Lints: rules that a healthy server keeps, looked at while it runs; one that is broken says so in a sentence.

A deterministic fold over moments, with no clock: live, in a report and in a replay the same moments give the same findings.
Tables are enough for all of them.
"""

from dataclasses import replace
from typing import Any

from teachserve.observe.lints.accepting import BacklogHigh, BacklogOverflow, NoAcceptor
from teachserve.observe.lints.lint import Clients, Finding, Lint, Moment
from teachserve.observe.lints.threads import Churn, LoopBlocked, StopUnanswered, Stuck
from teachserve.observe.lints.waiting import AllServing, IdleHolder, NeverServed, QueueWait
from teachserve.observe.lints.watching import ClientBound, ObserverCost, WitnessDiffers

__all__ = ["LINTS", "Clients", "Finding", "Lint", "Lints", "Moment", "to_json"]

LINTS: dict[str, type[Lint]] = {
    lint.name: lint
    for lint in (
        NoAcceptor, BacklogHigh, BacklogOverflow, QueueWait, AllServing, IdleHolder, NeverServed, Churn, LoopBlocked, Stuck,
        StopUnanswered, WitnessDiffers, ObserverCost, ClientBound,
    )
}  # fmt: skip
"""Every lint by its name, in the order in which findings are shown."""


class Lints:
    """Follows one server. `apply` takes each moment in its order."""

    def __init__(self) -> None:
        self._lints = [lint() for lint in LINTS.values()]
        self._at_s = 0.0
        self._stands: dict[int, tuple[int, float | None]] = {}
        self._now: dict[str, Finding] = {}
        self._over: dict[str, Finding] = {}

    def apply(self, moment: Moment) -> tuple[Finding, ...]:
        """The rules that are broken now. None are while the server does not serve; in slow motion the timing rules rest."""
        before, self._now = self._now, {}
        moment = replace(moment, doubtful=self._doubtful(moment))
        if moment.snapshot.header is not None and moment.snapshot.alive:
            slow = moment.snapshot.slow_s > 0
            for place, lint in enumerate(self._lints):
                if slow and lint.timing:
                    self._lints[place] = type(lint)()  # what it had begun to count was in slow motion
                elif (case := lint.look(moment)) is not None:
                    self._now[lint.name] = lint.finding(case)
        for name, finding in before.items():
            if name not in self._now:
                self._over[name] = Finding(
                    name, finding.text, finding.since_s, finding.threads, until_s=max(finding.since_s, self._at_s)
                )
        self._at_s = moment.at_s
        return tuple(self._now.values())

    def _doubtful(self, moment: Moment) -> frozenset[int]:
        before, self._stands = self._stands, {one.number: (one.moves, one.since_s) for one in moment.snapshot.threads}
        return frozenset(
            number for number, (moves, since_s) in self._stands.items()
            if number in before and before[number][1] == since_s and before[number][0] != moves
        )  # fmt: skip

    @property
    def over(self) -> tuple[Finding, ...]:
        """Of each rule that was broken and is kept again now, the last case."""
        return tuple(finding for name, finding in self._over.items() if name not in self._now)


def to_json(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Findings as plain values for a headless run's output."""
    return [
        {
            "lint": one.lint,
            "text": one.text,
            "since_s": round(one.since_s, 3),
            "until_s": None if one.until_s is None else round(one.until_s, 3),
            "threads": list(one.threads),
            "rule": LINTS[one.lint].rule,
            "remedy": LINTS[one.lint].remedy,
        }
        for one in findings
    ]
