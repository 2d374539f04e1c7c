"""The witness, over real threads of a real process: what it confirms, what it catches, and when it says nothing."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachserve.events import State
from teachserve.observe import proc
from teachserve.observe.kernel import Look, Shares, Verdict, Witness, process_cpu

from .child import PATIENCE_S, Child
from .conftest import open_descriptors

S = State
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can be asked")

HONEST = [
    (S.ACCEPTING, "accept"), (S.READING, "recv"), (S.IDLE, "recv"), (S.WRITING, "send"), (S.WAITING, "take"),
    (S.WAITING_FOR_PLACE, "take"), (S.SELECTING, "select"), (S.LINGERING, "select"), (S.BACKING_OFF, "sleep"),
    (S.HANDLING, "sleep"),
]  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def witness(child: Child, **rest: object) -> Witness:
    return Witness(child.process, child.words_descriptor, platform.machine(), **rest)


def looks_until(seen: Callable[[Look], bool], watching: Witness) -> Iterator[Look]:
    """Rounds, up to the first in which it was seen; fails where it never is."""
    patience = time.monotonic() + PATIENCE_S
    while True:
        look = watching.look()
        assert look.unavailable is None
        yield look
        if seen(look):
            return
        assert time.monotonic() < patience, f"not seen in {PATIENCE_S} s: {look.total}"
        os.sched_yield()


# ---- threads that tell the truth -----------------------------------------------------------------------------------


def test_without_a_lie_agreement_is_whole_in_every_state_and_covers_every_sample(start_child):
    child = start_child(*HONEST, *HONEST)
    with witness(child) as watching:
        for _ in range(20):
            look = watching.look()
    assert look.unavailable is None
    assert set(look.shares) == {state for state, _ in HONEST}
    for shares in look.shares.values():
        assert shares == Shares(confirmed=40)
        assert (shares.agreement, shares.coverage) == (1.0, 1.0)
    assert look.total == Shares(confirmed=400)
    assert look.differing == ()
    assert look.unjudged_for_s == {}


def test_a_sighting_tells_the_call_the_descriptor_and_the_kernels_own_function(start_child):
    child = start_child((S.ACCEPTING, "accept"), (S.WAITING, "take"), (S.HANDLING, "sleep"))
    with witness(child) as watching:
        accepting, waiting, handling = watching.look().sightings
    assert (accepting.number, accepting.native, accepting.state) == (1, child.native[1], S.ACCEPTING)
    assert (accepting.call, accepting.descriptor, accepting.said) == (
        "accept4",
        child.descriptor[1],
        child.descriptor[1],
    )
    assert accepting.verdict is Verdict.CONFIRMED
    assert accepting.reason == ""
    # Any name will do: it is the kernel's, and differs between versions; without permission it is a 0.
    assert accepting.wchan
    assert (waiting.call, waiting.descriptor) == ("read", child.descriptor[2])
    assert (handling.call, handling.descriptor, handling.said) == ("clock_nanosleep", None, 0)


# ---- threads that lie ----------------------------------------------------------------------------------------------


def test_one_lie_among_many_threads_is_found_and_named(start_child):
    child = start_child(*[(S.READING, "recv")] * 20, (S.READING, "accept"), *[(S.ACCEPTING, "accept")] * 20)
    with witness(child) as watching:
        for _ in range(10):
            look = watching.look()
    assert [one.number for one in look.differing] == [21]
    assert look.shares[S.READING] == Shares(confirmed=200, differs=10)
    assert look.shares[S.READING].agreement < 0.99
    assert look.shares[S.ACCEPTING].agreement == 1.0
    assert look.differing[0].reason == (
        f"reading blocks in read or recvfrom or recvmsg, the kernel says accept4 on descriptor {child.descriptor[21]}"
    )


def test_two_labels_swapped_leave_no_agreement(start_child):
    child = start_child((S.READING, "accept"), (S.ACCEPTING, "recv"))
    with witness(child) as watching:
        look = watching.look()
    assert look.shares == {S.ACCEPTING: Shares(differs=1), S.READING: Shares(differs=1)}
    assert look.total.agreement == 0.0
    assert "accepting blocks in accept or accept4, the kernel says recvfrom" in look.differing[1].reason


def test_the_right_call_on_anothers_descriptor_differs(start_child):
    child = start_child((S.READING, "recv", 1), (S.WAITING, "take", 0))
    with witness(child) as watching:
        look = watching.look()
    assert look.total == Shares(differs=2)
    assert look.differing[0].reason == (
        f"reading on descriptor 1, the kernel says recvfrom on descriptor {child.descriptor[1]}"
    )


# ---- threads about which nothing can be said -----------------------------------------------------------------------


def test_a_wait_on_a_lock_is_never_agreement_whatever_the_state(start_child):
    states = [state for state in State if state not in (S.ENDED, S.BROKEN)]
    child = start_child(*[(state, "lock") for state in states])
    with witness(child) as watching:
        look = watching.look()
    assert {one.verdict for one in look.sightings} == {Verdict.RUNTIME}
    assert {one.call for one in look.sightings} == {"futex"}
    assert look.total == Shares(runtime=len(states))
    assert (look.total.agreement, look.total.coverage) == (None, 0.0)


def test_a_word_that_changes_while_the_kernel_is_asked_is_not_judged(start_child, monkeypatch):
    child = start_child((S.READING, "hop"))
    with witness(child) as watching:
        read, words = watching._files.read, watching._words

        def read_and_await_a_move(number: int, native: int) -> tuple[bytes, str]:
            word, patience = words[2], time.monotonic() + PATIENCE_S
            answer = read(number, native)
            while words[2] == word:
                assert time.monotonic() < patience
                os.sched_yield()
            return answer

        monkeypatch.setattr(watching._files, "read", read_and_await_a_move)
        look = watching.look()
    assert look.total == Shares(moved=1)
    assert look.sightings[0].call is None


def test_a_thread_that_runs_is_running(start_child):
    child = start_child((S.ACCEPTING, "spin"))
    with witness(child) as watching:
        *_, look = looks_until(lambda look: look.sightings[0].verdict is Verdict.RUNNING, watching)
    assert look.total.differs == look.total.confirmed == 0


@pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this Python has no GIL")
def test_threads_that_want_the_gil_are_seen_to_wait_for_it_and_a_lock_is_not_taken_for_it(start_child):
    child = start_child((S.RECYCLING, "lock"), *[(S.HANDLING, "spin")] * 3)
    with witness(child) as watching:
        for look in looks_until(lambda look: look.shares[S.HANDLING].gil >= 20, watching):
            assert look.sightings[0].verdict is Verdict.RUNTIME
    assert look.shares[S.HANDLING].differs == 0
    assert look.shares[S.RECYCLING].gil == 0
    with witness(child, gil=False) as watching:
        *_, look = looks_until(lambda look: look.shares[S.HANDLING].runtime > 0, watching)
    assert look.total.gil == 0


def test_a_state_without_a_judgement_for_a_minute_is_reported(start_child):
    child = start_child((S.RECYCLING, "lock"), (S.READING, "recv"))
    clock = Clock()
    with witness(child, clock=clock) as watching:
        clock.now = 100.0
        assert watching.look().unjudged_for_s == {S.RECYCLING: 0.0}
        clock.now = 159.0
        assert watching.look().unjudged == ()
        clock.now = 160.0
        look = watching.look()
    assert look.unjudged_for_s == {S.RECYCLING: 60.0}
    assert look.unjudged == (S.RECYCLING,)


def test_a_state_that_is_judged_again_is_reported_no_more(start_child):
    child = start_child((S.WAITING, "take"), (S.ACCEPTING, "lock"))
    with witness(child) as watching:
        assert set(watching.look().unjudged_for_s) == {S.ACCEPTING}
        child.replace_first()  # by a thread that blocks in accept
        assert watching.look().unjudged_for_s == {}


# ---- threads that come and go --------------------------------------------------------------------------------------


def test_a_row_that_another_thread_took_is_the_other_threads(start_child):
    child = start_child((S.WAITING, "take"), (S.READING, "recv"))
    with witness(child) as watching:
        assert [one.number for one in watching.look().sightings] == [1, 2]
        opened = open_descriptors()
        child.replace_first()
        look = watching.look()
        assert [(one.number, one.native) for one in look.sightings] == [
            (1001, child.native[1001]),
            (2, child.native[2]),
        ]
        assert look.sightings[0].verdict is Verdict.CONFIRMED
        # The files of thread 1 are closed, those of 1001 are open.
        assert open_descriptors() == opened


def test_a_row_that_changes_hands_while_the_kernel_is_asked_is_no_sample_of_either(start_child, monkeypatch):
    child = start_child((S.WAITING, "take"))
    with witness(child) as watching:
        read = watching._files.read

        def read_and_replace(number: int, native: int) -> tuple[bytes, str]:
            answer = read(number, native)
            child.replace_first()
            return answer

        with monkeypatch.context() as change:
            change.setattr(watching._files, "read", read_and_replace)
            assert watching.look().sightings == ()
        assert [one.number for one in watching.look().sightings] == [1001]


def test_without_descriptors_to_spare_it_opens_and_closes_and_finds_the_same(start_child, monkeypatch):
    child = start_child(*HONEST)
    monkeypatch.setattr(proc, "_descriptors_to_spare", lambda: 0)
    with witness(child) as watching:
        before = open_descriptors()
        for _ in range(3):
            assert watching.look().differing == ()
            assert open_descriptors() == before
        assert watching.look().total == Shares(confirmed=4 * len(HONEST))


def test_a_process_that_has_gone_is_said_to_be_gone_and_what_was_seen_stays(start_child):
    child = start_child((S.READING, "recv"))
    with witness(child) as watching:
        assert watching.look().unavailable is None
        os.kill(child.process, 9)
        for _ in range(100_000):
            look = watching.look()
            if look.unavailable:
                break
        assert look.unavailable == f"process {child.process} is gone"
        assert look.sightings == ()
        assert look.shares[S.READING].samples >= 1
    child.end()
    with witness(child) as late:
        assert "is gone" in late.look().unavailable


# ---- where the kernel cannot be asked ------------------------------------------------------------------------------


def test_an_unknown_machine_is_named():
    with Witness(os.getpid(), 0, "pdp11") as watching:
        look = watching.look()
    assert look.unavailable == "the numbers of system calls on pdp11 are not known here"
    assert (look.sightings, look.shares, look.total) == ((), {}, Shares())


def test_a_server_that_shares_no_table_is_said_to_share_none():
    with Witness(os.getpid(), None) as watching:
        assert watching.look().unavailable == "the server shares no table of words"


def test_another_system_than_linux_is_named(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with Witness(os.getpid(), 5) as watching:
        assert watching.look().unavailable == "only Linux shows where a thread is blocked, this is darwin"


def test_a_descriptor_that_is_no_table_is_a_reason_and_no_error():
    with Path(os.devnull).open() as file, Witness(os.getpid(), file.fileno()) as watching:
        assert "cannot be looked into" in watching.look().unavailable


def test_without_permission_there_is_a_reason_and_no_sample(start_child):
    if os.geteuid() != 0:
        with Witness(1, 0) as watching:
            assert "not permitted" in watching.look().unavailable
        return
    child = start_child((S.READING, "recv"))
    reading, writing = os.pipe()
    nobody = os.fork()
    if not nobody:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            look = witness(child).look()
            os.write(writing, f"{len(look.sightings)} {look.unavailable}".encode())
        finally:
            os._exit(0)
    os.waitpid(nobody, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.read().startswith(f"0 not permitted to look into process {child.process}")


def test_permission_that_is_lost_while_watching_is_a_reason_and_comes_back_with_it(start_child, monkeypatch):
    child = start_child((S.READING, "recv"))

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with witness(child) as watching:
        with monkeypatch.context() as change:
            change.setattr(watching._files, "read", refuse)
            assert "not permitted" in watching.look().unavailable
        look = watching.look()
    assert (look.total, look.unavailable) == (Shares(confirmed=1), None)


def test_a_closed_witness_says_so_and_holds_nothing(start_child):
    child = start_child((S.READING, "recv"))
    before = open_descriptors()
    watching = witness(child)
    watching.look()
    assert open_descriptors() > before
    watching.close()
    watching.close()
    assert open_descriptors() == before
    assert watching.look().unavailable == "the witness is closed"


# ---- CPU -----------------------------------------------------------------------------------------------------------


def test_process_cpu_is_user_and_system_time_together():
    times = os.times()
    told = process_cpu(os.getpid())
    later = os.times()
    assert times.user + times.system <= told + 0.01
    assert told <= later.user + later.system + 0.01


def test_process_cpu_grows_while_a_thread_of_it_runs(start_child):
    child = start_child((S.HANDLING, "spin"))
    before, patience = process_cpu(child.process), time.monotonic() + PATIENCE_S
    while process_cpu(child.process) <= before:
        assert time.monotonic() < patience


def test_process_cpu_reads_past_a_name_with_brackets_and_of_a_process_that_is_gone_there_is_none():
    code = "import sys; open('/proc/self/comm', 'w').write('a) Z 1 (b'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as named:
        named.stdout.readline()
        assert proc.alive(named.pid)
        assert 0 <= process_cpu(named.pid) < 60
        named.stdin.close()
        named.wait()
        assert process_cpu(named.pid) is None
