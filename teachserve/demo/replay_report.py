"""One moment of a trace as JSON for scripts and as text for people: what `replay --headless` prints."""

import json
from dataclasses import asdict
from typing import Any

from teachserve.demo.picture import Picture
from teachserve.demo.playback import Playback
from teachserve.demo.report import as_json, as_text
from teachserve.demo.wording import age, counted, duration


def replay_json(picture: Picture, playback: Playback, at_s: float, thread: int) -> str:
    """The report of a demo at that moment, and beside it which moment of which file, and the thread that was asked for."""
    told = as_json(picture, None, at_s, picture.snapshot.phase)
    told["replay"] = {
        "file": str(playback.trace.path),
        "recorded": playback.trace.about.get("recorded"),
        "at_s": round(at_s, 6),
        "length_s": round(playback.length_us / 1e6, 6),
        "damage": playback.damage,
        "marks": [asdict(mark) for mark in picture.marks],
    }
    told["focus"] = thread_json(picture, thread) if thread else None
    return json.dumps(told)


def thread_json(picture: Picture, number: int) -> dict[str, Any]:
    """All that is known of one thread; times in seconds."""
    view = picture.snapshot.thread(number)
    seen = picture.sightings.get(number)
    return {
        "name": view.name,
        **view._asdict(),
        "state": view.state.value,
        "for_s": age(picture.snapshot, view),
        "kernel": seen
        and {"verdict": seen.verdict.value, "call": seen.call, "wchan": seen.wchan, "reason": seen.reason},
    }


def replay_text(picture: Picture, playback: Playback, at_s: float, thread: int) -> str:
    """The same for people."""
    lines = [f"REPLAY of {playback.trace.path} at {at_s:.1f} of {playback.length_us / 1e6:.1f} s"]
    if thread:
        view = picture.snapshot.thread(thread)
        holds = f", connection {view.connection}" if view.connection else ""
        lines.append(
            f"{view.name} is {view.state} for {duration(age(picture.snapshot, view))}{holds}; it has answered "
            f"{counted(view.requests, 'request')} on {counted(view.connections, 'connection')}"
        )
    return "\n".join([*lines, as_text(picture, None, at_s)])
