"""Start and stop again and again under load: the long form, run by `.ci/long`."""

import http.client
import sys
import threading
from itertools import count
from pathlib import Path

import pytest
from stop_storm import main as stop_storm

from teachserve.architectures import NAMES
from teachserve.server import Server

ROUNDS = 200
CLIENTS = 4

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("architecture", NAMES)
def test_two_hundred_stops_of_a_process_lose_no_request_and_leave_nothing(architecture: str) -> None:
    command = ["-m", "teachserve", "serve", "--arch", architecture, "--port", "{port}", "--delay", "100ms"]
    assert stop_storm(["-n", str(ROUNDS), "--load", "0.15", "--", sys.executable, *command]) == 0


@pytest.mark.parametrize("architecture", NAMES)
def test_two_hundred_stops_in_one_process_leave_no_thread_and_no_descriptor(architecture: str) -> None:
    baseline = None
    for turn in range(ROUNDS):
        server = Server(arch=architecture).start()
        answered = count()
        busy = threading.Event()

        def ask(port: int = server.port, answered: count = answered, busy: threading.Event = busy) -> None:
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                try:
                    connection.request("GET", "/yo", headers={"Connection": "close"})
                    connection.getresponse().read()
                except (OSError, http.client.HTTPException):
                    return  # the port is closed: the server has stopped
                finally:
                    connection.close()
                if next(answered) >= 2 * CLIENTS:
                    busy.set()

        clients = [threading.Thread(target=ask, daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        assert busy.wait(10)
        report = server.stop()
        for client in clients:
            client.join(10)
        assert report.clean, (turn, report.lines())
        left = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
        baseline = baseline or left
        assert left == baseline, turn
