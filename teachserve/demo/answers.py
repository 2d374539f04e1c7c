"""The server's answers to commands: one thread reads them, others wait for theirs."""

import threading
from collections.abc import Mapping
from typing import Any

PATIENCE_S = 0.5
"""A key that was pressed may wait so long; a server that is stopped answers later, or never."""
KEPT = 64


class Answers:
    """Keeps the newest answers until they are asked for."""

    def __init__(self) -> None:
        self._came = threading.Condition()
        self._answers: dict[int, Mapping[str, Any]] = {}

    def put(self, reply: Mapping[str, Any]) -> None:
        """A `reply` frame came in."""
        with self._came:
            self._answers[reply["to"]] = reply
            if len(self._answers) > KEPT:
                del self._answers[next(iter(self._answers))]
            self._came.notify_all()

    def wait(self, number: int) -> Mapping[str, Any] | None:
        """The answer to the command of this number; None: it has not come in time."""
        with self._came:
            self._came.wait_for(lambda: number in self._answers, PATIENCE_S)
            return self._answers.pop(number, None)
