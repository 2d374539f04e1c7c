"""teachserve: the thread architectures of a web server, to read, to run and to watch.

`Server` is the public door; `teachserve --help` is the command line's.
"""

from teachserve.version import __version__

__all__ = ["Server", "__version__"]


def __getattr__(name: str) -> object:
    # The server's rooms are loaded on first use, so that `teachserve --help` loads none of them.
    if name == "Server":
        from teachserve.server import Server

        return Server
    raise AttributeError(f"module 'teachserve' has no attribute {name!r}")
