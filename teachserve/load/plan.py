"""What load to put on which server: checked once, so that nothing later has to."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from teachserve.errors import TeachserveError

MOST_CONNECTIONS = 20_000
MOST_RATE = 1_000_000
TIMEOUT_S = 30.0
CHANGEABLE = ("connections", "rate", "keep_alive", "host", "port")


class LoadError(TeachserveError):
    """The load cannot be put: one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A load, as asked for.

    `host` a name or an address (IPv6 without brackets); `path` what is asked for, with the query.
    `connections` client slots: each has one request in hand at most.
    `duration` seconds, None: until the requests are done or it is told to stop.
    `requests` how many to make in all, None: without limit.
    `rate` requests/s over all connections (open loop); None: a client asks again once it is answered (closed loop).
    `keep_alive` False: a new connection for each request.
    `timeout` seconds that a request may take in all, with its connects; None: for ever.
    `backoff` whether a client that got a 503 stays idle for the seconds of its Retry-After.
    `begin_ns` reading of CLOCK_MONOTONIC at which the first request is due, so that several generators can keep to one
    plan; None: at once. `outcomes` whether to tell what became of each request, by its number in the plan. Both need a
    `rate`.

    Raises: LoadError.
    """

    host: str
    port: int
    path: str = "/yo"
    connections: int = 50
    duration: float | None = None
    requests: int | None = None
    rate: float | None = None
    keep_alive: bool = True
    timeout: float | None = TIMEOUT_S
    backoff: bool = True
    begin_ns: int | None = None
    outcomes: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.host, str) or not self.host:
            raise LoadError(f"host must be a name or an address: host={self.host!r}")
        if not isinstance(self.path, str) or not re.fullmatch("/[!-~]*", self.path):
            raise LoadError(
                f"path must begin with / and be ASCII without blanks: path={self.path!r}; write %20 for one"
            )
        self._check_whole("port", 1, 65535, "give the one that the server listens on")
        self._check_whole("connections", 1, MOST_CONNECTIONS, "give -c 1 or more")
        if self.requests is not None:
            self._check_whole("requests", 1, None, "give -n 1 or more, or leave it out to go on until -z")
        self._check_more_than_zero("rate", "leave -q out for a closed loop, in which a client asks once it is answered")
        if self.rate is not None and self.rate > MOST_RATE:
            raise LoadError(f"rate must be at most {MOST_RATE}: rate={self.rate:g}; leave -q out for as much as it can")
        self._check_more_than_zero("duration", "give one such as -z 500ms, 10s, 1m")
        self._check_more_than_zero("timeout", "give one such as --timeout 500ms, 10s, 1m")
        for name in ("keep_alive", "backoff", "outcomes"):
            if not isinstance(getattr(self, name), bool):
                raise LoadError(f"{name} must be true or false: {name}={getattr(self, name)!r}")
        if self.begin_ns is not None:
            self._check_whole("begin_ns", 0, None, "leave it out to begin at once")
        if self.rate is None and (self.outcomes or self.begin_ns is not None):
            raise LoadError("begin_ns and outcomes are about requests that are planned: give a rate")

    def _check_whole(self, name: str, least: int, most: int | None, advice: str) -> None:
        value = getattr(self, name)
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if not fits or (most is not None and value > most):
            limits = f"from {least} to {most}" if most is not None else f"{least} or more"
            raise LoadError(f"{name} must be a whole number {limits}: {name}={value!r}; {advice}")

    def _check_more_than_zero(self, name: str, advice: str) -> None:
        value = getattr(self, name)
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
            raise LoadError(f"{name} must be a number above 0: {name}={value!r}; {advice}")

    @classmethod
    def from_json(cls, values: object) -> "LoadPlan":
        """The plan in a JSON object with the field's names as keys. Raises: LoadError."""
        if not isinstance(values, Mapping):
            raise LoadError(f'the plan must be a JSON object such as {{"host": "127.0.0.1", "port": 8080}}: {values!r}')
        known = {field.name for field in fields(cls)}
        if wrong := [name for name in values if name not in known]:
            raise LoadError(f"the plan has no {wrong[0]!r}: its keys are {', '.join(sorted(known))}")
        if missing := {"host", "port"} - values.keys():
            raise LoadError(f"the plan lacks {' and '.join(sorted(missing))}")
        return cls(**values)

    @property
    def authority(self) -> str:
        """`127.0.0.1:8080`, `[::1]:8080`: what stands in a URL and in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """What is asked for."""
        return f"http://{self.authority}{self.path}"

    def request(self) -> bytes:
        """The bytes of one request."""
        connection = "" if self.keep_alive else "Connection: close\r\n"
        host = self.authority
        if not host.isascii():
            host = host.encode("idna").decode()
        return (f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: teachserve-load\r\n{connection}\r\n").encode(
            "ascii"
        )


def changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a plan's fields that may change while it runs. Raises: LoadError."""
    if wrong := [name for name in values if name not in CHANGEABLE]:
        *others, last = CHANGEABLE
        raise LoadError(f"{wrong[0]!r} cannot change while the load runs: {', '.join(others)} and {last} can")
    return dict(values)
