"""What a class's names mean: which definition is meant, and what is said where something may give them another meaning."""

from pathlib import Path

import pytest

from teachserve.topology.topology import Topology

from .tables import derived, made, of_worker, table, unknown

BASE = """
class Base(Taskmaster):
    accepting_role = 'worker'
    inbox = Queue()
    def start(self):
        self.spawn(self.work, role='worker')
    def work(self):
        self.accept()
    def other(self):
        self.recycle()
"""
LINE = len(BASE.splitlines()) + 2
"""Of the text that follows, the first."""


def own(folder: Path, text: str) -> Topology:
    return derived(folder, f"{BASE}{text}")


SAID = {
    "class Own(Base):\n    work = Base.other": "worker 7: what is spawned there is no method that can be read",
    "class Own(Base):\n    if 1:\n        def work(self):\n            pass": (
        "worker 7: what is spawned there is no method that can be read"
    ),
    "class Own(Base):\n    from elsewhere import work": "worker 7: what is spawned there is no method that can be read",
    "class Own(Base):\n    pass\nOwn.work = Own.other": f"start {LINE + 2}: Own.work is given another value",
    "class Own(Base):\n    pass\nsetattr(Own, 'work', 1)": f"start {LINE + 2}: Own.work is given another value",
    "class Own(Base):\n    pass\nBase.work = 1": f"start {LINE + 2}: Base.work is given another value",
    "class Own(Base):\n    pass\nOwn = dressed(Own)": f"start {LINE + 2}: Own is something else from here on, or may be",
    "class Own(Base):\n    pass\nif 1:\n    class Own(Base):\n        pass": (
        f"start {LINE}: Own is something else from here on, or may be"
    ),
    "class Own(Base, metaclass=M):\n    pass": f"start {LINE}: Own is wrapped in metaclass=M, which may change it",
    "class Own(Base):\n    def __getattribute__(self, name):\n        pass": (
        f"start {LINE + 1}: __getattribute__ may give any name another meaning"
    ),
    "class Own(Base):\n    def __del__(self):\n        self.recycle()": f"start {LINE + 1}: when __del__ runs is not written",
    "class Own(Base):\n    def __init__(self, *a):\n        super().__init__(*a)\n        self.work = self.other": (
        f"start {LINE + 3}: work is given another value"
    ),
    "class Own(Base):\n    def __init__(self, *a):\n        super().__init__(*a)\n        self.me = self": (
        f"start {LINE + 3}: self is passed on"
    ),
    "class Own(Base):\n    def never(self):\n        self.inbox = 1": f"start {LINE + 2}: inbox is given another value",
    "class Own(Base):\n    def accept(self):\n        return super().accept()": (
        f"start {LINE + 1}: accept hides the verb of that name, which is refused"
    ),
    "class A(Base):\n    pass\nclass Own(Base, A):\n    pass": f"start {LINE + 2}: there is no order for the bases of Own",
}


@pytest.mark.parametrize("text", SAID)
def test_what_gives_a_name_another_meaning_is_said_with_its_line(text: str, tmp_path: Path) -> None:
    assert SAID[text] in unknown(own(tmp_path, text))


PLAIN = {
    "class Own(Base):\n    def work(self):\n        self.accept()\n    def work(self):\n        self.recycle()": "recycle",
    "class Own(Base):\n    work: object\n    accepting_role: str": "accept",
    "def make():\n    class Own(Base):\n        pass\nclass Own(Base):\n    def work(self):\n        self.recycle()": "recycle",
    "def make():\n    class Base(Taskmaster):\n        pass\nclass Own(Base):\n    pass": "accept",
    "class Own(Base):\n    def work(self):\n        super(Own, self).other()": "recycle",
    "class Own(Base):\n    def __repr__(self):\n        return self.name": "accept",
    "class Mixin:\n    def accept(self):\n        pass\nclass Own(Base, Mixin):\n    pass": "accept",
    "class Own(Base):\n    def __init__(self, *a):\n        super().__init__(*a)\n        self.count = 0": "accept",
}


@pytest.mark.parametrize("text", PLAIN)
def test_which_definition_is_meant(text: str, tmp_path: Path) -> None:
    found = own(tmp_path, text)
    assert unknown(found) == []
    assert table(found.roles[0]) == [f"begin -> {PLAIN[text]}", f"{PLAIN[text]} -> end"]


DIAMOND = {"O": "", "A": "O", "B": "O", "C": "A, B", "D": "B", "Own": "C, D"}
CROSSED = {**dict.fromkeys("ABCDE", ""), "K1": "A, B, C", "K2": "D, B, E", "K3": "D, A", "Own": "K1, K2, K3"}


@pytest.mark.parametrize("classes", [DIAMOND, CROSSED], ids=["diamond", "crossed"])
def test_bases_are_looked_into_in_the_order_in_which_python_does(classes: dict[str, str], tmp_path: Path) -> None:
    """Each class takes from a queue of its own, and leaves the rest to whoever is above."""
    text = BASE + "".join(
        f"class {name}({bases or 'Base'}):\n    of_{name} = Queue()\n"
        f"    def work(self):\n        self.take(self.of_{name})\n        super().work()\n"
        for name, bases in classes.items()
    )
    scope: dict[str, type] = {"Taskmaster": object, "Queue": object}
    exec(text, scope)
    found = derived(tmp_path, text)
    order = [f"of_{one.__name__}" for one in scope["Own"].__mro__ if one.__name__ in classes]
    assert [step.queue for step in found.roles[0].steps if step.verb == "take"] == order
    assert unknown(found) == []


def test_what_is_no_named_queue_is_none(tmp_path: Path) -> None:
    found = own(
        tmp_path,
        "import queue\nfrom queue import Queue as Line\nimport teachserve.taskmaster\n"
        "class Own(Base):\n    mine = queue.Queue()\n    other = Line()\n    third = teachserve.taskmaster.Queue()\n",
    )
    assert found.queues == ("inbox", "third")


def test_a_role_that_a_method_names_anew_is_not_read_of_the_class(tmp_path: Path) -> None:
    text = (
        "class Own(Base):\n    kind = 'worker'\n    def start(self):\n        self.kind = 'clerk'\n"
        "        self.spawn(self.work, role=self.kind)\n"
    )
    found = own(tmp_path, text)
    assert found.roles == ()
    assert unknown(found) == [f"start {LINE + 4}: the role that is spawned there is not written in plain words"]


def test_what_the_constructor_spawns_is_found(tmp_path: Path) -> None:
    text = (
        "class Own(Base):\n    def __init__(self, *all):\n        super().__init__(*all)\n"
        "        self.spawn(self.other, role='other')\n"
    )
    found = own(tmp_path, text)
    assert [(role.name, made(role)) for role in found.roles] == [("other", ["start: 1"]), ("worker", ["start: 1"])]
    assert unknown(found) == []


@pytest.mark.parametrize("head", ["\ufeff", "# -*- coding: latin-1 -*-\n"])
def test_a_file_is_read_as_python_reads_it(head: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    text = f"from teachserve.taskmaster import Queue, Taskmaster\n{BASE}class Own(Base):\n    'Grüße.'\n"
    file.write_bytes((head + text).encode("latin-1" if "latin" in head else "utf-8"))
    assert Topology.read(str(file), "Own").sentence == "Grüße."


def test_a_class_that_is_no_taskmaster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="it is no taskmaster"):
        derived(tmp_path, "class Above:\n    pass\nclass Own(Above, object):\n    pass\n")


# ---- by other names ------------------------------------------------------------------------------------------------

BY_OTHER_NAMES = {
    "go = super().accept": "worker 8: super is passed on",
    "super()": "worker 8: super is passed on",
    "eval('self.accept()')": "worker 8: what eval comes to is not written here",
    "locals()['self'].accept()": "worker 8: what locals comes to is not written here",
    "self = other()": "worker 8: self is given another value",
    "c = self.accept()\nyield c": "worker 9: yield: what runs this method is not written here",
}


@pytest.mark.parametrize("body", BY_OTHER_NAMES)
def test_a_verb_that_may_be_called_by_another_name_is_said(body: str, tmp_path: Path) -> None:
    assert BY_OTHER_NAMES[body] in unknown(of_worker(tmp_path, body))


COUNTED = {
    "[self.spawn(self.other, role='other') for _ in range(self.options.threads)]": "worker: options.threads",
    "while busy():\n    pass\nelse:\n    self.spawn(self.other, role='other')": "worker: 1 [not busy()]",
    "self.spawn(self.other, role='other')\nif more():\n    self.work()": "worker: any number",
}


@pytest.mark.parametrize("body", COUNTED)
def test_how_many_are_made_outside_of_a_statement_that_loops(body: str, tmp_path: Path) -> None:
    found = of_worker(tmp_path, body, "def other(self):\n    self.recycle()")
    assert made(found.role("other")) == [COUNTED[body]]


def test_what_an_assertion_says_is_done_only_where_it_fails(tmp_path: Path) -> None:
    found = of_worker(tmp_path, "assert self.admit(c), self.close(c)\nself.recycle()")
    assert table(found.roles[0]) == [
        "begin -> admit",
        "admit -> close [not admit(c)]",
        "admit -> recycle [admit(c)]",
        "close -> end",
        "recycle -> end",
    ]


# ---- helpers -------------------------------------------------------------------------------------------------------


def test_what_a_helper_gives_decides_where_its_caller_asks(tmp_path: Path) -> None:
    more = (
        "def one(self):\n    if not (c := self.accept()):\n        return False\n"
        "    self.close(c)\n    return self.recycle()"
    )
    found = of_worker(tmp_path, "while self.one():\n    pass", more)
    assert table(found.roles[0]) == [
        "begin -> accept",
        "accept -> close [c]",
        "accept -> end [not c]",
        "close -> recycle",
        "recycle ~> accept [recycle()]",
        "recycle -> end [not recycle()]",
    ]


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("pass", ["begin -> end"]),
        ("return True", ["begin -> accept", "accept -> end"]),
        ("if more:\n        return 1", ["begin -> accept [more]", "begin -> end [not more]", "accept -> end"]),
        ("return more", ["begin -> accept [hook()]", "begin -> end [not hook()]", "accept -> end"]),
        ("yield 1", ["begin -> accept [hook()]", "begin -> end [not hook()]", "accept -> end"]),
    ],
)
def test_a_helper_that_calls_no_verb_decides_where_what_it_gives_is_written(
    body: str, asked: list[str], tmp_path: Path
) -> None:
    found = of_worker(tmp_path, "self.hook() and self.accept()", f"def hook(self):\n    {body}")
    assert table(found.roles[0]) == asked


def test_a_helper_that_asks_itself_goes_back_to_every_place_that_asked(tmp_path: Path) -> None:
    more = (
        "def one(self):\n    if self.recycle():\n        return False\n    if self.one():\n"
        "        self.close(1)\n    return True"
    )
    found = of_worker(tmp_path, "if self.one():\n    self.take(self.left)", more)
    ways = {line.split(" [")[0] for line in table(found.roles[0])}
    assert {"recycle -> close", "close -> take left", "recycle ~> recycle", "recycle -> end", "close -> close"} <= ways


def test_a_parameter_that_is_not_given_holds_its_default(tmp_path: Path) -> None:
    more = (
        "def crew(self, count=2, *, role='other'):\n    for _ in range(count):\n"
        "        self.spawn(self.other, role=role)\ndef other(self):\n    pass"
    )
    found = of_worker(tmp_path, "self.crew()", more)
    assert made(found.role("other")) == ["worker: 2"]


def test_a_queue_that_a_thread_is_given_as_it_is_spawned(tmp_path: Path) -> None:
    body = "self.spawn(self.other, self.left, role='other')"
    more = "def other(self, queue):\n    self.take(queue)"
    found = of_worker(tmp_path, body, more)
    assert table(found.role("other")) == ["begin -> take left", "take left -> end"]
    found = of_worker(tmp_path, f"{body}\n{body.replace('left', 'right')}", more)
    assert unknown(found) == ["other 10: other is spawned with several queues or roles, which are not told apart here"]


SEVERAL_TIMES = {
    "self.make()\nself.make()": ["worker: 1", "worker: 1"],
    "if self.recycle():\n    self.make()\nelse:\n    self.make()": [
        "worker: 1 [recycle()]",
        "worker: 1 [not recycle()]",
    ],
    "try:\n    if a:\n        return\nfinally:\n    self.make()": ["worker: 1"],
    "\n".join(["self.make()"] * 9): ["worker: any number"],
}


@pytest.mark.parametrize("body", SEVERAL_TIMES)
def test_each_call_of_a_helper_that_spawns_is_counted(body: str, tmp_path: Path) -> None:
    more = "def make(self):\n    self.spawn(self.other, role='other')\ndef other(self):\n    pass"
    assert made(of_worker(tmp_path, body, more).role("other")) == SEVERAL_TIMES[body]
