"""The demo without a screen: the same processes, the same pictures; the last of them is printed at the end."""

import json
import sys
import threading
import time

from teachserve.demo.endings import BROKEN, DONE, Ending, Endings
from teachserve.demo.feed import Feed
from teachserve.demo.load_line import LoadLine
from teachserve.demo.report import as_json, as_text
from teachserve.demo.supervisor import StartError, Supervisor

FAREWELL_S = 10.0


def run(supervisor: Supervisor, endings: Endings, duration_s: float, json_wanted: bool) -> Ending:
    """Run for so long, or until there is another reason to end; print the picture; take everything down."""
    try:
        supervisor.start_server()
        link = supervisor.link()
        load = LoadLine(supervisor.start_load(link.header["host"], link.header["port"]), supervisor.plan.load)
        supervisor.began()
        feed = Feed(link, supervisor, load)
        reader = Reader(feed)
        began = time.monotonic()
        ending = endings.wait(duration_s)
        took_s = time.monotonic() - began
        picture = reader.newest  # from under load: what comes after is the end of it
        supervisor.end_load()
        result = load.wait_for_result(FAREWELL_S)
        feed.stop()
        reader.join(FAREWELL_S)
    except StartError as error:
        return Ending(error.status, str(error))
    finally:
        supervisor.end()
    if picture is None:
        return ending or Ending(BROKEN, "no picture came from the server")
    last = reader.newest.snapshot.phase
    if json_wanted:
        sys.stdout.write(json.dumps(as_json(picture, result, took_s, last)) + "\n")
    else:
        sys.stdout.write(as_text(picture, result, took_s) + "\n")
    sys.stdout.flush()
    if ending is None and result is None:
        return Ending(BROKEN, f"the load generator gave no result: {supervisor.load.how()}")
    return ending or DONE


class Reader(threading.Thread):
    """Follows the feed to its end; `newest` is the newest picture."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(name="reader", daemon=True)
        self._feed = feed
        self.newest = None
        self.start()

    def run(self) -> None:
        for picture in self._feed.pictures():
            self.newest = picture
