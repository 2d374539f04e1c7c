"""The checks of what is asked and answered: connections kept and closed, bodies, refusals, crowds, clients that leave."""

import contextlib

from teachserve.conformance.client import Client, expect_hey, get
from teachserve.conformance.servers import Architecture, routes, serving, wrong
from teachserve.conformance.suite import check
from teachserve.server import Server


def _answers(server: Server) -> None:
    """A new client is answered."""
    with Client(server.port) as client:
        client.send(get("/yo", "Connection: close"))
        expect_hey(client.answer())
        assert not client.end(), "more came after the answer"


@check("A kept-alive connection is answered request by request.")
def check_keep_alive(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        for _ in range(3):
            client.send(get())
            answer = client.answer()
            expect_hey(answer)
            assert answer.headers.get("connection") != "close", "the connection was to live on"


@check("A client that says Connection: close is answered, told the same, and the connection ends.")
def check_close(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(get("/yo", "Connection: close"))
        answer = client.answer()
        expect_hey(answer)
        assert answer.headers.get("connection") == "close", "the answer does not say Connection: close"
        assert not client.end(), "more came after the answer"


@check("HTTP/1.0 ends the connection after one answer, unless the client asks to keep it.")
def check_http_1_0(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server:
        with Client(server.port) as client:
            client.send(get(version="1.0"))
            expect_hey(client.answer())
            assert not client.end(), "more came after the answer"
        with Client(server.port) as client:
            for _ in range(2):
                client.send(get("/yo", "Connection: keep-alive", version="1.0"))
                answer = client.answer()
                expect_hey(answer)
                assert answer.headers.get("connection") == "keep-alive", "the answer does not say keep-alive"


@check("Pipelined requests are answered in order.")
def check_pipelining(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(b"".join(get(f"/yo?name={number}") for number in range(20)))
        for number in range(20):
            expect_hey(client.answer(), b"Hey %d!" % number)


@check("HEAD gets the head that GET would get, and no body.")
def check_head(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port, heads_only=True) as client:
        for _ in range(2):
            client.send(get(method="HEAD"))
            answer = client.answer()
            assert (answer.status, answer.headers["content-length"]) == (200, "4"), f"got {answer}"
        client.send(get("/yo", "Connection: close", method="HEAD"))
        client.answer()
        assert not client.end(), "a body came after the head"


@check("A sized and a chunked body both arrive whole, and the next request begins right behind them.")
def check_bodies(architecture: Architecture, **options: object) -> None:
    body = bytes(range(256)) * 300
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:1], body[1:5000], body[5000:]))
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(get("/echo", f"Content-Length: {len(body)}", method="POST", body=body))
        expect_hey(client.answer(), body)
        client.send(get("/echo", "Transfer-Encoding: chunked", method="POST", body=chunked + b"0\r\n\r\n") + get())
        expect_hey(client.answer(), body)
        expect_hey(client.answer())


@check("A name in UTF-8 comes back in UTF-8.")
def check_utf8(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, Client(server.port) as client:
        client.send(get("/yo?name=J%C3%BCrgen%20%E2%98%83"))
        expect_hey(client.answer(), "Hey Jürgen ☃!".encode())


REFUSED = {
    "nonsense": (b"GET nonsense\r\n\r\n", 400),
    "bare line feeds": (get().replace(b"\r", b""), 400),
    "no Host": (b"GET /yo HTTP/1.1\r\n\r\n", 400),
    "two lengths": (get("/echo", "Content-Length: 1", "Content-Length: 2", method="POST"), 400),
    "unknown path": (get("/nowhere"), 404),
    "wrong method": (get("/yo", method="DELETE"), 405),
    "long body": (get("/echo", "Content-Length: 2000", method="POST"), 413),
    "long chunk": (get("/echo", "Transfer-Encoding: chunked", method="POST", body=b"fff\r\n"), 413),
    "long line": (get("/" + "x" * 300), 414),
    "many fields": (get("/yo", *(f"X-{number}: 1" for number in range(30))), 431),
    "long head": (get("/yo", "X: " + "x" * 2000), 431),
}
LIMITS = {"limit_request_line": 200, "limit_header_count": 20, "limit_header_bytes": 1000, "limit_request_body": 1000}


@check("What cannot be served is answered 400, 404, 405, 413, 414 or 431, and the next client is served.")
def check_refusals(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **(LIMITS | options)) as server:
        for name, (request, status) in REFUSED.items():
            with Client(server.port) as client:
                client.send(request)
                answer = client.answer()
                assert answer.status == status, f"{name}: expected {status}, got {answer}"
                if status == 405:
                    assert answer.headers.get("allow") == "GET, HEAD", f"the 405 does not say what is allowed: {answer}"
                if status not in (404, 405):
                    assert answer.headers.get("connection") == "close", f"{name}: the answer does not say close"
                    assert not client.end(), f"{name}: more came after the answer"
            _answers(server)


@check("Whatever a handler raises or returns, the answer is 500 and no worker ends of it.")
def check_handler_errors(architecture: Architecture, **options: object) -> None:
    for app, paths in ((routes(), ("/raise", "/exit", "/split")), (wrong, ("/none", "/text", "/status", "/body"))):
        with serving(architecture, app=app, **options) as server:
            for path in paths:
                with Client(server.port) as client:
                    client.send(get(path))
                    assert (answer := client.answer()).status == 500, f"{path}: expected 500, got {answer}"
            _answers(server)
            assert server.taskmaster.counts.broken == 0, "a handler's error broke a thread"


@check("Several clients at once are all answered, or told 503 with Retry-After.")
def check_crowd(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server.port)) for _ in range(12)]
        for client in clients:
            client.send(get("/yo", "Connection: close"))
        for client in clients:
            answer = client.answer()
            if answer.status == 503:
                assert answer.headers.get("retry-after"), f"the 503 does not say when to come again: {answer}"
            else:
                expect_hey(answer)
            client.end()


@check("Clients that leave without a word, or in the middle of one, cost nobody anything.")
def check_leavers(architecture: Architecture, **options: object) -> None:
    with serving(architecture, **options) as server:
        for words in (b"", b"GET /yo HT", get("/echo", "Content-Length: 9", method="POST", body=b"half"), get() * 3):
            with Client(server.port) as client:
                client.send(words)
            _answers(server)
