"""How many threads are in each state: glyph, word and count, in the order of the vocabulary."""

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture
from teachserve.events import STATES, State


class CountsPane(LinePane):
    """Every state that this server's threads have ever been in, so that a word keeps its place while it is zero."""

    about = (
        "How many threads are in each state at this moment. Look at accepting: at 0 nobody takes the next connection, "
        "and it waits in the kernel."
    )
    words = STATES

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        shown = [(state, picture.snapshot.states.get(state, 0)) for state in seen(picture)]
        lines = pack(shown, width)
        if len(lines) > height:  # no room for zeros: what is there comes before what is not
            lines = pack([(state, count) for state, count in shown if count], width)
        return lines


def seen(picture: Picture) -> list[State]:
    """The states that a living thread is in, or that any thread has entered since the server began."""
    counts = picture.snapshot.states
    entered = {after for _, after in picture.snapshot.flows} | {state for state, count in counts.items() if count}
    return [state for state in STATES if state in entered and state not in (State.ENDED, State.BROKEN)]


def pack(shown: list[tuple[State, int]], width: int) -> list[Line]:
    """The counts in as many lines as they need, each count padded so that its neighbours stay where they are."""
    lines: list[Line] = [[]]
    used = 0
    for state, count in shown:
        word, number = f"{GLYPHS[state]} {state.value} ", f"{count:<3}"
        size = len(word) + len(number) + 1
        if lines[-1] and used + size - 1 > width:
            lines.append([])
            used = 0
        name = css_name(state) if count else "quiet"
        lines[-1] += [(word, name), (f"{number} ", "strong" if count else "quiet")]
        used += size
    return lines
