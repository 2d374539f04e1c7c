"""Looks for bytes that break a rule, for a bounded time: `python -m tests.corpus.fuzz --seconds 60`.

It changes the cases a little, again and again, and checks `invariants`. A find is made as short as it goes and written
into `cases/finds` with what h11 says to it as its expectation, for you to put right by the RFC. Exit status 1 if any.
"""

import argparse
import random
import re
import sys
import time
import zlib
from pathlib import Path

from tests.corpus import cases, oracle
from tests.corpus.invariants import fault
from tests.corpus.mutation import mutate

MOST_BYTES = 2000
"""Longer sequences are not tried: they cost much and show little."""


def fuzz(seconds: float, seed: int, most_finds: int) -> list[Path]:
    """The files of what was found, at most so many of them. `seed` decides all but how far it comes."""
    chance = random.Random(seed)
    seeds = [case.data for case in cases.load()]
    found: dict[str, Path] = {}
    tried = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(found) < most_finds:
        data = mutate(chance.choice(seeds), chance, seeds)[:MOST_BYTES]
        tried += 1
        if (told := fault(data)) and (kind := _kind(told)) not in found:
            shortest = shorten(data, kind)
            found[kind] = _write(shortest, fault(shortest))
            print(f"{found[kind]}: {fault(shortest)}", flush=True)
    print(f"{tried} sequences tried, {len(found)} finds; seed {seed}", flush=True)
    return list(found.values())


def shorten(data: bytes, kind: str) -> bytes:
    """Leave out whatever can be left out with the fault staying of its kind."""
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data):
            less = data[:at] + data[at + size :]
            if _kind(fault(less)) == kind:
                data = less
            else:
                at += size
        size //= 2
    return data


def _kind(told: str) -> str:
    """A fault without its particulars: a second find of the same kind is not worth a file before the first is mended."""
    return re.sub(r"\d+", "N", told.partition("Answer(")[0].partition("Reading(")[0])


def _write(data: bytes, told: str) -> Path:
    theirs = oracle.read(data)
    return cases.write(cases.Case(
        name=f"finds/{zlib.crc32(data):08x}", about=" ".join(told.split()).encode("ascii", "backslashreplace").decode(),
        source="found by tests.corpus.fuzz; the answers are h11's: put them right by the RFC", data=data,
        answers=theirs.answers, closed=theirs.closed, half_closes=True,
    ))  # fmt: skip


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run (default: another one each time)")
    parser.add_argument(
        "--most-finds", type=int, default=10, help="leave off after so many kinds of find (default: 10)"
    )
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    return 1 if fuzz(options.seconds, seed, options.most_finds) else 0


if __name__ == "__main__":
    sys.exit(main())
