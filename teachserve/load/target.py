"""Where the load goes: a URL taken apart, a host looked up."""

import resource
import socket
from urllib.parse import quote, urlsplit

from teachserve.load.plan import LoadError

EXAMPLE = "http://127.0.0.1:8080/yo"
# What may stand in a request target as it is (RFC 3986, section 3.3 and 3.4), % included: it may be escaped already.
AS_IT_IS = "!$&'()*+,;=:@/%-._~?"


def parse_url(url: str) -> tuple[str, int, str]:
    """Host, port and path of a URL, the query being part of the path. Raises: LoadError."""
    scheme, colon, _ = url.partition("://")
    if not colon:
        raise LoadError(f"{url!r} is no URL: give it with the http://, such as {EXAMPLE}")
    if scheme.lower() == "https":
        raise LoadError(f"{url!r}: only http is spoken here, not https; give the server's http:// address")
    if scheme.lower() != "http":
        raise LoadError(f"{url!r}: only http is spoken here, not {scheme}; give a URL such as {EXAMPLE}")
    try:
        parts = urlsplit(url)
        port = 80 if parts.port is None else parts.port
    except ValueError as error:
        raise LoadError(f"{url!r} is no URL ({error}): give one such as {EXAMPLE}") from None
    if parts.username is not None:
        raise LoadError(f"{url!r}: a user name in the URL is not supported; leave out what is before the @")
    if not parts.hostname:
        raise LoadError(f"{url!r} names no host: give a URL such as {EXAMPLE}")
    if not port:
        raise LoadError(f"{url!r}: no server listens on port 0; give the port that the server told you")
    # Bytes of a command line that are no UTF-8 are sent as they are.
    path, query = (quote(part, AS_IT_IS, errors="surrogateescape") for part in (parts.path or "/", parts.query))
    path += f"?{query}" if query else ""
    return parts.hostname, port, path


def addresses(host: str, port: int) -> list[tuple[int, tuple]]:
    """Every (address family, socket address) that the host has, in the resolver's order. Raises: LoadError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else "not a host name"
        raise LoadError(f"the host {host!r} cannot be found ({reason}): check it, or give an address") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


SPARE_DESCRIPTORS = 64


def allow_descriptors(connections: int) -> None:
    """Let this process hold so many connections at once. Raises: LoadError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + SPARE_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise LoadError(
            f"connections={connections} needs {needed} file descriptors, and this process may have {hard}: "
            f"lower -c, or raise the limit with `ulimit -n {needed}`"
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
