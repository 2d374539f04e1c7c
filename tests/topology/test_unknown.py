"""What cannot be derived is said with its line, and what can be is derived."""

from pathlib import Path

import pytest

from teachserve.topology.topology import Topology

from .tables import HEAD, derived, made, of_worker, table, unknown

UNKNOWN = {
    "go = self.accept\ngo()": "worker 8: accept is passed on instead of called",
    "getattr(self, 'acc' + 'ept')()": "worker 8: self is passed on",
    "me = self\nme.accept()": "worker 8: self is passed on",
    "Taskmaster.accept(self)": "worker 8: self is passed on",
    "self.accept()\nself.unheard_of()": "worker 9: unheard_of is no verb, and no method that can be read",
    "def inner():\n    self.accept()\ninner()": "worker 8: a function inside the method",
    "(lambda: self.accept())()": "worker 8: a function inside the method",
    "self.serve = None": "start 8: serve is given another value",
    "self.spawn(self.choose, role='other')": "other 8: what is spawned there is no method that can be read",
    "self.spawn(self.work, role=input())": "start 8: the role that is spawned there is not written in plain words",
    "self.take(input())": "worker 8: which of the class's queues take(input()) means is not written here",
    "self.take(self.elsewhere)": "worker 8: which of the class's queues take(elsewhere) means is not written here",
    "try:\n    self.accept()\nexcept ValueError:\n    pass": (
        "worker 8: which step raises what except catches is not written: each may"
    ),
    "try:\n    self.accept()\nfinally:\n    self.note()": (
        "worker 8: what finally does after a verb has raised something is not followed"
    ),
    "with open('x'):\n    self.accept()": "worker 8: a with statement may swallow what is raised in it",
    "list(self.take(self.left) for _ in 'ab')": "worker 8: when a generator expression is run is not written here",
    "yield self.accept()": "worker 8: yield: what runs this method is not written here",
    "0 < self.note() < self.note()": "worker 8: a chain of comparisons may end before its last",
    "read(self.options)": "worker 8: options is passed on: which of them are used is not written here",
    "self.later()": "worker 14: later is async: what runs it is not written here",
    "self.wrapped()": "worker 17: wrapped is wrapped in cache",
}
MORE = """def note(self):
    pass
choose = None
async def later(self):
    self.accept()
@cache
def wrapped(self):
    self.accept()"""


@pytest.mark.parametrize("body", UNKNOWN)
def test_what_cannot_be_followed_is_said_with_its_line(body: str, tmp_path: Path) -> None:
    text = "\n".join([*body.split("\n"), *["pass"] * (2 - body.count("\n"))])
    expected = UNKNOWN[body]
    assert expected in unknown(of_worker(tmp_path, text, MORE))


PLAIN = {
    "with self.lock:\n    self.count += 1": ["begin -> end"],
    "while not ready():\n    pass\nself.recycle()": ["begin -> recycle", "recycle -> end"],
    "if a:\n    print()\nself.recycle()": ["begin -> recycle", "recycle -> end"],
    "while True:\n    self.recycle()": ["begin -> recycle", "recycle ~> recycle"],
    "if a and (self.recycle() or b):\n    self.close(c)": [
        "begin -> recycle [a]",
        "begin -> end [not a]",
        "recycle -> close [recycle() or b]",
        "recycle -> end [not recycle() and not b]",
        "close -> end",
    ],
    "if a or b:\n    self.recycle()": [
        "begin -> recycle [a or b]",
        "begin -> end [not (a or b)]",
        "recycle -> end",
    ],
    "if self.fits():\n    self.recycle()": [
        "begin -> recycle [fits()]",
        "begin -> end [not fits()]",
        "recycle -> end",
    ],
    "for queue in [self.left, self.right]:\n    self.recycle()": [
        "begin -> recycle [for queue in [left, right]]",
        "begin -> end [end of [left, right]]",
        "recycle ~> recycle [for queue in [left, right]]",
        "recycle ~> end [end of [left, right]]",
    ],
    "match self.take(self.left):\n    case None:\n        return\n    case str() if self.recycle():\n        self.close(c)": [
        "begin -> take left",
        "take left -> recycle [not case None and case str()]",
        "take left -> end [case None or not case str()]",
        "recycle -> close [recycle()]",
        "recycle -> end [not recycle()]",
        "close -> end",
    ],
    "try:\n    self.serve(self.accept())\nexcept OSError:\n    self.close(c)": [
        "begin -> accept",
        "begin -> close [except OSError]",
        "accept -> read",
        "accept -> close [except OSError]",
        "read -> handle [request is not None]",
        "read -> close [except OSError]",
        "read -> end [request is None]",
        "handle -> write",
        "handle -> close [except OSError]",
        "write ~> read",
        "write -> close [except OSError]",
        "close -> end",
    ],
    "if self.recycle():\n    raise SystemExit\nself.close(c)": [
        "begin -> recycle",
        "recycle -> close [not recycle()]",
        "recycle -> end [recycle() and raise SystemExit]",
        "close -> end",
    ],
}


@pytest.mark.parametrize("body", PLAIN)
def test_statements(body: str, tmp_path: Path) -> None:
    more = "def fits(self):\n    if self.a:\n        return True\n    return not self.b"
    [worker] = of_worker(tmp_path, body, more).roles
    assert table(worker) == PLAIN[body]


MAKINGS = {
    "self.spawn(self.other, role='other')": "worker: 1",
    "if rush():\n    self.spawn(self.other, role='other')": "worker: 1 [rush()]",
    "if not rush():\n    return\nself.recycle()\nself.spawn(self.other, role='other')": "worker: 1 [rush()]",
    "for _ in range(self.options.threads):\n    self.spawn(self.other, role='other')": "worker: options.threads",
    "for _ in range(2):\n    for _ in range(self.options.threads):\n        self.spawn(self.other, role='other')": (
        "worker: 2 * options.threads"
    ),
    "for one in self.doors:\n    self.spawn(self.other, one, role='other')": "worker: 1 for each one in doors",
    "while True:\n    self.spawn(self.other, self.accept(), role='other')": "worker: 1 for each connection",
    "while True:\n    c = self.accept()\n    if not c:\n        break\n    self.make(c)": (
        "worker: 1 for each connection [c]"
    ),
    "while busy():\n    self.spawn(self.other, role='other')": "worker: any number [busy()]",
    "while self.take(self.left):\n    for _ in range(2):\n        self.spawn(self.other, role='other')": (
        "worker: 2 for each take(left) [take(left)]"
    ),
}


@pytest.mark.parametrize("body", MAKINGS)
def test_how_many_are_made_and_when(body: str, tmp_path: Path) -> None:
    more = "def other(self, *them):\n    self.recycle()\ndef make(self, one):\n    self.spawn(self.other, one, role='other')"
    assert made(of_worker(tmp_path, body, more).role("other")) == [MAKINGS[body]]


def test_several_spawns_of_one_role_with_several_lives(tmp_path: Path) -> None:
    found = derived(
        tmp_path,
        "class Own(Taskmaster):\n"
        "    accepting_role = role = 'one'\n"
        "    def start(self):\n"
        "        self.spawn(self.first, role='one')\n"
        "        self.spawn(self.second, role=self.role)\n"
        "    def first(self):\n"
        "        self.accept()\n"
        "    def second(self):\n"
        "        self.recycle()\n",
    )
    [one] = found.roles
    assert (one.method, made(one), unknown(found)) == ("first, second", ["start: 1", "start: 1"], [])
    assert table(one) == [
        "begin -> accept [spawned as first]",
        "begin -> recycle [spawned as second]",
        "accept -> end",
        "recycle -> end",
    ]


def test_a_queue_that_a_helper_is_given(tmp_path: Path) -> None:
    body = "self.next_of(self.left)\nself.next_of(queue=self.right)"
    found = of_worker(tmp_path, body, "def next_of(self, queue):\n    return self.take(queue)")
    assert table(found.roles[0]) == ["begin -> take left", "take left -> take right", "take right -> end"]
    assert unknown(found) == []


def test_a_helper_that_calls_itself_with_another_queue_says_so(tmp_path: Path) -> None:
    more = "def drain(self, queue):\n    if self.take(queue):\n        self.drain(self.right)"
    found = of_worker(tmp_path, "self.drain(self.left)", more)
    assert unknown(found) == ["worker 9: drain is called with several queues or roles, which are not told apart here"]


def test_a_helper_called_very_often_says_that_its_ways_are_not_told_apart(tmp_path: Path) -> None:
    ways = [f"def h{depth}(self):\n    self.h{depth + 1}()\n    self.h{depth + 1}()" for depth in range(12)]
    found = of_worker(tmp_path, "self.h0()", "\n".join([*ways, "def h12(self):\n    self.recycle()"]))
    assert table(found.roles[0]) == ["begin -> recycle", "recycle -> recycle", "recycle -> end"]
    assert "worker 42: h11 is called in so many places that what follows each is not told apart" in unknown(found)


def test_each_spawn_that_is_not_written_in_plain_words_is_said(tmp_path: Path) -> None:
    found = of_worker(tmp_path, "self.spawn(self.work, role=input())\nself.spawn(self.work, role=input())")
    assert [one.line for one in found.unknown] == [8, 9]


def test_no_start_and_no_accepting_role_are_said(tmp_path: Path) -> None:
    found = derived(tmp_path, "class Own(Taskmaster):\n    pass\n")
    assert unknown(found) == ["start 2: there is no start", "start 2: accepting_role is not written in the class"]
    assert found.roles == ()


def test_a_class_that_something_may_change_is_said(tmp_path: Path) -> None:
    text = (
        "@dressed(up=True)\nclass Own(Taskmaster):\n    accepting_role = 'worker'\n    def start(self):\n        pass\n"
    )
    assert unknown(derived(tmp_path, text)) == ["start 2: Own is wrapped in dressed(up=True), which may change it"]


def test_one_of_ours_with_a_method_of_its_own(tmp_path: Path) -> None:
    text = (
        "from teachserve.architectures.thread_pool import ThreadPool\n"
        "class Own(ThreadPool):\n"
        "    def work(self):\n"
        "        while guest := self.take(self.connections):\n"
        "            self.close(guest)\n"
    )
    found = derived(tmp_path, text)
    assert (found.accepting_role, found.queues, unknown(found)) == ("acceptor", ("connections",), [])
    assert [role.name for role in found.roles] == ["acceptor", "worker"]
    assert table(found.role("worker")) == [
        "begin -> take connections",
        "take connections -> close [guest]",
        "take connections -> end [not guest]",
        "close ~> take connections",
    ]


def test_a_base_that_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    text = (
        "from nowhere_at_all import Base\n"
        "class Own(Base):\n"
        "    accepting_role = 'worker'\n"
        "    def start(self):\n"
        "        self.spawn(self.work, role='worker')\n"
        "    def work(self):\n"
        "        self.accept()\n"
    )
    [said] = unknown(derived(tmp_path, text))
    assert said == (
        "start 3: the base class Base of Own cannot be read: its module nowhere_at_all is not found"
    )  # fmt: skip


def test_a_base_of_another_module_in_its_folder(tmp_path: Path) -> None:
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text(
        HEAD + "class Base(Taskmaster):\n    accepting_role = 'worker'\n    inbox = Queue()\n"
        "    def start(self):\n        self.spawn(self.work, role='worker')\n"
        "    def work(self):\n        while self.accept():\n            self.more()\n"
        "    def more(self):\n        self.recycle()\n"
    )
    (package / "own.py").write_text(
        "from . import base\nfrom teachserve.taskmaster import Queue as Line\n"
        "class Own(base.Base):\n    outbox = Line()\n    def more(self):\n        super().more()\n        self.close(1)\n"
    )
    found = Topology.read(str(package / "own.py"), "Own")
    [worker] = found.roles
    assert (found.queues, unknown(found)) == (("inbox", "outbox"), [])
    assert [Path(step.file).name for step in worker.steps[1:-1]] == ["base.py", "base.py", "own.py"]
    assert table(worker) == [
        "begin -> accept",
        "accept -> recycle [accept()]",
        "accept -> end [not accept()]",
        "recycle -> close",
        "close ~> accept",
    ]


def test_super_finds_what_stands_above_in_a_diamond(tmp_path: Path) -> None:
    found = derived(
        tmp_path,
        "class Top(Taskmaster):\n"
        "    accepting_role = 'worker'\n"
        "    def start(self):\n"
        "        self.spawn(self.work, role='worker')\n"
        "    def work(self):\n"
        "        self.accept()\n"
        "class Left(Top):\n"
        "    def work(self):\n"
        "        super().work()\n"
        "        self.recycle()\n"
        "class Right(Top):\n"
        "    def work(self):\n"
        "        super().work()\n"
        "        self.close(1)\n"
        "class Own(Left, Right):\n"
        "    pass\n",
    )
    assert table(found.roles[0]) == ["begin -> accept", "accept -> close", "close -> recycle", "recycle -> end"]
    assert unknown(found) == []
