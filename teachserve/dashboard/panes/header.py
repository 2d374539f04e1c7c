"""What is being watched: architecture, Python, phase and options; or the banner while the view is frozen."""

import re

from textual.reactive import reactive

from teachserve.dashboard.line_pane import Line, LinePane, length, spread
from teachserve.demo.picture import Picture
from teachserve.demo.wording import duration, first_that_fits
from teachserve.options import OPTIONS

PHASE_CLASSES = {"lost": "alarm", "abandoned": "alarm", "stopping": "state--waiting"}
# The order in which an option earns its place in a narrow line; those not named here come last.
FIRST = ("delay", "delay_kind", "backlog", "graceful_timeout")
MORE = " ..."


class HeaderPane(LinePane):
    """Two lines: who runs where and how; and the options in force."""

    about = (
        "Who serves, where, on which Python, for how long, and the options in force. While the view is frozen or the "
        "server slowed down, that is said here instead."
    )
    words = (
        "architecture", "GIL", "serving", "stopping", "stopped", "abandoned", "lost", "standby", "threads", "max_threads",
        "max_accepts", "offload", "delay", "delay_kind", "backlog", "graceful_timeout", "timeout_keep_alive", "freeze",
        "SLOWED",
    )  # fmt: skip

    banner: reactive[str] = reactive("", repaint=False, init=False)

    def watch_banner(self) -> None:
        """The view was frozen, or moves on."""
        self.watch_picture()

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        snapshot, header = picture.snapshot, picture.snapshot.header
        if header is None:
            return [[("teachserve", "strong"), ("  connecting to the server", "")], []]
        gil = "GIL on" if header.gil else "GIL off"
        left: Line = [
            (header.architecture, "strong"),
            (f" · Python {header.python} · {gil} · ", ""),
            (snapshot.phase, PHASE_CLASSES.get(snapshot.phase, "state--handling")),
            (f" {'for' if snapshot.phase == 'serving' else 'after'} {duration(snapshot.at_s)}", ""),
        ]
        room = width - length(left) - 2
        address = first_that_fits(room, f"{header.host}:{header.port}", f"port {header.port}", f":{header.port}")
        where: Line = [(address, "quiet")]
        if self.banner and height < 2:
            return [[(self.banner.ljust(width), "banner")]]
        if self.banner:
            return [spread(left, where, width), [(self.banner.ljust(width), "banner")]]
        return [spread(left, where, width), [(option_line(picture, width), "quiet")]]


def option_line(picture: Picture, width: int) -> str:
    """The options in force, those that shape the architecture first, as many as there is room for; ` ...`: and more."""
    snapshot = picture.snapshot
    values = {**snapshot.header.options, **snapshot.options}
    names = [name for name in values if name in OPTIONS and OPTIONS[name].scope == "architecture"]
    names += [name for name in FIRST if name in values]
    names += [name for name in values if name not in names and name not in ("host", "port")]
    told = [f"{name} {option_value(name, values[name])}" for name in names]
    some = [" · ".join(told[:shown]) + MORE for shown in range(len(told) - 1, 0, -1)]
    return first_that_fits(width, " · ".join(told), *some, "")


def option_value(name: str, value: object) -> str:
    """An option's value with its unit: seconds travel as plain numbers."""
    option = OPTIONS.get(name)
    timed = name == "delay" or (option is not None and option.unit == "seconds")
    if timed and isinstance(value, (int, float)):
        return re.sub(r"\.0(?=[a-z])", "", duration(value))
    return str(value)
