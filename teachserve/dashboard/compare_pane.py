"""What the panes of a comparison have in common: they are drawn from a Comparison, and know which keys there are."""

from dataclasses import replace
from typing import ClassVar

from textual.reactive import reactive

from teachserve.compare.view import Comparison
from teachserve.dashboard.keys import EVERYWHERE, KEYS, Key
from teachserve.dashboard.line_pane import Line, LinePane

ACTIONS = ("end", "end_at_once", "meanings", "freeze", "theme", "picture", "focus_next", "focus_previous")
COMPARE_KEYS: tuple[Key, ...] = tuple(
    replace(key, footer="," in key.keys or key.action not in ("end_at_once", "focus_previous"))
    for key in KEYS
    if key.where == EVERYWHERE and key.action in ACTIONS
)
"""Those of the dashboard's keys that have a meaning here, with the same one."""


class ComparePane(LinePane):
    """A pane whose content is a function of the comparison and the pane's size."""

    picture: reactive[Comparison | None] = reactive(None, repaint=False, init=False, always_update=True)
    keys_everywhere: ClassVar = COMPARE_KEYS

    def lines(self, comparison: Comparison, width: int, height: int) -> list[Line]:
        raise NotImplementedError
