"""The figures that go with every picture, in one line: requests/s, latency, the load."""

from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.panes.load import plan_words
from teachserve.demo.picture import Picture
from teachserve.demo.wording import duration


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
        line.append((plan_words(load), ""))
        alarms = [f"{count} {words}" for count, words in (
            (load.refused, "503s"), (load.errors, "errors"), (load.never_served, "never served")) if count]  # fmt: skip
        alarms += ["client-bound"] if load.client_bound else []
        return [[*line, ("  " + ", ".join(alarms), "alarm")] if alarms else line]
