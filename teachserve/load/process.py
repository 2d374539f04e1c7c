"""The load generator as a process: `python -m teachserve.load.process '{"host": "127.0.0.1", "port": 8080, ...}'`.

The argument is a plan, a JSON object with the fields of `LoadPlan`. On stdin come orders, one JSON object a line:
`{"connections": 200}`, `{"rate": 500}`, `{"keep_alive": true}`, `{"host": "127.0.0.1", "port": 8081}`, several at once,
or `{"stop": true}`. A plan with `"held": true` waits for the order `{"begin": true}`. On stdout go ten lines of progress a
second (`summary.PROGRESS_KEYS`), at the end the result (`{"frame": "result", ...}`, its other keys in
`summary.RESULT_KEYS`). Where the plan wants `outcomes`, they go between them (`summary.OUTCOMES_KEYS`); what is not read
in time waits, within bounds, and beyond them it is lost and counted.

It ends by itself when its stdin does, since then the program that started it is gone; at SIGTERM and SIGINT; and
without a word when nobody reads its stdout any more. Exit status: 0; 2 and a line on stderr if it cannot do the plan.
"""

import contextlib
import json
import os
import select
import signal
import sys
import threading

from teachserve.load.generator import Generator
from teachserve.load.plan import LoadError, LoadPlan
from teachserve.load.result import Progress
from teachserve.load.summary import outcomes_json, progress_json, result_json

USAGE = 2
PATIENCE_S = 1.0
"""How long the result waits for a reader that does not read."""

SIGNAL_S = 0.2
"""How soon a load that is held hears a signal: a handler must not touch what the thread that it interrupts waits for."""


class Lines:
    """Stdout, line by line, without ever waiting for who reads it: the load must not stop because a reader does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""  # of a line that was written in part
        self.lost = 0
        self.closed = False
        os.set_blocking(descriptor, False)

    def offer(self, told: dict[str, object]) -> None:
        """Write the line if there is room for it; otherwise count it as lost."""
        if not self._flush():
            self.lost += 1
            return
        self._rest = json.dumps(told).encode() + b"\n"
        self._flush()

    @property
    def has_room(self) -> bool:
        """Whether a line that is offered now is not lost."""
        return self._flush()

    def deliver(self, told: dict[str, object], patience_s: float) -> bool:
        """Write the line, waiting so long for room. Whether it was written."""
        self._rest += json.dumps(told).encode() + b"\n"
        while not self._flush():
            if self.closed or not select.select([], [self._descriptor], [], patience_s)[1]:
                return False
        return True

    def _flush(self) -> bool:
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
        except BlockingIOError:
            return False
        except OSError:
            self.closed = True
            return False
        return True


def obey(generator: Generator, begin: threading.Event, descriptor: int) -> None:
    """Read orders and pass them on, until they end: then stop. It runs in a thread of its own, which mostly waits."""
    rest = b""
    with contextlib.suppress(OSError):
        while data := os.read(descriptor, 4096):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                try:
                    order(generator, begin, line)
                except LoadError as error:
                    complain(str(error))
    generator.stop()
    begin.set()


def order(generator: Generator, begin: threading.Event, line: bytes) -> None:
    """Carry out one order. Raises: LoadError."""
    try:
        wanted = json.loads(line)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise LoadError(f'an order must be a JSON object such as {{"rate": 500}}: {line!r}')
    if wanted.pop("begin", False):
        begin.set()
    if wanted.pop("stop", False):
        generator.stop()
        begin.set()
    elif wanted:
        generator.change(**wanted)


def complain(text: str) -> None:
    """One line on stderr, if there still is one."""
    with contextlib.suppress(OSError, ValueError):
        print(f"teachserve: {text}", file=sys.stderr, flush=True)


def run(argument: str) -> int:
    """Carry out the plan in `argument`. The exit status."""
    begin = threading.Event()
    try:
        plan = json.loads(argument)
        held = isinstance(plan, dict) and plan.pop("held", False)
        generator = Generator(LoadPlan.from_json(plan), tolerant=bool(held))
    except ValueError as error:
        complain(f"the plan is not JSON: {error}")
        return USAGE
    except LoadError as error:
        complain(str(error))
        return USAGE
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: generator.stop())
    lines = Lines(sys.stdout.fileno())
    threading.Thread(target=obey, args=(generator, begin, sys.stdin.fileno()), name="orders", daemon=True).start()
    while held and not generator.stopping and not begin.wait(SIGNAL_S):
        continue

    def tell(progress: Progress) -> None:
        lines.offer(progress_json(progress, lines.lost))
        while generator.outcomes and lines.has_room:
            lines.offer(outcomes_json(generator))
        if lines.closed:
            generator.stop()

    try:
        result = generator.run(tell)
    except LoadError as error:
        complain(str(error))
        return USAGE
    if generator.outcomes is not None:
        while lines.deliver(outcomes_json(generator), PATIENCE_S) and generator.outcomes:
            continue
    lines.deliver({"frame": "result", **result_json(result)}, PATIENCE_S)
    return 0


def main() -> None:
    """What `python -m teachserve.load.process` does."""
    if len(sys.argv) != 2:
        complain('give one argument, the plan as JSON: \'{"host": "127.0.0.1", "port": 8080}\'')
        sys.exit(USAGE)
    status = run(sys.argv[1])
    sys.stderr.flush()
    # Not sys.exit: the thread that reads orders may be in the middle of anything.
    os._exit(status)


if __name__ == "__main__":
    main()
