"""The figures that go with every picture, in one line: requests/s, latency, the load."""

from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.panes.load import plan_words
from teachserve.demo.picture import Picture
from teachserve.demo.wording import counted, duration


class VitalsPane(LinePane):
    """`7001 requests/s  p50 12ms  p99 46ms  100 clients, close, closed loop`, and alarms at the right end."""

    about = "How fast it goes: what the clients get, how long they wait for it, and what kind of load they are."
    words = ("Requests/s", "p50", "p99", "client", "keep-alive", "close", "closed loop", "open loop", "503s", "errors",
             "never served", "client-bound", "n/a")  # fmt: skip

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        load = picture.load
        if load is None:
            return [[(f"{picture.snapshot.requests_per_s:.0f}", "strong"), (" requests/s; latency n/a", "")]]
        line: Line = [(f"{load.answered_per_s:.0f}", "strong"), (" requests/s  ", "")]
        for name, value in (("p50", load.p50), ("p99", load.p99)):
            line += [(f"{name} ", "label"), ("n/a" if value is None else duration(value), "strong"), ("  ", "")]
        alarms = [counted(count, noun) for count, noun in ((load.refused, "503"), (load.errors, "error")) if count]
        alarms += [f"{load.never_served} never served"] if load.never_served else []
        alarms += ["client-bound"] if load.client_bound else []
        alarms[:0] = [f"load silent for {load.silent_s:.0f} s"] if load.silent_s else []
        room = width - sum(len(text) for text, _ in line)
        told = whole_parts(", ".join(alarms), room)
        plan = whole_parts(plan_words(load), room - len(told) - 2) if told else plan_words(load)
        return [[*line, (plan, ""), ("  " if plan and told else "", ""), (told, "alarm")]]


def whole_parts(told: str, room: int) -> str:
    """As many of the parts, with a comma between, as there is room for."""
    parts = told.split(", ")
    while parts and len(", ".join(parts)) > room:
        parts.pop()
    return ", ".join(parts)
