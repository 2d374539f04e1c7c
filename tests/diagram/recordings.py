"""A real server whose verbs are noted and whose trace is kept at the same time: the one is held against the other."""

from pathlib import Path

from teachserve.architectures import find
from teachserve.conformance import Client, get, serving
from teachserve.diagram import views
from teachserve.diagram.observed import Observed
from teachserve.diagram.recorded import Recorded
from teachserve.diagram.recording import Recording
from teachserve.observe.trace import Trace
from teachserve.probe import STREAM
from teachserve.topology.topology import Topology
from tests.observe.streamed import Streamed
from tests.observe.test_trace import write

KEPT, LAST = get("/yo"), get("/yo", "Connection: close")


def clients(port: int) -> None:
    """Some that ask once, some that stay, one that is silent, and one that asks for nonsense."""
    for words in (LAST, KEPT + LAST, KEPT + KEPT + LAST):
        with Client(port) as client:
            client.send(words)
            client.end()
    with Client(port) as client:
        client.send(KEPT)
        client.answer()
        client.send(LAST)
        client.answer()
    Client(port).sock.close()
    with Client(port) as client:
        client.send(b"What is this?\r\n\r\n")
        client.end()


def record(name: str, file: Path, level: int = STREAM, **options: object) -> tuple[Topology, Observed]:
    """Serve, stop, and write the trace; the graph, and all that was noted."""
    topology = views.read(name)
    recording = Recording(topology, find(name)[1])
    with serving(recording.recorded, **options) as server:
        streamed = Streamed(server, level=level)
        streamed.frames[0]["architecture"] = name
        streamed.tell()
        clients(server.port)
        streamed.tell()
        server.stop()
        streamed.tell()
    write(file, streamed.frames)
    return topology, recording.observed()


def recorded(file: Path) -> Recorded:
    """The trace, summed up."""
    return Recorded.read(Trace(file))
