"""How many threads are in each state: glyph, word and count, in the order of the vocabulary."""

from teachserve.dashboard.glyphs import GLYPHS, css_name
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture
from teachserve.events import STATES, State

LEAST, MOST = 2, 4
"""Lines that it takes; the most only where the terminal has at least ROOMY lines."""
ROOMY = 24


class CountsPane(LinePane):
    """Every state that this server's threads have ever been in, so that a word keeps its place while it is zero.

    It is as high as they need: left out while they are zero, they would push the others about with each frame.
    """

    about = (
        "How many threads are in each state at this moment. Look at accepting: at 0 nobody takes the next connection, "
        "and it waits in the kernel."
    )
    words = STATES

    def watch_picture(self) -> None:
        """A newer picture; a state that is new in it may need another line."""
        width, height = self.size
        if self.picture is not None and width:
            most = MOST if self.app.size.height >= ROOMY else LEAST
            needed = len(pack([(state, 0) for state in seen(self.picture)], width))
            wanted = max(LEAST, min(needed, most))
            if wanted != height:
                self.styles.height = wanted
        super().watch_picture()

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        shown = [(state, picture.snapshot.states.get(state, 0)) for state in seen(picture)]
        lines = pack(shown, width)
        if len(lines) > height:  # a small terminal: what is there comes before what is not
            lines = pack([(state, count) for state, count in shown if count], width)
        return lines


def seen(picture: Picture) -> list[State]:
    """The states that a living thread is in, or that any thread has been in since the server began.

    Each thread begins in `starting`, which no move leads to: what was left counts as what was entered does.
    """
    counts = picture.snapshot.states
    been = {state for move in picture.snapshot.flows for state in move} | {
        one for one, count in counts.items() if count
    }
    return [state for state in STATES if state in been and state not in (State.ENDED, State.BROKEN)]


def pack(shown: list[tuple[State, int]], width: int) -> list[Line]:
    """The counts, each in the first line that has room for it, padded so that its neighbours stay where they are."""
    lines: list[Line] = [[]]
    used = [0]
    for state, count in shown:
        word, number = f"{GLYPHS[state]} {state.value} ", f"{count:<3}"
        size = len(word) + len(number) + 1
        place = next((place for place, taken in enumerate(used) if not taken or taken + size - 1 <= width), len(lines))
        if place == len(lines):
            lines.append([])
            used.append(0)
        name = css_name(state) if count else "quiet"
        lines[place] += [(word, name), (f"{number} ", "strong" if count else "quiet")]
        used[place] += size
    return lines
