"""The load generator as another program's child: `python -m teachserve.load.process PLAN`.

PLAN is a LoadPlan as JSON. Commands come as JSON lines on stdin: {"connections": 200}, {"rate": 500}, {"keep_alive":
false}, {"stop": true}; the end of stdin means that the parent is gone or has enough, and ends it. Progress goes out as JSON
lines on stdout ten times a second, and last of all the result, with "frame": "result".
"""

import contextlib
import json
import os
import signal
import sys

from teachserve.load.generator import Generator
from teachserve.load.latency import NO_HISTOGRAM, HdrHistogram
from teachserve.load.plan import LoadPlan


def main() -> int:
    """Run; the exit status: 0, or 1 where nothing could be measured."""
    generator = Generator(LoadPlan(**json.loads(sys.argv[1])))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: generator.stop())
    if HdrHistogram is None:
        print(NO_HISTOGRAM, file=sys.stderr)
    commands = bytearray()

    def obey() -> None:
        data = os.read(0, 65536)
        if not data:
            generator.stop()
        commands.extend(data)
        while b"\n" in commands:
            line, _, rest = bytes(commands).partition(b"\n")
            commands[:] = rest
            with contextlib.suppress(ValueError, TypeError):
                command = json.loads(line)
                if command.pop("stop", False):
                    generator.stop()
                generator.change(**command)

    def tell(_: Generator) -> None:
        print(json.dumps(generator.progress()), flush=True)

    generator.watch(0, obey)
    try:
        result = generator.run(tell)
        print(json.dumps({"frame": "result", **result}), flush=True)
    except BrokenPipeError:  # the parent is gone, and has taken stdout with it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        print(f"cannot connect to {generator.plan.url}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
