"""The witness: asks the kernel, from outside the server's process, where each thread is blocked.

What a thread says of itself stands in a word of shared memory. The witness reads number and word, asks the kernel, and
reads word and number again: where they have not changed, both speak of the same moment and can be compared.

It has to be outside: within the server's process a round waits for the GIL at every file, and 245 threads took 4.5 s.
Without the permission to ask (another user, Yama's ptrace_scope, a process that is not dumpable) there is no witness,
and `unavailable` says why. Source: proc_pid_syscall(5), proc_pid_wchan(5), ptrace(2) "Ptrace access mode checking".
"""

import mmap
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from teachserve.events import ROW_WORDS, ROWS, STATES, State, unpack_word
from teachserve.observe.proc import GONE, InterpreterMemory, TaskFiles, alive, process_cpu
from teachserve.observe.syscalls import NAMES
from teachserve.observe.verdict import Judgement, Shares, Verdict, judge

__all__ = ["Look", "Shares", "Sighting", "Verdict", "Witness", "process_cpu"]

UNJUDGED_S = 60.0
"""A state that had samples, but for this long none that could be judged, is called unjudged."""

_MOVED = Judgement(Verdict.MOVED)
VERDICTS = tuple(Verdict)
"""A verdict's place here is its number in JSON."""
_VERDICTS = {verdict: position for position, verdict in enumerate(VERDICTS)}


class Sighting(NamedTuple):
    """One thread in one round: what it said, and what the kernel said."""

    number: int
    native: int
    state: State
    said: int
    """The descriptor in the thread's word; 0: its state has none."""
    verdict: Verdict
    call: str | None
    """The system call that it is blocked in; None: in none, or not looked at."""
    descriptor: int | None
    """The call's first argument, where that is a descriptor."""
    wchan: str
    """The kernel function that it sleeps in, only shown: `0` when it runs, or without permission."""
    reason: str
    """Where it differs: in words; else empty."""

    def as_json(self) -> list[Any]:
        """The fields in their order, state and verdict as numbers: there are hundreds, several times a second."""
        return [*self[:2], self.state.code, self.said, _VERDICTS[self.verdict], *self[5:]]

    @classmethod
    def of_json(cls, told: Sequence[Any]) -> "Sighting":
        """What `as_json` gave, once more."""
        number, native, state, said, verdict, *rest = told
        return cls(number, native, STATES[state], said, VERDICTS[verdict], *rest)


@dataclass(frozen=True, slots=True)
class Look:
    """One round over all threads, with the sums of all rounds so far."""

    sightings: tuple[Sighting, ...]
    """Threads seen in this round, in the order of the table's rows."""
    shares: Mapping[State, Shares]
    """State -> samples by verdict in all rounds; states that were never seen are left out."""
    total: Shares
    """The same over all states."""
    unjudged_for_s: Mapping[State, float]
    """State -> seconds since its first sample after which none could be judged; judged states are left out."""
    took_s: float
    """What this round cost the watcher, in seconds."""
    unavailable: str | None = None
    """Why the kernel could not be asked, in one sentence; None: it was."""

    @property
    def unjudged(self) -> tuple[State, ...]:
        """States about which the witness has had nothing to say for a minute or more."""
        return tuple(state for state, seconds in self.unjudged_for_s.items() if seconds >= UNJUDGED_S)

    @property
    def differing(self) -> tuple[Sighting, ...]:
        """The threads that the kernel contradicts in this round."""
        return tuple(one for one in self.sightings if one.verdict is Verdict.DIFFERS)

    @classmethod
    def made(cls, sightings: Iterable[Sighting], shares: Mapping[State, Shares], *rest: Any) -> "Look":
        """With the total that follows from the shares."""
        return cls(tuple(sightings), shares, sum(shares.values(), Shares()), *rest)

    def as_json(self) -> dict[str, Any]:
        """Without `total`, which follows from the shares."""
        return {
            "sightings": [one.as_json() for one in self.sightings],
            "shares": {state.value: shares.as_json() for state, shares in self.shares.items()},
            "unjudged_for_s": {state.value: seconds for state, seconds in self.unjudged_for_s.items()},
            "took_s": self.took_s,
            "unavailable": self.unavailable,
        }

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Look":
        """What `as_json` gave, once more."""
        return cls.made(
            map(Sighting.of_json, told["sightings"]),
            {State(state): Shares(*counts) for state, counts in told["shares"].items()},
            {State(state): seconds for state, seconds in told["unjudged_for_s"].items()},
            told["took_s"],
            told["unavailable"],
        )


class Witness:
    """Looks at the threads of one process. One thread at a time may use it; close it, or use `with`.

    `words_descriptor` is the header's, None where the server shares no table. Where `gil` is false no futex can be the
    GIL's. `clock` gives seconds, for `unjudged_for_s` and the cost alone.
    """

    def __init__(
        self,
        process: int,
        words_descriptor: int | None,
        machine: str | None = None,
        *,
        gil: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.process = process
        self.unavailable: str | None = None
        self._names = NAMES.get(machine or platform.machine(), {})
        self._clock = clock
        self._files = TaskFiles(process)
        self._interpreter = InterpreterMemory(process) if gil else None
        self._counts: dict[State, list[int]] = {}
        self._unjudged_since: dict[State, float] = {}
        self._memory: mmap.mmap | None = None
        self._words: memoryview | None = None
        self._open(words_descriptor, machine or platform.machine())

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptors and the mapping back."""
        self._files.close()
        if self._words is not None and self._memory is not None:
            self._words.release()
            self._memory.close()
            self._words = self._memory = None
        self.unavailable = self.unavailable or "the witness is closed"

    def look(self) -> Look:
        """One round: look at every thread once. Never raises; where it cannot look, the Look says why."""
        began = self._clock()
        sightings: list[Sighting] = []
        if self._words is not None:
            self.unavailable = None
            try:
                sightings = self._round(self._words)
            except OSError as error:
                self.unavailable = _why(error, self.process)
            if not sightings and self.unavailable is None and not alive(self.process):
                self.unavailable = f"process {self.process} is gone"
        self._count(sightings, began)
        shares = {state: Shares(*self._counts[state]) for state in State if state in self._counts}
        unjudged_for_s = {state: began - since for state, since in self._unjudged_since.items()}
        return Look.made(sightings, shares, unjudged_for_s, self._clock() - began, self.unavailable)

    def _open(self, words_descriptor: int | None, machine: str) -> None:
        if not sys.platform.startswith("linux"):
            self.unavailable = f"only Linux shows where a thread is blocked, this is {sys.platform}"
        elif not self._names:
            self.unavailable = f"the numbers of system calls on {machine} are not known here"
        elif words_descriptor is None:
            self.unavailable = "the server shares no table of words"
        else:
            try:
                descriptor = os.open(f"/proc/{self.process}/fd/{words_descriptor}", os.O_RDONLY | os.O_CLOEXEC)
                try:
                    self._memory = mmap.mmap(descriptor, ROWS * ROW_WORDS * 8, prot=mmap.PROT_READ)
                finally:
                    os.close(descriptor)
                self._words = memoryview(self._memory).cast("Q")
            except (OSError, ValueError) as error:  # ValueError: a file shorter than the table
                self.unavailable = _why(error, self.process)

    def _round(self, words: memoryview) -> list[Sighting]:
        sightings = []
        seen = set()
        for row, number in enumerate(words[::ROW_WORDS].tolist()):
            if not number:
                continue
            at = row * ROW_WORDS
            number = words[at]
            word = words[at + 2]
            native = words[at + 1]
            if not native:
                continue
            try:
                line, wchan = self._files.read(number, native)
            except GONE:
                continue
            again = words[at + 2]
            if words[at] != number or not line:
                continue
            seen.add(number)
            _sequence, said, state = unpack_word(word)
            found = judge(state, said, line, self._names, self._is_gil) if again == word else _MOVED
            sightings.append(
                Sighting(number, native, state, said, found.verdict, found.call, found.descriptor, wchan, found.reason)
            )
        self._files.keep(seen)
        return sightings

    def _is_gil(self, address: int) -> bool:
        return self._interpreter is not None and address in self._interpreter

    def _count(self, sightings: list[Sighting], now: float) -> None:
        judged = set()
        for one in sightings:
            self._counts.setdefault(one.state, [0] * len(Verdict))[_VERDICTS[one.verdict]] += 1
            if one.verdict in (Verdict.CONFIRMED, Verdict.DIFFERS):
                judged.add(one.state)
        for state in {one.state for one in sightings} - judged:
            self._unjudged_since.setdefault(state, now)
        for state in judged:
            self._unjudged_since.pop(state, None)


def _why(error: Exception, process: int) -> str:
    if isinstance(error, PermissionError):
        return (
            f"not permitted to look into process {process}: it is another user's, or ptrace is restricted "
            "(kernel.yama.ptrace_scope); let the process that looks be its parent"
        )
    if isinstance(error, GONE):
        return f"process {process} is gone, or does not share its table of words"
    return f"process {process} cannot be looked into: {error}"
