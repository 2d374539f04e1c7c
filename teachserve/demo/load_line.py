"""The load generator as the demo sees it: commands to its stdin, progress from its stdout, a result at its end."""

import contextlib
import json
import threading
from typing import Any

from teachserve.demo.child import Child
from teachserve.demo.picture import LoadView
from teachserve.demo.wording import counted

MOST_CONNECTIONS = 10_000


class LoadLine:
    """Reads the progress in a thread of its own, so that nobody ever waits for the load generator."""

    def __init__(self, child: Child, plan: dict[str, Any]) -> None:
        self._child = child
        self._latest: dict[str, Any] = {}
        self._connections: int = plan["connections"]
        self._keep_alive: bool = plan["keep_alive"]
        self._rate: float | None = plan["rate"]
        self._result: dict[str, Any] | None = None
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="load-line", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._child.process.stdout:
            with contextlib.suppress(ValueError):  # half a line: the generator was killed
                told = json.loads(line)
                if told.pop("frame", None) == "result":
                    self._result = told
                else:
                    self._latest = told

    def wait_for_result(self, timeout: float) -> dict[str, Any] | None:
        """The result, once the generator has ended. None: it ended without one, or not in time."""
        self._reader.join(timeout)
        return self._result

    def view(self) -> LoadView:
        """What the newest progress says; before the first, what is planned."""
        told = self._latest
        connections = told.get("connections", self._connections)
        return LoadView(
            connections=connections,
            keep_alive=told.get("keep_alive", self._keep_alive),
            rate=told.get("rate", self._rate),
            answered_per_s=told.get("per_s", 0.0),
            p50=told.get("p50"),
            p99=told.get("p99"),
            answered=told.get("requests", 0),
            refused=told.get("unavailable_503", 0),
            errors=sum(told.get("errors", {}).values()),
            never_served=told.get("never_served", connections),
            core=told.get("client_cpu", 0.0),
            client_bound=bool(told.get("client_bound")),
        )

    def scale_connections(self, factor: float) -> str:
        """Twice or half the clients, at least one. What was asked for, in words."""
        self._connections = min(MOST_CONNECTIONS, max(1, int(self._connections * factor)))
        return self._order(f"load: {counted(self._connections, 'client')}", connections=self._connections)

    def scale_rate(self, factor: float) -> str:
        """Twice or half the rate. A closed loop becomes an open one, which plans twice or half of what came now."""
        before = self._rate or max(1.0, self._latest.get("per_s", 0.0))
        self._rate = max(1.0, round(before * factor))
        return self._order(f"load: open loop, {self._rate:g} requests/s planned", rate=self._rate)

    def _order(self, words: str, **command: object) -> str:
        try:
            with self._writing:
                self._child.process.stdin.write(json.dumps(command).encode() + b"\n")
                self._child.process.stdin.flush()
        except (OSError, ValueError):  # ValueError: it was closed here, the demo is ending
            return "the load generator takes no more orders"
        return words
