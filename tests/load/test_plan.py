"""A load that cannot be put is refused in one line that says what to do."""

import resource
import socket

import pytest

from teachserve.load import Generator, LoadError, LoadPlan
from teachserve.load.target import allow_descriptors, parse_url

URLS = [
    ("http://127.0.0.1:8080/yo", ("127.0.0.1", 8080, "/yo")),
    ("http://localhost", ("localhost", 80, "/")),
    ("HTTP://Example.org:81?a=1", ("example.org", 81, "/?a=1")),
    ("http://[::1]:8080/a%20b?c=d&e=%C3%A9#gone", ("::1", 8080, "/a%20b?c=d&e=%C3%A9")),
    ("http://h/a b/é", ("h", 80, "/a%20b/%C3%A9")),
    ("http://h/\udcff?\udcfe", ("h", 80, "/%FF?%FE")),
]


@pytest.mark.parametrize(("url", "parts"), URLS)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, int, str]):
    assert parse_url(url) == parts
    LoadPlan(*parts)


WRONG = [
    ("https://h/", "only http is spoken here, not https"),
    ("ftp://h/", "only http is spoken here, not ftp"),
    ("127.0.0.1:8080/yo", "is no URL: give it with the http://"),
    ("", "is no URL"),
    ("http://", "names no host"),
    ("http:///yo", "names no host"),
    ("http://h:99999/", "is no URL"),
    ("http://h:x/", "is no URL"),
    ("http://h:0/", "no server listens on port 0"),
    ("http://[::1/", "is no URL"),
    ("http://me:secret@h/", "a user name in the URL is not supported"),
]


@pytest.mark.parametrize(("url", "says"), WRONG)
def test_a_wrong_url_is_named_with_what_is_wrong(url: str, says: str):
    with pytest.raises(LoadError) as refusal:
        parse_url(url)
    assert says in str(refusal.value)
    assert repr(url) in str(refusal.value)
    assert "\n" not in str(refusal.value)


VALUES = [
    ({"connections": 0}, "connections must be a whole number from 1 to 20000: connections=0; give -c 1 or more"),
    ({"connections": 2.5}, "connections must be a whole number"),
    ({"connections": True}, "connections must be a whole number"),
    ({"requests": 0}, "requests must be a whole number 1 or more: requests=0"),
    ({"rate": -5}, "rate must be a number above 0: rate=-5; leave -q out for a closed loop"),
    ({"rate": 0}, "rate must be a number above 0"),
    ({"rate": float("nan")}, "rate must be a number above 0"),
    ({"rate": "many"}, "rate must be a number above 0"),
    ({"rate": 1e300}, "rate must be at most 1000000"),
    ({"duration": 0.0}, "duration must be a number above 0"),
    ({"timeout": float("inf")}, "timeout must be a number above 0"),
    ({"port": 65536}, "port must be a whole number from 1 to 65535"),
    ({"path": "yo"}, "path must begin with /"),
    ({"path": "/a b"}, "path must begin with / and be ASCII without blanks"),
    ({"path": "/a\r\nX: y"}, "path must begin with /"),
    ({"path": 5}, "path must begin with /"),
    ({"host": ""}, "host must be a name or an address"),
    ({"keep_alive": 1}, "keep_alive must be true or false"),
    ({"backoff": None}, "backoff must be true or false"),
    ({"outcomes": 1, "rate": 5}, "outcomes must be true or false"),
    ({"outcomes": True}, "begin_ns and outcomes are about requests that are planned: give a rate"),
    ({"begin_ns": 5}, "begin_ns and outcomes are about requests that are planned: give a rate"),
    ({"begin_ns": 0.5, "rate": 5}, "begin_ns must be a whole number 0 or more"),
    ({"conections": 5}, "the plan has no 'conections': its keys are backoff, begin_ns, connections,"),
]


@pytest.mark.parametrize(("values", "says"), VALUES)
def test_a_value_that_cannot_be_is_named_with_the_rule(values: dict[str, object], says: str):
    with pytest.raises(LoadError) as refusal:
        LoadPlan.from_json({"host": "127.0.0.1", "port": 80} | values)
    assert str(refusal.value).startswith(says)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("values", [None, [], "x", {}, {"host": "h"}])
def test_a_plan_without_an_address_is_refused(values: object):
    with pytest.raises(LoadError, match=r"^the plan (must be a JSON object|lacks )"):
        LoadPlan.from_json(values)


def test_a_host_that_does_not_exist_is_named(monkeypatch):
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(LoadError, match=r"the host 'nowhere' cannot be found .*Name or service not known"):
        Generator(LoadPlan("nowhere", 80))


def test_more_connections_than_the_process_may_have_are_refused(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1000))
    with pytest.raises(LoadError, match=r"connections=5000 needs 5064 file descriptors, .* `ulimit -n 5064`"):
        allow_descriptors(5000)


def test_the_limit_is_raised_as_far_as_it_is_needed(monkeypatch):
    set_to = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: set_to.append(limits))
    allow_descriptors(100)
    assert set_to == []
    allow_descriptors(1000)
    assert set_to == [(1064, 4096)]
