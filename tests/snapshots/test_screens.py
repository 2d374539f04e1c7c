"""What each view shows of a recorded trace is what is committed; `python -m tests.snapshots.screens` draws it anew."""

import pytest

from .screens import ASCII, SCREENS, Screen, draw


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_view_of_a_recorded_trace_is_as_it_was(screen: Screen) -> None:
    assert draw(screen) == screen.file.read_text()


def test_the_same_screens_in_ascii_hold_ascii() -> None:
    assert all(screen.file.read_text().isascii() for screen in SCREENS if screen.look is ASCII)


def test_without_colour_every_word_stays() -> None:
    plain = next(screen for screen in SCREENS if not screen.look.colour)
    coloured = plain._replace(look=Screen("", 0, "").look, note="")
    assert plain.file.read_text() == coloured.file.read_text()
