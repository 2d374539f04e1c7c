"""The views, by number: each answers one question, and one of them fills the middle of the screen."""

from typing import NamedTuple


class View(NamedTuple):
    """A view: its key, its name in code, its label on screen, and the question that it answers.

    `complete`: it shows what is known only while the server sends every event, and has it do so. `brief`: its label where
    there is no room for all labels.
    """

    key: str
    name: str
    label: str
    sentence: str
    complete: bool = False
    brief: str = ""


VIEWS = (
    View("1", "places", "Places", "Where every connection and every thread is, and what flows between the places."),
    View(
        "2", "threads", "Threads", "What each thread does, for how long, for which connection, and the kernel's word."
    ),
    View(
        "3",
        "connections",
        "Connections",
        "Where each connection is, where it has waited and for how long.",
        True,
        "Conns",
    ),
    View("4", "lanes", "Lanes", "What each thread did over the last seconds, side by side."),
    View("5", "code", "Code", "The architecture's own file, with the threads that stand at each line."),
    View("6", "diagram", "Diagram", "The architecture, drawn from its source, with what goes along each arrow now."),
    View("7", "charts", "Charts", "The last minute: rates, latencies, threads, queue and CPU on one time axis."),
    View("8", "events", "Events", "Which rules of a healthy server are broken, and what happened last."),
    View("9", "kernel", "Kernel", "How often the kernel agrees with what the threads say, and how often it can tell."),
)
OPENING = VIEWS[0].name
