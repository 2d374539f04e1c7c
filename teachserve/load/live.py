"""The line that tells, while a load runs, how it goes."""

import contextlib
import os
from typing import TextIO

from teachserve.load.plan import LoadPlan
from teachserve.load.result import Progress

ERASE = "\r\x1b[2K"
BAR = 8


class LiveLine:
    """One line on a terminal, written anew ten times a second and erased at the end."""

    def __init__(self, terminal: TextIO, plan: LoadPlan) -> None:
        self._terminal = terminal
        self._plan = plan

    def show(self, progress: Progress) -> None:
        """Replace the line."""
        try:
            width = os.get_terminal_size(self._terminal.fileno()).columns or 80
        except OSError:
            width = 80
        self._write(ERASE + line(self._plan, progress)[: width - 1])

    def erase(self) -> None:
        """Leave the terminal as it was."""
        self._write(ERASE)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone: the load is not the worse for it
            self._terminal.write(text)
            self._terminal.flush()


def line(plan: LoadPlan, progress: Progress) -> str:
    """`3.2 of 10 s [###-----] 12345 requests/s  p50 1.2 ms  p99 8.3 ms  503s 0  errors 0`: it fits 80 columns."""
    ended = sum(progress.statuses.values()) + sum(progress.errors.values())
    done, shares = f"{progress.at:.1f} s", []
    if plan.duration:
        done = f"{progress.at:.1f} of {plan.duration:g} s"
        shares.append(progress.at / plan.duration)
    if plan.requests:
        done += f", {ended} of {plan.requests}"
        shares.append(ended / plan.requests)
    if shares:
        filled = min(round(max(shares) * BAR), BAR)
        done += f" [{'#' * filled}{'-' * (BAR - filled)}]"
    times = "".join(
        f"  {name} {'n/a' if value is None else f'{value * 1e3:.1f} ms'}"
        for name, value in (("p50", progress.p50_now), ("p99", progress.p99_now))
    )
    return (
        f"{done} {progress.requests_per_s_now:.0f} requests/s{times}"
        f"  503s {progress.statuses.get(503, 0)}  errors {sum(progress.errors.values())}"
    )
