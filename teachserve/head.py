"""The head of a request: what it says, how long its body is, and everything for which it is refused.

llhttp (httptools) parses it, strictly in every version that we take. What it lets through and the RFC does not is refused
here, on the raw bytes; and where it refuses, a second reading finds the status and the words that fit.
Sections without a name are RFC 9112's.
"""

import re
from typing import NamedTuple

import httptools

from teachserve.errors import Refusal
from teachserve.message import Request

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""A token (RFC 9110 section 5.6.2), as a pattern."""
_TOKEN = re.compile(TOKEN)
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_REG_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_ADDRESS = rb"\[(?:[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]"
_HOST = re.compile(rb"(?:" + _REG_NAME + rb"*|" + _ADDRESS + rb")(?::[0-9]*)?")
_ABSOLUTE = re.compile(rb"https?://((?:" + _REG_NAME + rb"+|" + _ADDRESS + rb")(?::[0-9]*)?)(?:[/?].*)?", re.IGNORECASE)
_AUTHORITY = re.compile(rb"(?:" + _REG_NAME + rb"+|" + _ADDRESS + rb"):([0-9]{1,5})")
_DIGITS = re.compile(rb"[0-9]{1,18}")
_CONTROLS = bytes({*range(32), 127} - {*b"\t\r\n"})
_LF, _SLASH, _HASH, _BACKSLASH = (
    b"\n/#\\"  # numbers: to look for one in bytes is ten times as fast as to look for bytes
)
_OTHER_CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress", b"identity"})
_SINGLE = frozenset({b"host", b"content-length", b"content-type"})
"""Fields that cannot be read as a list: sent twice, they mean two things (RFC 9110 section 5.3)."""

_ONLY_CHUNKED = "of the transfer codings only chunked is implemented"
_UNCERTAIN = "with this Transfer-Encoding the length of the body is uncertain"


class BodyForm(NamedTuple):
    """How a body comes: in chunks, or else of `length` bytes; and whether the client waits to be told that it may."""

    chunked: bool
    length: int
    expects_continue: bool


class _Fields:
    """Collects the header fields that httptools calls back."""

    __slots__ = ("received",)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.received.append((name.lower(), value.strip()))  # llhttp leaves tabs at the end, and no other white space


class HeadParser:
    """Reads one head after the other of one connection."""

    __slots__ = ("_fields", "_parser")

    def __init__(self) -> None:
        self._fields = _Fields()  # not this object itself: the parser would hold us, and we it
        self._parser: httptools.HttpRequestParser | None = None

    def parse(self, raw: bytes, most_fields: int) -> tuple[Request, BodyForm | None]:
        """The request, as yet without its body, and how that comes, None for none. `raw` ends with the empty line.

        Raises: Refusal.
        """
        parser = self._parser
        used = parser is not None
        if not used:
            self._parser = parser = httptools.HttpRequestParser(self._fields)
        self._fields.received = headers = []
        offers_upgrade = False
        try:
            parser.feed_data(raw)
        except httptools.HttpParserUpgrade:
            self._parser = None  # the offer is ignored: we speak nothing but HTTP/1 (RFC 9110 section 7.8)
            offers_upgrade = True
        except httptools.HttpParserError as error:
            self._parser = None
            # One that has been used may object to what came before: it takes Proxy-Connection for Connection.
            return self.parse(raw if used else _second_reading(raw, str(error)), most_fields)
        line = raw[: raw.find(b"\r\n")].split(b" ")
        if len(line) != 3:
            raise Refusal(400, "the request line is not method, target and version with one space between")
        method, target, protocol = line
        if protocol == b"HTTP/1.1":
            version = (1, 1)
        elif protocol == b"HTTP/1.0":
            version = (1, 0)
        else:
            raise _wrong_version(protocol)
        if len(headers) > most_fields:
            raise Refusal(431, f"there are more than {most_fields} header fields")
        request = Request(method.decode("ascii"), target, headers, version)
        if offers_upgrade and method == b"CONNECT":
            raise _no_tunnel(target)
        form = _frame(request)
        if target[0] != _SLASH or _HASH in target or _BACKSLASH in target:
            _check_target(request)
        if form is not None:
            self._parser = None  # it waits for a body, which we read without it
        return request, form


def _frame(request: Request) -> BodyForm | None:
    """Decide how long the body is (section 6.3) and whether the connection lives on (section 9.3)."""
    version = request.version
    fields = dict(request.headers)
    if len(fields) != len(request.headers):
        fields = _combine(request.headers)
    host = fields.get(b"host")
    if host is None:
        if version == (1, 1):
            raise Refusal(400, "the Host field is missing")
    else:
        name, _, port = host.partition(b":")
        ordinary = name.replace(b".", b"").replace(b"-", b"").isalnum() and (not port or port.isdigit())
        # The pattern only where it is needed: it is one object for all threads, and so its reference count.
        if not ordinary and not _HOST.fullmatch(host):
            raise Refusal(400, "the Host field is malformed")
    connection = fields.get(b"connection")
    if connection is None:
        request.keep_alive = version == (1, 1)
    else:
        options = _members(connection)
        request.keep_alive = b"close" not in options and (version == (1, 1) or b"keep-alive" in options)
    length, coding, expect = fields.get(b"content-length"), fields.get(b"transfer-encoding"), fields.get(b"expect")
    if coding is None and length is None and expect is None:
        return None
    size = 0
    if coding is not None:
        _check_coding(coding, alone=length is None and version == (1, 1))
    elif length is not None:
        if not _DIGITS.fullmatch(length):
            raise Refusal(400, "Content-Length is not a number")
        size = int(length)
    if expect is not None and set(_members(expect)) != {b"100-continue"}:
        raise Refusal(417, "the only expectation met here is 100-continue")
    if coding is None and not size:
        return None
    # In HTTP/1.0 the expectation means nothing (RFC 9110 section 10.1.1).
    return BodyForm(coding is not None, size, expect is not None and version == (1, 1))


def check_lines(raw: bytes) -> None:
    """Refuse bare CR or LF, control characters and folded lines (sections 2.2 and 5.2). `raw` may end in mid-line."""
    ends = raw.count(b"\r\n")
    if raw.count(b"\n") != ends or raw.count(b"\r") - raw.endswith(b"\r") > ends:
        raise Refusal(400, "a bare CR or LF is not a line end")
    if raw.translate(None, _CONTROLS) != raw:
        raise Refusal(400, "the head holds control characters")
    if b"\r\n " in raw or b"\r\n\t" in raw:
        raise Refusal(400, "a header field is folded over two lines")


def check_field(line: bytes) -> tuple[bytes, bytes]:
    """One header or trailer line as (lower-case name, value). Raises: Refusal (section 5.1, RFC 9110 section 5.5)."""
    name, colon, value = line.partition(b":")
    if not colon or not _TOKEN.fullmatch(name):
        raise Refusal(400, "a field is not a name and, right behind it, a colon")
    if value.translate(None, _CONTROLS + b"\r\n") != value:
        raise Refusal(400, "a field's value holds control characters")
    return name.lower(), value.strip(b" \t")


def check_beginning(buffer: bytes | bytearray, looked_at: int) -> None:
    """Refuse a head that is not complete and cannot become one: whoever sends it may wait for us now.

    Of `looked_at` bytes the last few are looked at again, the others not: to send byte by byte must not cost us more.
    """
    start = max(0, looked_at - 3)
    if start and buffer[start] == _LF:
        start -= 1  # with its CR
    fresh = bytes(buffer[start:])
    check_lines(fresh)
    line_end = buffer.find(b"\r\n", start)
    if (line_end < 0 and fresh.isascii()) or buffer.find(b"\r\n", 0, start + 1) >= 0:
        return  # nothing to be seen yet of the first line; or it was seen before
    _check_request_line(bytes(buffer if line_end < 0 else buffer[:line_end]))


def _check_request_line(line: bytes) -> re.Match:
    """Method, target, and the digits of the version (sections 2.3 and 3)."""
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Refusal(400, "the request line is not method, target and version with one space between")
    if match[3] != b"1":
        raise _wrong_version(line[-8:])
    return match


def _wrong_version(protocol: bytes) -> Refusal:
    if protocol.startswith(b"HTTP/"):
        return Refusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    return Refusal(400, "the version is not HTTP, a slash, a digit, a dot and a digit")


def _second_reading(raw: bytes, error: str) -> bytes:
    """What llhttp refused: refuse it in better words, or return it in a form that llhttp understands.

    A higher minor version is read as 1.1, the highest of its major version that we speak (RFC 9110 section 2.5).
    """
    check_lines(raw)
    line, _, rest = raw.partition(b"\r\n")
    method, target, _, minor = _check_request_line(line).groups()
    fields = [check_field(field) for field in rest[:-4].split(b"\r\n")] if rest != b"\r\n" else []
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if codings:
        sized = any(name == b"content-length" for name, _ in fields)
        _check_coding(b",".join(codings), alone=not sized and minor != b"0")
    if "method" in error.lower():
        raise Refusal(501, "the method is not implemented")
    version = min(minor, b"1")
    lines = [b"%b %b HTTP/1.%b" % (method, target, version), *(b"%b: %b" % field for field in fields)]
    again = b"\r\n".join([*lines, b"", b""])
    if again == raw:
        raise Refusal(400, f"the request is malformed: {error}")
    return again


def _check_target(request: Request) -> None:
    """Refuse a target of a form that its method does not have (section 3.2); see to what the absolute form means."""
    target = request.target
    if _HASH in target or _BACKSLASH in target.partition(b"?")[0]:
        raise Refusal(400, "a request target has no fragment, and no backslash in its path")
    if target.startswith(b"/"):
        return
    if target == b"*":
        if request.method != "OPTIONS":
            raise Refusal(400, "the target * is for OPTIONS only")
        return
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise Refusal(400, "the target is neither a path nor a whole http address")
    # Whatever Host says, the target's authority is meant (section 3.2.2).
    host = (b"host", absolute[1])
    request.headers = [host if field[0] == b"host" else field for field in request.headers]
    if host not in request.headers:
        request.headers.append(host)


def _no_tunnel(target: bytes) -> Refusal:
    """The refusal of a CONNECT (section 3.2.3; RFC 9110 section 9.3.6: an origin server need not make tunnels)."""
    authority = _AUTHORITY.fullmatch(target)
    if authority is None or int(authority[1]) > 65535:
        return Refusal(400, "the target of CONNECT is not a host and a port")
    return Refusal(501, "no tunnels are made here")


def _check_coding(value: bytes, *, alone: bool) -> None:
    """Refuse any transfer coding but chunked, once (sections 6.1 and 6.3).

    Unless it is `alone`, without a Content-Length and in HTTP/1.1, others on the way may have read another length.
    """
    codings = _members(value)
    if not alone or not all(_TOKEN.fullmatch(coding) for coding in codings):
        raise Refusal(400, _UNCERTAIN)
    if codings == [b"chunked"]:
        return
    if b"chunked" in codings[:-1] or codings[-1] in _OTHER_CODINGS:
        raise Refusal(400, _UNCERTAIN)
    raise Refusal(501, _ONLY_CHUNKED)


def _combine(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields by name, those that came more than once as one list (RFC 9110 section 5.3)."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in fields:
            fields[name] = value
        elif name in _SINGLE:
            raise Refusal(400, f"there is more than one {name.decode('ascii').title()} field")
        else:
            fields[name] += b", " + value
    return fields


def _members(value: bytes) -> list[bytes]:
    """The members of a list field, in lower case."""
    return [member.strip(b" \t") for member in value.lower().split(b",")]
