"""The figures that go with every picture, in one line: requests/s, latency, the load."""

from teachserve.dashboard.line_pane import Line, LinePane, length
from teachserve.dashboard.panes.load import plan_words
from teachserve.demo.picture import LoadView, Picture
from teachserve.demo.wording import counted, duration


class VitalsPane(LinePane):
    """`7001 requests/s  p50 12ms  p99 46ms  17 wait for the GIL  100 clients, close`, and alarms at the right end."""

    about = (
        "How fast it goes: what the clients get, how long they wait for it, how many threads wait for the GIL (the kernel's "
        "word, on average of its looks in the last two seconds), and what kind of load the clients are."
    )
    words = ("Requests/s", "p50", "p99", "GIL", "client", "keep-alive", "close", "closed loop", "open loop", "503s", "errors",
             "never served", "client-bound", "n/a")  # fmt: skip

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        load = picture.load
        if load is None:
            rate = f"{picture.snapshot.requests_per_s:.0f}"
            return [[(rate, "strong"), (" requests/s; latency n/a  ", ""), *gil(picture)]]
        line: Line = [(f"{load.answered_per_s:.0f}", "strong"), (" requests/s  ", "")]
        for name, value in (("p50", load.p50), ("p99", load.p99)):
            line += [(f"{name} ", "label"), ("n/a" if value is None else duration(value), "strong"), ("  ", "")]
        alarms, plan = ", ".join(alarms_of(load)), plan_words(load)
        without_loop = plan.rpartition(", ")[0]
        if length([*line, *gil(picture)]) + len(f"{without_loop}  {alarms}") <= width:
            line += gil(picture)
        room = width - length(line)
        told = whole_parts(alarms, room)
        plan = whole_parts(plan, room - len(told) - 2 if told else room)
        return [[*line, (plan, ""), ("  " if plan and told else "", ""), (told, "alarm")]]


def alarms_of(load: LoadView) -> list[str]:
    """What went wrong for the clients, the worst first."""
    alarms = [f"load silent for {load.silent_s:.0f} s"] if load.silent_s else []
    alarms += [counted(count, noun) for count, noun in ((load.refused, "503"), (load.errors, "error")) if count]
    alarms += [f"{load.never_served} never served"] if load.never_served else []
    return [*alarms, "client-bound"] if load.client_bound else alarms


def gil(picture: Picture) -> Line:
    """`17 wait for the GIL`; nothing where that is not known, or where there is none."""
    waiters = picture.gil_waiters
    return [] if waiters is None else [(f"{waiters:.0f}", "strong"), (" wait for the GIL  ", "")]


def whole_parts(told: str, room: int) -> str:
    """As many of the parts, with a comma between, as there is room for."""
    parts = told.split(", ")
    while parts and len(", ".join(parts)) > room:
        parts.pop()
    return ", ".join(parts)
