"""What two sides can be, and one line for what they cannot."""

import sysconfig

import pytest

from teachserve.compare.sides import CompareError, Side, difference, differing, sides_of
from teachserve.errors import TeachserveError


def sides(*architectures: str, own: tuple[str, ...] = (), gil: tuple[bool, ...] = (), **options: object):
    return sides_of(architectures, options, own, gil)


def test_two_architectures_with_the_same_options() -> None:
    first, second = sides("recycling", "thread-pool", delay="1ms", backlog="64")
    assert (first.name, second.name) == ("A recycling", "B thread-pool")
    assert first.options == second.options == {"delay": 0.001, "backlog": 64}
    assert difference(first, (first, second)) == "standby 8, max_threads 100"
    assert difference(second, (first, second)) == "threads 8, max_accepts 120"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("standby", "2,32", ("standby 2", "standby 32")),
        ("delay", "0,20ms", ("delay 0us", "delay 20ms")),
        ("delay", "none,1ms", ("delay none", "delay 1ms")),
        ("backlog", "1,128", ("backlog 1", "backlog 128")),
        ("graceful_timeout", "1s,2s", ("graceful_timeout 1s", "graceful_timeout 2s")),
        ("delay_kind", "sleep,cpu", ("delay_kind sleep", "delay_kind cpu")),
    ],
)
def test_one_architecture_with_two_values_of_an_option(option: str, value: str, words: tuple[str, str]) -> None:
    both = sides("recycling", **{option: value})
    assert differing(both) == [option]
    assert tuple(difference(side, both) for side in both) == words
    assert [side.architecture for side in both] == ["recycling", "recycling"]


def test_an_option_of_one_side_alone_is_named_by_its_letter_or_its_architecture() -> None:
    both = sides("recycling", "thread-pool", own=("recycling:standby=2", "B:threads=4", "B:max-accepts=9"))
    assert both[0].options == {"standby": 2}
    assert both[1].options == {"threads": 4, "max_accepts": 9}


def test_an_option_of_an_architecture_that_is_on_both_sides_is_both_sides() -> None:
    with pytest.raises(CompareError, match="both sides are recycling with the same options"):
        sides("recycling", "recycling", own=("recycling:standby=2",))


MISTAKES = [
    ((), {}, "name two architectures, or one and two values of an option"),
    (("recycling", "thread-pool", "event-loop"), {}, "name two architectures"),
    (("recycling",), {}, "both sides are recycling with the same options: name another architecture"),
    (("recycling", "recycling"), {"standby": "8"}, "both sides are recycling with the same options"),
    (("recycling", "recycling"), {"standby": "8,8"}, "both sides are recycling with the same options"),
    (("recyclin", "thread-pool"), {}, "did you mean recycling?"),
    (("recycling", "thread-pool"), {"threads": "4"}, "threads means nothing to recycling, side A: leave --threads out, or"),
    (("recycling", "thread-pool"), {"threads": "4"}, "--set B:threads=4"),
    (("recycling", "thread-pool"), {"standby": "4"}, "standby means nothing to thread-pool, side B"),
    (("recycling",), {"standby": "2,4,8"}, "--standby 2,4,8: give one value for both sides, or two"),
    (("recycling",), {"standby": "2,many"}, "standby must be a whole number"),
    (("recycling",), {"standby": "2,"}, "standby must be a whole number"),
    (("recycling",), {"standby": "2,200", "max_threads": "100"}, "standby must be at most max_threads"),
    (("recycling", "thread-pool"), {"own": ("standby=2",)}, "--set standby=2: write SIDE:OPTION=VALUE"),
    (("recycling", "thread-pool"), {"own": ("A:standby",)}, "--set A:standby: write SIDE:OPTION=VALUE"),
    (("recycling", "thread-pool"), {"own": ("C:standby=2",)}, "'C' is no side; the sides are A recycling and B thread-pool"),
    (("recycling", "thread-pool"), {"own": ("A:standbye=2",)}, "there is no option 'standbye'"),
    (("recycling", "thread-pool"), {"own": ("A:port=2",)}, "there is no option 'port'"),
]  # fmt: skip


@pytest.mark.parametrize(("architectures", "options", "says"), MISTAKES)
def test_a_mistake_is_one_line_that_says_what_to_do(architectures: tuple, options: dict, says: str) -> None:
    with pytest.raises(TeachserveError) as refusal:
        sides(*architectures, **options)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_gil_is_a_difference_where_python_can_do_without(monkeypatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: 1)
    both = sides("recycling", gil=(True, False))
    assert [difference(side, both) for side in both] == ["GIL on", "GIL off"]
    with pytest.raises(CompareError, match="--gil takes one value for both sides, or two"):
        sides("recycling", gil=(True, False, True))


def test_the_gil_is_no_choice_where_python_always_has_one(monkeypatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: 0)
    with pytest.raises(CompareError, match="--gil needs a free-threaded Python"):
        sides("recycling", gil=(True, False))


def test_a_side_has_a_name() -> None:
    assert Side("A", "mine:Own").name == "A mine:Own"
