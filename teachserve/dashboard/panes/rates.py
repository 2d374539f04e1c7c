"""How fast: requests/s and latency, now and over the last minute; and how many threads that took."""

from teachserve.dashboard.line_pane import Line, LinePane, length, whole
from teachserve.dashboard.sparkline import sparkline
from teachserve.demo.picture import HISTORY_STEPS, History, Picture
from teachserve.demo.wording import duration, short


class RatesPane(LinePane):
    """Two lines of figures with a chart of the last minute each."""

    about = (
        "How much is answered and how long that takes, now and over the last minute, and how many threads it took. "
        "Look at made and ended: where both grow with the requests, each connection costs a thread."
    )
    words = ("Requests/s", "threads", "made", "recycled", "ended", "broken", "Latency", "p50", "p99", "n/a")

    def lines(self, picture: Picture, width: int, height: int) -> list[Line]:
        snapshot, load, history = picture.snapshot, picture.load, picture.history
        counters = snapshot.counters
        rate = load.answered_per_s if load else snapshot.requests_per_s
        threads: list[Line] = [
            [(f" threads {counters['threads']}: made {short(counters['made'])}", "")],
            *([[(f", broken {counters['broken']}", "alarm")]] if counters["broken"] else []),
            [(f", recycled {short(counters['recycled'])}", "")],
            [(f", ended {short(counters['ended'])}", "")],
        ]
        room = max(0, min(120, width - 11 - 8 - sum(map(length, threads))))
        requests: Line = [
            ("Requests/s ", "label"),
            (f"{rate:>7.0f} ", "strong"),
            (sparkline(history.requests, room, HISTORY_STEPS, history.first), "spark"),
        ]
        requests = whole([requests, *threads], width)
        if load is None:
            return [requests, [("Latency    ", "label"), ("n/a: no load generator measures it here", "quiet")]]
        room = max(0, min(60, (width - 11 - 2 * 11 - 2) // 2))
        latency: Line = [
            ("Latency    ", "label"),
            *_percentile("p50", load.p50, history.p50, history, room),
            ("  ", ""),
            *_percentile("p99", load.p99, history.p99, history, room),
        ]
        return [requests, latency]


def _percentile(name: str, now: float | None, values: tuple[float | None, ...], history: History, room: int) -> Line:
    text = "n/a" if now is None else duration(now)
    chart = sparkline(values, room, HISTORY_STEPS, history.first, max)
    return [(f"{name} ", ""), (f"{text:>6} ", "strong"), (chart, "spark")]
