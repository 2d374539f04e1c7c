"""Another server under the same load: another architecture, or an option that a running server cannot change."""

import threading
from typing import TYPE_CHECKING

from teachserve.demo.control import Control, doubled
from teachserve.demo.fitting import architectures
from teachserve.demo.load_line import NoMoreOrders
from teachserve.demo.picture import Picture
from teachserve.demo.supervisor import StartError, Supervisor
from teachserve.errors import OptionError
from teachserve.observe.link import Link
from teachserve.options import MOST_THREADS, OPTIONS

if TYPE_CHECKING:
    from teachserve.demo.feed import Feed


class Restarts:
    """One restart at a time, each in a thread of its own; how it went stands in the log and among the marks."""

    def __init__(self, feed: "Feed", supervisor: Supervisor | None) -> None:
        self._feed = feed
        self._supervisor = supervisor
        self._first = supervisor.plan.architecture if supervisor else ""
        self._free = threading.Lock()
        self.under_way = ""
        """A sentence while a server takes another's place."""

    @property
    def architectures(self) -> tuple[str, ...]:
        """Ours, and that of the first server where it is the user's own."""
        names = architectures()
        return names if self._first in ("", *names) else (*names, self._first)

    @property
    def reason(self) -> str:
        """Why there can be none now; "": there can."""
        if self._supervisor is None:
            return "only in a demo: this server was not started from here"
        return self.under_way

    def keep(self, option: str, value: object) -> None:
        """An option was changed while the server ran: the servers after it shall have it too."""
        if self._supervisor is not None:
            self._supervisor.keep(option, value)

    def begin(self, words: str, kind: str, slow_s: float, architecture: str = "", **options: object) -> str:
        """Let a server of that architecture, or else of the same, take the place; with these options besides the others.

        `words` and `kind` are the mark's, `slow_s` the slow motion, which goes on. What is being done, in words.
        """
        if not self._free.acquire(blocking=False):
            return self.under_way
        self.under_way = f"a restart is under way ({words}): wait for its end"
        plan = self._supervisor.plan
        wanted = architecture or plan.architecture, plan.options | options
        threading.Thread(target=self._restart, args=(words, kind, slow_s, *wanted), name="restart", daemon=True).start()
        return f"{words}: a new server is starting"

    def _restart(self, words: str, kind: str, slow_s: float, architecture: str, options: dict[str, object]) -> None:
        feed = self._feed

        def take_over(link: Link) -> None:
            if slow_s:
                feed.send("slow", pause_s=0)  # what is in hand with the former server shall not take for ever
            feed.follow(link)
            if slow_s:
                feed.send("slow", pause_s=slow_s)
            feed.mark(words, kind)
            if not feed.load.move(link.header["host"], link.header["port"]):
                feed.note("the server before was still serving when it was stopped")

        try:
            for line in self._supervisor.restart(architecture, options, take_over):
                feed.note(line)
        except (StartError, NoMoreOrders) as error:
            feed.note(f"not done ({words}): {error}")
        finally:
            self.under_way = ""
            self._free.release()


class RestartControl(Control):
    """A control that needs another server."""

    group = "server"

    def __init__(self, feed: "Feed", restarts: Restarts) -> None:
        super().__init__(feed)
        self._restarts = restarts

    def reason(self, picture: Picture) -> str:
        if picture.snapshot.phase in ("connecting", "lost"):
            return super().reason(picture)
        return self._restarts.reason

    def _begin(self, before: str, after: str, picture: Picture, **wanted: object) -> str:
        words = f"{self.label.lower()} {before} -> {after}"
        return self._restarts.begin(words, self.kind, picture.snapshot.slow_s, **wanted)


class Architecture(RestartControl):
    """The architecture, one after the other."""

    name = kind = "architecture"
    label = "Architecture"
    sentence = "Lets a server of another architecture take the place of this one, under the same load."

    @property
    def choices(self) -> tuple[str, ...]:
        """By name."""
        return self._restarts.architectures

    def value(self, picture: Picture) -> str:
        header = picture.snapshot.header
        return header.architecture if header else "n/a"

    def change(self, direction: int, picture: Picture) -> str:
        now, names = self.value(picture), self.choices
        return self.choose(names[(names.index(now) + direction) % len(names)], picture)

    def choose(self, value: str, picture: Picture) -> str:
        now = self.value(picture)
        if value == now and picture.snapshot.phase == "serving":
            return f"architecture: {now} already"
        return self._begin(now, value, picture, architecture=value)


class Threads(RestartControl):
    """The workers of a pool."""

    name = "threads"
    kind = "option"
    label = "Threads"
    sentence = "How many workers a thread pool has, doubled or halved: a new server under the same load."

    def value(self, picture: Picture) -> str:
        return str(picture.snapshot.options.get("threads", "n/a"))

    def reason(self, picture: Picture) -> str:
        if why := super().reason(picture):
            return why
        if "threads" not in picture.snapshot.options:
            return f"threads means nothing to {picture.snapshot.header.architecture}"
        return ""

    def change(self, direction: int, picture: Picture) -> str:
        threads = picture.snapshot.options["threads"]
        return self._set(min(MOST_THREADS, max(1, int(doubled(threads, direction)))), picture)

    def choose(self, value: str, picture: Picture) -> str:
        try:
            return self._set(OPTIONS["threads"].parse(value), picture)
        except OptionError as error:
            return str(error)

    def _set(self, after: int, picture: Picture) -> str:
        before = picture.snapshot.options["threads"]
        if after == before and picture.snapshot.phase == "serving":
            return f"threads: {after} already"
        return self._begin(str(before), str(after), picture, threads=after)
