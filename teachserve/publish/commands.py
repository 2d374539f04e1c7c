"""What a watcher may ask for. Each command is answered by a `reply` frame, which carries its number in `to`."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from teachserve.errors import TeachserveError
from teachserve.probe import STREAM, TABLE
from teachserve.publish.inspection import find, inspect
from teachserve.publish.watcher import Frame, Watcher

if TYPE_CHECKING:
    from teachserve.server import Server

LEVELS = {"table": TABLE, "stream": STREAM}

Reply = Callable[..., None]


class Commands:
    """The commands of one server. `attune(watcher, level, focus, reply)` changes what a watcher is told."""

    def __init__(self, server: "Server", attune: Callable[[Watcher, int, int | None, Callable[[], None]], None]):
        self._server = server
        self._attune = attune
        self._carried_out_by = {
            "level": self._level,
            "focus": self._focus,
            "inspect": self._inspect,
            "set": self._set,
            "slow": self._slow,
            "stop": self._stop,
            "abandon": self._abandon,
        }

    def obey(self, watcher: Watcher, data: bytes) -> None:
        """Carry out one command, as it came, and answer it."""
        number = None

        def reply(**answer: object) -> None:
            watcher.put({"frame": "reply", "to": number, "ok": True} | answer)

        try:
            command: Frame = json.loads(data)
            number = command.pop("number", None)
            self._carried_out_by[command.pop("command")](watcher, reply, **command)
        except TeachserveError as error:
            reply(ok=False, error=str(error))
        except (ValueError, KeyError, TypeError, AttributeError):
            reply(ok=False, error=f"not understood: {data[:80].decode('latin-1')}")

    def _level(self, watcher: Watcher, reply: Reply, level: str) -> None:
        self._attune(watcher, LEVELS[level], watcher.focus, lambda: reply(level=level))

    def _focus(self, watcher: Watcher, reply: Reply, thread: int | None) -> None:
        if thread is not None:
            find(self._server, thread)
        self._attune(watcher, watcher.level, thread, lambda: reply(focus=thread))

    def _inspect(self, watcher: Watcher, reply: Reply, thread: int) -> None:
        reply(inspect=inspect(self._server, thread))

    def _set(self, watcher: Watcher, reply: Reply, option: str, value: object) -> None:
        self._server.change(option, value)
        reply()

    def _slow(self, watcher: Watcher, reply: Reply, pause_s: object) -> None:
        self._server.slow(pause_s)
        reply()

    def _stop(self, watcher: Watcher, reply: Reply) -> None:
        reply()
        self._server.on_stop_asked()

    def _abandon(self, watcher: Watcher, reply: Reply) -> None:
        reply()
        self._server.on_abandon_asked()
