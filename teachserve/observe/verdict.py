"""What a look at one thread says about what the thread says of itself.

Six verdicts, and only two of them judge: `confirmed` and `differs`. The other four say why there is no judgement. All
six are always counted, so that agreement among few judged samples cannot pass for agreement of all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import NamedTuple

from teachserve.events import State
from teachserve.observe.syscalls import ANY_CALL, EXPECTED, FUTEX, RUNTIME, WITH_DESCRIPTOR


class Verdict(StrEnum):
    """One sample's verdict. The value is the word on screen."""

    CONFIRMED = "confirmed"
    MOVED = "moved"
    RUNNING = "running"
    GIL = "waiting for the GIL"
    RUNTIME = "lock or runtime"
    DIFFERS = "differs"


MEANING: dict[Verdict, str] = {
    Verdict.CONFIRMED: "the kernel has it blocked in a call, on a descriptor, that its state allows",
    Verdict.MOVED: "it went on to another state while the kernel was asked: not judged",
    Verdict.RUNNING: "it runs, or is about to: there is no call to compare",
    Verdict.GIL: "blocked on a futex in the interpreter's own memory: the GIL, inferred",
    Verdict.RUNTIME: "blocked on another futex, as a lock is, or in a call that the interpreter makes for itself",
    Verdict.DIFFERS: "the kernel has it blocked in a call, or on a descriptor, that its state does not allow",
}


class Judgement(NamedTuple):
    """`call` and `descriptor`: as the kernel named them, else None. `reason`: in words, where it differs."""

    verdict: Verdict
    call: str | None = None
    descriptor: int | None = None
    reason: str = ""


_RUNNING = Judgement(Verdict.RUNNING)


def judge(
    state: State, descriptor: int, line: bytes, names: Mapping[int, str], in_interpreter: Callable[[int], bool]
) -> Judgement:
    """Compare a word's state and descriptor with one line of /proc/PID/task/TID/syscall.

    `names` are this machine's system calls; `in_interpreter` tells whether an address may be the GIL's. A futex is
    never agreement, whatever the state.
    """
    # "-1" is blocked outside a system call: a page fault. "running" is what it says.
    if line.startswith((b"running", b"-1")):
        return _RUNNING
    number, first = line.split(None, 2)[:2]
    call = names.get(int(number)) or f"syscall {int(number)}"
    if call in FUTEX:
        return Judgement(Verdict.GIL if in_interpreter(int(first, 16)) else Verdict.RUNTIME, call)
    asked = int(first, 16) & 0xFFFFFFFF if call in WITH_DESCRIPTOR else None
    if call in RUNTIME:
        return Judgement(Verdict.RUNTIME, call)
    expected = EXPECTED[state]
    if expected is ANY_CALL:
        return Judgement(Verdict.CONFIRMED, call, asked)
    on = "" if asked is None else f" on descriptor {asked}"
    if call not in expected.calls:
        may = f"blocks in {' or '.join(sorted(expected.calls))}" if expected.calls else "does not block"
        return Judgement(Verdict.DIFFERS, call, asked, f"{state} {may}, the kernel says {call}{on}")
    if expected.descriptor and asked != descriptor:
        return Judgement(
            Verdict.DIFFERS, call, asked, f"{state} on descriptor {descriptor}, the kernel says {call}{on}"
        )
    return Judgement(Verdict.CONFIRMED, call, asked)


@dataclass(frozen=True, slots=True)
class Shares:
    """Samples by verdict, since the witness began: of one state, or of all."""

    confirmed: int = 0
    moved: int = 0
    running: int = 0
    gil: int = 0
    runtime: int = 0
    differs: int = 0

    @property
    def samples(self) -> int:
        """All samples: one thread in one round is one."""
        return sum(getattr(self, one.name) for one in fields(self))

    @property
    def judged(self) -> int:
        """Samples with a judgement: confirmed or differs."""
        return self.confirmed + self.differs

    @property
    def agreement(self) -> float | None:
        """confirmed / judged, 0 to 1; None: nothing was judged. Of `handling` it says little: any call is allowed."""
        return self.confirmed / self.judged if self.judged else None

    @property
    def coverage(self) -> float | None:
        """judged / samples, 0 to 1: how much the agreement stands on; None: no samples."""
        return self.judged / self.samples if self.samples else None

    def share(self, verdict: Verdict) -> float:
        """This verdict's part of all samples, 0 to 1; over the six verdicts they sum to 1."""
        return self.count(verdict) / self.samples if self.samples else 0.0

    def count(self, verdict: Verdict) -> int:
        """Samples with this verdict."""
        return getattr(self, verdict.name.lower())

    def as_json(self) -> list[int]:
        """The six counts in the order of Verdict; `Shares(*told)` makes them shares again."""
        return [getattr(self, one.name) for one in fields(self)]

    def __add__(self, other: "Shares") -> "Shares":
        return Shares(*map(int.__add__, self.as_json(), other.as_json()))
