"""Every server of this user that can be watched, each seen once: what `teachserve ps` prints."""

from dataclasses import dataclass
from typing import Any

from teachserve.observe.accept_queue import AcceptQueue
from teachserve.observe.link_file import LinkError, LinkFile, servers
from teachserve.observe.snapshot import Snapshot
from teachserve.observe.visit import PATIENCE_S, Visit


@dataclass(frozen=True, slots=True)
class Survey:
    """One server at one moment. Where `unavailable` gives a reason, only its link file is known."""

    link_file: LinkFile
    snapshot: Snapshot | None = None
    accept_queue: AcceptQueue | None = None
    unavailable: str | None = None

    @classmethod
    def of(cls, link_file: LinkFile, patience_s: float = PATIENCE_S) -> "Survey":
        """Visit this server. Never raises LinkError: the reason is in the survey."""
        try:
            with Visit(link_file.path, patience_s) as visit:
                snapshot = visit.table()
        except LinkError as error:
            return cls(link_file, unavailable=str(error))
        return cls(link_file, snapshot, AcceptQueue.read(snapshot.header.host, snapshot.header.port))

    def to_json(self) -> dict[str, Any]:
        """As plain values; null is what cannot be known, and `unavailable` says why."""
        known = {
            "process": self.link_file.process,
            "url": self.link_file.url,
            "architecture": self.link_file.architecture,
            "unavailable": self.unavailable,
        }
        if self.snapshot is None:
            return known
        shown, queue = self.snapshot, self.accept_queue
        return known | {
            "phase": shown.phase,
            "threads": len(shown.threads),
            "states": {state.value: count for state, count in shown.states.items() if count},
            "accepting": shown.accepting,
            "serving": shown.serving,
            "requests": shown.counters["requests"],
            "connections": shown.counters["connections"],
            "accept_queue": {
                "length": None if queue.unavailable else queue.length,
                "bound": None if queue.unavailable else queue.bound,
                "overflowed": None if queue.unavailable else queue.drops,
                "unavailable": queue.unavailable,
            },
        }


def survey() -> list[Survey]:
    """All of them, by process number. Raises: LinkError, TeachserveError, see `servers`."""
    return [Survey.of(link_file) for link_file in servers()]
