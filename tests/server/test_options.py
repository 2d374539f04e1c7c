"""Every declared option, in one loop each; and what the options say of each other and of the architecture."""

import re
import sys

import pytest

from teachserve.architectures import NAMES, find
from teachserve.cli.options import given
from teachserve.errors import AddressError, OptionError, TeachserveError, UnknownArchitecture
from teachserve.options import DECLARED, OPTIONS, Option, Options, parse_duration
from teachserve.server import Server
from teachserve.taskmaster import Taskmaster

EVERY = frozenset(OPTIONS)
NUMBERS = [option for option in DECLARED if not isinstance(option.default, str)]
BOUNDED = [option for option in NUMBERS if option.maximum != float("inf")]


def _options(**given: object) -> Options:
    return Options("all", EVERY, given)


def test_every_option_keeps_its_default_and_its_default_obeys_its_rule():
    for option in DECLARED:
        assert getattr(_options(), option.name) == option.parse(option.default) == option.default
        assert option.sentence.endswith(".")
        assert option.scope in ("server", "architecture", "handler")


@pytest.mark.parametrize("option", BOUNDED, ids=lambda option: option.name)
def test_both_bounds_are_allowed_and_what_lies_beyond_is_refused(option: Option):
    for bound in (option.minimum, option.maximum):
        value = bound if option.unit == "seconds" else int(bound)
        assert option.parse(value) == option.parse(str(value)) == bound
    for beyond in (option.minimum - 1, option.maximum + 1):
        with pytest.raises(OptionError):
            option.parse(beyond if option.unit == "seconds" else int(beyond))


@pytest.mark.parametrize("option", [o for o in DECLARED if o.name != "host"], ids=lambda option: option.name)
def test_an_error_names_option_value_rule_and_remedy(option: Option):
    with pytest.raises(OptionError) as caught:
        _options(**{option.name: "rubbish"})
    (line,) = str(caught.value).splitlines()
    for part in (f"{option.name} must be {option.rule}", f"{option.name}=rubbish", option.flag):
        assert part in line


@pytest.mark.parametrize("option", DECLARED, ids=lambda option: option.name)
def test_the_environment_gives_a_value_and_the_command_line_wins(option: Option, monkeypatch: pytest.MonkeyPatch):
    value, other = ("sleep", "cpu") if option.choices else ("1", "2")
    if option.name.startswith("limit_"):
        value, other = "100", "200"
    monkeypatch.setenv(f"TEACHSERVE_{option.name.upper()}", value)
    assert given({option.name: None}) == {option.name: option.parse(value)}
    assert given({option.name: other}) == {option.name: option.parse(other)}
    if option.name != "host":
        monkeypatch.setenv(f"TEACHSERVE_{option.name.upper()}", "rubbish")
        with pytest.raises(OptionError, match=f"environment variable TEACHSERVE_{option.name.upper()}"):
            given({option.name: None})


@pytest.mark.parametrize("architecture", NAMES)
def test_an_option_that_means_nothing_to_an_architecture_is_refused(architecture: str):
    used = find(architecture)[1].used_options()
    for option in DECLARED:
        if option.scope != "architecture":
            continue
        if option.name in used:
            assert getattr(Server(None, architecture, **{option.name: 3}).options, option.name) == 3
            continue
        with pytest.raises(OptionError) as caught:
            Server(None, architecture, **{option.name: 3})
        assert str(caught.value).startswith(f"{option.name} means nothing to {architecture}: {option.name}=3; leave ")


def test_the_options_that_each_architecture_uses():
    assert {name: set(find(name)[1].used_options()) for name in NAMES} == {
        "single-thread": set(),
        "thread-per-connection": {"max_threads", "max_accepts"},
        "thread-pool": {"threads", "max_accepts"},
        "recycling": {"standby", "max_threads"},
        "event-loop": {"offload", "max_accepts"},
    }


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"standby": 200, "max_threads": 100}, "standby must be at most max_threads: standby=200, max_threads=100; "),
        ({"threads": 9, "max_accepts": 8}, "threads must be at most max_accepts: threads=9, max_accepts=8; "),
        ({"max_threads": 8, "max_accepts": 8}, "max_threads must be less than max_accepts: max_threads=8, "),
    ],
)
def test_two_options_that_contradict_each_other(options: dict, rule: str):
    with pytest.raises(OptionError, match="^" + re.escape(rule)) as caught:
        _options(**options)
    small, large = options
    assert str(caught.value).endswith(f"lower {OPTIONS[small].flag} or raise {OPTIONS[large].flag}")


def test_a_default_that_nobody_asked_for_gives_way():
    assert _options(standby=200).max_threads >= 200
    assert _options(max_threads=5).standby <= 5
    assert _options(max_accepts=4).threads <= 4


def test_an_unknown_option_is_refused_with_the_list():
    with pytest.raises(OptionError, match="there is no option treads: the options are host, port, "):
        Server(None, "thread-pool", treads=3)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("2s", 2), ("1m", 60), ("1h", 3600), ("3", 3), (".5", 0.5), ("10us", 1e-5)]
)
def test_durations(text: str, seconds: float):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "s", "1d", "-1s", "1 2", True, None, "nan", "inf"])
def test_what_is_no_duration(value: object):
    with pytest.raises(OptionError):
        OPTIONS["graceful_timeout"].parse(value)


@pytest.mark.parametrize("value", [True, 1.5, "1.5", None, float("nan")])
def test_what_is_no_whole_number(value: object):
    with pytest.raises(OptionError):
        OPTIONS["threads"].parse(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_duration_is_a_real_number(value: float):
    with pytest.raises(OptionError):
        OPTIONS["graceful_timeout"].parse(value)


# ---- architectures -------------------------------------------------------------------------------------------------


class Mine(Taskmaster):
    """An architecture of the test's own."""

    def start(self) -> None:
        self.spawn(self.work, role="worker")

    def work(self) -> None:
        while (connection := self.accept()) is not None:
            self.serve(connection)


@pytest.mark.parametrize("arch", [Mine, f"{__name__}:Mine"])
def test_an_architecture_is_a_class_or_module_and_class(arch):
    assert type(Server(None, arch)._class) is type
    assert Server(None, arch)._class.__name__ == "Mine"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("recyling", "did you mean recycling?"),
        ("thread-pol", "did you mean thread-pool?"),
        ("zzz", "give one of single-thread, thread-per-connection, "),
        ("nowhere.at.all:Class", "cannot import 'nowhere.at.all'"),
        ("teachserve.architectures.recycling:Nobody", "it defines "),
        ("json:loads", "json has no taskmaster 'loads'"),
    ],
)
def test_an_unknown_architecture_says_what_comes_close(wrong: str, says: str):
    with pytest.raises(UnknownArchitecture) as caught:
        Server(None, wrong)
    assert says in str(caught.value)
    assert isinstance(caught.value, TeachserveError)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("no_name", r"cannot import broken:Mine: NameError: name 'no_name' is not defined, at .*broken\.py:1"),
        ("raise SystemExit(0)", r"cannot import broken:Mine: SystemExit: 0, at .*broken\.py:1"),
        ("def app(", r"cannot import broken:Mine: SyntaxError: '\(' was never closed \(broken\.py, line 1\)"),
        ("import no_such_module", r"cannot import 'broken' \(No module named 'no_such_module'\)"),
    ],
)
def test_a_module_that_breaks_while_it_is_imported_is_told_in_a_line(tmp_path, monkeypatch, source: str, says: str):
    (tmp_path / "broken.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    with pytest.raises(UnknownArchitecture, match=says) as caught:
        Server(None, "broken:Mine")
    assert "\n" not in str(caught.value)


def test_a_name_of_the_taskmasters_may_not_be_hidden():
    class Hides(Mine):
        def serve(self, connection):
            return None

    server = Server(None, Hides)
    with pytest.raises(TeachserveError, match="hides a name of Taskmaster"):
        server.start()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"host": "192.0.2.1"}, "host 192.0.2.1 is no address of this machine"),
        ({"host": "no such host"}, "is no address of this machine"),
    ],
)
def test_an_address_that_is_not_ours(options: dict, says: str):
    with pytest.raises(AddressError, match=says):
        Server(None, **options).start()


def test_a_port_in_use_says_so_and_what_to_do():
    with Server() as first, pytest.raises(AddressError) as caught:
        Server(None, port=first.port).start()
    assert str(caught.value) == (
        f"port {first.port} on 127.0.0.1 is in use: choose another with --port, or --port 0 for a free one"
    )
