"""Where one thread is: what it says of itself, the Python line it stands on, its client, and what the kernel says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teachserve.events import MEANING
from teachserve.observe.kernel import Sighting, Verdict, Witness
from teachserve.observe.link_file import LinkError
from teachserve.observe.snapshot import Header, Inspection, Snapshot, ThreadView
from teachserve.observe.verdict import MEANING as VERDICT_MEANING
from teachserve.observe.visit import PATIENCE_S, Visit

MOST_LOOKS = 10
"""The kernel is asked again until it says something that can be judged, at most so often."""
MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One thread, seen three times within some milliseconds: in a table, by an inspection, and by the kernel.

    `sighting` is the kernel's word, None where it has none; `no_word` then says why.
    """

    header: Header
    at_s: float
    thread: ThreadView
    inspection: Inspection
    sighting: Sighting | None
    no_word: str

    @classmethod
    def find(cls, link_file: Path, name: str, patience_s: float = PATIENCE_S) -> "Whereabouts":
        """The thread of this name (`worker-3`) or number (`3`). Raises: LinkError where there is none, or no server."""
        with Visit(link_file, patience_s) as visit:
            shown = visit.table()
            number = thread_of(shown, name).number
            visit.ask("inspect", thread=number)
            shown = visit.until(lambda shown: number in shown.inspected)
            sighting, no_word = ask_kernel(shown.header, number)
        return cls(shown.header, shown.at_s, shown.thread(number), shown.inspected[number], sighting, no_word)

    @property
    def spent_s(self) -> float | None:
        """Seconds in its state; None: since before anybody watched."""
        return None if self.thread.since_s is None else max(0.0, self.at_s - self.thread.since_s)

    def to_json(self) -> dict[str, Any]:
        """As plain values; null is what cannot be known."""
        thread, found, seen = self.thread, self.inspection, self.sighting
        return {
            "process": self.header.process,
            "architecture": self.header.architecture,
            "thread": thread.name,
            "number": thread.number,
            "native": thread.native,
            "state": thread.state.value,
            "meaning": MEANING[thread.state],
            "for_s": None if self.spent_s is None else round(self.spent_s, 6),
            "queue": thread.queue or None,
            "connection": found.connection or None,
            "peer": found.peer or None,
            "requests": thread.requests,
            "stack": [frame._asdict() for frame in found.stack],
            "kernel": {
                "verdict": seen and seen.verdict.value,
                "meaning": seen and VERDICT_MEANING[seen.verdict],
                "state": seen and seen.state.value,
                "call": seen and seen.call,
                "descriptor": seen and seen.descriptor,
                "sleeps_in": seen and (seen.wchan if seen.wchan != "0" else None),
                "reason": (seen and seen.reason) or None,
                "unavailable": self.no_word or None,
            },
        }


def thread_of(shown: Snapshot, name: str) -> ThreadView:
    """The living thread of this name or number. Raises: LinkError, which names those that there are."""
    found = next((one for one in shown.threads if name in (one.name, str(one.number))), None)
    if found is None:
        names = [one.name for one in shown.threads]
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        alive = f"alive are {', '.join(names[:MOST_NAMES])}{more}" if names else "no thread is alive"
        raise LinkError(
            f"process {shown.header.process} has no thread {name}: it has ended, or was never made; {alive}"
        )
    return found


def ask_kernel(header: Header, number: int) -> tuple[Sighting | None, str]:
    """The kernel's word on this thread, or None and why there is none."""
    latest = None
    with Witness(header.process, header.words_descriptor, header.machine, gil=header.gil) as witness:
        for _ in range(MOST_LOOKS):
            look = witness.look()
            if look.unavailable:
                return None, look.unavailable
            latest = next((one for one in look.sightings if one.number == number), latest)
            if latest is not None and latest.verdict in (Verdict.CONFIRMED, Verdict.DIFFERS):
                break
    return (
        latest,
        "" if latest else "the thread has ended, or has no row in the table that the kernel's word is compared with",
    )
