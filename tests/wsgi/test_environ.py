"""The environ: what of a request an application is told, each form of it checked by wsgiref.validate."""

from wsgiref.validate import validator

import pytest

from teachserve.errors import TeachserveError
from teachserve.files import FilePieces
from teachserve.server import Server
from teachserve.wsgi import Wsgi

from .wire import chunked, exchange, one, request


class Recorder:
    """An application that keeps what it was called with, under wsgiref's eyes."""

    def __init__(self) -> None:
        self.environ: dict[str, object] = {}
        self.body = b""
        self.application = validator(self)

    def __call__(self, environ, start_response):
        self.environ = dict(environ)
        self.body = environ["wsgi.input"].read(1 << 20)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"recorded"]


ABSENT = None
FORMS = {
    "the origin form": (request("/a/b"), {"PATH_INFO": "/a/b", "QUERY_STRING": "", "REQUEST_METHOD": "GET"}),
    "a query": (request("/a?b=c%20d&e"), {"PATH_INFO": "/a", "QUERY_STRING": "b=c%20d&e", "REQUEST_URI": "/a?b=c%20d&e"}),
    "a query with a question mark": (request("/?a?b"), {"PATH_INFO": "/", "QUERY_STRING": "a?b"}),
    "an empty query": (request("/a?"), {"PATH_INFO": "/a", "QUERY_STRING": ""}),
    "a path in UTF-8": (request("/J%C3%BCrgen"), {"PATH_INFO": "/Jürgen".encode().decode("latin-1")}),
    "a slash and a percent sign, encoded": (request("/a%2Fb%25"), {"PATH_INFO": "/a/b%"}),
    "an encoding that is none": (request("/a%zz%"), {"PATH_INFO": "/a%zz%"}),
    "two slashes": (request("//a//b"), {"PATH_INFO": "//a//b"}),
    "the absolute form": (
        request("http://other:81/a?b"),
        {"PATH_INFO": "/a", "QUERY_STRING": "b", "HTTP_HOST": "other:81", "REQUEST_URI": "http://other:81/a?b"},
    ),
    "the absolute form without a path": (request("http://other"), {"PATH_INFO": "/", "HTTP_HOST": "other"}),
    "the absolute form with only a query": (request("http://other?b"), {"PATH_INFO": "/", "QUERY_STRING": "b"}),
    "an absolute form with a slash in the query": (
        request("http://other?b=/c"), {"PATH_INFO": "/", "QUERY_STRING": "b=/c"},
    ),
    "the asterisk form": (request("*", method="OPTIONS"), {"PATH_INFO": "", "REQUEST_METHOD": "OPTIONS"}),
    "an empty field": (request("/", "X-Empty:"), {"HTTP_X_EMPTY": ""}),
    "blanks around a value": (request("/", "X-A: \t b \t"), {"HTTP_X_A": "b"}),
    "a repeated field": (request("/", "X-A: b", "x-a: c"), {"HTTP_X_A": "b,c"}),
    "repeated cookies": (request("/", "Cookie: a=b", "Cookie: c=d"), {"HTTP_COOKIE": "a=b; c=d"}),
    "a value in latin-1": (request("/", "X-A: \xfc"), {"HTTP_X_A": "\xfc"}),
    "a name with an underscore": (request("/", "X-A: b", "X_A: c"), {"HTTP_X_A": "b"}),
    "a Content_Length that is none": (request("/", "Content_Length: 3"), {"CONTENT_LENGTH": ABSENT}),
    "a Proxy field": (request("/", "Proxy: evil"), {"HTTP_PROXY": ABSENT}),
    "no Host": (b"GET / HTTP/1.0\r\n\r\n", {"HTTP_HOST": ABSENT, "SERVER_PROTOCOL": "HTTP/1.0"}),
    "HTTP/1.0": (request(version="1.0"), {"SERVER_PROTOCOL": "HTTP/1.0", "HTTP_HOST": "localhost"}),
    "HTTP/1.1": (request(), {"SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": ABSENT, "CONTENT_TYPE": ABSENT}),
    "a host in IPv6": (request().replace(b"localhost", b"[::1]:80"), {"HTTP_HOST": "[::1]:80"}),
    "a sized body": (
        request("/", "Content-Length: 3", "Content-Type: text/x", method="POST", body=b"abc"),
        {"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/x", "HTTP_CONTENT_LENGTH": ABSENT, "HTTP_CONTENT_TYPE": ABSENT,
         "wsgi.input_terminated": True, "body": b"abc"},
    ),
    "an empty body": (
        request("/", "Content-Length: 0", method="POST"), {"CONTENT_LENGTH": "0", "body": b""},
    ),
    "a chunked body": (
        request("/", "Transfer-Encoding: chunked", method="PUT", body=chunked(b"ab", b"c")),
        {"CONTENT_LENGTH": ABSENT, "REQUEST_METHOD": "PUT", "wsgi.input_terminated": True, "body": b"abc"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_the_application_is_told(serve, form: str):
    recorder = Recorder()
    data, expected = FORMS[form]
    answer = one(serve(recorder.application).port, data)
    assert (answer.status, answer.body) == (200, b"recorded")
    told = {**recorder.environ, "body": recorder.body}
    assert {name: told.get(name) for name in expected} == expected


def test_what_is_the_same_for_every_request(serve, shape):
    recorder = Recorder()
    server = serve(recorder.application)
    one(server.port, request())
    environ = recorder.environ
    assert (environ["SCRIPT_NAME"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == (
        "",
        "127.0.0.1",
        str(server.port),
    )
    assert (environ["wsgi.version"], environ["wsgi.url_scheme"]) == ((1, 0), "http")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"].isdigit()) == ("127.0.0.1", True)
    assert (environ["wsgi.multiprocess"], environ["wsgi.run_once"]) == (False, False)
    assert environ["wsgi.file_wrapper"] is FilePieces
    assert environ["wsgi.multithread"] is (shape not in ("single-thread", "event-loop"))


@pytest.mark.parametrize(
    ("architecture", "options", "parallel"),
    [("thread-pool", {"threads": 1}, False), ("thread-per-connection", {"max_threads": 1}, False),
     ("recycling", {"max_threads": 1, "standby": 1}, False), ("event-loop", {"offload": 1}, False),
     ("recycling", {"max_threads": 2, "standby": 1}, True)],
)  # fmt: skip
def test_multithread_is_true_where_two_threads_may_run_the_application(architecture, options, parallel):
    recorder = Recorder()
    with Server(Wsgi(recorder.application), architecture, **options) as server:
        one(server.port, request())
    assert recorder.environ["wsgi.multithread"] is parallel


def test_changing_the_environ_changes_no_other_requests(serve):
    seen = []

    def application(environ, start_response):
        seen.append("HTTP_MINE" in environ or environ["SCRIPT_NAME"])
        environ.update({"HTTP_MINE": "x", "SCRIPT_NAME": "/mine"})
        start_response("200 OK", [])
        return []

    assert len(exchange(serve(application).port, request() * 3)) == 3
    assert seen == ["", "", ""]


def test_a_server_on_an_ipv6_address_names_it_as_a_url_does():
    """RFC 3875 section 4.1.14: SERVER_NAME has the brackets."""
    recorder = Recorder()
    try:
        server = Server(Wsgi(recorder.application), host="::1").start()
    except TeachserveError:
        pytest.skip("this machine has no ::1")
    try:
        exchange(server.port, b"GET / HTTP/1.0\r\n\r\n", host="::1")
    finally:
        server.stop()
    assert (recorder.environ["SERVER_NAME"], recorder.environ["REMOTE_ADDR"]) == ("[::1]", "::1")


def test_wsgi_errors_is_the_servers_standard_error(serve, capsys):
    def application(environ, start_response):
        environ["wsgi.errors"].write("said by the application\n")
        environ["wsgi.errors"].flush()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    assert one(serve(validator(application)).port, request()).status == 200
    assert "said by the application\n" in capsys.readouterr().err
