"""What load to put on what server."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A plan for one run.

    `connections` clients at once; `duration` in seconds or `requests` in number, whichever ends first (None: no bound);
    `rate` in requests/s over all clients: with it the loop is open (the plan says when each request is due), without it
    closed (each client asks again when it is answered). `timeout` in seconds for one request. `backoff`: after a 503 a
    client waits for Retry-After.
    """

    host: str
    port: int
    path: str = "/"
    connections: int = 50
    duration: float | None = None
    requests: int | None = None
    rate: float | None = None
    keep_alive: bool = True
    timeout: float = 20.0
    backoff: bool = True

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.path}"


def parse_url(url: str) -> tuple[str, int, str]:
    """(host, port, path with query) of an http URL. Raises: ValueError with a sentence that says what is wrong."""
    text = url if "://" in url else f"http://{url}"
    parts = urlsplit(text)
    if parts.scheme != "http":
        raise ValueError(f"{url}: only http is spoken here, not {parts.scheme}; give an http:// URL")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{url}: the port must be a number from 1 to 65535") from None
    if not host:
        raise ValueError(f"{url} names no host; give a URL such as http://127.0.0.1:8080/yo")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError(f"{url}: the path must be percent-encoded ASCII")
    return host, port or 80, path
