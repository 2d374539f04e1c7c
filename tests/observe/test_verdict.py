"""The rules of judging, one line of the kernel's at a time; and the numbers by which the kernel names its calls."""

import re
from pathlib import Path

import pytest

from teachserve.events import State
from teachserve.observe.syscalls import ANY_CALL, EXPECTED, FUTEX, NAMES, NUMBERS, RUNTIME, WITH_DESCRIPTOR
from teachserve.observe.verdict import MEANING, Shares, Verdict, judge

S, V = State, Verdict
GIL_AT, LOCK_AT = 0x7F00, 0x5500


def line(call: str, first: int = 0, machine: str = "x86_64") -> bytes:
    return f"{NUMBERS[machine][call]} {first:#x} 0x0 0x0 0x0 0x0 0x0 0x7ffc0 0x7f3a\n".encode()


def verdict(state: State, descriptor: int, asked: bytes, machine: str = "x86_64") -> Verdict:
    return judge(state, descriptor, asked, NAMES[machine], lambda address: address == GIL_AT).verdict


@pytest.mark.parametrize(
    ("state", "call", "expected"),
    [
        (S.ACCEPTING, "accept", V.CONFIRMED),
        (S.ACCEPTING, "accept4", V.CONFIRMED),
        (S.ACCEPTING, "recvfrom", V.DIFFERS),
        (S.READING, "recvfrom", V.CONFIRMED),
        (S.READING, "read", V.CONFIRMED),
        (S.READING, "sendto", V.DIFFERS),
        (S.READING, "clock_nanosleep", V.DIFFERS),
        (S.IDLE, "recvfrom", V.CONFIRMED),
        (S.IDLE, "accept4", V.DIFFERS),
        (S.WRITING, "sendto", V.CONFIRMED),
        (S.WRITING, "sendfile", V.CONFIRMED),
        (S.WRITING, "recvfrom", V.DIFFERS),
        (S.WAITING, "read", V.CONFIRMED),
        (S.WAITING, "recvfrom", V.DIFFERS),
        (S.WAITING_FOR_PLACE, "read", V.CONFIRMED),
        (S.SELECTING, "epoll_wait", V.CONFIRMED),
        (S.SELECTING, "epoll_pwait2", V.CONFIRMED),
        (S.SELECTING, "accept4", V.DIFFERS),
        (S.LINGERING, "epoll_wait", V.CONFIRMED),
        (S.ACCEPTED, "recvfrom", V.DIFFERS),
        (S.STARTING, "accept4", V.DIFFERS),
        (S.RECYCLING, "accept4", V.DIFFERS),
        (S.CREATING, "clone3", V.CONFIRMED),
        (S.CREATING, "accept4", V.DIFFERS),
        (S.BACKING_OFF, "clock_nanosleep", V.CONFIRMED),
        (S.BACKING_OFF, "accept4", V.DIFFERS),
    ],
)
def test_a_call_that_the_state_allows_is_confirmed_and_another_differs(state, call, expected):
    assert verdict(state, 7, line(call, 7)) is expected


@pytest.mark.parametrize("state", [state for state in State if EXPECTED[state].descriptor])
def test_the_right_call_on_the_wrong_descriptor_differs(state):
    for call in EXPECTED[state].calls & NUMBERS["x86_64"].keys():
        assert verdict(state, 7, line(call, 7)) is V.CONFIRMED
        assert verdict(state, 8, line(call, 7)) is V.DIFFERS
        assert verdict(state, 0, line(call, 7)) is V.DIFFERS


@pytest.mark.parametrize("state", State)
def test_a_futex_is_the_gil_or_a_lock_and_never_a_judgement(state):
    assert verdict(state, 0, line("futex", GIL_AT)) is V.GIL
    assert verdict(state, 0, line("futex", LOCK_AT)) is V.RUNTIME
    assert not FUTEX & EXPECTED[state].calls


@pytest.mark.parametrize("state", State)
def test_what_the_interpreter_does_for_itself_is_no_judgement(state):
    for call in RUNTIME:
        assert verdict(state, 0, line(call)) is V.RUNTIME


@pytest.mark.parametrize("call", sorted(NUMBERS["x86_64"].keys() - RUNTIME - FUTEX))
def test_the_handler_may_block_in_any_call(call):
    assert verdict(S.HANDLING, 0, line(call, 3)) is V.CONFIRMED
    assert [state for state in State if EXPECTED[state] is ANY_CALL] == [S.HANDLING]


@pytest.mark.parametrize("asked", [b"running\n", b"-1 0x7ffc0 0x7f3a\n"])
@pytest.mark.parametrize("state", [S.ACCEPTING, S.HANDLING])
def test_a_thread_in_no_call_is_running(state, asked):
    assert verdict(state, 3, asked) is V.RUNNING


def test_a_call_that_has_no_name_here_is_shown_by_its_number():
    found = judge(S.READING, 7, b"9999 0x7 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n", NAMES["x86_64"], lambda _: False)
    assert (found.verdict, found.call, found.descriptor) == (V.DIFFERS, "syscall 9999", None)
    assert found.reason == "reading blocks in read or recvfrom or recvmsg, the kernel says syscall 9999"


def test_a_state_that_does_not_block_says_so_in_its_reason():
    found = judge(S.ACCEPTED, 0, line("recvfrom", 5), NAMES["x86_64"], lambda _: False)
    assert found.reason == "accepted does not block, the kernel says recvfrom on descriptor 5"


def test_a_negative_descriptor_is_cut_to_its_32_bits():
    assert verdict(S.READING, 7, line("recvfrom", 0xFFFFFFFF00000007)) is V.CONFIRMED


@pytest.mark.parametrize("machine", NUMBERS)
def test_each_state_that_blocks_can_be_confirmed_on_each_machine(machine):
    for state, expected in EXPECTED.items():
        known = expected.calls & NUMBERS[machine].keys()
        assert bool(known) == bool(expected.calls)
        for call in known:
            assert verdict(state, 4, line(call, 4, machine), machine) is V.CONFIRMED


@pytest.mark.parametrize("machine", NUMBERS)
def test_no_number_has_two_names_and_no_expected_call_is_misspelt(machine):
    assert len(NAMES[machine]) == len(NUMBERS[machine])
    named = WITH_DESCRIPTOR | RUNTIME | FUTEX | {call for expected in EXPECTED.values() for call in expected.calls}
    assert named <= NUMBERS["x86_64"].keys()


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernels_own_header(machine, header):
    if not Path(header).is_file():
        pytest.skip(f"{header} is not installed")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text(), re.MULTILINE)
    told = {{"fstatat": "newfstatat"}.get(name, name): int(number) for name, number in found}
    assert {name: told.get(name) for name in NUMBERS[machine]} == NUMBERS[machine]


def test_shares_of_all_samples_sum_to_one_and_agreement_leaves_the_unjudged_out():
    shares = Shares(confirmed=6, moved=1, running=2, gil=3, runtime=5, differs=3)
    assert shares.samples == 20
    assert shares.judged == 9
    assert shares.agreement == pytest.approx(2 / 3)
    assert shares.coverage == 0.45
    assert shares.share(V.GIL) == 0.15
    assert sum(shares.share(one) for one in Verdict) == pytest.approx(1.0)
    assert [shares.count(one) for one in Verdict] == [6, 1, 2, 3, 5, 3]


def test_without_samples_there_is_no_agreement_rather_than_a_good_one():
    assert (Shares().agreement, Shares().coverage, Shares().share(V.CONFIRMED)) == (None, None, 0.0)
    assert Shares(running=9).agreement is None
    assert Shares(running=9).coverage == 0.0


def test_shares_add_up():
    assert Shares(1, 2, 3, 4, 5, 6) + Shares(differs=1) == Shares(1, 2, 3, 4, 5, 7)


def test_each_verdict_has_a_meaning_and_the_gil_is_called_inferred():
    assert set(MEANING) == set(Verdict)
    assert "inferred" in MEANING[V.GIL]
