"""WSGI (PEP 3333): any application of that kind as a handler.

The application's iterable is given on in pieces as it yields them, unless all of it is there at once (a list or a tuple).
Where an event loop serves, nothing can be sent while the application runs: `write` then keeps what it is given.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from types import TracebackType

from teachserve.errors import Abandoned
from teachserve.files import SPOOL_BYTES, FilePieces, Spool
from teachserve.message import Request, Response, StreamedResponse

Environ = dict[str, object]
Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]

logger = logging.getLogger("teachserve")

_STATUS = re.compile(r"([2-5][0-9][0-9])(?: (.*))?")
_NOT_FOR_APPLICATIONS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "trailers", "transfer-encoding", "upgrade"}
)  # fmt: skip
"""Fields of one connection, which are the server's (RFC 9110 section 7.6.1); PEP 3333 forbids them to applications."""


class Wsgi:
    """A WSGI application as a handler: called with a Request it returns a Response.

    Raises whatever the application raises, AssertionError and ValueError where it breaks the protocol.
    """

    def __init__(self, application: Callable[[Environ, Callable], Iterable[bytes]]):
        self.application = application
        self._common: Environ = {}

    def serve_on(self, host: str, port: int, *, multithread: bool) -> None:
        """Tell it where it is served, and whether two threads may run the application at once."""
        self._common = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": f"[{host}]" if ":" in host else host,  # RFC 3875 section 4.1.14
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": multithread,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,  # it ends where the body does, whatever Content-Length says
            "wsgi.file_wrapper": FilePieces,
        }

    def __call__(self, request: Request) -> Response:
        answering = _Answering(request)
        given: Iterable[bytes] = ()
        try:
            given = self.application(self.environ(request), answering.start)
            return answering.answer(given)
        except BaseException as error:
            if hasattr(given, "close"):
                given.close()
            if answering.sent and not isinstance(error, Abandoned):
                return answering.cut_short(error)
            raise

    def environ(self, request: Request) -> Environ:
        """The environ of a request. Strings are bytes decoded as latin-1, as PEP 3333 has it."""
        path = b"" if request.target == b"*" else request.path_bytes()  # `OPTIONS *` concerns no path
        peer = request.connection.peer
        environ = {
            **self._common,
            "REQUEST_METHOD": request.method,
            "PATH_INFO": path.decode("latin-1"),
            "QUERY_STRING": request.target.partition(b"?")[2].decode("latin-1"),
            "REQUEST_URI": request.target.decode("latin-1"),
            "SERVER_PROTOCOL": "HTTP/1.1" if request.version == (1, 1) else "HTTP/1.0",
            "REMOTE_ADDR": peer[0],
            "REMOTE_PORT": str(peer[1]),
            "wsgi.input": request.stream,
        }
        for name, value in request.headers:
            _add_field(environ, name.decode("latin-1"), value.decode("latin-1"))
        return environ


def _add_field(environ: Environ, name: str, value: str) -> None:
    if "_" in name or name == "proxy":
        # `a_b` would pass for `a-b`; `Proxy` would become a variable that clients of HTTP obey (CVE-2016-5385).
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = "HTTP_" + key
    if key in environ:
        environ[key] += ("; " if name == "cookie" else ",") + value
    else:
        environ[key] = value


class _Answering:
    """One call of an application: what it told `start_response`, and what it gave to `write`.

    `sent` says that a part of the answer is with the client already, or might be.
    """

    def __init__(self, request: Request):
        self._request = request
        self._response: StreamedResponse | None = None
        self._written: Spool | None = None
        self._given = False
        self.sent = False

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Callable[[bytes], None]:
        """PEP 3333's start_response."""
        try:
            if exc_info is not None:
                if self.sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            elif self._response is not None:
                raise AssertionError("start_response was called twice, without exc_info")
            self._response = _response(status, headers)
            self._response.request = self._request
        finally:
            exc_info = None  # it refers to this frame
        return self._write

    def _write(self, data: bytes) -> None:
        """PEP 3333's write: sent before it returns, or kept where nobody may wait."""
        if self._given:
            raise AssertionError("write was called from within the iterable")
        if not data:
            return
        self.sent = True
        if self._request.connection.answers is None:
            self._request.connection.driver.send_early(self._response, data)
            return
        if self._written is None:
            self._written = Spool(SPOOL_BYTES)
        self._written.write(data)

    def answer(self, given: Iterable[bytes]) -> Response:
        """The answer whose body is `given`, and before it what was written."""
        is_file = isinstance(given, FilePieces)
        pieces = iter(given)
        # An application may call start_response as late as with its first piece.
        first = b"" if is_file else next((piece for piece in pieces if piece), b"")
        response = self._response
        if response is None:
            raise AssertionError("the application did not call start_response")
        if is_file and not self.sent:
            response.pieces = given
            given.most = response.length
            if response.length is None:
                response.length = given.size_left()
        elif type(given) in (list, tuple) and not self.sent and response.length is None:
            response.body = b"".join([first, *pieces])
            if not response.body and self._request.method == "HEAD":
                response.pieces = ()  # how long the body of a GET would be is not known
        else:
            response.pieces = _Pieces(chain(self._kept(), [first], pieces), given)
        self._given = self.sent = True
        return response

    def _kept(self) -> Iterable[bytes]:
        """What was written where nobody may wait."""
        if self._written is None:
            return ()
        self._written.seek(0)
        return FilePieces(self._written)

    def cut_short(self, error: Exception) -> Response:
        """What is left of an answer when the application broke after it had begun: nothing but the error."""
        self._response.pieces = _raising(error)
        return self._response


def _raising(error: Exception) -> Iterator[bytes]:
    raise error
    yield b""


class _Pieces:
    """Pieces, of which some came from a source before; `close` closes that."""

    def __init__(self, pieces: Iterator[bytes], source: object):
        self._pieces = pieces
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces  # a generator around them, when it is dropped, would close the source a second time

    def close(self) -> None:
        if hasattr(self._source, "close"):
            self._source.close()


def _response(status: str, headers: Headers) -> StreamedResponse:
    """An answer without a body. Raises: ValueError for what is not of the form that PEP 3333 asks for."""
    match = _STATUS.fullmatch(status)
    if match is None:
        raise ValueError(f"{status!r} is no status: three digits from 200 to 599, a blank and a phrase")
    response = StreamedResponse(int(match[1]))
    response.reason = match[2]
    for name, value in headers:
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError(f"a header field is two strings: {name!r}, {value!r}")
        lowered = name.lower()
        if lowered == "content-length":
            if response.length is not None or not (value.isascii() and value.isdigit()):
                raise ValueError(f"Content-Length must be one number: {value!r}")
            response.length = int(value)
        elif lowered in _NOT_FOR_APPLICATIONS:
            logger.debug("%s: %s is the server's to say, and is left out", name, value)
            response.last = response.last or (lowered == "connection" and "close" in value.lower())
        else:
            response.headers.append((name, value))
    return response
