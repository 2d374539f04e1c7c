"""A server in every shape, with an application of the test's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from shapes import SHAPES

from teachserve.conformance import serving
from teachserve.server import Server
from teachserve.wsgi import Wsgi

Serve = Callable[..., Server]


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    """The name of an architecture, in one of its shapes."""
    return request.param


@pytest.fixture
def looping(shape: str) -> bool:
    """An event loop serves: bodies are read and answers made whole."""
    return shape.startswith("event-loop")


@pytest.fixture
def serve(shape: str) -> Iterator[Serve]:
    """Serve an application with this shape. At the end the server stops, and nothing of it may be left."""
    architecture, options = SHAPES[shape]
    with ExitStack() as servers:
        yield lambda application, **more: servers.enter_context(
            serving(architecture, app=Wsgi(application), **options, **more)
        )
