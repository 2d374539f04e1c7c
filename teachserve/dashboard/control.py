"""The controls: everything that can be changed while you watch, beside the view or over its lower half."""

import textwrap
from collections.abc import Sequence
from typing import ClassVar, Protocol

from textual import events
from textual.message import Message
from textual.reactive import reactive

from teachserve.dashboard.keys import CONTROL, bindings
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture

ACTIONS = frozenset({"stop", "abandon"})
"""Controls without a value: Enter does them, and no arrow does by mistake."""
GROUP, LABEL = 7, 13
MORE = " ..."
VALUE_AT = GROUP + 2 + LABEL + 1
"""The column at which a value begins, with the arrow that lowers it."""


class Control(Protocol):
    """One thing that can be changed: its name in code, its label on screen, one sentence, and its group's name.

    `choices`: the values that can be chosen by name; empty where any number can.
    """

    name: str
    label: str
    sentence: str
    group: str
    choices: Sequence[str]


class Controls(Protocol):
    """All that can be changed, and by whom: what the source of the pictures offers."""

    all: Sequence[Control]

    def value(self, name: str, picture: Picture) -> str:
        """Its value now, as shown."""

    def reason(self, name: str, picture: Picture) -> str:
        """Why it cannot be used now, in a sentence; "" where it can."""

    def change(self, name: str, direction: int, picture: Picture) -> str:
        """A step up (+1) or down (-1), or the action; what was done, in words. May wait half a second."""

    def choose(self, name: str, value: str, picture: Picture) -> str:
        """Set it to this value; what was done, in words. May wait half a second."""


def control_lines(controls: Controls, chosen: int, picture: Picture, width: int, height: int) -> tuple[list[Line], int]:
    """The list under its title, the chosen control's sentence below; and the number of the first control in the list."""
    told = textwrap.wrap(about(controls, chosen, picture), width - 2)[:2]
    room = max(1, height - 1 - 2)
    first = max(0, min(chosen - room // 2, len(controls.all) - room))
    lines: list[Line] = [[("Controls: arrows choose, change; Enter does; Esc closes".ljust(width), "heading")]]
    for number in range(first, min(first + room, len(controls.all))):
        new = number == first or controls.all[number].group != controls.all[number - 1].group
        lines.append(control_line(controls, number, number == chosen, new, picture, width))
    gap = [[]] if height > len(lines) + 2 else []
    return [*lines, *gap, *([(text, "strong")] for text in told)], first


def about(controls: Controls, number: int, picture: Picture) -> str:
    """The control's sentence, or why it cannot be used now."""
    control = controls.all[number]
    reason = controls.reason(control.name, picture)
    return f"{control.label}, not now: {reason}" if reason else control.sentence


def control_line(controls: Controls, number: int, chosen: bool, new: bool, picture: Picture, width: int) -> Line:
    """`Load   > clients      < 100 >`; dim, with the reason behind it, where it cannot be used now."""
    control = controls.all[number]
    reason = controls.reason(control.name, picture)
    style = "quiet" if reason else "strong" if chosen else ""
    value = "[ Enter ]" if control.name in ACTIONS else f"< {controls.value(control.name, picture)} >"
    head = f"{control.group.capitalize() if new else '':<{GROUP}}"
    row = f"{'>' if chosen else ' '} {control.label:<{LABEL}.{LABEL}} {value}"
    line: Line = [(head, "label"), (row, style)]
    room = width - len(head + row) - 2
    if not reason or room < len(MORE):
        return line
    return [*line, ("  ", ""), (textwrap.shorten(reason, room, placeholder=MORE), "quiet")]


class ControlPane(LinePane):
    """Over the view while it is open. Keys that are not its own do what they always do."""

    about = "Everything that can be changed while you watch. The view behind shows what comes of it."
    BINDINGS: ClassVar = bindings(CONTROL)
    chosen: reactive[int] = reactive(0, repaint=False, init=False)

    class Change(Message):
        """Somebody wants this control a step up or down, or done."""

        def __init__(self, name: str, direction: int) -> None:
            super().__init__()
            self.name = name
            self.direction = direction

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._first = 0

    @property
    def controls(self) -> Controls:
        """Of the source that the dashboard shows."""
        return self.app.source.controls

    @property
    def words(self) -> tuple[str, ...]:
        """The controls by name: the glossary knows them all."""
        return tuple(control.name for control in self.controls.all)

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        lines, self._first = control_lines(self.controls, self.chosen, picture, width, height)
        return lines

    def watch_chosen(self) -> None:
        """Another one is chosen."""
        self.watch_picture()

    def action_choose(self, step: int) -> None:
        """The next or the one before, without going round."""
        self.chosen = max(0, min(len(self.controls.all) - 1, self.chosen + step))

    def action_step(self, direction: int) -> None:
        """A step up or down; an action wants Enter."""
        name = self.controls.all[self.chosen].name
        if name not in ACTIONS:
            self.post_message(self.Change(name, direction))

    def action_do(self) -> None:
        """The action; of anything else a step up."""
        self.post_message(self.Change(self.controls.all[self.chosen].name, 1))

    def on_click(self, event: events.Click) -> None:
        """Choose the row; on its arrows or its button, use it."""
        at = event.get_content_offset_capture(self)
        number = self._first + at.y - 1
        if self.picture is None or at.y < 1 or not 0 <= number < len(self.controls.all):
            return
        self.chosen = number
        name = self.controls.all[number].name
        if name in ACTIONS:
            if at.x >= VALUE_AT:
                self.action_do()
            return
        end = VALUE_AT + len(self.controls.value(name, self.picture)) + 2
        if at.x in (VALUE_AT, VALUE_AT + 1, end, end + 1):
            self.action_step(-1 if at.x < VALUE_AT + 2 else 1)
