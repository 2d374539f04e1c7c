"""What is told on stdout, where nobody may read it to its end."""

import contextlib
import os
import sys
from collections.abc import Iterator

import click


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Within it stdout is written. That nobody reads on, as `| head`, is no failure; what else can be wrong is.

    Raises: UsageError, where stdout cannot be written.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        if not isinstance(error, BrokenPipeError):
            raise click.UsageError(f"stdout cannot be written: {error.strerror}") from None
