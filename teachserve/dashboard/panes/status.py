"""What the picture may lack: the link's state, what was lost on the way, whether events are sampled; and broken lints."""

from textual.reactive import reactive

from teachserve.dashboard.line_pane import Line, LinePane, length
from teachserve.demo.picture import Picture
from teachserve.demo.wording import counted, first_that_fits
from teachserve.observe.snapshot import Snapshot

LINK_WORDS = {
    "connecting": ("connecting", "state--waiting"),
    "serving": ("live", "state--handling"),
    "stopping": ("live", "state--handling"),
    "stopped": ("closed by the server", ""),
    "abandoned": ("closed by the server", "alarm"),
    "lost": ("LOST", "alarm"),
}
SILENT_S = 1.0


class StatusPane(LinePane):
    """One line that is never empty: silence would look like calm."""

    about = (
        "Whether what you see is all there is: the link to the server, and what was lost on the way. Every count repairs "
        "itself with the next frame. Behind the `!` stand the lints that are broken now; 8 says more."
    )
    words = ("live", "silent", "lost", "lost frames", "events lost", "illegal moves", "sampled", "complete")

    silent_s: reactive[float] = reactive(0.0, repaint=False, init=False)

    def watch_silent_s(self) -> None:
        """The app's own clock says how long nothing has come."""
        self.watch_picture()

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        snapshot = picture.snapshot
        words, name = LINK_WORDS.get(snapshot.phase, (snapshot.phase, ""))
        if self.silent_s >= SILENT_S and words == "live":
            words, name = f"silent for {self.silent_s:.0f} s", "alarm"
        line: Line = [("Link       ", "label"), (words, name), *losses(snapshot)]
        return [line + broken(picture, width - length(line))]


def losses(snapshot: Snapshot) -> Line:
    """What was lost on the way, and whether every event is there."""
    line: Line = []
    for what, count in ((" · lost frames", snapshot.lost_frames), (", events", snapshot.lost_events)):
        line.append((f"{what} {count}", "alarm" if count else ""))
    if snapshot.illegal_moves:
        line.append((f" · illegal moves {snapshot.illegal_moves}", "alarm"))
    return [*line, (f" · events {'complete' if snapshot.streaming else 'sampled'}", "")]


def broken(picture: Picture, room: int) -> Line:
    """The lints that are broken now, as many by name as there is room for."""
    names = [one.lint for one in picture.findings]
    if not names:
        return []
    told = first_that_fits(room - 5, ", ".join(names), f"{counted(len(names), 'lint')} (8)", f"{len(names)} (8)")
    return [(" · ", ""), (f"! {told}", "alarm")]
