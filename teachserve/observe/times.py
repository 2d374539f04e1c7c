"""Times as they stand in a sentence. In us, as in the frames."""


def span(us: int) -> str:
    """A length of time: `0.4 ms`, `412 ms`, `1.20 s`."""
    if us < 10_000:
        return f"{us / 1e3:.1f} ms"
    return f"{us / 1e3:.0f} ms" if us < 999_500 else f"{us / 1e6:.2f} s"


def moment(us: int) -> str:
    """A moment on the server's clock: `3.104 s`."""
    return f"{us / 1e6:.3f} s"
