"""Servers in processes of their own, for the faults."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .child import ARCHITECTURES, Child


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They read /proc and set limits from outside."""
    for item in items:
        if Path(__file__).parent in item.path.parents and not sys.platform.startswith("linux"):
            item.add_marker(pytest.mark.skip("reads /proc"))


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    """Each architecture by turns."""
    return request.param


@pytest.fixture
def clients() -> Iterator[contextlib.ExitStack]:
    """Closes clients at the end of the test."""
    with contextlib.ExitStack() as close:
        yield close


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts servers, and sees to it that none outlives the test."""
    started: list[Child] = []

    def begin(*options: str, **more: object) -> Child:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Child(folder, *options, **more))
        return started[-1]

    yield begin
    for child in started:
        child.close()


@pytest.fixture
def on_every(launch: Callable[..., Child]) -> Callable[..., None]:
    """Plays a scene with a server of each architecture, all at the same time: for scenes that are made of waiting."""

    def play(scene: Callable[[Child], object], *options: str, architectures: Iterable[str] = ARCHITECTURES,
             **more: object) -> None:  # fmt: skip
        children = {name: launch(*options, architecture=name, **more) for name in architectures}
        with ThreadPoolExecutor(len(children)) as pool:
            played = {name: pool.submit(scene, child) for name, child in children.items()}
        failures = []
        for name, scenes in played.items():
            if (failure := scenes.exception()) is not None:
                failure.add_note(f"with {name}; its log: {children[name].log()}")
                failures.append(failure)
        if failures:
            raise ExceptionGroup("a fault was not survived", failures)

    return play
