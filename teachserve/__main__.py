"""The program's entry: `teachserve`, and `python -m teachserve`."""

import signal


def main() -> None:
    """Run the command line. Ctrl-C while it is still being imported ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from teachserve.cli import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
