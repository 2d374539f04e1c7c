"""`teachserve serve module:app` in a process of its own: what is found, what is said where nothing is."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from server.serving import ENVIRONMENT, PATIENCE_S, Serving, starting

from teachserve.applications import find
from teachserve.errors import ApplicationError

APP = """
import os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(GREETING + " " + str(environ["wsgi.multithread"])).encode()]

GREETING = os.environ.get("GREETING", "Hello")

def create_app():
    return app

class Holder:
    inner = app

holder = Holder
holder.inner = staticmethod(app)
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with modules that can be imported, and some that cannot."""
    (tmp_path / "myapp.py").write_text(APP)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "deep.py").write_text(APP)
    (tmp_path / "syntax.py").write_text("def app(:\n")
    (tmp_path / "raises.py").write_text("\n\nraise ValueError('two\\nlines')\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit('on purpose')\n")
    (tmp_path / "misses.py").write_text("import no_such_library\n")
    (tmp_path / "factories.py").write_text(
        "def fails():\n    raise KeyError('key')\n\ndef leaves():\n    raise SystemExit(3)\n\n"
        "def needs(name):\n    return None\n\ndef nothing():\n    return None\n\n"
        "def __getattr__(name):\n    raise RuntimeError('no ' + name)\n"
    )
    return tmp_path


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    with starting() as start:
        yield start


@pytest.mark.parametrize(
    "words", [("myapp:app",), ("package.deep:app",), ("myapp:holder.inner",), ("myapp:create_app", "--factory")]
)
def test_an_application_is_found_and_served(serve, folder, words):
    server = serve(*words, "--app-dir", str(folder), "--arch", "single-thread")
    assert requests.get(f"http://127.0.0.1:{server.port}/", timeout=10).text == "Hello False"


def test_it_is_looked_for_in_the_current_folder(serve, folder, monkeypatch):
    monkeypatch.chdir(folder)
    server = serve("myapp:app")
    assert requests.get(f"http://127.0.0.1:{server.port}/", timeout=10).text == "Hello True"


def test_environment_variables_are_the_servers_and_the_applications(serve, folder, monkeypatch):
    for name, value in {"GREETING": "Hey", "TEACHSERVE_MAX_THREADS": "1", "TEACHSERVE_STANDBY": "1"}.items():
        monkeypatch.setitem(ENVIRONMENT, name, value)
    server = serve("myapp:app", "--app-dir", str(folder))
    assert requests.get(f"http://127.0.0.1:{server.port}/", timeout=10).text == "Hey False"


@pytest.mark.parametrize(
    ("framework", "words", "greeting"),
    [("flask", ("flask_app:create_app", "--factory"), "Flask"), ("django", ("django_app:application",), "Django")],
)
def test_flask_and_django(serve, framework, words, greeting):
    pytest.importorskip(framework)
    server = serve(*words, "--app-dir", str(Path(__file__).parent), "--arch", "thread-pool")
    assert requests.get(f"http://127.0.0.1:{server.port}/", timeout=10).text.startswith(greeting)
    server.send(15)
    assert server.status() == 0


NOT_FOUND = {
    "no colon": (("myapp",), ["'myapp' names no application", "module:name"]),
    "no name": (("myapp:",), ["names no application"]),
    "no module of this name": (("missing:app",), ["there is no module 'missing'", "FOLDER", "--app-dir"]),
    "no package of this name": (("missing.deep:app",), ["there is no module 'missing'"]),
    "no module in the package": (("package.missing:app",), ["there is no module 'package.missing'"]),
    "a file's name": (("myapp.py:app",), ["there is no module 'myapp.py'"]),
    "a relative name": ((".myapp:app",), ["'.myapp'"]),
    "a module that misses another": (
        ("misses:app",),
        ["'misses' cannot be imported", "no_such_library", "misses.py:1"],
    ),
    "an error in its syntax": (("syntax:app",), ["'syntax' cannot be imported", "SyntaxError", "syntax.py"]),
    "an error while it is imported": (("raises:app",), ["'raises' cannot", "ValueError: two lines", "raises.py:3"]),
    "a module that leaves": (("leaves:app",), ["'leaves' cannot be imported", "SystemExit: on purpose", "leaves.py:2"]),
    "no such attribute": (("myapp:ap",), ["'myapp'", "myapp.py", "has no 'ap'", "did you mean app?"]),
    "no such inner attribute": (("myapp:holder.outer",), ["has no 'holder.outer'"]),
    "an attribute that fails": (("factories:gone",), ["'factories'", "RuntimeError: no gone"]),
    "nothing to call": (("myapp:number",), ["myapp:number is no application", "of type int"]),
    "a factory that fails": (
        ("factories:fails", "--factory"),
        ["called as a factory, failed: KeyError", "factories.py:2"],
    ),
    "a factory that leaves": (("factories:leaves", "--factory"), ["called as a factory, failed: SystemExit"]),
    "a factory that needs more": (("factories:needs", "--factory"), ["TypeError", "'name'"]),
    "a factory that makes nothing": (("factories:nothing", "--factory"), ["is no application", "of type NoneType"]),
    "no such folder": (("myapp:app", "--app-dir", "/no/such/folder"), ["--app-dir /no/such/folder is no folder"]),
    "no name of a folder": (("myapp:app", "--app-dir", "f" * 300), ["--app-dir ffff", "ffff is no folder"]),
}


@pytest.fixture
def forgetting() -> Iterator[None]:
    """What is imported from a test's folder is forgotten at its end."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.mark.usefixtures("forgetting")
@pytest.mark.parametrize("what", NOT_FOUND)
def test_what_cannot_be_found_is_said_in_one_line(folder, what):
    (text, *words), says = NOT_FOUND[what]
    with pytest.raises(ApplicationError) as raised:
        find(text, factory="--factory" in words, folder=Path(words[-1]) if "--app-dir" in words else folder)
    assert "\n" not in str(raised.value)
    for word in says:
        assert word.replace("FOLDER", os.fspath(folder)) in str(raised.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [(("missing:app",), "there is no module 'missing'"), (("raises:app",), "ValueError: two lines"),
     (("leaves:app",), "SystemExit: on purpose"), (("myapp:ap",), "has no 'ap'"), (("myapp:number",), "of type int"),
     (("factories:leaves", "--factory"), "SystemExit: 3"), (("myapp:app", "--delay", "1ms"), "for the built-in routes"),
     (("--factory",), "name it, such as myapp:app")],
)  # fmt: skip
def test_what_cannot_be_served_is_one_line_and_status_2(folder, words, says):
    done = subprocess.run(
        [sys.executable, "-m", "teachserve", "serve", "--port", "0", *words, "--app-dir", str(folder)],
        capture_output=True, text=True, env=ENVIRONMENT, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert says in line
