"""Which moment of a recording is shown, how fast it goes on, where a person changed something, and what was lost."""

from teachserve.dashboard.line_pane import Line, LinePane, length
from teachserve.dashboard.panes.status import losses
from teachserve.demo.picture import Picture
from teachserve.demo.replay import Player

LEAST_BAR = 10


class ReplayPane(LinePane):
    """One line in the place of the link to a server."""

    about = (
        "The moment of the recording that is shown, in seconds since its first table, and how fast it goes on. On the bar "
        "each | is a change that a person made."
    )
    words = ("lost frames", "events lost", "illegal moves", "sampled", "complete")

    player: Player | None = None

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        if self.player is None:
            return []
        told: Line = [("REPLAY ", "label"), *where(self.player)]
        lost = losses(picture.snapshot)
        room = width - length(told) - 2
        if picture.snapshot.lost_frames or picture.snapshot.lost_events or picture.snapshot.illegal_moves:
            return [[*told, *lost]]
        lost = lost[-1:]
        bar = room - length(lost)
        return [[*told, ("  ", ""), *progress(self.player, bar), *lost]] if bar >= LEAST_BAR else [[*told, *lost]]


def where(player: Player) -> Line:
    """`12.4 of 63.0 s, x0.1, paused`."""
    speed = f"{player.speed:.3g}"
    at_s, length_s = player.at_s, player.length_s
    if player.read_s is not None:
        return [(f"reading {player.read_s:.1f} of {at_s:.1f} s", "alarm")]
    words = "" if player.playing else ", end" if at_s >= length_s else ", paused"
    return [(f"{shown(at_s, player.playing)} of {length_s:.1f} s", "strong"), (f", x{speed}{words}", "")]


def shown(at_s: float, playing: bool) -> str:
    """Tenths of a second while it plays; else as exact as it is, for events are microseconds apart."""
    whole, _, part = f"{at_s:.6f}".partition(".")
    return f"{at_s:.1f}" if playing else f"{whole}.{part.rstrip('0') or '0'}"


def progress(player: Player, width: int) -> Line:
    """A bar of so many cells: what has been, what comes, and the marks in both."""
    scale = (width - 1) / player.length_s if player.length_s else 0.0
    here = round(player.at_s * scale)
    marked = {round(at_s * scale) for at_s in player.marks_s}
    cells = ["|" if cell in marked else "━" if cell < here else "─" for cell in range(width)]
    return [("".join(cells[:here]), "strong"), ("●", "strong"), ("".join(cells[here + 1 :]), "quiet")]
