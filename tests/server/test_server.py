"""The public door: start, stop, snapshot, change."""

import threading

import pytest
import requests

from teachserve import Server
from teachserve.conformance import Client, get
from teachserve.errors import OptionError, TeachserveError
from teachserve.handlers import Delay, Routes
from teachserve.message import Response


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


def test_the_delay_can_be_changed_while_it_runs_and_nothing_else():
    with Server(delay="1h") as server:
        server.change("delay", "none")
        assert requests.get(f"{server.url}/yo", timeout=10).text == "Hey!"
        server.change("delay_kind", "cpu")
        server.change("delay", "1us")
        assert requests.get(f"{server.url}/yo", timeout=10).text == "Hey!"
        with pytest.raises(OptionError, match="standby cannot be changed"):
            server.change("standby", 3)
        with pytest.raises(OptionError, match="delay must be none, 0 or a duration"):
            server.change("delay", "soon")


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
