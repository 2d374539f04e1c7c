"""A demo or a watch without a screen: the same pictures as on one, told as they come, or the last of them at the end."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from teachserve.demo.endings import BROKEN, DONE, USAGE, Ending, Endings
from teachserve.demo.feed import Feed
from teachserve.demo.load_line import LoadLine
from teachserve.demo.narrate import Narrator, farewell
from teachserve.demo.picture import Picture
from teachserve.demo.playback import Playback
from teachserve.demo.replay_report import replay_json, replay_text
from teachserve.demo.report import as_json, as_text
from teachserve.demo.supervisor import StartError, Supervisor
from teachserve.observe.address import Address
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.recorder import Recorder

FAREWELL_S = 10.0
NO_PICTURE = Ending(BROKEN, "no picture came from the server")


class Telling(Protocol):
    """What is said of a run, and when."""

    def see(self, picture: Picture) -> None:
        """The next picture; called in the thread that reads. Raises: OSError, where nobody listens any more."""

    def conclude(self, picture: Picture, result: dict | None, took_s: float, outcome: str) -> None:
        """The run is over: `picture` is from under load, `outcome` the server's last phase. Raises: OSError."""


class Report:
    """Says nothing before the end, and then everything: as text for people, or as one JSON object."""

    def __init__(self, json_wanted: bool) -> None:
        self._json_wanted = json_wanted

    def see(self, picture: Picture) -> None:
        """Nothing to say yet."""

    def conclude(self, picture: Picture, result: dict | None, took_s: float, outcome: str) -> None:
        """See `as_json` and `as_text`."""
        if self._json_wanted:
            say(json.dumps(as_json(picture, result, took_s, outcome)))
        else:
            say(as_text(picture, result, took_s))


class Narration:
    """Says each thing when it happens, a line each, and the key figures at the end."""

    def __init__(self) -> None:
        self._narrator = Narrator()
        self._newest: Picture | None = None
        self._began = time.monotonic()

    def see(self, picture: Picture) -> None:
        """What is worth telling of it."""
        self._newest = picture
        for line in self._narrator.tell(picture, time.monotonic() - self._began):
            say(line)

    def conclude(self, picture: Picture, result: dict | None, took_s: float, outcome: str) -> None:
        """The key figures, those of the last moment."""
        for line in farewell(self._newest, result, time.monotonic() - self._began):
            say(line)


def say(line: str) -> None:
    """On stdout, at once. Raises: OSError, where nobody listens any more."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(supervisor: Supervisor, endings: Endings, duration_s: float | None, telling: Telling,
        recorder: Recorder | None = None) -> Ending:  # fmt: skip
    """Run for so long, or until there is another reason to end; tell of it; take everything down."""
    try:
        supervisor.start_server()
        link = supervisor.link()
        load = LoadLine(supervisor.start_load(link.header["host"], link.header["port"]), supervisor.plan.load)
        supervisor.began()
        feed = Feed(link, supervisor, load, recorder)
        reader = Reader(feed, telling, endings)
        began = time.monotonic()
        ending = endings.wait(duration_s)
        took_s = time.monotonic() - began
        picture = reader.newest  # from under load: what comes after is the end of it
        supervisor.end_load()
        result = load.wait_for_result(FAREWELL_S)
        feed.stop()
        reader.seen_the_end.wait(FAREWELL_S)
        feed.close()
        reader.join(FAREWELL_S)
    except StartError as error:
        return Ending(error.status, str(error))
    finally:
        supervisor.end()
    if picture is None:
        return ending or NO_PICTURE
    reader.conclude(picture, result, took_s)
    if ending is None and result is None:
        return Ending(BROKEN, f"the load generator gave no result: {supervisor.load.how()}")
    return reader.failure or ending or DONE


def watch(link_file: Path, endings: Endings, duration_s: float | None, telling: Telling,
          recorder: Recorder | None = None, address: Address | None = None) -> Ending:  # fmt: skip
    """Watch for so long, or until the server or anything else ends it; tell of it. The server runs on."""
    try:
        feed = Feed(Link.attach(link_file), recorder=recorder, address=address)
    except LinkError as error:
        return Ending(BROKEN, str(error))
    began = time.monotonic()
    reader = Reader(feed, telling, endings)
    ending = endings.wait(duration_s)
    took_s = time.monotonic() - began
    feed.close()
    reader.join(FAREWELL_S)
    picture = reader.newest
    if picture is None:
        return ending or NO_PICTURE
    phase = picture.snapshot.phase
    reader.conclude(picture, None, took_s)
    if phase == "lost":
        return Ending(BROKEN, picture.snapshot.log[-1].text)
    return reader.failure or ending or DONE


def replay(playback: Playback, at_s: float, thread: int, json_wanted: bool) -> None:
    """Print the picture of one moment, with all that is known of one thread, 0 for none."""
    picture = playback.picture(round(at_s * 1e6))
    say(replay_json(picture, playback, at_s, thread) if json_wanted else replay_text(picture, playback, at_s, thread))


class Reader(threading.Thread):
    """Follows the feed to its end, which is a reason to end; `newest` is the newest picture.

    `seen_the_end` is set by the picture of a server that has ended. `failure` is the ending where stdout could not be written.
    """

    def __init__(self, feed: Feed, telling: Telling, endings: Endings) -> None:
        super().__init__(name="reader", daemon=True)
        self._feed = feed
        self._telling = telling
        self._endings = endings
        self.newest: Picture | None = None
        self.seen_the_end = threading.Event()
        self.failure: Ending | None = None
        self.start()

    def run(self) -> None:
        for picture in self._feed.pictures():
            self.newest = picture
            self._tell(self._telling.see, picture)
            if not picture.snapshot.alive:
                self.seen_the_end.set()
        self.seen_the_end.set()
        self._endings.end()

    def conclude(self, picture: Picture, result: dict | None, took_s: float) -> None:
        """Once the run is over: the rest of what there is to tell."""
        if not self.is_alive():  # else it waits for whoever reads what it tells, and so would we
            self._tell(self._telling.conclude, picture, result, took_s, self.newest.snapshot.phase)

    def _tell(self, telling: Callable[..., None], *what: object) -> None:
        try:
            telling(*what)
        except OSError as error:
            # That nobody reads it any more is no failure; but nothing is left to do. Python shall not try again as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                self.failure = Ending(USAGE, f"stdout cannot be written: {error.strerror}")
            self._endings.end()
