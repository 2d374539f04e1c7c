"""Presenter mode: four numbers so big that they can be read from the back row. Which four, and their figures."""

from typing import NamedTuple

from teachserve.dashboard.glyphs import GLYPHS, KERNEL, QUEUE, css_name
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture
from teachserve.demo.wording import short
from teachserve.events import State
from teachserve.observe.places import taken_for

FIGURES = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▀█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
}
HEIGHT = 3


class Number(NamedTuple):
    """A figure with its label; the label says what the figure is when colours do not."""

    label: str
    text: str
    style: str


def big(text: str) -> tuple[str, ...]:
    """The text in three lines: figures large, anything else small on the lowest line."""
    parts = [FIGURES.get(one, (" ", " ", one)) for one in text]
    return tuple(" ".join(part[line] for part in parts) for line in range(HEIGHT))


def numbers(picture: Picture) -> list[Number]:
    """Who can take the next connection, who serves, who waits outside, and how much is answered.

    An event loop accepts from within epoll_wait(2) and serves connections rather than threads: it gets its own two.
    """
    snapshot, load = picture.snapshot, picture.load
    waiter = State.SELECTING if any(State.SELECTING in move for move in snapshot.flows) else State.ACCEPTING
    waiting = snapshot.states[waiter]
    serving = Number("# serving", short(snapshot.serving, 5), css_name(State.HANDLING))
    if waiter is State.SELECTING:
        serving = serving._replace(label="# in progress", text=short(snapshot.counters["watched_in_progress"], 5))
    return [
        Number(f"{GLYPHS[waiter]} {waiter}", short(waiting, 5), css_name(waiter) if waiting else "alarm"),
        serving,
        queued(picture),
        Number("requests/s", short(round(load.answered_per_s if load else snapshot.requests_per_s), 5), ""),
    ]


def queued(picture: Picture) -> Number:
    """Connections in the kernel's accept queue; with those in ours, where a named queue is on a connection's way."""
    snapshot, count, label = picture.snapshot, picture.queued, f"{KERNEL} accept queue"
    if count is not None and taken_for(snapshot.flows):
        count += sum(queue.connections for queue in snapshot.queues.values())
        label = f"{KERNEL}{QUEUE} in queues"
    return Number(label, "n/a" if count is None else short(count, 5), "state--waiting" if count else "")


class NumbersPane(LinePane):
    """A line of labels, three lines of figures."""

    about = (
        "The four numbers that tell most: who can take the next connection, who serves, who waits outside, how much."
    )
    words = (State.ACCEPTING, State.SELECTING, "serving", "accept queue", "named queue", "Requests/s", "present")

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        told = numbers(picture)
        room = width // len(told)
        labels: Line = [(f"{number.label:<{room}.{room}}", "strong") for number in told]
        figures = [(big(number.text), number.style) for number in told]
        return [
            labels,
            *([(f"{text[line]:<{room}.{room}}", style) for text, style in figures] for line in range(HEIGHT)),
        ]
