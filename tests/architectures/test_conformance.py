"""Every architecture passes the public conformance suite, and each scenario fits just those that have the place."""

import click
import pytest
from click.testing import CliRunner
from shapes import SHAPES

from teachserve import conformance
from teachserve.architectures import NAMES, find
from teachserve.cli.check import command
from teachserve.conformance import CHECKS, Result, run_one
from teachserve.taskmaster import Taskmaster

UNFIT = {
    "single-thread": {"begin", "hand_over", "handed_over", "taken", "recycle"},
    "thread-per-connection": {"hand_over", "handed_over", "taken", "recycle"},
    "thread-pool": {"begin", "recycle"},
    "recycling": {"begin", "hand_over", "handed_over", "taken"},  # with a standby of 1 they fit, see below
    "event-loop": {"begin", "hand_over", "handed_over", "taken", "idle", "recycle"},
    "event-loop-offload": {"begin", "idle", "recycle"},
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_conformance(shape: str, check: str) -> None:
    architecture, options = SHAPES[shape]
    result = run_one(check, architecture, **options)
    assert result.failure == ""
    place = check.removeprefix("soft_stop_").removeprefix("abandon_")
    assert result.fits == (place == check or place not in UNFIT[shape])


@pytest.mark.parametrize("place", ["begin", "hand_over", "handed_over", "taken"])
@pytest.mark.parametrize("end", ["soft_stop", "abandon"])
def test_recycling_with_its_last_acceptor_gone(end: str, place: str) -> None:
    result = run_one(f"{end}_{place}", "recycling", standby=1)
    assert (result.failure, result.fits) == ("", True)


# ---- the suite finds what is wrong ---------------------------------------------------------------------------------


class NeverAnswers(Taskmaster):
    """Accepts, and closes at once."""

    def start(self) -> None:
        self.spawn(self.work, role="worker")

    def work(self) -> None:
        while (connection := self.accept()) is not None:
            self.close(connection)


class LosesWhatWasAccepted(Taskmaster):
    """Serves, unless the server stops: then it drops the connection."""

    def start(self) -> None:
        self.spawn(self.work, role="worker")

    def work(self) -> None:
        while (connection := self.accept()) is not None:
            if self.stopping:
                self.close(connection)
            else:
                self.serve(connection)


class EndsAfterOne(Taskmaster):
    """Its only worker serves one connection and ends."""

    def start(self) -> None:
        self.spawn(self.work, role="worker")

    def work(self) -> None:
        if (connection := self.accept()) is not None:
            self.serve(connection)


@pytest.mark.parametrize(
    ("broken", "check"),
    [(NeverAnswers, "keep_alive"), (LosesWhatWasAccepted, "soft_stop_accepted"), (NeverAnswers, "soft_stop_accepted")],
)
def test_a_broken_taskmaster_fails(broken: type[Taskmaster], check: str) -> None:
    assert run_one(check, broken).failure


def test_a_worker_that_ends_leaves_a_client_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance.client, "PATIENCE_S", 0.2)
    assert "timed out" in run_one("leavers", EndsAfterOne).failure


# ---- the command ---------------------------------------------------------------------------------------------------


def _check(*args: str):
    return CliRunner().invoke(command, list(args), standalone_mode=False)


def test_check_prints_a_line_for_each_check_and_returns_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "CHECKS", {name: CHECKS[name] for name in ("close", "soft_stop_recycle")})
    result = _check("single-thread")
    assert result.return_value == 0
    assert result.stdout.splitlines() == [
        f"ok      close: {CHECKS['close'].sentence}",
        f"-       soft_stop_recycle: {CHECKS['soft_stop_recycle'].sentence}",
        "single-thread: 1 ok, 0 failed, 1 do not fit",
    ]


def test_check_says_what_failed_and_returns_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "CHECKS", {"close": CHECKS["close"]})
    result = _check(f"{__name__}:NeverAnswers")
    assert result.return_value == 1
    assert result.stdout.startswith(f"FAILED  close: {CHECKS['close'].sentence} But: ")


def test_check_of_an_unknown_class_is_a_usage_error() -> None:
    result = _check("teachserve.taskmaster:Nobody")
    assert isinstance(result.exception, click.UsageError)
    assert "Nobody" in result.exception.format_message()


def test_every_check_has_a_sentence_and_a_result_says_so() -> None:
    assert all(check.sentence.endswith(".") for check in CHECKS.values())
    assert Result("name", "A sentence.").failure == ""
    assert {find(name)[0] for name in NAMES} == set(NAMES)
