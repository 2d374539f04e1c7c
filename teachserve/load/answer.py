"""One response, parsed: which status, how long, and whether the connection may be used again."""

import email.utils
import time

import httptools


class NotHttp(Exception):
    """What arrived is no HTTP response."""


class Answer:
    """The response to one request, fed with bytes as they arrive. Interim (1xx) responses are read over.

    `status` the HTTP status; `size` bytes of the body so far; `keep_alive` whether the server keeps the connection;
    `retry_after` seconds, 0 where the server gave none; `done` all of it is here; `extra` more than that came.
    """

    __slots__ = ("_bounded", "_headers_done", "_parser", "done", "extra", "keep_alive", "retry_after", "size", "status")

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.done = self.extra = self._headers_done = self._bounded = self.keep_alive = False
        self.status = self.size = 0
        self.retry_after = 0.0

    def feed(self, data: bytes) -> bool:
        """Parse; True once the answer is complete. Raises: NotHttp."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.done:
                raise NotHttp(str(error)) from None
            self.extra = True
        except httptools.HttpParserUpgrade:
            raise NotHttp("the server wants to upgrade to another protocol") from None
        return self.done

    def end(self) -> bool:
        """The server has closed its side. True if the answer was one that ends so (RFC 9112, section 6.3, rule 8)."""
        self.done = self.done or (self._headers_done and not self._bounded)
        self.keep_alive = False
        return self.done

    def on_message_begin(self) -> None:
        self.extra = self.done

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.done:
            return
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._bounded = True
        elif name == b"retry-after":
            self.retry_after = seconds_to_wait(value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        if self.done:
            return
        self.status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()
        self._headers_done = self.status >= 200

    def on_body(self, body: bytes) -> None:
        if not self.done:
            self.size += len(body)

    def on_message_complete(self) -> None:
        if self._headers_done:
            self.done = True


def seconds_to_wait(retry_after: str) -> float:
    """A Retry-After header's value in seconds from now; 0 if it is neither a number nor a date (RFC 9110, 10.2.3)."""
    retry_after = retry_after.strip()
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
