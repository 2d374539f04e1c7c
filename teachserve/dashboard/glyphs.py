"""A state's mark on screen: one ASCII character each, so that no terminal and no printer is left out.

A state is never shown by colour alone: glyph and word stand beside it, always.
"""

from teachserve.events import State

GLYPHS: dict[State, str] = {
    State.STARTING: ".",
    State.CREATING: "+",
    State.ACCEPTING: "o",
    State.ACCEPTED: "a",
    State.BACKING_OFF: "!",
    State.SELECTING: "s",
    State.HANDING_OVER: ">",
    State.WAITING: "~",
    State.WAITING_FOR_PLACE: "=",
    State.READING: "r",
    State.IDLE: "-",
    State.HANDLING: "#",
    State.WRITING: "w",
    State.LINGERING: "l",
    State.RECYCLING: "@",
    State.ENDED: "x",
    State.BROKEN: "X",
}

KERNEL, QUEUE = "k", "q"
"""A connection in the kernel's accept queue, and one in a named queue: nobody's state, so marks of their own."""

FILLED = (State.READING, State.HANDLING, State.WRITING)
"""A request is being served: drawn as a bar, so that it is seen at a glance how many are, and for how long."""
FILLED_STYLES = {state: f"filled--{state.value}" for state in FILLED}


def css_name(state: State) -> str:
    """The state's component class: `state--waiting-for-a-place`."""
    return "state--" + state.value.replace(" ", "-")
