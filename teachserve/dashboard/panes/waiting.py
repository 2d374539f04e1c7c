"""The waiting-place bar: where the connections are at this moment, as words and as one bar of proportional parts."""

from teachserve.dashboard.glyphs import GLYPHS, KERNEL, QUEUE, css_name
from teachserve.dashboard.line_pane import Line, LinePane
from teachserve.demo.picture import Picture
from teachserve.observe.places import ACCEPT_QUEUE, HELD, Waiting, waiting


class WaitingPane(LinePane):
    """Two lines: each place with its number of connections, and the bar."""

    about = (
        "Where the connections are at this moment. The longest stretch of the bar is where they wait; if it is the accept "
        "queue, nobody takes them from the kernel fast enough."
    )
    words = (
        "waiting-place bar",
        "accept queue",
        "named queue",
        *(state.value for state in HELD),
        "loop: begun",
        "loop: unread",
    )

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        found = waiting(picture.snapshot, picture.queued)
        return [words(found, width), bar(found, width)]


def mark(one: Waiting) -> tuple[str, str]:
    """A place's character in the bar, and its style."""
    if one.state is not None:
        return GLYPHS[one.state], css_name(one.state)
    return (KERNEL if one.name == ACCEPT_QUEUE.name else QUEUE), "state--waiting"


def words(found: list[Waiting], width: int) -> Line:
    """`Connections k accept queue 35  r reading 12`; places without any come last, as far as there is room."""
    line: Line = [("Connections ", "label")]
    room = width - len(line[0][0])
    for one in sorted(found, key=lambda one: not one.count):
        glyph, style = mark(one)
        text = f"{glyph} {one.name} {one.count}  "
        if len(text) - 2 <= room:
            line.append((text, style if one.count else "quiet"))
            room -= len(text)
    return line


def bar(found: list[Waiting], width: int) -> Line:
    """As long as the pane is wide, each place in proportion; a place with any gets a cell at least."""
    there = [one for one in found if one.count]
    total = sum(one.count for one in there)
    if not total:
        return [("no connection is open or queued", "quiet")]
    cells = {one.name: max(1, one.count * width // total) for one in there}
    greatest = max(there, key=lambda one: one.count).name
    cells[greatest] += width - sum(cells.values())
    return [(mark(one)[0] * cells[one.name], mark(one)[1]) for one in there]
