"""A demo or a watch on a screen: for as long as there is no reason to end; then the terminal is as it was."""

import gc
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from teachserve.compare.run import Run
from teachserve.dashboard.look import Look
from teachserve.demo.endings import BROKEN, DONE, USAGE, Ending, Endings
from teachserve.demo.guard import Guarded
from teachserve.demo.supervisor import StartError, Supervisor
from teachserve.observe.address import Address
from teachserve.observe.link import Link
from teachserve.observe.link_file import LinkError
from teachserve.observe.recorder import Recorder

if TYPE_CHECKING:
    from teachserve.demo.replay import Replay

LAST_RESORT_S = 3.0
"""A terminal that is gone, or stopped, can hold the drawing thread for ever: then the whole process goes."""
LOOK_S = 0.05
PICTURE_SIZE = (100, 32)
"""Columns and lines of a picture that is taken without a terminal."""


class Display:
    """How the dashboard is shown, and for how long: without end where `duration_s` is None.

    `picture`: nobody looks, and the last frame goes to this file.
    """

    def __init__(self, guarded: Guarded, endings: Endings, duration_s: float | None, look: Look,
                 picture: Path | None, recorder: Recorder | None = None,
                 size: tuple[int, int] = PICTURE_SIZE) -> None:  # fmt: skip
        self._guarded = guarded
        self._endings = endings
        self._duration_s = duration_s
        self._look = look
        self._picture = picture
        self._recorder = recorder
        self._size = size

    def run_demo(self, supervisor: Supervisor) -> Ending:
        """Start what the demo consists of, show it, take it down: all of it is down when this returns."""
        try:
            supervisor.start_server()
            # Half of the start: the server's process needs as long to come up as Textual to be imported.
            from teachserve.dashboard.app import Dashboard
            from teachserve.demo.feed import Feed
            from teachserve.demo.load_line import LoadLine

            link = supervisor.link()
            # Held until there is something on the screen: a load at full speed takes the cores that Textual starts on.
            child = supervisor.start_load(link.header["host"], link.header["port"], held=True)
            load = LoadLine(child, supervisor.plan.load)
            supervisor.began()
            feed = Feed(link, supervisor, load, self._recorder)
            app = Dashboard(feed, self._look)
            app.when_drawn = feed.begin
            return self._show(app, supervisor.end)
        except StartError as error:
            return Ending(error.status, str(error))
        finally:
            supervisor.end()

    def watch(self, link_file: Path, address: Address | None = None) -> Ending:
        """Show a server that runs already, and runs on when this returns."""
        from teachserve.dashboard.app import Dashboard
        from teachserve.demo.feed import Feed

        try:
            link = Link.attach(link_file)
        except LinkError as error:
            return Ending(BROKEN, str(error))
        feed = Feed(link, recorder=self._recorder, address=address)
        return self._show(Dashboard(feed, self._look), feed.close)

    def compare(self, run: Run) -> Ending:
        """Show two servers side by side; all of it is down when this returns."""
        run.start()
        from teachserve.dashboard.compare_app import CompareApp

        try:
            return self._show(CompareApp(run, self._look), run.end)
        finally:
            run.end()

    def replay(self, source: "Replay") -> Ending:
        """Show a trace. A picture of it is taken as soon as its moment is on the screen."""
        from teachserve.dashboard.app import Dashboard

        app = Dashboard(source, self._look)
        return self._show(app, source.close, at_once=True)

    def _show(self, app, take_down: Callable[[], None], at_once: bool = False) -> Ending:
        """The app's whole run, with a thread beside it that waits for another reason to end.

        A picture is taken when the time is over, which counts from when there is something on the screen; or `at_once` then.
        """
        begin = app.when_drawn

        def when_drawn() -> None:
            gc.freeze()  # what the start made stays: the collector need not look at it again in the midst of a frame
            if begin is not None:
                begin()

        app.when_drawn = when_drawn
        duration_s = 0 if at_once and self._picture is not None else self._duration_s
        over = threading.Event()
        reasons: list[Ending] = []

        def wait_for_another_reason() -> None:
            ending = None
            while ending is None and self._picture is not None and not app.drawn.is_set():
                ending = self._endings.wait(LOOK_S)
            ending = ending or self._endings.wait(duration_s)
            if ending is None and self._picture is not None:
                ending = self._save(app)
            reasons.append(ending or DONE)
            if over.is_set():
                return
            app.end_from_thread()
            if not over.wait(LAST_RESORT_S):
                # The guard puts the terminal back and says why.
                take_down()
                words = reasons[0].text or "the terminal did not take the dashboard's last frame"
                self._guarded.note_last_words(words)
                os.kill(os.getpid(), signal.SIGKILL)

        waiter = threading.Thread(target=wait_for_another_reason, name="another-reason", daemon=True)
        waiter.start()
        try:
            if self._picture is None:
                app.run()
            else:
                app.run(headless=True, size=self._size)
            if app.return_code:  # Textual has printed the traceback
                self._endings.end(Ending(BROKEN, "the dashboard failed, as said above"))
        finally:
            over.set()
            self._endings.end(DONE)  # whatever came before it counts
            waiter.join()
        return reasons[0]

    def _save(self, app) -> Ending | None:
        """Save the screen, from another thread than the app's. The ending where that failed."""
        try:
            app.call_from_thread(app.save_whole_picture, self._picture)
        except OSError as error:
            return Ending(
                USAGE, f"could not save {self._picture}: {error.strerror}; choose another file with --picture"
            )
        return None
