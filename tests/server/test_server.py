"""The public door: start, stop, snapshot, change."""

import threading

import pytest
import requests

from teachserve import Server
from teachserve.conformance import Client, get
from teachserve.errors import OptionError, TeachserveError
from teachserve.handlers import Delay, Routes
from teachserve.message import Response
from teachserve.wsgi import Wsgi


def test_a_context_manager_serves_and_stops():
    with Server(arch="thread-pool", threads=2) as server:
        assert requests.get(f"{server.url}/yo", params={"name": "Jürgen"}, timeout=10).text == "Hey Jürgen!"
        assert requests.post(f"{server.url}/echo", data=b"\0\xff", timeout=10).content == b"\0\xff"
        assert requests.get(f"{server.url}/nowhere", timeout=10).status_code == 404
        assert server.port == int(server.url.rpartition(":")[2])
    assert server.report.clean
    assert server.taskmaster.stopping


def test_it_starts_once():
    server = Server()
    with server, pytest.raises(TeachserveError, match="make a new one"):
        server.start()
    with pytest.raises(TeachserveError, match="make a new one"):
        server.start()


def test_stopping_what_never_started_is_nothing():
    assert (Server().stop(), Server().abandon(), Server().snapshot()) == (None, None, {"threads": []})


def test_a_start_that_fails_leaves_nothing():
    class Broken(Server().start.__self__._class):
        def start(self):
            super().start()
            raise RuntimeError("on purpose")

    server = Server(None, Broken)
    with pytest.raises(RuntimeError, match="on purpose"):
        server.start()
    assert server.report.clean


def test_a_snapshot_shows_every_thread_with_its_state():
    inside, go_on = threading.Event(), threading.Event()

    def app(request):
        inside.set()
        go_on.wait(10)
        return Response.text("Hey!")

    with Server(app, "thread-per-connection") as server, Client(server.port) as client:
        client.send(get())
        assert inside.wait(10)
        shown = server.snapshot()
        assert [(thread["role"], thread["number"]) for thread in shown["threads"]] == [("acceptor", 1), ("worker", 2)]
        assert shown["threads"][1]["state"] == "handling"
        assert shown["threads"][1]["connection"] == 1
        assert (shown["live"], shown["admitted"], shown["placed"]) == ({"acceptor": 1, "worker": 1}, 1, 1)
        go_on.set()
        assert client.answer().status == 200


def test_the_delay_can_be_changed_while_it_runs():
    with Server(delay="1h") as server:
        server.change("delay", "none")
        assert requests.get(f"{server.url}/yo", timeout=10).text == "Hey!"
        server.change("delay_kind", "cpu")
        server.change("delay", "1us")
        assert requests.get(f"{server.url}/yo", timeout=10).text == "Hey!"
        assert (server.options.delay, server.options.values["delay_kind"]) == (1e-6, "cpu")


LIVE = {
    "single-thread": ("delay", "delay_kind"),
    "thread-per-connection": ("max_threads", "delay", "delay_kind"),
    "thread-pool": ("delay", "delay_kind"),
    "recycling": ("standby", "max_threads", "delay", "delay_kind"),
    "event-loop": ("delay", "delay_kind"),
}


@pytest.mark.parametrize("architecture", LIVE)
def test_what_can_be_changed_while_it_runs_is_named_and_all_else_is_refused(architecture):
    with Server(arch=architecture) as server:
        assert server.changeable == LIVE[architecture]
        for name, value in server.options.values.items():
            if name in LIVE[architecture]:
                server.change(name, value)
                continue
            with pytest.raises(OptionError) as refused:
                server.change(name, value)
            assert str(refused.value).endswith(f"only {' and '.join(LIVE[architecture])} can")
        for name in {"standby", "max_threads"} - set(LIVE[architecture]):
            with pytest.raises(OptionError, match=f"^{name} means nothing to {architecture}: {name}=3; "):
                server.change(name, 3)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("delay", "soon", "delay must be none, 0 or a duration"),
        ("max_threads", 0, "max_threads must be a whole number, from 1"),
        ("max_threads", 5, "standby must be at most max_threads: standby=6, max_threads=5; lower --standby or raise "),
        ("standby", 11, "standby must be at most max_threads: standby=11, max_threads=10; lower --standby or raise "),
        ("treads", 3, "there is no option treads: the options are host, port, "),
    ],
)
def test_a_value_that_would_be_refused_at_the_start_is_refused_while_it_runs(name, value, why):
    with Server(arch="recycling", standby=6, max_threads=10) as server:
        before = dict(server.options.values)
        with pytest.raises(OptionError, match=why):
            server.change(name, value)
        assert server.options.values == before


def test_more_threads_than_connections_that_are_let_in_are_refused_while_it_runs_too():
    with (
        Server(arch="thread-per-connection", max_accepts=8) as server,
        pytest.raises(OptionError, match="max_threads must be less than max_accepts: max_threads=8, max_accepts=8"),
    ):
        server.change("max_threads", 8)


def test_the_delay_of_an_application_of_its_own_cannot_be_changed():
    with Server(lambda request: Response.text("Hey!"), "recycling") as server:
        assert server.changeable == ("standby", "max_threads")
        with pytest.raises(OptionError, match="delay is for the built-in routes"):
            server.change("delay", "1ms")


def test_an_application_that_was_told_it_runs_in_one_thread_is_never_run_in_two():
    def app(environ, start_response):
        start_response("200 OK", [])
        return [str(environ["wsgi.multithread"]).encode()]

    with Server(Wsgi(app), "thread-per-connection", max_threads=1) as server:
        server.change("max_threads", 1)
        with pytest.raises(OptionError, match=r"max_threads stays 1: .* start it with --max-threads 2 or more"):
            server.change("max_threads", 2)
    with Server(Wsgi(app), "thread-per-connection", max_threads=2) as server:
        server.change("max_threads", 3)
        assert requests.get(f"{server.url}/", timeout=10).text == "True"


def test_a_delay_sleeps_computes_or_does_nothing(monkeypatch):
    slept = []
    monkeypatch.setattr("teachserve.handlers.time.sleep", slept.append)
    for delay in (Delay("none"), Delay(0), Delay(0, "cpu"), Delay(0.5), Delay(1e-6, "cpu")):
        delay()
    assert slept == [0, 0, 0.5]


def test_routes_answer_text_bytes_and_responses():
    routes = Routes()
    routes.route("/text")(lambda request: "Hey!")
    routes.route("/bytes", "POST")(lambda request: request.body)
    routes.route("/own")(lambda request: Response(204))
    with Server(routes) as server:
        assert requests.get(f"{server.url}/text", timeout=10).headers["Content-Type"] == "text/plain; charset=utf-8"
        assert requests.post(f"{server.url}/bytes", data=b"abc", timeout=10).content == b"abc"
        assert requests.get(f"{server.url}/own", timeout=10).status_code == 204
        wrong = requests.get(f"{server.url}/bytes", timeout=10)
        assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")


def test_an_ipv6_address():
    try:
        server = Server(host="::1").start()
    except TeachserveError:
        pytest.skip("this machine has no ::1")
    with server.taskmaster.lock:
        pass
    assert server.url.startswith("http://[::1]:")
    assert requests.get(f"{server.url}/yo", timeout=10).text == "Hey!"
    assert server.stop().clean


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_on_every_address_can_wake_itself(host):
    try:
        server = Server(host=host).start()
    except TeachserveError:
        pytest.skip(f"this machine cannot listen on {host}")
    assert server.stop().clean
    assert not server.report.abandoned
