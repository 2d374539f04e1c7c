"""A demo or a watch told in sentences, line by line: for a log, a screen reader, a machine that runs it unattended.

What is told follows from the pictures and their moments alone; nothing is told twice, and nothing for its own sake.
"""

import re
from collections.abc import Mapping
from typing import Any

from teachserve.demo.picture import LoadView, Picture
from teachserve.demo.sentence import sentence
from teachserve.demo.wording import counted, duration, printable
from teachserve.observe.lints import LINTS
from teachserve.observe.snapshot import LogLine

SENTENCE_S = 2.0
"""At least so long between two sentences about what the threads do."""
AGAIN_S = 30.0
"""What was said is news again after so long. (A loaded server goes to and fro between a few such sentences.)"""
LOSS_S = 2.0
"""At least so long between two lines about the same loss."""
PERCENTILES = ("p50", "p99", "slowest")


class Narrator:
    """Makes lines of pictures. Moments are seconds since the narration began; one thread at a time may use it."""

    def __init__(self) -> None:
        self._process: int | None = None
        self._phase = ""
        self._marks: list[tuple[str, str]] = []
        self._log: tuple[LogLine, ...] = ()
        self._said: dict[str, float] = {}  # a sentence without its numbers -> when it was said last
        self._sentence_at = -SENTENCE_S
        self._losses: dict[str, tuple[int, float]] = {}  # what is lost -> how many were told, and when
        self._broken: dict[str, float] = {}  # a lint -> when it was said that its rule is broken

    def tell(self, picture: Picture, now_s: float) -> list[str]:
        """What is worth telling of this picture, a line each."""
        told = [
            *self._new_server(picture),
            *self._new_marks(picture),
            *self._new_log(picture),
            *self._new_losses(picture, now_s),
            *self._new_findings(picture, now_s),
            *self._new_sentence(picture, now_s),
        ]
        return [timed(now_s, line) for line in told]

    def _new_server(self, picture: Picture) -> list[str]:
        header = picture.snapshot.header
        if header is None or header.process == self._process:
            return []
        self._process, self._log, self._said = header.process, (), {}
        self._sentence_at = float("-inf")
        gil = "with the GIL" if header.gil else "without a GIL"
        return [
            f"{header.architecture} on Python {header.python} {gil} serves on {header.host}:{header.port} "
            f"(process {header.process}); {_load(picture.load)}"
        ]

    def _new_marks(self, picture: Picture) -> list[str]:
        # The oldest go, and a new server's clock moves them all: but what they say stays, and their order.
        marks = [(mark.text, mark.kind) for mark in picture.marks]
        new = _beyond(self._marks, marks)
        self._marks = marks
        return [f"changed: {text}" for text, _kind in new]

    def _new_log(self, picture: Picture) -> list[str]:
        new = _beyond(list(self._log), list(picture.snapshot.log))
        self._log = picture.snapshot.log
        return [f"log: {line.text}" for line in new]

    def _new_losses(self, picture: Picture, now_s: float) -> list[str]:
        lines = []
        for what, (count, words) in _losses(picture).items():
            before, at = self._losses.get(what, (0, -LOSS_S))
            if count > before and now_s >= at + LOSS_S:
                self._losses[what] = count, now_s
                lines.append(words)
            elif count < before:  # another server counts from 0
                self._losses[what] = count, at
        return lines

    def _new_findings(self, picture: Picture, now_s: float) -> list[str]:
        lines = []
        for finding in picture.findings:
            if finding.lint not in self._broken:
                self._broken[finding.lint] = now_s
                lines.append(f"{finding.lint}: {finding.text}. What helps: {LINTS[finding.lint].remedy}")
        now = {finding.lint for finding in picture.findings}
        for lint, since_s in list(self._broken.items()):
            if lint not in now and now_s >= since_s + AGAIN_S:  # not before: many a rule is broken and kept by turns
                del self._broken[lint]
                lines.append(f"{lint}: not now any more")
        return lines

    def _new_sentence(self, picture: Picture, now_s: float) -> list[str]:
        phase, self._phase = self._phase, picture.snapshot.phase
        text = sentence(picture)
        kind = re.sub(r"\d[\d.]*(us|ms|s|m|h)?\d*", "#", text)
        if phase == self._phase and (
            now_s < self._sentence_at + SENTENCE_S or now_s < self._said.get(kind, float("-inf")) + AGAIN_S
        ):
            return []
        self._sentence_at = self._said[kind] = now_s
        per_s = picture.load.answered_per_s if picture.load else picture.snapshot.requests_per_s
        return [f"{text} {per_s:.0f} requests/s." if self._phase == "serving" else text]


def farewell(picture: Picture, result: Mapping[str, Any] | None, took_s: float) -> list[str]:
    """The key figures of the final report. `result` is the load generator's; None in a watch, or where there is none."""
    counters = picture.snapshot.counters
    lines = [
        f"the end: the server answered {counted(counters['requests'], 'request')} on "
        f"{counted(counters['connections'], 'connection')}, and refused {counters['refused']}; "
        f"threads made {counters['made']}, recycled {counters['recycled']}"
    ]
    if result is not None:
        latency = result["latency"] or {}
        told = ", ".join(f"{name} {duration(latency[name])}" for name in PERCENTILES if name in latency) or "n/a"
        lines.append(
            f"the load: {result['requests_per_s']:.0f} requests/s, latency {told}; "
            f"{counted(result['unavailable_503'], '503')}, {counted(sum(result['errors'].values()), 'error')}, "
            f"{result['never_served']} of {counted(result['clients'], 'client')} never served"
        )
        if result["client_bound"]:
            lines.append(result["client_bound"])
    return [timed(took_s, line) for line in lines]


def timed(now_s: float, text: str) -> str:
    """`  12.3 s  Text.`"""
    return f"{now_s:6.1f} s  {printable(text)}"


def _load(load: LoadView | None) -> str:
    if load is None:
        return "no load of ours is on it"
    kind = "each keeps its connection" if load.keep_alive else "each opens a connection for every request"
    loop = "and asks again once it is answered" if load.rate is None else f"{load.rate:g} requests/s are planned"
    return f"{counted(load.connections, 'client')}: {kind}, {loop}"


def _losses(picture: Picture) -> dict[str, tuple[int, str]]:
    """What was lost so far, by kind: how many, and the line about it."""
    snapshot, load, queue = picture.snapshot, picture.load, picture.accept_queue
    found = {
        "frames": (snapshot.lost_frames, f"lost: {counted(snapshot.lost_frames, 'frame')} that came too fast for us"),
        "events": (snapshot.lost_events, f"lost: {counted(snapshot.lost_events, 'event')}"),
        "moves": (snapshot.illegal_moves, f"wrong: {counted(snapshot.illegal_moves, 'move')} that no thread may make"),
        "threads": (snapshot.counters["broken"], f"broken: {counted(snapshot.counters['broken'], 'thread')}"),
    }
    if not queue.unavailable and queue.drops is not None:
        overflowed = counted(queue.drops, "connection")
        found["accept queue"] = queue.drops, f"lost: {overflowed} for which the kernel's accept queue had no room"
    if load is not None:
        found["503"] = load.refused, f"refused: {counted(load.refused, 'request')}, with status 503"
        found["errors"] = load.errors, f"failed: {counted(load.errors, 'request')}"
        found["connects"] = load.not_connected, f"refused: {counted(load.not_connected, 'connect')}, tried again"
    return found


def _beyond(known: list, now: list) -> list:
    """What `now` has behind what is `known`: both are the newest of one sequence."""
    for length in range(min(len(known), len(now)), 0, -1):
        if known[-length:] == now[:length]:
            return now[length:]
    return now
