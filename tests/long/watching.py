"""What watching costs: python -m tests.long.watching [first-frame] [cpu] [throughput] [memory]; all of them without a name.

  * first-frame: seconds from the command to a dashboard with figures on it, a terminal of 80x24, `--rounds` times;
  * cpu: what the dashboard uses of a core at 400 threads and 10 frames/s, view by view, for `--seconds` each;
  * throughput: requests/s while a watcher takes every table, and every event too, over requests/s without one, in turn,
    `--rounds` times, for recycling and thread-pool; with the GIL as it is. Needs no Textual;
  * memory: the dashboard's resident size each minute for `--minutes`.

Figures only: what they should be is for whoever reads them, on a machine that does nothing else. Linux, for it reads /proc.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teachserve.observe.link import Link
from teachserve.observe.proc import process_cpu
from tests.demo.terminal import Terminal
from tests.long.soak import Figures
from tests.server.serving import ENVIRONMENT, starting

MANY = ("--arch", "recycling", "--max-threads", "400", "--keep-alive", "-c", "400", "--delay", "20ms")
VIEWS = {
    "1": "places", "2": "threads", "3": "connections", "4": "lanes", "5": "code", "6": "diagram", "7": "charts",
    "9": "kernel",
}  # fmt: skip
LEVELS = ("unwatched", "table", "stream")
LOADS = {"recycling": ("--close",), "thread-pool": ("--keep-alive",)}


@contextmanager
def dashboard(*arguments: str) -> Iterator[tuple[Terminal, int]]:
    """A demo in a terminal, and the process that draws it. What it writes is read and thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="watching"))
    terminal = Terminal(*arguments, folder=folder)
    try:
        number = terminal.shown("demo").number
        reading = threading.Thread(target=drain, args=(terminal.master,), daemon=True)
        reading.start()
        yield terminal, number
        terminal.type("q")
        terminal.guard.wait()
    finally:
        terminal.close()
        shutil.rmtree(folder)


def drain(descriptor: int) -> None:
    """Read a terminal until it is closed."""
    try:
        while os.read(descriptor, 1 << 16):
            continue
    except OSError:
        return


def first_frame(rounds: int) -> None:
    """Tell the seconds to the first picture."""
    took = []
    for _ in range(rounds):
        began = time.monotonic()
        with dashboard("--arch", "recycling"):
            took.append(time.monotonic() - began)
    print(f"first frame: {spread(took)} s")


def cpu(seconds: float) -> None:
    """Tell each view's share of a core."""
    with dashboard(*MANY) as (terminal, number):
        for key, view in VIEWS.items():
            terminal.type(key)
            time.sleep(2)
            before = process_cpu(number)
            time.sleep(seconds)
            print(f"cpu, {view}: {(process_cpu(number) - before) / seconds:.1%} of a core", flush=True)


def requests_per_s(port: int, *options: str) -> float:
    """What a load of 100 clients gets in 3 s."""
    ran = subprocess.run(
        [sys.executable, "-m", "teachserve", "load", f"http://127.0.0.1:{port}/yo", "-c", "100", "-z", "3s", "--json",
         *options], capture_output=True, text=True, check=True, env=ENVIRONMENT,
    )  # fmt: skip
    return json.loads(ran.stdout)["requests_per_s"]


@contextmanager
def watched(link_file: Path, level: str) -> Iterator[None]:
    """A watcher at this level that takes whatever comes; none for the level `unwatched`."""
    if level == "unwatched":
        yield
        return
    with Link.attach(link_file, appear=10.0) as link:
        link.send("level", level=level)
        threading.Thread(target=lambda: [None for _ in link.frames()], daemon=True).start()
        yield


def throughput(rounds: int) -> None:
    """Tell the ratio of the watched rates to the unwatched one, each round's own."""
    for architecture, options in LOADS.items():
        folder = Path(tempfile.mkdtemp(prefix="watching"))
        link_file = folder / "link"
        with starting() as start:
            server = start(
                "--arch", architecture, "--delay", "1ms", "--access-log", "none", "--link-file", str(link_file)
            )
            ratios: dict[str, list[float]] = {"table": [], "stream": []}
            for turn in range(rounds):
                rates = {}
                for level in (*LEVELS[turn % 3 :], *LEVELS[: turn % 3]):
                    with watched(link_file, level):
                        rates[level] = requests_per_s(server.port, *options)
                for level, its in ratios.items():
                    its.append(rates[level] / rates["unwatched"])
                told = ", ".join(f"{level} {rates[level]:.0f}" for level in LEVELS)
                print(f"throughput, {architecture}: {told} requests/s", flush=True)
            for level, its in ratios.items():
                print(f"throughput, {architecture} {options[0]}: {level} over unwatched {spread(its)}")
        shutil.rmtree(folder)


def memory(minutes: float) -> None:
    """Tell the dashboard's size each minute."""
    with dashboard(*MANY) as (_, number):
        for minute in range(int(minutes) + 1):
            print(f"memory, minute {minute}: {Figures.of(number).rss_kb / 1024:.1f} MB", flush=True)
            if minute < minutes:
                time.sleep(60)


def spread(values: list[float]) -> str:
    """Median, least and greatest."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f}, {len(values)} rounds)"


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ("first-frame", "cpu", "throughput", "memory")
    parser.add_argument("what", nargs="*", choices=names, default=list(names))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    for name in asked.what:
        match name:
            case "first-frame":
                first_frame(asked.rounds)
            case "cpu":
                cpu(asked.seconds)
            case "throughput":
                throughput(asked.rounds)
            case "memory":
                memory(asked.minutes)


if __name__ == "__main__":
    main()
