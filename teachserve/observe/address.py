"""Where a server serves, as a person writes it: to find it among those that can be watched, now and later."""

import re
import socket
from typing import NamedTuple

from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError, LinkFile, servers

EVERYWHERE = frozenset({"0.0.0.0", "::"})
_WRITTEN = re.compile(r"(?:https?://)?(\[[0-9a-fA-F:.]+\]|[^/:\[\]\s]*):(\d{1,5})(?:/\S*)?")


class Address(NamedTuple):
    """A host, "" for any, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`:8080`, `host:8080`, `[::1]:8080`, `http://host:8080/yo`. Raises: ValueError."""
        found = _WRITTEN.fullmatch(text)
        if not found or not 0 < int(found[2]) < 65536:
            raise ValueError(text)
        return cls(found[1].strip("[]"), int(found[2]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def is_of(self, server: LinkFile) -> bool:
        """Whether that server serves here: a name is taken for the addresses that it stands for."""
        try:
            serves = self.parse(server.url)
        except ValueError:
            return False
        if serves.port != self.port:
            return False
        return not self.host or bool(
            EVERYWHERE & {serves.host, self.host} or _numbers(serves.host) & _numbers(self.host)
        )

    def attach(self) -> Link | None:
        """Link to whoever serves here now; None: nobody who can be watched."""
        try:
            found = [server for server in servers() if self.is_of(server)]
            return Link.attach(found[-1].path) if found else None
        except LinkError:  # it has just ended
            return None


def _numbers(host: str) -> set[str]:
    try:
        return {told[4][0] for told in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):  # UnicodeError: what no host can be called
        return {host}
