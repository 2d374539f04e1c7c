"""A demo or a watch without a screen: the same pictures as on one; the last of them is printed at the end."""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from teachserve.demo.endings import BROKEN, DONE, Ending, Endings
from teachserve.demo.feed import Feed
from teachserve.demo.fold import ALIVE
from teachserve.demo.load_line import LoadLine
from teachserve.demo.picture import Picture
from teachserve.demo.report import as_json, as_text
from teachserve.demo.supervisor import StartError, Supervisor
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.recorder import Recorder

FAREWELL_S = 10.0
NO_PICTURE = Ending(BROKEN, "no picture came from the server")


def run(supervisor: Supervisor, endings: Endings, duration_s: float, json_wanted: bool,
        recorder: Recorder | None = None) -> Ending:  # fmt: skip
    """Run for so long, or until there is another reason to end; print the picture; take everything down."""
    try:
        supervisor.start_server()
        link = supervisor.link()
        load = LoadLine(supervisor.start_load(link.header["host"], link.header["port"]), supervisor.plan.load)
        supervisor.began()
        feed = Feed(link, supervisor, load, recorder)
        reader = Reader(feed)
        began = time.monotonic()
        ending = endings.wait(duration_s)
        took_s = time.monotonic() - began
        picture = reader.newest  # from under load: what comes after is the end of it
        supervisor.end_load()
        result = load.wait_for_result(FAREWELL_S)
        feed.stop()
        reader.seen_the_end.wait(FAREWELL_S)
        feed.close()
        reader.join()
    except StartError as error:
        return Ending(error.status, str(error))
    finally:
        supervisor.end()
    if picture is None:
        return ending or NO_PICTURE
    print_report(picture, result, took_s, reader.newest.snapshot.phase, json_wanted)
    if ending is None and result is None:
        return Ending(BROKEN, f"the load generator gave no result: {supervisor.load.how()}")
    return ending or DONE


def watch(link_file: Path, endings: Endings, duration_s: float, json_wanted: bool,
          recorder: Recorder | None = None) -> Ending:  # fmt: skip
    """Watch for so long, or until the server or anything else ends it; print the picture. The server runs on."""
    try:
        feed = Feed(Link.attach(link_file), recorder=recorder)
    except LinkError as error:
        return Ending(BROKEN, str(error))
    began = time.monotonic()
    reader = Reader(feed, on_end=endings.end)
    ending = endings.wait(duration_s)
    took_s = time.monotonic() - began
    feed.close()
    reader.join()
    picture = reader.newest
    if picture is None:
        return ending or NO_PICTURE
    phase = picture.snapshot.phase
    print_report(picture, None, took_s, phase, json_wanted)
    if phase == "lost":
        return Ending(BROKEN, picture.snapshot.log[-1].text)
    return ending or DONE


def print_report(picture: Picture, result: dict | None, took_s: float, outcome: str, json_wanted: bool) -> None:
    """What is printed at the end: see `as_json` and `as_text`."""
    if json_wanted:
        sys.stdout.write(json.dumps(as_json(picture, result, took_s, outcome)) + "\n")
    else:
        sys.stdout.write(as_text(picture, result, took_s) + "\n")
    sys.stdout.flush()


class Reader(threading.Thread):
    """Follows the feed to its end, and then calls `on_end`; `newest` is the newest picture.

    `seen_the_end` is set by the picture of a server that has ended.
    """

    def __init__(self, feed: Feed, on_end: Callable[[], object] | None = None) -> None:
        super().__init__(name="reader", daemon=True)
        self._feed = feed
        self._on_end = on_end
        self.newest: Picture | None = None
        self.seen_the_end = threading.Event()
        self.start()

    def run(self) -> None:
        for picture in self._feed.pictures():
            self.newest = picture
            if picture.snapshot.phase not in ALIVE:
                self.seen_the_end.set()
        self.seen_the_end.set()
        if self._on_end is not None:
            self._on_end()
