"""Textual's driver for a terminal, made to survive a SIGSTOP.

SIGTSTP is heard: Textual leaves the terminal, stops, and enters it again on SIGCONT. SIGSTOP cannot be heard, and Textual
8.2 enters the terminal on SIGCONT all the same: a second thread reads the keyboard from then on. On quitting only the
newer one is waited for, and the order to end is taken back 0.1 s later: the older may miss it, and holds up the exit
of the process for ever. What it believes to be the terminal's settings before it came are its own, too.
"""

from textual.drivers.linux_driver import LinuxDriver


class ResumableDriver(LinuxDriver):
    """Leaves the terminal before it enters it again, whatever has stopped the process, and has the whole screen drawn.

    Both are done between two turns of the event loop: in a signal handler they would interrupt each other, or a writing
    that waits for room and would then wait for a thread that has ended.
    """

    def _sigtstp_application(self, *arguments: object) -> None:
        self._loop.call_soon_threadsafe(super()._sigtstp_application, *arguments)

    def _sigcont_application(self, *arguments: object) -> None:
        self._loop.call_soon_threadsafe(self._enter_again)

    def _enter_again(self) -> None:
        if self._key_thread is not None and self._key_thread.is_alive():
            self.suspend_application_mode()
        super()._sigcont_application()
        self._app.call_later(self._app.refresh, layout=True)


def resumable(driver: type) -> type:
    """The driver to use in place of the one that Textual would."""
    return ResumableDriver if driver is LinuxDriver else driver
