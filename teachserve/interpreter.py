"""What this Python can do."""

import sys


def gil_enabled() -> bool:
    """Whether threads take turns at the GIL. False only on a free-threaded Python (PEP 703) that has not switched it on."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()
