"""What httptools (llhttp) lets through by itself, pinned: an upgrade that changes it must be noticed.

Each row that it accepts against the RFC is a rule of ours in `teachserve.protocol`; each that it begins to refuse may
be one the fewer. Where it differs between versions, look at what the change means for us before changing the row.
"""

import httptools
import pytest


def head(line: str = "GET / HTTP/1.1", *fields: str, host: str = "Host: x") -> bytes:
    return "\r\n".join([line, host, *fields, "", ""]).encode("latin-1")


def post(*fields: str, body: str = "") -> bytes:
    return head("POST / HTTP/1.1", *fields) + body.encode("latin-1")


def chunked(body: str) -> bytes:
    return post("Transfer-Encoding: chunked", body=body)


LAST = "0\r\n\r\n"

# what, bytes, what httptools 0.9.0 says
ROWS = [
    ("empty line before", b"\r\n" + head(), "whole"),
    ("LF before the method", b"\n" + head(), "whole"),
    ("CR before the method", b"\r" + head(), "whole"),
    ("blank before the method", b" " + head(), "refused"),
    ("two blanks before the target", head("GET  / HTTP/1.1"), "whole"),
    ("two blanks before the version", head("GET /  HTTP/1.1"), "whole"),
    ("tab before the target", head("GET\t/ HTTP/1.1"), "refused"),
    ("blank after the version", head("GET / HTTP/1.1 "), "refused"),
    ("no version", b"GET /\r\n\r\n", "whole"),
    ("version 0.9", head("GET / HTTP/0.9"), "whole"),
    ("version 1.2", head("GET / HTTP/1.2"), "refused"),
    ("version 2.0", head("GET / HTTP/2.0"), "whole"),
    ("version 3.0", head("GET / HTTP/3.0"), "refused"),
    ("version of RTSP", head("DESCRIBE / RTSP/1.0"), "whole"),
    ("version of Icecast", head("SOURCE / ICE/1.0"), "whole"),
    ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused"),
    ("method in lower case", head("get / HTTP/1.1"), "refused"),
    ("method that nobody knows", head("BREW / HTTP/1.1"), "refused"),
    ("method that is no token", head("G(T / HTTP/1.1"), "refused"),
    ("relative target", head("GET a HTTP/1.1"), "refused"),
    ("authority with GET", head("GET x:443 HTTP/1.1"), "refused"),
    ("asterisk with GET", head("GET * HTTP/1.1"), "whole"),
    ("asterisk and more", head("OPTIONS *a HTTP/1.1"), "whole"),
    ("path with CONNECT", head("CONNECT /a HTTP/1.1"), "upgrade"),
    ("CONNECT", head("CONNECT x:443 HTTP/1.1"), "upgrade"),
    ("fragment", head("GET /a#b HTTP/1.1"), "whole"),
    ("backslash in the target", head("GET /a\\b HTTP/1.1"), "whole"),
    ("bytes beyond ASCII in the target", head("GET /\xe9 HTTP/1.1"), "refused"),
    ("control in the target", head("GET /\x01 HTTP/1.1"), "refused"),
    ("tab in the target", head("GET /a\tb HTTP/1.1"), "refused"),
    ("delete in the target", head("GET /\x7f HTTP/1.1"), "refused"),
    ("user information in the target", head("GET http://a:b@x/ HTTP/1.1"), "whole"),
    ("no host in the target", head("GET http:///a HTTP/1.1"), "whole"),
    ("port of letters in the target", head("GET http://x:a/ HTTP/1.1"), "whole"),
    ("scheme that is not ours", head("GET ftp://x/ HTTP/1.1"), "whole"),
    ("no Host", head(host="X: y"), "whole"),
    ("two Hosts", head("GET / HTTP/1.1", "Host: y"), "whole"),
    ("malformed Host", head(host="Host: a b"), "whole"),
    ("bare LF after the request line", b"GET / HTTP/1.1\nHost: x\r\n\r\n", "refused"),
    ("bare LF after a field", b"GET / HTTP/1.1\r\nHost: x\n\r\n", "refused"),
    ("bare LF as the empty line", b"GET / HTTP/1.1\r\nHost: x\r\n\n", "refused"),
    ("bare CR after a field", b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", "refused"),
    ("CR CR LF after a field", b"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", "refused"),
    ("CR and any byte as the empty line", b"GET / HTTP/1.1\r\nHost: x\r\n\rX", "refused"),
    ("folded line", head("GET / HTTP/1.1", "X: y", " z"), "refused"),
    ("blank before the first field", head(host=" Host: x"), "refused"),
    ("space before the colon", head("GET / HTTP/1.1", "X : y"), "refused"),
    ("no colon", head("GET / HTTP/1.1", "X"), "refused"),
    ("empty name", head("GET / HTTP/1.1", ": y"), "refused"),
    ("name that is no token", head("GET / HTTP/1.1", "X(: y"), "refused"),
    ("name beyond ASCII", head("GET / HTTP/1.1", "\xe9: y"), "refused"),
    ("NUL in a value", head("GET / HTTP/1.1", "X: \0"), "refused"),
    ("control in a value", head("GET / HTTP/1.1", "X: \x01"), "refused"),
    ("delete in a value", head("GET / HTTP/1.1", "X: \x7f"), "refused"),
    ("vertical tab in a value", head("GET / HTTP/1.1", "X: \x0b"), "refused"),
    ("bytes beyond ASCII in a value", head("GET / HTTP/1.1", "X: \xe9"), "whole"),
    ("length with a sign", post("Content-Length: +0"), "refused"),
    ("length with a blank inside", post("Content-Length: 0 0"), "refused"),
    ("length with a tab behind", post("Content-Length: 0\t"), "whole"),
    ("length in a list", post("Content-Length: 0, 0"), "refused"),
    ("length that is empty", post("Content-Length:"), "refused"),
    ("length with leading zeros", post("Content-Length: 000"), "whole"),
    ("length of 2^64", post("Content-Length: 18446744073709551616"), "refused"),
    ("length twice", post("Content-Length: 0", "Content-Length: 0"), "refused"),
    ("length and chunked", post("Content-Length: 5", "Transfer-Encoding: chunked", body=LAST), "refused"),
    ("chunked and length", post("Transfer-Encoding: chunked", "Content-Length: 5", body=LAST), "refused"),
    ("length and gzip", post("Content-Length: 0", "Transfer-Encoding: gzip"), "refused"),
    ("chunked in HTTP/1.0", head("POST / HTTP/1.0", "Transfer-Encoding: chunked") + b"0\r\n\r\n", "whole"),
    ("chunked twice", post("Transfer-Encoding: chunked, chunked", body=LAST), "refused"),
    ("chunked in two fields", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=LAST), "refused"),
    ("chunked not last", post("Transfer-Encoding: chunked, gzip", body=LAST), "refused"),
    ("gzip and chunked", post("Transfer-Encoding: gzip, chunked", body=LAST), "whole"),
    ("unknown coding", post("Transfer-Encoding: xchunked", body=LAST), "refused"),
    ("empty coding", post("Transfer-Encoding:"), "refused"),
    ("comma before chunked", post("Transfer-Encoding: , chunked", body=LAST), "whole"),
    ("comma behind chunked", post("Transfer-Encoding: chunked,", body=LAST), "refused"),
    ("parameter of chunked", post("Transfer-Encoding: chunked;a=b", body=LAST), "refused"),
    ("vertical tab before chunked", post("Transfer-Encoding: \x0bchunked", body=LAST), "refused"),
    ("tab behind chunked", post("Transfer-Encoding: chunked\t", body=LAST), "refused"),
    ("chunk size with a sign", chunked("+0\r\n\r\n"), "refused"),
    ("chunk size with 0x", chunked("0x0\r\n\r\n"), "refused"),
    ("chunk size with a blank behind", chunked("0 \r\n\r\n"), "refused"),
    ("chunk size with a blank before", chunked(" 0\r\n\r\n"), "refused"),
    ("chunk size of 2^64", chunked("10000000000000000\r\n"), "refused"),
    ("chunk size with many zeros", chunked("00000000000000000000\r\n\r\n"), "whole"),
    ("chunk size line of bare LF", chunked("0\n\r\n"), "refused"),
    ("chunk ending with bare LF", chunked("1\r\na\n0\r\n\r\n"), "refused"),
    ("chunk longer than its size", chunked("1\r\nab\r\n0\r\n\r\n"), "refused"),
    ("chunk extension", chunked("0;a=b\r\n\r\n"), "whole"),
    ("chunk extension with a blank before", chunked("0 ;a=b\r\n\r\n"), "refused"),
    ("chunk extension without a name", chunked("0;\r\n\r\n"), "refused"),
    ("chunk extension with an open quote", chunked('0;a="b\r\n\r\n'), "refused"),
    ("chunk extension with a bare CR", chunked("0;a\rb\r\n\r\n"), "refused"),
    ("chunk extension with a bare LF", chunked("0;a\nb\r\n\r\n"), "refused"),
    ("chunk extension of 5000 bytes", chunked(f"0;{'a' * 5000}\r\n\r\n"), "whole"),
    ("trailers", chunked("0\r\nX: y\r\n\r\n"), "whole"),
    ("trailer without a colon", chunked("0\r\nX\r\n\r\n"), "refused"),
    ("trailer with a length", chunked("0\r\nContent-Length: 5\r\n\r\n"), "refused"),
    ("folded trailer", chunked("0\r\nX: y\r\n z\r\n\r\n"), "refused"),
    ("Connection: close and another request", head("GET / HTTP/1.1", "Connection: close") + head(), "refused"),
    ("Proxy-Connection: close and another request", head("GET / HTTP/1.1", "Proxy-Connection: close") + head(), "refused"),
    ("Upgrade", head("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c"), "upgrade"),
    ("Upgrade without Connection", head("GET / HTTP/1.1", "Upgrade: h2c"), "whole"),
    ("name of 100 000 bytes", head("GET / HTTP/1.1", f"{'a' * 100_000}: y"), "whole"),
    ("1000 fields", head("GET / HTTP/1.1", *["X: y"] * 1000), "whole"),
]  # fmt: skip


class _Parsed:
    def __init__(self) -> None:
        self.complete = False

    def on_message_complete(self) -> None:
        self.complete = True


def verdict(data: bytes) -> str:
    """What httptools says to these bytes: whole, unfinished, upgrade (it stops reading there), or refused."""
    parsed = _Parsed()
    try:
        httptools.HttpRequestParser(parsed).feed_data(data)
    except httptools.HttpParserUpgrade:
        return "upgrade"
    except httptools.HttpParserError:
        return "refused"
    return "whole" if parsed.complete else "unfinished"


@pytest.mark.parametrize(("what", "data", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_what_httptools_lets_through(what: str, data: bytes, expected: str):
    assert verdict(data) == expected, (
        f"{what}: httptools {httptools.__version__} differs from the one this was written for"
    )
