"""Run an architecture for a while under mixed load, stopping and starting it: python -m tests.long.soak --arch recycling

The first half of the time is one long life of the server, the second half is lives of `--round` seconds, all on one port.
Every life ends with SIGTERM under load. Fails, with a line for each reason, on
  * a lost request: one that had begun and was not answered whole, unless we reset it ourselves; and a wrong answer;
  * a descriptor more than at the life's first quiet point (no client connected, all closed), or two threads more;
  * memory that grows: the median of the resident size in the last third of the long life, against the second third;
  * a stop that is not clean: a counter that is not zero, a thread that did not end, an error in the log, a status not 0.
Linux, for it reads /proc. Exit status 0 only if nothing of that happened.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teachserve.architectures import NAMES
from tests.long.stop_storm import free_port
from tests.long.visitors import Crowd, Ledger, Talk, Visitor, malformed

VISITORS = 12
QUIET_POINTS = 30
"""In the long life; as many in each of the short ones as fit between its start and its end at the same distance."""
LEAST_DISTANCE_S = 0.25
FEWEST_SIZES = 9
"""Fewer sizes than these say nothing about growth."""
GRACE_S = 10
DELAY = "1ms"
SETTLE_S = 5.0
"""How long the server may take to close what its clients have closed."""
SPARE_THREADS = 1
"""A recycling server at rest has `standby` workers, or one more: the last that was asked for may have come too late."""
TOLERANCE = 0.1
"""The share of its size by which a server may grow from one third to the next. One that makes threads takes minutes to
reach its size: recycling grew by 2.1 MB within 150 s, by 0.7 MB within 240 s; 100 bytes a request would be 20 MB."""
PROGRESS_S = 10.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the kernel says of a process: its resident size in kB, its open descriptors, its threads."""

    rss_kb: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, process: int) -> "Figures":
        """As of now."""
        proc = Path("/proc", str(process))
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        return cls(int(status["VmRSS"].split()[0]), len(list((proc / "fd").iterdir())), int(status["Threads"]))


class Life:
    """One process of the server, from its start to the end of its stop."""

    def __init__(self, arch: str, port: int, log: Path):
        self.log = log
        command = ["--arch", arch, "--port", str(port), "--delay", DELAY, "--graceful-timeout", f"{GRACE_S}s"]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "teachserve", "serve", *command, "--access-log", os.devnull],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip
        self.first: Figures | None = None
        self.sizes_kb: list[int] = []

    def await_start(self) -> bool:
        """Wait until it serves. False: it has ended, or does not."""
        deadline = time.monotonic() + GRACE_S
        while " serves on " not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def look(self) -> Iterator[str]:
        """Count at a quiet point; what is too much."""
        deadline = time.monotonic() + SETTLE_S
        now = self._settled()
        first = self.first = self.first or now
        threads = first.threads + SPARE_THREADS
        while (now.descriptors > first.descriptors or now.threads > threads) and time.monotonic() < deadline:
            time.sleep(0.02)
            now = Figures.of(self.process.pid)
        self.sizes_kb.append(now.rss_kb)
        if now.descriptors > first.descriptors:
            yield f"descriptors leaked: {now.descriptors}, of {first.descriptors} at first"
        if now.threads > threads:
            yield f"threads leaked: {now.threads}, of {first.threads} at first"

    def _settled(self) -> Figures:
        """The figures when they no longer change."""
        last, same = Figures.of(self.process.pid), 0
        while same < 5:
            time.sleep(0.02)
            now = Figures.of(self.process.pid)
            same = same + 1 if (now.descriptors, now.threads) == (last.descriptors, last.threads) else 0
            last = now
        return last

    def growth_kb(self) -> float | None:
        """By how much the last third of the sizes is above the second; None where there are too few."""
        third = len(self.sizes_kb) // 3
        if len(self.sizes_kb) < FEWEST_SIZES:
            return None
        return statistics.median(self.sizes_kb[-third:]) - statistics.median(self.sizes_kb[-2 * third : -third])

    def stop(self) -> Iterator[str]:
        """Tell it to stop, and wait; what is wrong with how it ends."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(2 * GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        lines = self.log.read_text(errors="replace").splitlines()
        if status:
            yield f"it ended with status {status}"
        if not any(line.endswith(", clean") and " INFO stopped in " in line for line in lines):
            yield f"a stop was not clean: {'; '.join(lines[-3:])}"
        yield from (f"in its log: {line}" for line in lines if " ERROR " in line or " WARNING " in line)


class Soak:
    """One architecture's run. `faults` are the reasons to fail."""

    def __init__(self, arch: str, seconds: float, round_s: float, folder: Path):
        self._arch, self._round_s, self._folder = arch, round_s, folder
        self._began = time.monotonic()
        self._end = self._began + seconds
        self._long_s = seconds / 2
        self._distance_s = max(LEAST_DISTANCE_S, self._long_s / QUIET_POINTS)
        self._port = free_port()
        self._crowd, self._ledger = Crowd(), Ledger()
        self.faults: list[str] = []
        self.lives: list[Life] = []
        self._told_at = self._began

    def run(self) -> None:
        """Live and stop until the time is over."""
        visitors = [Visitor(self._port, self._crowd, self._ledger, seed) for seed in range(VISITORS)]
        for visitor in visitors:
            visitor.start()
        try:
            self._live(self._long_s)
            while time.monotonic() < self._end and self.lives[-1].process.returncode == 0:
                self._live(min(self._round_s, max(self._end - time.monotonic(), self._distance_s)))
        finally:
            self._crowd.end()
            for visitor in visitors:
                visitor.join(60)
            for life in self.lives:
                life.process.kill()  # a process of ours that has ended is not signalled any more
                life.process.wait()
        self.faults += [f"{count} x {fault}" for fault, count in self._ledger.faults.items()]
        growth_kb = self.lives[0].growth_kb()
        if growth_kb is not None and growth_kb > TOLERANCE * statistics.median(self.lives[0].sizes_kb):
            self.faults.append(f"memory grows: {growth_kb:.0f} kB from the second third of the long life to the last")

    def _live(self, seconds: float) -> None:
        life = Life(self._arch, self._port, self._folder / f"{self._arch}-{len(self.lives)}.log")
        self.lives.append(life)
        if not life.await_start():
            self.faults.append(f"it did not start: {life.log.read_text(errors='replace')!r}")
            return
        self._ledger.up()
        with Talk("malformed", self._port, self._ledger, random.Random()) as talk:
            malformed(talk)  # from here on there is a closer
        end = time.monotonic() + seconds
        self._crowd.let_in()
        while (left_s := end - time.monotonic()) > 0:
            time.sleep(min(left_s, self._distance_s))
            self._tell()
            if end - time.monotonic() > self._distance_s / 2:
                if not self._crowd.hush():
                    self.faults.append("a client did not come to its end")
                self.faults += life.look()
                self._crowd.let_in()
        self._ledger.told()
        self.faults += life.stop()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at > PROGRESS_S or sys.stderr.isatty():
            self._told_at = now
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{now - self._began:4.0f} s  {self.summary()}", file=sys.stderr, end=end, flush=True)

    def summary(self) -> str:
        """What it came to, in one line."""
        first = self.lives[0].first
        sizes = [size for life in self.lives for size in life.sizes_kb]
        rss = f"{min(sizes) / 1024:.1f} to {max(sizes) / 1024:.1f} MB" if sizes else "n/a"
        growth_kb = self.lives[0].growth_kb()
        grown = "" if growth_kb is None else f" (long life {growth_kb:+.0f} kB)"
        at_rest = f"{first.descriptors} fds, {first.threads} threads at rest" if first else "not counted yet"
        return f"{self._arch}: {self._ledger.summary()}; {len(self.lives)} lives; rss {rss}{grown}; {at_rest}"


def main(arguments: list[str] | None = None) -> int:
    """Run it. The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=NAMES, default="recycling")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--round", type=float, default=20, help="seconds of each of the short lives")
    options = parser.parse_args(arguments)
    if min(options.seconds, options.round) <= 0:
        parser.error("--seconds and --round must be more than 0")
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(options.arch, options.seconds, options.round, Path(folder))
        soak.run()
    print(soak.summary())
    for fault in dict.fromkeys(soak.faults):
        print(f"{options.arch}: {fault}")
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
