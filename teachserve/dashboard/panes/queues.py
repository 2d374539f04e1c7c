"""Where connections and work wait: the kernel's accept queue, and the named queues of the architecture."""

from teachserve.dashboard.line_pane import Line, LinePane, length, whole
from teachserve.demo.picture import Picture
from teachserve.demo.wording import short

BAR = 20


class QueuesPane(LinePane):
    """One line: length and bound of the kernel's queue, what overflowed, and each named queue with its total."""

    about = (
        "Who waits before a thread has taken it: in the kernel's accept queue, which the server cannot see into, and on "
        "the architecture's own queues, now and (in brackets) ever."
    )
    words = (
        "accept queue", "backlog", "overflowed", "named queue", "wanted", "connections", "requests", "answers", "n/a",
    )  # fmt: skip

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        queue = picture.accept_queue
        many = len(picture.snapshot.queues) > 1 and width < 110
        line: Line = [("Queues     ", "label"), ("accept queue " if many else "kernel's accept queue ", "")]
        if queue.unavailable:
            line.append((f"n/a: {queue.unavailable}", "quiet"))
        else:
            full = queue.bound and queue.length >= 0.8 * queue.bound
            waiting = "alarm" if full else "state--waiting" if queue.length else "strong"
            line += [(str(queue.length), waiting), (f" of {queue.bound}", "")]
            line.append((f", {queue.drops} overflowed", "alarm" if queue.drops else ""))
            if width >= 110 and queue.bound:
                filled = min(BAR, -(-queue.length * BAR // queue.bound))
                line += [(" " + "█" * filled, waiting), ("░" * (BAR - filled), "quiet")]
        room = width - length(line)
        return [line + named(picture, room)]


def named(picture: Picture, room: int) -> Line:
    """The named queues: `wanted 3 (of 120)`; the totals give way where there is no room."""
    queues = picture.snapshot.queues
    totals = sum(len(f"  {name} {one.length} (of {short(one.handed_over)})") for name, one in queues.items()) <= room
    parts: list[Line] = []
    for name, one in queues.items():
        part = [(f"  {name} ", ""), (str(one.length), "state--waiting" if one.length else "strong")]
        parts.append([*part, (f" (of {short(one.handed_over)})", "quiet")] if totals else part)
    return whole(parts, room)
