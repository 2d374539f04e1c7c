"""The clients: how many, how they behave, what they got; and whether they, not the server, are the limit."""

from teachserve.dashboard.line_pane import Line, LinePane, whole
from teachserve.demo.picture import LoadView, Picture
from teachserve.demo.wording import counted


class LoadPane(LinePane):
    """Two lines: the plan with the generator's own limit, and what became of the requests."""

    about = (
        "The clients of this demo and what they got. Look at the generator: at its own limit it measures itself; and at "
        "never served: a high rate can hide clients that starve."
    )
    words = (
        "clients", "keep-alive", "close", "closed loop", "open loop", "generator", "client-bound", "200s", "503s",
        "errors", "never served", "n/a",
    )  # fmt: skip

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        load = picture.load
        if load is None:
            return [[("Load       ", "label"), ("n/a: none was started from here", "quiet")]]
        plan: list[Line] = [[("Load       ", "label"), (plan_words(load), "")], client(load)]
        result: list[Line] = [[("           ", ""), (f"200s {load.answered}", "")]]
        for count, words in ((load.refused, "503s"), (load.errors, "errors")):
            result.append([(f" · {words} {count}", "alarm" if count else "")])
        starved = "alarm" if load.never_served else ""
        result.append([(f" · {load.never_served} of {load.connections} never served", starved)])
        return [whole(plan, width), whole(result, width)]


def plan_words(load: LoadView) -> str:
    """`100 clients, keep-alive, closed loop`; open loop where the plan gives a rate."""
    kind = "keep-alive" if load.keep_alive else "close"
    loop = "closed loop" if load.rate is None else f"open loop {load.rate:g}/s"
    return f"{counted(load.connections, 'client')}, {kind}, {loop}"


def client(load: LoadView) -> Line:
    """The generator's use of its core. Above 85 % it is the limit, and the figures are its own, not the server's."""
    if load.silent_s:
        return [(" · ", ""), (f"silent for {load.silent_s:.0f} s", "alarm")]
    used = f"{load.core * 100:.0f} % of a core"
    if load.client_bound:
        return [(" · ", ""), (f"client-bound: {used}", "alarm")]
    return [(f" · generator {used}", "")]
