"""Flask and Django applications run unchanged, for a client that is somebody else's too."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from teachserve.server import Server

from .wire import chunked, one, request

BIG = bytes(range(256)) * 1000
TIMEOUT_S = 10
pytestmark = pytest.mark.filterwarnings(
    "error::ResourceWarning",
    "error::pytest.PytestUnraisableExceptionWarning",  # what a destructor says is the latter
)


@pytest.fixture(params=["flask", "django"])
def framework(request: pytest.FixtureRequest) -> str:
    """Its name; skipped where it is not installed."""
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def server(framework: str, serve) -> Server:
    """The framework's application, served in every shape."""
    module = importlib.import_module(f".{framework}_app", __package__)
    return serve(module.app if framework == "flask" else module.application)


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def test_pages(server, client, framework):
    page = client.get(f"{server.url}/", timeout=TIMEOUT_S)
    assert (page.status_code, page.text) == (200, f"{framework.title()}, Jürgen ☃")
    assert page.headers["Content-Length"] == str(len(page.content))
    assert client.get(f"{server.url}/hello/Jürgen ☃", timeout=TIMEOUT_S).text == "Hello Jürgen ☃!"
    assert client.get(f"{server.url}/nowhere", timeout=TIMEOUT_S).status_code == 404
    assert client.get(f"{server.url}/nothing", timeout=TIMEOUT_S).status_code == 204


def test_a_form(server, client):
    fields = [("name", "Jürgen & Söhne"), ("tag", "a"), ("tag", "b")]
    told = client.post(f"{server.url}/form", data=fields, timeout=TIMEOUT_S).json()
    assert told == {"name": "Jürgen & Söhne", "tags": ["a", "b"]}


def test_a_file_is_uploaded(server, client):
    told = client.post(
        f"{server.url}/upload", files={"file": ("b\xfcg.bin", BIG)}, data={"note": "☃"}, timeout=TIMEOUT_S
    ).json()
    assert told == {"name": "b\xfcg.bin", "size": len(BIG), "note": "☃"}


def test_a_raw_body(server, client):
    assert client.post(f"{server.url}/raw", data=BIG, timeout=TIMEOUT_S).content == BIG
    assert client.post(f"{server.url}/raw", data=b"", timeout=TIMEOUT_S).content == b""


def test_a_chunked_body(server, client, framework):
    if framework == "django":
        pytest.skip("Django takes a body without Content-Length for an empty one")
    assert client.post(f"{server.url}/raw", data=iter([BIG[:100], BIG[100:]]), timeout=TIMEOUT_S).content == BIG


def test_an_answer_in_pieces(server, client):
    close = {"Connection": "close"}  # else it has the only thread of an architecture that has one
    whole = client.get(f"{server.url}/stream", params={"name": "ü"}, headers=close, timeout=TIMEOUT_S)
    assert whole.content.decode() == "".join(f"ü {number}\n" for number in range(100))
    old = one(server.port, request("/stream?name=x", version="1.0"))
    assert (old.body[-5:], "transfer-encoding" in old.fields) == (b"x 99\n", False)


def test_a_redirect(server, client):
    page = client.get(f"{server.url}/old", timeout=TIMEOUT_S)
    assert (page.text, page.url, page.history[0].status_code) == ("Hello new!", f"{server.url}/hello/new", 302)


def test_a_session_in_cookies(server, client):
    assert [client.get(f"{server.url}/count", timeout=TIMEOUT_S).text for _ in range(3)] == ["1", "2", "3"]
    client.close()
    assert requests.get(f"{server.url}/count", timeout=TIMEOUT_S).text == "1"


def test_an_error_page_shows_nothing_of_the_error(server, client):
    page = client.get(f"{server.url}/broken", timeout=TIMEOUT_S)
    assert page.status_code == 500
    assert "secret" not in page.text and "Traceback" not in page.text
    assert client.get(f"{server.url}/", timeout=TIMEOUT_S).status_code == 200


def test_head(server, client):
    for path in ("/", "/file", "/stream?name=x", "/nowhere", "/old", "/broken"):
        head = one(server.port, request(path, method="HEAD"), "HEAD")
        page = one(server.port, request(path))
        assert (head.status, head.body) == (page.status, b""), path
        assert head.fields.get("content-length") in (page.fields.get("content-length"), None), path


def test_a_file(server, client, framework):
    page = client.get(f"{server.url}/file", timeout=TIMEOUT_S)
    assert page.content == Path(__file__).with_name(f"{framework}_app.py").read_bytes()
    assert page.headers["Content-Length"] == str(len(page.content))
    if framework == "flask":
        part = client.get(f"{server.url}/file", headers={"Range": "bytes=3-9"}, timeout=TIMEOUT_S)
        assert (part.status_code, part.content) == (206, page.content[3:10])
        assert client.get(f"{server.url}/memory", timeout=TIMEOUT_S).content == b"from memory" * 10_000


def test_a_page_that_has_not_changed(server, client, framework):
    path = "/file" if framework == "flask" else "/hello/me"
    first = client.get(f"{server.url}{path}", timeout=TIMEOUT_S)
    again = client.get(f"{server.url}{path}", headers={"If-None-Match": first.headers["ETag"]}, timeout=TIMEOUT_S)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{server.url}{path}", timeout=TIMEOUT_S).content == first.content


def test_options(server, framework):
    assert one(server.port, request("*", method="OPTIONS"), "OPTIONS").status < 500
    answer = one(server.port, request("/hello/me", method="OPTIONS"), "OPTIONS")
    assert answer.status == 200
    if framework == "flask":
        assert answer.fields["allow"].count("GET") == 1


def test_a_body_beyond_the_applications_own_limit(server, client, framework):
    if framework == "django":
        pytest.skip("Django's own limit does not count files")
    page = client.post(f"{server.url}/upload", files={"file": ("x", bytes(600_000))}, timeout=TIMEOUT_S)
    assert page.status_code == 413


def test_a_client_that_leaves_in_the_middle_of_an_upload(server, framework):
    data = request("/upload", "Content-Type: multipart/form-data; boundary=x", "Content-Length: 999", method="POST",
                   body=b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nhalf")  # fmt: skip
    assert one(server.port, data).status == 400
    assert one(server.port, request()).status == 200
    assert one(
        server.port, request("/raw", "Transfer-Encoding: chunked", method="POST", body=chunked(b"x")[:-3])
    ).status == (400 if framework == "flask" or "event-loop" in server.architecture else 200)
