"""What a person has chosen: one thread or one connection, the same in every pane."""

from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Chosen:
    """A thread's number or a connection's number; 0: none. Choosing one lets go of the other."""

    thread: int = 0
    connection: int = 0


class Choose(Message):
    """A pane to the app: this one is chosen from now on. `control` has shown it already."""

    def __init__(self, thread: int = 0, connection: int = 0, control: Widget | None = None) -> None:
        super().__init__()
        self.chosen = Chosen(thread, connection)
        self._control = control

    @property
    def control(self) -> Widget | None:
        """The pane in which it was chosen."""
        return self._control


class Open(Message):
    """A pane to the app: show all that is known of this one."""

    def __init__(self, thread: int = 0, connection: int = 0) -> None:
        super().__init__()
        self.chosen = Chosen(thread, connection)
