"""Numbers as people read them: short, of a steady width, with the unit where it could be mistaken."""

from teachserve.observe.snapshot import Snapshot, ThreadView


def age(snapshot: Snapshot, thread: ThreadView) -> float | None:
    """Seconds that the thread has been in its state. None: since before the watching began."""
    return None if thread.since_s is None else max(0.0, snapshot.at_s - thread.since_s)


def duration(seconds: float | None) -> str:
    """At most six characters: `120us`, `1.2ms`, `999ms`, `12.3s`, `4m03s`, `2h05m`; `before` for None.

    None is what a thread has that did not move since the watching began.
    """
    if seconds is None:
        return "before"
    if seconds < 0.0009995:
        return f"{max(0, round(seconds * 1e6))}us"
    if seconds < 0.00995:
        return f"{seconds * 1e3:.1f}ms"
    if seconds < 0.9995:
        return f"{round(seconds * 1e3)}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours < 100 else f"{hours}h"


def short(number: int, width: int = 5) -> str:
    """A whole number in at most `width` (4 or more) characters: `12345`, `123k`, `12M`. Cut off, never rounded up."""
    text = str(number)
    for unit in "kMGT":
        if len(text) <= width:
            return text
        number //= 1000
        text = f"{number}{unit}"
    return text


def counted(number: int, noun: str) -> str:
    """`1 worker`, `2 workers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def first_that_fits(width: float, *ways: str) -> str:
    """The longest way to say it for which there is room, or the last: half a word may be another."""
    return next((one for one in ways if len(one) <= width), ways[-1])


def percent(share: float | None) -> str:
    """`99.8 %`; never 100 while anything is missing; `n/a` for a share of nothing."""
    if share is None:
        return "n/a"
    if share == 1:
        return "100 %"
    return f"{int(share * 1000) / 10:.1f} %"


def printable(text: str) -> str:
    """One line that cannot drive a terminal: what came over a socket may hold escape sequences."""
    return "".join(character if character.isprintable() else " " for character in text)
