"""The kernel as witness: how often it agrees with what our threads say of themselves, and how often it can tell."""

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.dashboard.verdicts import SHORT
from teachserve.demo.picture import Picture
from teachserve.demo.wording import percent, short
from teachserve.events import STATES, State
from teachserve.observe.kernel import Look
from teachserve.observe.verdict import Shares, Verdict

UNTOLD = (Verdict.MOVED, Verdict.RUNNING, Verdict.GIL, Verdict.RUNTIME)
ENOUGH = 0.99
NAME = 21
"""As wide as the longest name of a state with its glyph."""


class WitnessPane(LinePane):
    """One line of sums where there is no room; else a line for each state, with what could not be judged and why."""

    about = (
        "What the kernel, asked from outside, says of the same threads. Agreement is of judged samples alone, so look at "
        "judged beside it; anything that differs is a mistake in the server or in this program."
    )
    words = ("agrees", "judged", "samples", "differs", "moved", "running", "GIL", "lock", "any call", "n/a")

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        look = picture.witness
        if look is None or look.unavailable:
            return [[("Kernel     ", "label"), (f"n/a: {look.unavailable if look else 'not asked yet'}", "quiet")]]
        return table(look, width, height) if height > 3 else [summary(look)]


def alarms(look: Look) -> list[str]:
    """What must not be overlooked: states where the kernel differs, or has had nothing to say for a minute."""
    differing = [f"{state.value} {shares.differs}" for state, shares in look.shares.items() if shares.differs]
    silent = [f"{state.value} for {look.unjudged_for_s[state]:.0f} s" for state in look.unjudged]
    return [
        *(["differs: " + ", ".join(differing)] if differing else []),
        *(["no judgement of " + ", ".join(silent)] if silent else []),
    ]


def summary(look: Look) -> Line:
    """`agrees 99.8 % · judged 43.0 % of 1234 samples`, alarms between the two so that they are not cut off."""
    total = look.total
    line: Line = [("Kernel     ", "label"), ("agrees ", ""), (percent(total.agreement), agreement_style(total))]
    line += [(f" · {alarm}", "alarm") for alarm in alarms(look)]
    return [*line, (f" · judged {percent(total.coverage)} of {short(total.samples, 6)} samples", "")]


def table(look: Look, width: int, height: int) -> list[Line]:
    """The sum, what must not be overlooked, why the rest was not judged; then as many states as there is room for."""
    head = f"{'The kernel says':<{NAME}}{'agrees':>8}{'judged':>8}{'samples':>8}"
    lines: list[Line] = [[(head.ljust(width), "heading")]]
    lines.append([(f"{'in sum':<{NAME}}", "strong"), *figures(look.total)])
    lines += [[(f"! {alarm}", "alarm")] for alarm in alarms(look)]
    told = [f"{SHORT[verdict][0]} {look.total.share(verdict) * 100:.0f} %" for verdict in UNTOLD]
    lines.append([(", ".join(told), "quiet")])
    for state in STATES:
        if (shares := look.shares.get(state)) and shares.samples:
            name = f"{GLYPHS[state]} {state.value}" + (" (any call)" if state is State.HANDLING else "")
            lines.append([(f"{name:<{NAME}}", css_name(state)), *figures(shares)])
    return lines[:height]


def figures(shares: Shares) -> Line:
    """Agreement, coverage and samples, under their headings."""
    return [
        (f"{percent(shares.agreement):>8}", agreement_style(shares)),
        (f"{percent(shares.coverage):>8}{short(shares.samples, 7):>8}", ""),
    ]


def agreement_style(shares: Shares) -> str:
    """Below 99 % is an alarm: the server, the table or the witness is wrong."""
    if shares.agreement is None:
        return "quiet"
    return "state--handling" if shares.agreement >= ENOUGH else "alarm"
