"""Commands to the server from the screen: one after the other, in a thread of their own, for an answer takes its time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from textual.message import Message
from textual.widget import Widget


class Answered(Message):
    """What became of a command: "", or why it was not done."""

    def __init__(self, command: str, why_not: str) -> None:
        super().__init__()
        self.command = command
        self.why_not = why_not


class Commands:
    """Sends with `send`, which a Source has; it may block for a while where the server is stopped."""

    def __init__(self, send: Callable[..., str]) -> None:
        self._send = send
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commands")

    def give(self, command: str, ask: Widget | None = None, **fields: object) -> Future[str]:
        """Send it once those before it are answered. `ask` gets the answer as a message."""
        answer = self._thread.submit(self._send, command, **fields)

        def tell(done: Future[str]) -> None:
            if not done.cancelled() and done.exception() is None:
                ask.post_message(Answered(command, done.result()))

        if ask is not None:
            answer.add_done_callback(tell)
        return answer

    def close(self) -> None:
        """Forget what has not been sent."""
        self._thread.shutdown(wait=False, cancel_futures=True)
