"""A derived life as lines to read: `accept -> read [connection is not None]`; `~>` leads back to where a loop begins."""

from collections import Counter
from pathlib import Path

from teachserve.topology.topology import RoleLife, Topology

HEAD = "from teachserve.taskmaster import WORKER_WANTED, Queue, Taskmaster\n"


def names(role: RoleLife) -> list[str]:
    """Each step's verb with its queue, numbered from the second of the name on."""
    met: Counter[str] = Counter()
    found = []
    for step in role.steps:
        name = f"{step.verb} {step.queue or step.spawns}".strip()
        met[name] += 1
        found.append(name if met[name] == 1 else f"{name} {met[name]}")
    return found


def table(role: RoleLife) -> list[str]:
    """A line an edge."""
    called = names(role)
    return [
        f"{called[edge.before]} {'~>' if edge.back else '->'} {called[edge.after]}"
        + (f" [{edge.condition}]" if edge.condition else "")
        for edge in role.edges
    ]


def made(role: RoleLife) -> list[str]:
    """A line a making."""
    return [f"{one.by}: {one.many}" + (f" [{one.condition}]" if one.condition else "") for one in role.made]


def unknown(found: Topology) -> list[str]:
    """A line for each thing that could not be derived."""
    return [f"{one.role} {one.line}: {one.why}" for one in found.unknown]


def derived(folder: Path, text: str, name: str = "Own") -> Topology:
    """The topology of a class in this text, which may say `Taskmaster` and `Queue`."""
    file = folder / "own.py"
    file.write_text(HEAD + text)
    return Topology.read(str(file), name)


def of_worker(folder: Path, body: str, more: str = "") -> Topology:
    """The topology of a class whose workers do this, from line 8 on."""
    text = (
        "class Own(Taskmaster):\n"
        "    accepting_role = 'worker'\n"
        "    left, right = Queue(), Queue()\n"
        "    def start(self):\n"
        "        self.spawn(self.work, role='worker')\n"
        "    def work(self):\n" + "".join(f"        {line}\n" for line in [*body.split("\n")])
    )  # fmt: skip
    return derived(folder, text + "".join(f"    {line}\n" for line in more.split("\n")))
