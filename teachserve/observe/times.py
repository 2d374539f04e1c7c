"""Times as they stand in a sentence. In us, as in the frames."""


def span(us: int) -> str:
    """A length of time: `40 us`, `1.4 ms`, `412 ms`, `1.20 s`."""
    if us < 1000:
        return f"{us} us"
    if us < 10_000:
        return f"{us / 1e3:.1f} ms"
    return f"{us / 1e3:.0f} ms" if us < 999_500 else f"{us / 1e6:.2f} s"


def moment(us: int) -> str:
    """A moment on the server's clock: `3.104 s`."""
    return f"{us / 1e6:.3f} s"


def stretch(began: int, ended: int) -> str:
    """From one moment to another: `from 3.104 s to 3.490 s`; a short one `for 538 us from 3.104 s`."""
    if ended - began < 10_000:
        return f"for {span(ended - began)} from {moment(began)}"
    return f"from {moment(began)} to {moment(ended)}"
