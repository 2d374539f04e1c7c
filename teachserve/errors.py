"""Errors that name the thing, the value, the rule and what to do about it."""


class TeachserveError(Exception):
    """Something that the user can mend: one line that says what is wrong and what to do."""


class OptionError(TeachserveError, ValueError):
    """An option has a value that it cannot have, or that the architecture does not use."""


class UnknownArchitecture(TeachserveError, LookupError):
    """No architecture goes by this name."""


class ApplicationError(TeachserveError, LookupError):
    """There is no such application to serve, or its module cannot be imported."""


class AddressError(TeachserveError, OSError):
    """The address cannot be listened on: in use, not ours, or not permitted."""


class AccessLogError(TeachserveError, OSError):
    """The access log cannot be opened."""


class ThreadError(TeachserveError, RuntimeError):
    """The system does not make the threads with which an architecture starts."""


class CorruptedError(TeachserveError):
    """After an abandon some counter is not zero. `counters` holds those, by name."""

    def __init__(self, counters: dict[str, int]):
        self.counters = counters
        named = ", ".join(f"{name}={value}" for name, value in counters.items())
        super().__init__(f"the server was corrupted: these counters should be zero after an abandon: {named}")


class Abandoned(BaseException):
    """Raised in every thread of a server that is abandoned. Not an Exception: no handler may swallow it by accident."""


class Refusal(Exception):
    """A request that is answered with an error and the connection closed.

    `status` is the HTTP status, `reason` one sentence for the client's eyes and the log.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status
        self.reason = reason


def told(error: BaseException) -> str:
    """Somebody else's error in one line, with the line of source that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f", at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' + said if said else ''}{place}"
