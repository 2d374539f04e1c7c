"""How the dashboard is to look, as asked for on the command line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """`theme`: dark, light, or the name of any theme that Textual knows; `ascii`: no character beyond ASCII;
    `colour`: False for black and white; `present`: begin in presenter mode; `view`: the name of the view to open with, ""
    for the first; `thread`: the number of the thread that is chosen at the start, 0 for none."""

    theme: str = "dark"
    ascii: bool = False
    colour: bool = True
    present: bool = False
    view: str = ""
    thread: int = 0
