"""The dashboard itself may have a mistake: it ends then, soon, and says in which line."""

import pytest
from demo.pictures import picture

from teachserve.dashboard.app import Dashboard

from .board import Given


@pytest.mark.timeout(60)
def test_a_dashboard_that_breaks_ends_and_leaves_no_thread_that_reads(capsys: pytest.CaptureFixture) -> None:
    source = Given(picture())
    app = Dashboard(source)

    def break_down() -> None:
        told = "a value that nobody needs to see"
        raise RuntimeError(f"[b]broken[/b] {len(told)}")

    app.when_drawn = break_down
    app.run(headless=True, size=(80, 24))
    assert app.return_code == 1
    assert "close" in source.asked
    said = capsys.readouterr().err
    assert "RuntimeError: [b]broken[/b] 32" in said
    assert "in break_down" in said
    assert "nobody needs to see'" not in said  # the values of local names, of which there may be thousands
