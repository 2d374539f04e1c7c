"""The kernel as witness: how often it agrees with what our threads say of themselves, and how often it can tell."""

from math import inf

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, LinePane, length
from teachserve.dashboard.verdicts import SHORT
from teachserve.demo.picture import Picture
from teachserve.demo.wording import counted, first_that_fits, percent, short
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
        return table(look, width, height) if height > 3 else [summary(look, width)]


def alarms(look: Look, room: float = inf) -> list[str]:
    """What must not be overlooked: states where the kernel differs, or has had nothing to say for a minute.

    Where their names have no room it says how many they are, and in which view they are named.
    """
    differing = [f"{state.value} {shares.differs}" for state, shares in look.shares.items() if shares.differs]
    silent = [f"{state.value} for {look.unjudged_for_s[state]:.0f} s" for state in look.unjudged]
    told = []
    for what, states in (("differs: ", differing), ("no judgement of ", silent)):
        if states:
            many = f"{what}{counted(len(states), 'state')} (9)"
            told.append(first_that_fits(room, what + ", ".join(states), many))
    return told


def summary(look: Look, width: int) -> Line:
    """`agrees 99.8 % · judged 43.0 % of 1234 samples`, alarms between the two so that they are not cut off."""
    total = look.total
    line: Line = [("Kernel     ", "label"), ("agrees ", ""), (percent(total.agreement), agreement_style(total))]
    room = width - length(line)
    named, few = alarms(look), alarms(look, 0)
    ways = [" · ".join(["", *told]) for told in (named, [*named[:1], *few[1:]], few)]
    line.append((told := first_that_fits(room, *ways), "alarm"))
    room -= len(told)
    judged = f" · judged {percent(total.coverage)}"
    return [*line, (first_that_fits(room, f"{judged} of {short(total.samples, 6)} samples", judged, ""), "")]


def table(look: Look, width: int, height: int) -> list[Line]:
    """The sum, what must not be overlooked, why the rest was not judged; then as many states as there is room for."""
    head = f"{'The kernel says':<{NAME}}{'agrees':>8}{'judged':>8}{'samples':>8}"
    lines: list[Line] = [[(head.ljust(width), "heading")]]
    lines.append([(f"{'in sum':<{NAME}}", "strong"), *figures(look.total)])
    lines += [[(f"! {alarm}", "alarm")] for alarm in alarms(look, width - 2)]
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
