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
from teachserve.demo.wording import first_that_fits

ACTIONS = frozenset({"stop", "abandon"})
"""Controls without a value: Enter does them, and no arrow does by mistake."""
STARTED = frozenset({"architecture"})
"""Controls that take another server: the arrows only choose, for the way to the wanted one leads past others."""
BUTTON = "[ Enter ]"
TITLES = (
    "Controls: arrows choose, change: < > at once, [ Enter ] by Enter; Esc closes",
    "Controls: < > change at once, [ Enter ] by Enter; Esc",
)
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


def control_lines(
    controls: Controls, chosen: int, picture: Picture, width: int, height: int, wanted: str = ""
) -> tuple[list[Line], int]:
    """The list under its title, the chosen control's sentence below; and the number of the first control in the list.

    `wanted`: the value that was chosen for it and is not started; "": none.
    """
    told = textwrap.wrap(about(controls, chosen, picture), width - 2)[:2]
    room = max(1, height - 1 - 2)
    first = max(0, min(chosen - room // 2, len(controls.all) - room))
    lines: list[Line] = [[(first_that_fits(width, *TITLES).ljust(width), "heading")]]
    for number in range(first, min(first + room, len(controls.all))):
        new = number == first or controls.all[number].group != controls.all[number - 1].group
        value = wanted if number == chosen else ""
        lines.append(control_line(controls, number, number == chosen, new, picture, width, value))
    gap = [[]] if height > len(lines) + 2 else []
    return [*lines, *gap, *([(text, "strong")] for text in told)], first


def about(controls: Controls, number: int, picture: Picture) -> str:
    """The control's sentence, or why it cannot be used now."""
    control = controls.all[number]
    reason = controls.reason(control.name, picture)
    if reason:
        return f"{control.label}, not now: {reason}"
    how = " Left, right only choose one: Enter starts it." if control.name in STARTED else ""
    return control.sentence + how


def control_line(
    controls: Controls, number: int, chosen: bool, new: bool, picture: Picture, width: int, wanted: str = ""
) -> Line:
    """`Load   > clients      < 100 >`; dim, with the reason behind it, where it cannot be used now."""
    control = controls.all[number]
    reason = controls.reason(control.name, picture)
    style = "quiet" if reason else "strong" if chosen else ""
    value = BUTTON if control.name in ACTIONS else f"< {wanted or controls.value(control.name, picture)} >"
    head = f"{control.group.capitalize() if new else '':<{GROUP}}"
    row = f"{'>' if chosen else ' '} {control.label:<{LABEL}.{LABEL}} {value}"
    line: Line = [(head, "label"), (row, style)]
    if control.name in STARTED and not reason:
        return [*line, (f" {BUTTON} starts it", "banner")] if wanted else [*line, (f" {BUTTON}", style)]
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

    class Start(Message):
        """Somebody wants this control set to the value that was chosen for it."""

        def __init__(self, name: str, value: str) -> None:
            super().__init__()
            self.name = name
            self.value = value

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self._first = 0
        self._wanted = ""

    @property
    def controls(self) -> Controls:
        """Of the source that the dashboard shows."""
        return self.app.source.controls

    @property
    def words(self) -> tuple[str, ...]:
        """The controls by name: the glossary knows them all."""
        return tuple(control.name for control in self.controls.all)

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        lines, self._first = control_lines(self.controls, self.chosen, picture, width, height, self._wanted)
        return lines

    def watch_chosen(self) -> None:
        """Another one is chosen."""
        self._want("")

    def on_hide(self) -> None:
        """What was only chosen is forgotten."""
        self._wanted = ""

    def _want(self, value: str) -> None:
        self._wanted = value
        self.watch_picture()

    def action_choose(self, step: int) -> None:
        """The next or the one before, without going round."""
        self.chosen = max(0, min(len(self.controls.all) - 1, self.chosen + step))

    def action_step(self, direction: int) -> None:
        """A step up or down; an action wants Enter, and so does what was chosen of those that are started."""
        control = self.controls.all[self.chosen]
        if control.name in STARTED and self.picture is not None:
            self._choose_value(control, direction)
        elif control.name not in ACTIONS:
            self.post_message(self.Change(control.name, direction))

    def _choose_value(self, control: Control, direction: int) -> None:
        if reason := self.controls.reason(control.name, self.picture):
            self.app.say(reason)
            return
        now, values = self.controls.value(control.name, self.picture), control.choices
        value = values[(values.index(self._wanted or now) + direction) % len(values)]
        self._want(value if value != now else "")

    def action_do(self) -> None:
        """The action, or the start of what was chosen; of anything else a step up."""
        name = self.controls.all[self.chosen].name
        if name not in STARTED:
            self.post_message(self.Change(name, 1))
        elif self._wanted:
            self.post_message(self.Start(name, self._wanted))
            self._want("")
        else:
            self.app.say("left and right choose one, then Enter starts it")

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
        end = VALUE_AT + len(self._wanted or self.controls.value(name, self.picture)) + 2
        if self._wanted and end + 2 < at.x <= end + 2 + len(BUTTON):
            self.action_do()
        elif at.x in (VALUE_AT, VALUE_AT + 1, end, end + 1):
            self.action_step(-1 if at.x < VALUE_AT + 2 else 1)
