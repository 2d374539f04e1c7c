"""The dashboard itself may have a mistake: it ends then, soon, and says in which line. To leave early is no mistake."""

from collections.abc import Callable

import pytest
from demo.pictures import picture
from textual.app import ComposeResult
from textual.screen import Screen

from teachserve.dashboard.app import Dashboard
from teachserve.dashboard.compare_app import CompareApp
from teachserve.dashboard.window import Window

from . import board, comparisons

BOTH = pytest.mark.parametrize(
    ("made", "source"),
    [
        (Dashboard, lambda: board.Given(picture())),
        (CompareApp, lambda: comparisons.Given(comparisons.comparison())),
    ],
    ids=["demo", "compare"],
)
Source = Callable[[], board.Given | comparisons.Given]


@pytest.mark.timeout(60)
@BOTH
def test_a_dashboard_that_breaks_ends_and_leaves_no_thread_that_reads(
    made: type[Window], source: Source, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    app = made(source())

    def break_down() -> None:
        told = "a value that nobody needs to see"
        raise RuntimeError(f"[b]broken[/b] {len(told)}")

    broken_at = break_down.__code__.co_firstlineno + 2
    app.when_drawn = break_down
    app.run(headless=True, size=(80, 24))
    assert app.return_code == 1
    assert app.source.closed.is_set()
    said = capsys.readouterr().err
    assert "RuntimeError: [b]broken[/b] 32" in said
    assert f'File "{__file__}", line {broken_at}, in break_down' in said  # whole, however narrow the terminal
    assert "nobody needs to see'" not in said  # the values of local names, of which there may be thousands


@pytest.mark.timeout(60)
@BOTH
def test_who_leaves_while_the_screen_is_being_made_sees_no_failure(
    made: type[Window], source: Source, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = made(source())
    screen = type(app.get_default_screen())
    compose = screen.compose

    def leave_and_compose(self: Screen) -> ComposeResult:
        self.app.action_end()
        yield from compose(self)

    monkeypatch.setattr(screen, "compose", leave_and_compose)
    app.run(headless=True, size=(80, 24))
    assert not app.return_code
    assert capsys.readouterr().err == ""


@pytest.mark.timeout(60)
@BOTH
def test_what_breaks_while_leaving_is_said_too(
    made: type[Window], source: Source, capsys: pytest.CaptureFixture
) -> None:
    app = made(source())

    def leave_and_break() -> None:
        app.action_end()
        raise RuntimeError("broken while leaving")

    app.when_drawn = leave_and_break
    app.run(headless=True, size=(80, 24))
    assert app.return_code == 1
    assert "RuntimeError: broken while leaving" in capsys.readouterr().err
