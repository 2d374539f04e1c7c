"""Textual's driver for a terminal, made to survive a SIGSTOP.

SIGTSTP is heard: Textual leaves the terminal, stops, and enters it again on SIGCONT. SIGSTOP cannot be heard, and Textual
8.2 enters the terminal on SIGCONT all the same: a second thread reads the keyboard from then on. On quitting only the
newer one is waited for, and the order to end is taken back 0.1 s later: the older may miss it, and holds up the exit
of the process for ever. What it believes to be the terminal's settings before it came are its own, too.
"""

import contextlib
from collections.abc import Iterator

from textual.drivers.linux_driver import LinuxDriver


class ResumableDriver(LinuxDriver):
    """Leaves the terminal before it enters it again, whatever has stopped the process, and has the whole screen drawn."""

    _changing = False

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        self._changing = True
        try:
            yield
        finally:
            self._changing = False

    def start_application_mode(self) -> None:
        """Enter the terminal."""
        with self._change():
            super().start_application_mode()

    def stop_application_mode(self) -> None:
        """Leave the terminal."""
        with self._change():
            super().stop_application_mode()

    def _sigcont_application(self, *arguments: object) -> None:
        if self._changing:  # interrupted half way in or out: it goes on
            return
        if self._key_thread is not None and self._key_thread.is_alive():
            self.suspend_application_mode()
        super()._sigcont_application(*arguments)
        self._app.call_later(self._app.refresh, layout=True)


def resumable(driver: type) -> type:
    """The driver to use in place of the one that Textual would."""
    return ResumableDriver if driver is LinuxDriver else driver
