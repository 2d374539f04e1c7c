"""The demo on a screen: the server starts while Textual is imported, and everything is down when this returns."""

import os
import signal
import threading
from pathlib import Path

from teachserve.demo.endings import BROKEN, DONE, USAGE, Ending, Endings
from teachserve.demo.supervisor import StartError, Supervisor

LAST_RESORT_S = 3.0
"""A terminal that is gone, or stopped, can hold the drawing thread for ever: then the whole process goes."""
PICTURE_SIZE = (100, 32)
"""Columns and lines of a picture that is taken without a terminal."""


def run(supervisor: Supervisor, endings: Endings, duration_s: float | None, dark: bool,
        picture: Path | None) -> Ending:  # fmt: skip
    """Show the dashboard until there is a reason to end. `picture`: nobody looks, and its last frame goes there."""
    try:
        supervisor.start_server()
        # Half of the start: the server's process needs as long to come up as Textual to be imported.
        from teachserve.dashboard.app import Dashboard
        from teachserve.demo.feed import Feed
        from teachserve.demo.load_line import LoadLine

        link = supervisor.link()
        load = LoadLine(supervisor.start_load(link.header["host"], link.header["port"]), supervisor.plan.load)
        supervisor.began()
        app = Dashboard(Feed(link, supervisor, load), dark)
        ending = _show(app, supervisor, endings, duration_s, picture)
    except StartError as error:
        return Ending(error.status, str(error))
    finally:
        supervisor.end()
    return ending


def _show(app, supervisor: Supervisor, endings: Endings, duration_s: float | None, picture: Path | None) -> Ending:
    """The app's whole run, with a thread beside it that waits for another reason to end."""
    over = threading.Event()
    reasons: list[Ending] = []

    def wait_for_another_reason() -> None:
        ending = endings.wait(duration_s)
        if ending is None and picture is not None:
            ending = _save(app, picture)
        reasons.append(ending or DONE)
        if over.is_set():
            return
        app.end_from_thread()
        if not over.wait(LAST_RESORT_S):
            # The guard puts the terminal back and says why.
            supervisor.end()
            supervisor.note_last_words(reasons[0].text or "the terminal did not take the dashboard's last frame")
            os.kill(os.getpid(), signal.SIGKILL)

    waiter = threading.Thread(target=wait_for_another_reason, name="another-reason", daemon=True)
    waiter.start()
    try:
        if picture is None:
            app.run()
        else:
            app.run(headless=True, size=PICTURE_SIZE)
        if app.return_code:  # Textual has printed the traceback
            endings.end(Ending(BROKEN, "the dashboard failed, as said above: the demo has ended"))
    finally:
        over.set()
        endings.end(DONE)  # whatever came before it counts
        waiter.join()
    return reasons[0]


def _save(app, picture: Path) -> Ending | None:
    """Save the screen, from another thread than the app's. The ending where that failed."""
    try:
        app.call_from_thread(app.save_picture, picture)
    except OSError as error:
        return Ending(USAGE, f"could not save {picture}: {error.strerror}; choose another file with --picture")
    return None
